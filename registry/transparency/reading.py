"""Reading logs of others: checkpoints, leaves, and proofs worked out from tiles. Nothing here decides whom to believe."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from credentials.errors import CredentialError, MalformedError, UntrustedError
from registry.errors import PeerLogError
from registry.ports import Peers
from registry.service import ServiceDefinition
from registry.transparency.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint
from registry.transparency.merkle import (
    HASH_BYTES,
    Frontier,
    Node,
    consistency_ranges,
    frontier_nodes,
    is_consistent,
    perfect_nodes,
)
from registry.transparency.note import MAX_NOTE_BYTES
from registry.transparency.tiles import (
    MAX_BUNDLE_BYTES,
    TILE_WIDTH,
    Tile,
    TileHashes,
    bundles,
    parse_bundle,
    parse_tile,
    tiles_for,
)

LOG_PATH: Final = "/log"
"""Where a log is, below the address of its list."""


class LogReader:
    """Reads through the port to others; every error is a `TransferError` or a `PeerLogError`."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._last: dict[
            str, tuple[ServiceDefinition, bytes, SignedCheckpoint]
        ] = {}  # per source: mostly nothing is new

    async def checkpoint(self, source: str, service: ServiceDefinition, now: datetime) -> SignedCheckpoint:
        """Fetch and verify a checkpoint; the service has a log key.

        Raises:
            TransferError: it can't be had.
            PeerLogError: it is not one, or not signed by the log.
        """
        if service.log_key is None:
            raise PeerLogError("the definition of the service has no log_key")
        body = await self._peers.get(f"{source}{LOG_PATH}/checkpoint", max_bytes=MAX_NOTE_BYTES)
        last = self._last.get(source)
        if last is not None and last[0] is service and last[1] == body:
            return last[2]
        try:
            signed = read_checkpoint(body, service.log_key, service.witnesses, now)
        except (MalformedError, UntrustedError) as error:
            raise PeerLogError(str(error)) from error
        self._last[source] = (service, body, signed)
        return signed

    async def leaves(self, source: str, start: int, end: int) -> AsyncIterator[Sequence[bytes]]:
        """Fetch the leaves from ``start`` of a tree of ``end`` leaves, a bundle at a time.

        Raises:
            TransferError: one can't be had.
            PeerLogError: one is not a bundle.
        """
        for tile in bundles(start, end):
            body = await self._fetch(source, tile, MAX_BUNDLE_BYTES)
            try:
                leaves = parse_bundle(body, tile)
            except CredentialError as error:
                raise PeerLogError(str(error)) from error
            yield leaves[max(start - tile.index * TILE_WIDTH, 0) :]

    async def frontier(self, source: str, size: int, tree: int) -> Frontier:
        """Fetch the right edge that a tree of ``tree`` leaves had when it had ``size``; believed no further than its root."""
        nodes = frontier_nodes(size)
        tiles = await self._tiles(source, nodes, tree)
        return Frontier(size=size, nodes=tuple(tiles.node(node) for node in nodes))

    async def is_beginning(self, source: str, first: Checkpoint, second: Checkpoint) -> bool:
        """Whether tiles of ``source`` prove that one tree is the beginning of the other.

        Raises:
            TransferError: a tile can't be had.
            PeerLogError: one is not a tile.
        """
        if first.size == 0:
            return True
        if first.size >= second.size:
            return first.size == second.size and first.root == second.root
        ranges = consistency_ranges(first.size, second.size)
        cut = [perfect_nodes(start, end) for start, end in ranges]
        tiles = await self._tiles(source, [node for nodes in cut for node in nodes], second.size)
        proof = [tiles.range(nodes) for nodes in cut]
        return is_consistent(first.size, first.root, second.size, second.root, proof)

    async def _tiles(self, source: str, nodes: Sequence[Node], tree: int) -> TileHashes:
        found: dict[Tile, tuple[bytes, ...]] = {}
        for tile in tiles_for(nodes, tree):
            body = await self._fetch(source, tile, TILE_WIDTH * HASH_BYTES)
            try:
                found[tile] = parse_tile(body, tile)
            except CredentialError as error:
                raise PeerLogError(str(error)) from error
        return TileHashes(size=tree, tiles=found)

    async def _fetch(self, source: str, tile: Tile, max_bytes: int) -> bytes:
        return await self._peers.get(f"{source}{LOG_PATH}/tile/{tile.path}", max_bytes=max_bytes)
