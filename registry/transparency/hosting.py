"""Serving logs: our own, signed by us; and copies that we mirror, as their host signed them and with our cosignature.

A checkpoint is signed when somebody asks and the log has grown since, and kept: the tree that it names is on disk before that.
"""

from datetime import timedelta
from typing import Final

from credentials.errors import MalformedError
from registry.errors import RejectedError
from registry.log import PAGE_ENTRIES, cut_page
from registry.messages import ListPage
from registry.ports import Clock, RegistryStore
from registry.service import ServiceDefinition
from registry.transparency.checkpoint import Checkpoint, cosign, cosigned_at, sign_checkpoint
from registry.transparency.keys import LogKeys
from registry.transparency.merkle import Frontier
from registry.transparency.note import SignedNote
from registry.transparency.ports import StoredTree
from registry.transparency.tiles import TILE_WIDTH, Tile, bundle_to_wire, width_of

COSIGN_AGAIN: Final = timedelta(hours=1)
"""A mirror says again that it looked when it has been this long, although nothing changed."""


class LogHost:
    """Logs that others may read here."""

    def __init__(self, store: RegistryStore, keys: LogKeys, clock: Clock) -> None:
        self.keys = keys
        self._store = store
        self._clock = clock

    async def checkpoint(self, service: ServiceDefinition) -> bytes:
        """The signed checkpoint.

        Raises:
            RejectedError: there is no log of this service here that can be served.
        """
        tree = await self._store.tree(service.id)
        if tree is None:
            await self._store.begin_log(service.id, self._clock.now())
            tree = await self._store.tree(service.id)
        if tree is not None and not tree.is_own:
            return self._copied(tree)
        frontier = Frontier() if tree is None else tree.frontier
        signer = self.keys.log(service)
        if tree is not None and tree.note and tree.noted == frontier.size and _is_of(tree.note, signer.verifier.name):
            return tree.note
        checkpoint = Checkpoint(origin=signer.verifier.name, size=frontier.size, root=frontier.root)
        note = sign_checkpoint(checkpoint, signer).note.to_wire()
        if tree is not None:
            await self._store.keep_note(service.id, frontier.size, note)
        return note

    async def tree(self, service: ServiceDefinition) -> StoredTree | None:
        """What is here of a log, our own or a copy."""
        return await self._store.tree(service.id)

    async def tile(self, service: ServiceDefinition, path: str) -> bytes:
        """A tile of hashes, or a bundle of leaves.

        Raises:
            MalformedError: not the path of a tile.
            RejectedError: the log has no such tile, or not here.
        """
        tile = Tile.from_path(path)
        tree = await self._store.tree(service.id)
        if tree is None or not tree.is_whole:
            raise _unknown()
        # Narrower than what there is now is a tile of an earlier tree: it is the beginning of this one.
        if tile.width > width_of(tile.level or 0, tile.index, tree.frontier.size):
            raise RejectedError("unknown_target", "the log has no such tile")
        start = tile.index * TILE_WIDTH
        end = start + tile.width
        if tile.level is None:
            return bundle_to_wire(await self._store.leaves(service.id, start, end))
        return b"".join(await self._store.tile_hashes(service.id, tile.level, start, end))

    async def page(self, service: ServiceDefinition, after: int) -> ListPage:
        """A page of a list that we mirror.

        Raises:
            RejectedError: we don't.
        """
        tree = await self._store.tree(service.id)
        if tree is None or tree.is_own or not tree.is_whole or not self.keys.is_mirror(service):
            raise _unknown()
        return cut_page(await self._store.log_after(service.id, after, self._clock.now(), limit=PAGE_ENTRIES))

    async def witness(self, service: ServiceDefinition) -> None:
        """Cosign the copy that we have: it was verified before it was stored, and goes on from what was cosigned before.

        Side effects: the checkpoint is kept with our cosignature.
        """
        tree = await self._store.tree(service.id)
        if tree is None or tree.is_own or not tree.note or tree.noted != tree.frontier.size:
            return
        now, signer = self._clock.now(), self.keys.witness()
        note = SignedNote.parse(tree.note)
        lines = note.of(signer.verifier)
        if lines and now - cosigned_at(lines[0]) < COSIGN_AGAIN:
            return
        line = cosign(note, signer, now)
        await self._store.keep_note(service.id, tree.noted, note.and_lines({line.id: line}).to_wire())

    def _copied(self, tree: StoredTree) -> bytes:
        if not tree.is_whole or not tree.note:
            raise _unknown()
        return tree.note


def _unknown() -> RejectedError:
    return RejectedError("unknown_service", "there is no log of that service here")


def _is_of(note: bytes, origin: str) -> bool:
    try:
        return SignedNote.parse(note).text.startswith(f"{origin}\n")
    except MalformedError:
        return False
