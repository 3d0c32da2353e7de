"""A log as immutable files (C2SP tlog-tiles): tiles of 256 hashes, bundles of 256 leaves, and what their paths are called.

The hashes of level L are roots over 256^L leaves each, so four levels cover four thousand million leaves. Which files a proof takes
is worked out here (`tiles_for`); `TileHashes` is what was fetched, and answers for every perfect subtree.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from credentials.errors import MalformedError
from registry.transparency.merkle import HASH_BYTES, Node, perfect_root, range_root

TILE_WIDTH: Final = 256
"""Hashes in a full tile, leaves in a full bundle."""
TILE_HEIGHT: Final = 8
"""Levels of the tree between two levels of tiles."""
MAX_TILE_LEVEL: Final = 6
"""Highest level of tiles there can be."""
MAX_LEAF_BYTES: Final = 4_096
"""Bytes of one leaf that we read; ours are some 300."""
MAX_BUNDLE_BYTES: Final = TILE_WIDTH * (MAX_LEAF_BYTES + 2)
"""Bytes of a bundle that we read."""
MAX_PATH: Final = 64

_PATH: Final = re.compile(
    r"(?P<level>[0-9]|entries)/(?P<index>(?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One file.

    Attributes:
        level: of the hashes; None is a bundle of leaves.
        index: from 0.
        width: hashes or leaves in it, 256 when it is full.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it is served, below ``tile/``."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{each}" for each in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{name}" + ("" if self.width == TILE_WIDTH else f".p/{self.width}")

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """Read what stands behind ``tile/``, in its only spelling.

        Raises:
            MalformedError: not the path of a tile.
        """
        found = _PATH.fullmatch(path) if len(path) <= MAX_PATH else None
        if found is None:
            raise MalformedError("not the path of a tile")
        level = None if found["level"] == "entries" else int(found["level"])
        width = TILE_WIDTH if found["width"] is None else int(found["width"])
        tile = cls(level, int(found["index"].replace("x", "").replace("/", "")), width)
        if tile.path != path or (level is not None and level > MAX_TILE_LEVEL):
            raise MalformedError("not the path of a tile")
        return tile


def width_of(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in a tree of this size; 0 when it is not there."""
    return min(max((size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH, 0), TILE_WIDTH)


def bundles(start: int, end: int) -> tuple[Tile, ...]:
    """The bundles that hold the leaves from ``start`` until ``end``, as a tree of ``end`` leaves has them."""
    return tuple(
        Tile(None, index, width_of(0, index, end)) for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH))
    )


def tile_of(node: Node, size: int) -> Tile:
    """The tile that a node can be worked out from, in a tree of this size."""
    level = node.level // TILE_HEIGHT
    index = (node.index << (node.level % TILE_HEIGHT)) // TILE_WIDTH
    return Tile(level, index, width_of(level, index, size))


def tiles_for(nodes: Iterable[Node], size: int) -> tuple[Tile, ...]:
    """The tiles to fetch to know these nodes, each once."""
    return tuple(dict.fromkeys(tile_of(node, size) for node in nodes))


@dataclass(frozen=True, slots=True, kw_only=True)
class TileHashes:
    """Tiles of a tree of a certain size. What is in them is believed no further than the roots that come out."""

    size: int
    tiles: Mapping[Tile, tuple[bytes, ...]] = field(repr=False)

    def node(self, node: Node) -> bytes:
        """Hash of a perfect subtree."""
        tile = tile_of(node, self.size)
        within = node.level % TILE_HEIGHT
        first = (node.index << within) - tile.index * TILE_WIDTH
        return perfect_root(self.tiles[tile][first : first + (1 << within)])

    def range(self, nodes: Sequence[Node]) -> bytes:
        """Root over the perfect subtrees of one range."""
        return range_root([self.node(each) for each in nodes])


def parse_tile(body: bytes, tile: Tile) -> tuple[bytes, ...]:
    """Read the hashes of a tile.

    Raises:
        MalformedError: not as long as it has to be.
    """
    if len(body) != tile.width * HASH_BYTES:
        raise MalformedError("tile: not as long as its name says")
    return tuple(body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES))


def bundle_to_wire(leaves: Iterable[bytes]) -> bytes:
    """Leaves one after another, each with two bytes of length before it."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def parse_bundle(body: bytes, tile: Tile) -> tuple[bytes, ...]:
    """Read the leaves of a bundle.

    Raises:
        MalformedError: cut off, with something behind it, a leaf too long, or not as many as its name says.
    """
    found: list[bytes] = []
    at = 0
    while at < len(body) and len(found) < tile.width:
        length = int.from_bytes(body[at : at + 2], "big")
        if length > MAX_LEAF_BYTES or at + 2 + length > len(body):
            raise MalformedError("bundle: a leaf is too long or cut off")
        found.append(body[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(body) or len(found) != tile.width:
        raise MalformedError("bundle: not as many leaves as its name says")
    return tuple(found)
