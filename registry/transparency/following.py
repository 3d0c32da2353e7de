"""Follow a list by its log: take the freshest tree that host, mirrors and witnesses agree on, and only messages that are in it.

A round:

1.  ask host and mirrors for their checkpoints;
2.  choose the largest that goes on from what we know and that enough witnesses have seen, and read the leaves up to it: the root that
    comes out is the proof;
3.  compare the other checkpoints with it: a tree that is not a beginning of it, or it of that, is a fork;
4.  fetch the messages that count by the log and are not here, from the host or whichever mirror has them.

What is wrong never stops what is right: entries that can't be had or were altered are named, the others are taken.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from registry.errors import PeerLogError, RegistryError, TransferError
from registry.messages import MAX_PAGE_BYTES, ListPage
from registry.ports import Clock, Peers
from registry.service import ServiceDefinition
from registry.transparency.checkpoint import Checkpoint, SignedCheckpoint
from registry.transparency.heads import Alarm, AlarmKind, Head, LogReport, evidence_of, witnesses_of
from registry.transparency.keys import LogKeys
from registry.transparency.leaf import Leaf, Roll, digest_of
from registry.transparency.merkle import Frontier, leaf_hash
from registry.transparency.ports import Extension, LogStore, StoredTree
from registry.transparency.reading import LogReader
from registry.transparency.tiles import TILE_WIDTH

MAX_NEW_LEAVES: Final = 2_000_000
"""Leaves read in one round; a log that claims more is not read."""
MAX_LISTED: Final = 100_000
"""Messages that count at the same time; a log that has more is not read, since all of them are kept in memory."""
MAX_LOG_PAGES: Final = 1_000
"""Pages read from one source in one round."""
ASK_AGAIN: Final = timedelta(minutes=10)
"""When a message that nobody gave is asked for again."""
LOOK_BACK: Final = timedelta(days=1)
"""How far beyond the longest validity a new follower begins: what is older can't count any more."""

Taken = tuple[int, str]
Take = Callable[[ServiceDefinition, str, Sequence[Taken]], Awaitable[bool]]
"""Verifies and stores messages of a list with this seed; False when another replica is at it."""


@dataclass(slots=True)
class _Round:
    """One round: what is known so far."""

    service: ServiceDefinition
    now: datetime
    heads: tuple[Head, ...]
    tree: StoredTree | None
    roll: Roll
    alarms: list[Alarm] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)  # of the tree that we believe, at sizes that others name

    @property
    def known(self) -> Frontier:
        return Frontier() if self.tree is None else self.tree.frontier

    def alarm(self, kind: AlarmKind, source: str, detail: str) -> None:
        self.alarms.append(Alarm(kind=kind, source=source, detail=detail))


