"""Logs in memory: the reference for `registry.transparency.ports.LogStore`, except for what entries have to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from registry.transparency.growing import first_needed, grow
from registry.transparency.leaf import Leaf, Roll
from registry.transparency.merkle import Frontier
from registry.transparency.ports import Extension, StoredTree


@dataclass(slots=True)
class MemoryLog:
    """One log."""

    tree: StoredTree
    leaves: list[bytes] = field(default_factory=list)
    hashes: list[list[bytes]] = field(default_factory=list)  # per level of tiles
    roll: Roll = field(default_factory=Roll)

    @classmethod
    def of_our_own(cls) -> "MemoryLog":
        """A log that we begin."""
        return cls(StoredTree(is_own=True, is_whole=True, frontier=Frontier()))

    def append(self, leaves: Sequence[Leaf]) -> None:
        """Let our own log grow."""
        self.append_bytes([each.to_bytes() for each in leaves])

    def append_bytes(self, leaves: Sequence[bytes]) -> None:
        """Let it grow."""
        if not leaves:
            return
        size = self.tree.frontier.size
        rest = [row[first_needed(size, level) :] for level, row in enumerate(self.hashes)]
        growth = grow(self.tree.frontier, leaves, rest)
        for level, (_, hashes) in enumerate(growth.hashes):
            if level == len(self.hashes):
                self.hashes.append([])
            self.hashes[level].extend(hashes)
        self.leaves.extend(leaves)
        self.tree = replace(self.tree, frontier=growth.frontier)


class MemoryLogs:
    """The part of a `registry.transparency.ports.LogStore` that needs no entries; `registry.memory` has the rest."""

    def __init__(self) -> None:
        self.logs: dict[str, MemoryLog] = {}

    async def tree(self, service: str) -> StoredTree | None:
        """See `registry.transparency.ports.LogStore.tree`."""
        log = self.logs.get(service)
        return None if log is None else log.tree

    async def keep_note(self, service: str, size: int, note: bytes) -> None:
        """See `registry.transparency.ports.LogStore.keep_note`."""
        log = self.logs[service]
        if size >= log.tree.noted:
            log.tree = replace(log.tree, note=note, noted=size)

    async def leaves(self, service: str, start: int, end: int) -> tuple[bytes, ...]:
        """See `registry.transparency.ports.LogStore.leaves`."""
        return tuple(self.logs[service].leaves[start:end]) if service in self.logs else ()

    async def tile_hashes(self, service: str, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """See `registry.transparency.ports.LogStore.tile_hashes`."""
        rows = self.logs[service].hashes if service in self.logs else []
        return tuple(rows[level][start:end]) if level < len(rows) else ()

    async def roll(self, service: str) -> Roll:
        """See `registry.transparency.ports.LogStore.roll`."""
        if service not in self.logs:
            return Roll()
        roll = self.logs[service].roll
        return replace(roll, listed=dict(roll.listed), early=set(roll.early))

    async def extend(self, service: str, before: int | None, extension: Extension) -> bool:
        """See `registry.transparency.ports.LogStore.extend`."""
        log = self.logs.get(service)
        standing = None if log is None else log.tree.frontier.size
        if standing != before or (log is not None and log.tree.is_own):
            return False
        evidence = "" if log is None else log.tree.evidence
        is_whole = extension.is_whole and (log is None or log.tree.is_whole)
        if log is None:
            log = MemoryLog(StoredTree(is_own=False, is_whole=is_whole, frontier=Frontier()))
            self.logs[service] = log
        if is_whole:
            log.append_bytes(extension.leaves)
        log.tree = StoredTree(
            is_own=False,
            is_whole=is_whole,
            frontier=extension.frontier,
            note=extension.note,
            noted=extension.frontier.size,
            log_key=extension.log_key,
            evidence=evidence,
        )
        log.roll = replace(extension.roll, listed=dict(extension.roll.listed), early=set(extension.roll.early))
        return True

    async def have(self, service: str, numbers: Sequence[int]) -> None:
        """See `registry.transparency.ports.LogStore.have`."""
        roll = self.logs[service].roll
        for each in list(roll.listed.values()):
            if each.number in numbers:
                roll.have(each.holder)

    async def accuse(self, service: str, evidence: str) -> None:
        """See `registry.transparency.ports.LogStore.accuse`."""
        log = self.logs.get(service)
        if log is not None and not log.tree.evidence:
            log.tree = replace(log.tree, evidence=evidence)

    async def promote(self, service: str) -> None:
        """See `registry.transparency.ports.LogStore.promote`."""
        log = self.logs[service]
        log.tree = replace(log.tree, is_own=True, log_key="", note=b"", noted=0)

    async def forget_log(self, service: str) -> None:
        """See `registry.transparency.ports.LogStore.forget_log`."""
        log = self.logs.get(service)
        if log is not None and not log.tree.is_own:
            del self.logs[service]
