"""How a tree with its tiles grows, the same in every store."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from registry.transparency.merkle import Frontier, leaf_hash, perfect_root
from registry.transparency.tiles import TILE_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What is added to a tree.

    Attributes:
        hashes: per level of tiles, where the new ones begin, and the new ones.
    """

    frontier: Frontier
    hashes: tuple[tuple[int, tuple[bytes, ...]], ...] = field(repr=False)


def first_needed(size: int, level: int) -> int:
    """From which hash of a level on those that are stored are needed to grow: the start of its last tile that is not full."""
    count = size >> (8 * level)
    return count - count % TILE_WIDTH


def grow(frontier: Frontier, leaves: Sequence[bytes], rest: Sequence[Sequence[bytes]]) -> Growth:
    """Work out what is added by these leaves.

    Args:
        frontier: the tree before.
        leaves: at least one.
        rest: per level of tiles, the hashes of the last tile, from `first_needed` on.
    """
    new = [leaf_hash(each) for each in leaves]
    grown = frontier.push(new)
    found: list[tuple[int, tuple[bytes, ...]]] = []
    level = 0
    while new:
        count = frontier.size >> (8 * level)
        found.append((count, tuple(new)))
        row = [*(rest[level] if level < len(rest) else ()), *new]
        new = [perfect_root(row[at : at + TILE_WIDTH]) for at in range(0, len(row) - TILE_WIDTH + 1, TILE_WIDTH)]
        level += 1
    return Growth(frontier=grown, hashes=tuple(found))