class LogFollower:
    """Follows the logs of services that have one."""

    def __init__(self, store: LogStore, peers: Peers, keys: LogKeys, clock: Clock, take: Take) -> None:
        self._store = store
        self._peers = peers
        self._reader = LogReader(peers)
        self._keys = keys
        self._clock = clock
        self._take = take
        self._rolls: dict[str, tuple[int, Roll]] = {}
        self._trees: dict[str, StoredTree] = {}  # as last seen; who extends one that another extended is told
        self._asked: dict[str, dict[int, datetime]] = {}  # messages that nobody gave, and when they were asked for
        self._proved: dict[
            str, set[tuple[bytes, bytes]]
        ] = {}  # roots of which one tree was seen to go on from the other

    async def follow(self, service: ServiceDefinition) -> LogReport:
        """Do one round.

        Side effects: network, store.

        Raises:
            TransferError: neither host nor mirrors could be reached.
            PeerLogError: none of them has a checkpoint that is the log's.
        """
        now = self._clock.now()
        # (1) what everybody says
        heads = tuple([await self._head(source, service, now) for source in self._sources(service)])
        if all(head.signed is None for head in heads):
            raise TransferError("; ".join(f"{head.source}: {head.error}" for head in heads))
        tree = await self._standing(service)
        at = _Round(service=service, now=now, heads=heads, tree=tree, roll=await self._roll(service, tree))
        # (2) what we believe
        chosen, seen = await self._choose(at)
        # (3) who contradicts it
        if at.tree is not None:
            for head in heads:
                await self._compare(at, head, chosen)
        # (4) the messages
        missing = await self._fill(at) if at.tree is not None else ()
        return LogReport(
            size=at.known.size,
            root=at.known.root,
            heads=heads,
            witnesses=seen,
            missing=missing,
            alarms=tuple(at.alarms),
            checked_at=now,
        )

    # -- (1) heads

    def _sources(self, service: ServiceDefinition) -> tuple[str, ...]:
        return tuple(each for each in service.sources if each != self._keys.own_url(service.id))

    async def _head(self, source: str, service: ServiceDefinition, now: datetime) -> Head:
        try:
            return Head(source=source, signed=await self._reader.checkpoint(source, service, now))
        except RegistryError as error:
            return Head(source=source, signed=None, error=str(error))

    async def _standing(self, service: ServiceDefinition) -> StoredTree | None:
        """What we have; nothing when it is of no use any more."""
        tree = self._trees.get(service.id) or await self._store.tree(service.id)
        if tree is not None:
            self._trees[service.id] = tree
        if tree is not None and not tree.is_own and self._is_whole(service) and not tree.is_whole:
            await self._forget(service)  # we became a mirror, and have only the edge of the log
            return None
        return tree

    async def _roll(self, service: ServiceDefinition, tree: StoredTree | None) -> Roll:
        if tree is None:
            return Roll()
        size, roll = self._rolls.get(service.id, (-1, Roll()))
        return roll if size == tree.frontier.size else await self._store.roll(service.id)

    async def _forget(self, service: ServiceDefinition) -> None:
        await self._store.forget_log(service.id)
        self._rolls.pop(service.id, None)
        self._trees.pop(service.id, None)

    def _is_whole(self, service: ServiceDefinition) -> bool:
        return self._keys.is_mirror(service) or self._keys.is_witness(service)

    # -- (2) the tree that we believe

    async def _choose(self, at: _Round) -> tuple[Head | None, int]:
        quorum = 0 if self._is_whole(at.service) else at.service.witness_quorum
        candidates = sorted((head for head in at.heads if head.signed is not None), key=lambda head: -head.size)
        most = 0
        for head in candidates:
            seen = await self._seen_by(at, head)
            most = max(most, seen)
            if seen < quorum:
                continue
            if head.size < at.known.size:
                break
            if await self._grow(at, head):
                return head, seen
        if quorum and most < quorum:
            at.alarm("witnesses", at.service.endpoint, f"{most} of {quorum} witnesses have seen the log")
        return None, most

    async def _seen_by(self, at: _Round, head: Head) -> int:
        """How many witnesses have seen this tree, or one that goes on from it."""
        count = 0
        for cosigned in witnesses_of(at.heads).values():
            for other in cosigned:
                if other.size >= head.size and await self._goes_on(at, other.source, head, other):
                    count += 1
                    break
        return count

    async def _goes_on(self, at: _Round, source: str, first: Head, second: Head) -> bool:
        """Whether one tree is the beginning of the other, by tiles of ``source``; False when it can't be told."""
        if first.signed is None or second.signed is None:
            return False
        return await self._proves(at, source, first.signed.checkpoint, second.signed.checkpoint) is True

    async def _proves(self, at: _Round, source: str, first: Checkpoint, second: Checkpoint) -> bool | None:
        """The same of checkpoints; None when the tiles can't be had."""
        proved = self._proved.setdefault(at.service.id, set())
        if (first.root, second.root) in proved:
            return True
        try:
            shown = await self._reader.is_beginning(source, first, second)
        except RegistryError:
            return None
        if shown:
            if len(proved) > TILE_WIDTH:
                proved.clear()
            proved.add((first.root, second.root))
        return shown

    async def _grow(self, at: _Round, head: Head) -> bool:
        """Read the log up to a head; False when it does not go on from what we know."""
        if head.signed is None:
            return False
        wanted, before = head.signed.checkpoint, at.known
        if at.tree is not None and wanted.size == before.size:
            if wanted.root == before.root:
                await self._keep(at, head)
                return True
            await self._accuse(at, head, "has another tree of the same size")
            return False
        if wanted.size - before.size > MAX_NEW_LEAVES:
            at.alarm("not a log", head.source, "claims more leaves than are read in one round")
            return False
        reason = ""
        for source in dict.fromkeys([head.source, *self._sources(at.service)]):
            try:
                await self._read(at, source, head.signed)
            except TransferError as error:
                reason = reason or str(error)
            except PeerLogError as error:
                reason = str(error)
            else:
                return True
        if at.tree is not None and await self._proves(at, head.source, _checkpoint(at.known, wanted), wanted) is False:
            await self._accuse(at, head, "has a tree that does not go on from the one that we know")
            if at.tree.log_key != str(at.service.log_key):
                return await self._begin_anew(at, head)
        else:
            at.alarm("not a log", head.source, f"its leaves can not be read: {reason}")
        return False

    async def _read(self, at: _Round, source: str, signed: SignedCheckpoint) -> None:
        goal, frontier = signed.checkpoint, at.known
        roll = replace(at.roll, listed=dict(at.roll.listed), early=set(at.roll.early))
        whole = self._is_whole(at.service)
        if at.tree is None and not whole:
            frontier = await self._start(source, goal.size, at)
        sizes = {each.size for each in at.heads}
        roots: dict[int, bytes] = {frontier.size: frontier.root}
        kept: list[bytes] = []
        changed: set[DID] = set()
        async for leaves in self._reader.leaves(source, frontier.size, goal.size):
            for leaf in leaves:
                try:
                    parsed = Leaf.parse(leaf)
                    roll.add(parsed)
                except CredentialError as error:
                    raise PeerLogError(str(error)) from error
                if len(roll.listed) > MAX_LISTED:
                    raise PeerLogError(f"more than {MAX_LISTED} messages count by it")
                changed.add(parsed.holder)
                frontier = frontier.push([leaf_hash(leaf)])
                if frontier.size in sizes:
                    roots[frontier.size] = frontier.root
            if whole:
                kept.extend(leaves)
            await self._clock.sleep(0)
        if frontier.size != goal.size or frontier.root != goal.root:
            raise PeerLogError("its leaves do not make the tree that the log signed")
        gone = {holder for holder, each in roll.listed.items() if each.expires_at <= at.now}
        roll.forget_expired(at.now)
        changed |= gone
        extension = Extension(
            frontier=frontier,
            note=signed.note.to_wire(),
            log_key=str(at.service.log_key),
            leaves=kept,
            is_whole=whole,
            roll=roll,
            changed=frozenset(changed),
        )
        before = None if at.tree is None else at.tree.frontier.size
        self._trees.pop(at.service.id, None)
        if not await self._store.extend(at.service.id, before, extension):
            raise PeerLogError("another replica reads this log")
        at.tree, at.roll, at.roots = await self._store.tree(at.service.id), roll, roots
        self._rolls[at.service.id] = (frontier.size, roll)

    async def _start(self, source: str, size: int, at: _Round) -> Frontier:
        """Where a new follower begins: behind what can't count any more, so that an old log is not read from its birth."""
        horizon = at.now - at.service.presentation_max_validity - LOOK_BACK
        low, high = 0, size // TILE_WIDTH
        while low < high:  # the first bundle that does not begin before the horizon
            middle = (low + high) // 2
            async for leaves in self._reader.leaves(source, middle * TILE_WIDTH, (middle + 1) * TILE_WIDTH):
                try:
                    is_old = Leaf.parse(leaves[0]).at < horizon
                except CredentialError as error:
                    raise PeerLogError(str(error)) from error
                low, high = (middle + 1, high) if is_old else (low, middle)
        start = max(low - 1, 0) * TILE_WIDTH
        return await self._reader.frontier(source, start, size) if start else Frontier()

    async def _keep(self, at: _Round, head: Head) -> None:
        """Nothing is new, except perhaps the key: that of a host which took over the log."""
        if head.signed is None or at.tree is None:
            return
        at.roots[at.known.size] = at.known.root
        if at.tree.log_key == str(at.service.log_key):
            return
        extension = Extension(
            frontier=at.known,
            note=head.signed.note.to_wire(),
            log_key=str(at.service.log_key),
            leaves=(),
            is_whole=at.tree.is_whole,
            roll=at.roll,
            changed=frozenset(),
        )
        self._trees.pop(at.service.id, None)
        await self._store.extend(at.service.id, at.known.size, extension)

    async def _begin_anew(self, at: _Round, head: Head) -> bool:
        """The definition names another key, and its log is another: that is what the operator wants."""
        if head.signed is None:
            return False
        await self._forget(at.service)
        at.tree, at.roll = None, Roll()
        try:
            await self._read(at, head.source, head.signed)
        except RegistryError as error:
            at.alarm("not a log", head.source, f"its leaves can not be read: {error}")
            return False
        return True

    # -- (3) who contradicts

    async def _compare(self, at: _Round, head: Head, chosen: Head | None) -> None:
        if head is chosen or head.signed is None or at.tree is None:
            return
        theirs, ours = head.signed.checkpoint, at.known
        if theirs.size == ours.size or theirs.size in at.roots:
            if theirs.root != at.roots.get(theirs.size, ours.root):
                await self._accuse(at, head, "has another tree of the same size")
        elif theirs.size > ours.size:
            if await self._proves(at, head.source, _checkpoint(ours, theirs), theirs) is False:
                await self._accuse(at, head, "has a tree that does not go on from the one that we know")
        elif chosen is not None and chosen.size == ours.size:
            proof = await self._proves(at, chosen.source, theirs, _checkpoint(ours, theirs))
            if proof is False:
                await self._accuse(at, head, "has a tree that is not the beginning of the one that we know")
        if head.source == at.service.endpoint and theirs.size < ours.size:
            await self._look_again(at, head)

    async def _look_again(self, at: _Round, head: Head) -> None:
        """A mirror may have been asked a moment after the host; a host that still shows less than it signed went back."""
        again = await self._head(head.source, at.service, at.now)
        if again.signed is not None and again.size < at.known.size:
            detail = f"the host shows a log of {again.size} leaves after it signed one of {at.known.size}"
            at.alarm("rollback", head.source, detail)

    async def _accuse(self, at: _Round, head: Head, what: str) -> None:
        if at.tree is None or head.signed is None:
            return
        at.alarm("fork", head.source, f"it {what}: {head.size} leaves there, {at.known.size} here")
        self._trees.pop(at.service.id, None)
        await self._store.accuse(at.service.id, evidence_of(at.tree.note, head.signed.note.to_wire(), at.now))

    # -- (4) messages

    async def _fill(self, at: _Round) -> tuple[int, ...]:
        for holder in at.roll.early:
            number = at.roll.listed[holder].number
            at.alarm(
                "expired early", at.service.endpoint, f"message {number} was called expired before its time; it is kept"
            )
        asked = self._asked.setdefault(at.service.id, {})
        every = at.roll.wanted(at.now)
        wanted = {
            number: each for number, each in every.items() if number not in asked or at.now - asked[number] >= ASK_AGAIN
        }
        answered = not wanted
        for source in self._sources(at.service):
            if not wanted:
                break
            left, has_answered = await self._fill_from(at, source, set(wanted))
            answered = answered or has_answered
            wanted = {number: each for number, each in wanted.items() if number in left}
        missing = tuple(sorted(at.roll.wanted(at.now)))
        if answered:
            asked.update(dict.fromkeys(wanted, at.now))
        for number in asked.keys() - set(missing):
            del asked[number]
        if missing and answered:
            detail = f"{len(missing)} messages count by the log and nobody gives them, the first is number {missing[0]}"
            at.alarm("withheld", at.service.endpoint, detail)
        elif every and not missing:
            await self._store.drop_unlisted(at.service.id, at.roll.last)
        return missing

    async def _fill_from(self, at: _Round, source: str, wanted: set[int]) -> tuple[set[int], bool]:
        """Take what one source has; returns what it hasn't, and whether it answered at all."""
        after, listed = min(wanted) - 1, {each.number: each for each in at.roll.listed.values()}
        for _ in range(MAX_LOG_PAGES):
            try:
                page = ListPage.parse(await self._peers.get(f"{source}?timestamp={after}", max_bytes=MAX_PAGE_BYTES))
            except RegistryError:
                return wanted, False
            except CredentialError as error:
                at.alarm("altered", source, f"its page can not be read: {error}")
                return wanted, True
            if at.roll.seed and page.seed != at.roll.seed:
                at.alarm("altered", source, "its page is of another list than the log")
                return wanted, True
            fitting: list[Taken] = []
            for number, compact in page.entries:
                if number not in wanted:
                    continue
                if digest_of(compact) != listed[number].digest:
                    at.alarm("altered", source, f"message {number} is not the one in the log")
                    continue
                fitting.append((number, compact))
            if fitting:
                if not await self._take(at.service, page.seed, fitting):
                    return wanted, True
                await self._store.have(at.service.id, [number for number, _ in fitting])
                for number, _ in fitting:
                    at.roll.have(listed[number].holder)
                    wanted.discard(number)
            if not wanted or not page.entries or page.timestamp <= after or page.timestamp >= max(wanted):
                return wanted, True
            after = page.timestamp
        return wanted, True


def _checkpoint(tree: Frontier, of: Checkpoint) -> Checkpoint:
    return Checkpoint(origin=of.origin, size=tree.size, root=tree.root)
