"""Which directories there are, and when each is asked again.

Two dialects behind one door (LANDSCAPE §2.1): *vws*, one national directory that holds everything; *nuts*, a root directory that says
which organisations there are and where each has its own. What a member of the root publishes is shown as far as it may speak about it,
under the name that the root has for the organisation.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from node.directory.follower import Follower, Round
from node.directory.replica import Followed, Replica
from node.ports import Clock, Entropy
from registry.mcsd.following import pause_after
from registry.mcsd.ownership import MAX_DIRECTORIES, Facts, directory_address, not_owned
from registry.mcsd.references import Source

Dialect = Literal["vws", "nuts"]

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
"""How often is looked which directory is due."""
AT_ONCE: Final = 4
"""Members asked at the same time; each of them gets one request at a time."""
_CHANCE: Final = 2**32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _RootView:
    """What the root says about organisations.

    Attributes:
        names: by URA number.
    """

    facts: Sequence[Facts]
    names: Mapping[str, str]


class Rounds:
    """Follows one directory, or a root and all that it names.

    Attributes:
        dialect: None when no directory is followed.
        is_ready: the first directory was loaded and caught up, so that questions can be answered.
    """

    def __init__(
        self, replica: Replica, follower: Follower, clock: Clock, entropy: Entropy, *, url: str | None, dialect: Dialect
    ) -> None:
        self._replica = replica
        self._follower = follower
        self._clock = clock
        self._entropy = entropy
        self.dialect: Dialect | None = None if url is None else dialect
        self._root = None if url is None else (Source.only if dialect == "vws" else Source.one_of_many)(url)
        self._due: dict[str, float] = {}
        self._root_view: _RootView | None = None
        self._judged: dict[str, _RootView] = {}  # by key of a member: what the root said when it was judged
        self._busy = asyncio.Lock()
        self.is_ready = False

    async def start(self) -> None:
        """Name the directory of the configuration; what came from another one before is forgotten."""
        if self._root is None:
            return
        for followed in await self._replica.followed():
            is_other_root = followed.role == "root" and followed.source != self._root
            if is_other_root or (followed.role == "member" and self.dialect == "vws"):
                await self._replica.drop(followed.source)
        await self._replica.name(self._root, "root")
        self.is_ready = any(each.ready_at is not None for each in await self._replica.followed() if each.role == "root")

    async def run(self) -> None:
        """Ask each directory when it is due, for ever."""
        while self._root is not None:
            async with self._busy:
                await self._follow(due_only=True)
            await self._clock.sleep(LOOK_SECONDS)

    async def follow_now(self) -> Mapping[str, Round]:
        """Ask every directory now, whether it is due or not.

        Returns:
            How it went, by address.
        """
        async with self._busy:
            return await self._follow(due_only=False)

    async def _follow(self, *, due_only: bool) -> Mapping[str, Round]:
        """Ask the root first, since it says which others there are; then those, a few at the same time."""
        rounds: dict[str, Round] = {}
        few = asyncio.Semaphore(AT_ONCE)

        async def one(followed: Followed) -> None:
            async with few:
                try:
                    rounds[followed.source.url] = await self._one(followed)
                except Exception as error:  # a busy database, or a defect of ours: it stays with this directory
                    reason = f"it can not be read here: {type(error).__name__}"
                    logger.warning("directory not followed", extra={"origin": followed.source.key, "error": reason})
                    logger.debug("traceback of following a directory", exc_info=error)
                    rounds[followed.source.url] = Round(stamps=dict(followed.stamps), error=reason)
                    self._due[followed.source.key] = self._clock.monotonic() + pause_after(1, None, 0).total_seconds()

        for role in ("root", "member"):
            followed = [each for each in await self._replica.followed() if each.role == role]
            async with asyncio.TaskGroup() as group:
                for each in followed:
                    if not due_only or self._is_due(each):
                        group.create_task(one(each))
        return rounds

    async def _one(self, followed: Followed) -> Round:
        done = await self._follower.follow(followed)
        if done.error is None:
            if self.dialect == "nuts":
                await self._judge(followed, done)
            await self._replica.settle(followed.source, done.stamps, done.refused, self._clock.now())
            if self.dialect == "nuts":
                await self._supersede()
            self.is_ready = self.is_ready or followed.role == "root"
        failures = 0 if done.error is None else followed.failures + 1
        chance = int.from_bytes(self._entropy.token(4)) / _CHANCE
        pause = pause_after(failures, done.retry_after, chance)
        self._due[followed.source.key] = self._clock.monotonic() + pause.total_seconds()
        return done

    def _is_due(self, followed: Followed) -> bool:
        return self._clock.monotonic() >= self._due.get(followed.source.key, 0.0)

    # -- the root and its members

    async def _judge(self, followed: Followed, done: Round) -> None:
        if followed.role == "root":
            if done.stored:
                self._root_view = None
            await self._name_members(followed, done)
            return
        view = await self._view()
        if done.stored == 0 and self._judged.get(followed.source.key) is view:
            done.refused.update(followed.refused)
            return
        numbers = frozenset(followed.uras)
        anchors = frozenset(each.reference for each in view.facts if numbers.intersection(each.uras))
        facts = await self._replica.facts(followed.source)
        hidden = not_owned(facts, numbers, anchors)
        await self._replica.show_only(followed.source, hidden)
        done.refused.update(Counter(hidden.values()))
        await self._replica.call(
            {
                _id(each.reference): view.names[each.uras[0]]
                for each in facts
                if each.type == "Organization" and each.reference not in hidden and each.uras
                if each.uras[0] in view.names
            }
        )
        self._judged[followed.source.key] = view

    async def _view(self) -> "_RootView":
        """What the root says about organisations; read again when something changed there."""
        if self._root_view is None and self._root is not None:
            facts = await self._replica.facts(self._root)
            contents = dict(await self._replica.contents(self._root, "Organization"))
            names = {
                ura: name
                for each in facts
                for ura in each.uras
                if isinstance(name := contents.get(_id(each.reference), {}).get("name"), str) and name
            }
            self._root_view = _RootView(facts=facts, names=names)
        return self._root_view or _RootView(facts=(), names={})

    async def _name_members(self, root: Followed, done: Round) -> None:
        """Follow the directories that the root names, and no others."""
        facts = {each.reference: each for each in await self._replica.facts(root.source)}
        offered: dict[str, set[str]] = {}  # endpoint -> organisations that say it is theirs
        for each in facts.values():
            for target in each.references.get("endpoint", ()) if each.type == "Organization" else ():
                offered.setdefault(target, set()).add(each.reference)
        members: dict[str, set[str]] = {}
        for identifier, content in await self._replica.contents(root.source, "Endpoint"):
            address = directory_address(content)
            if address is None or address == root.source.url:
                continue
            own = facts[f"Endpoint/{identifier}"]
            organisations = {*offered.get(own.reference, ()), *own.references.get("organization", ())}
            numbers = {ura for each in organisations if each in facts for ura in facts[each].uras}
            members.setdefault(address, set()).update(numbers)
        if len(members) > MAX_DIRECTORIES:
            done.refused["more directories than are followed"] += len(members) - MAX_DIRECTORIES
        wanted = {Source.one_of_many(url): members[url] for url in sorted(members)[:MAX_DIRECTORIES] if members[url]}
        known = {each.source: each for each in await self._replica.followed() if each.role == "member"}
        for source in known.keys() - wanted.keys():
            await self._replica.drop(source)
        for source, numbers in wanted.items():
            if source not in known or set(known[source].uras) != numbers:
                await self._replica.name(source, "member", sorted(numbers))
                self._judged.pop(source.key, None)
                self._due.pop(source.key, None)  # asked at once, and judged by who stands behind it now

    async def _supersede(self) -> None:
        """An organisation that its own directory publishes is shown once: as that has it."""
        if self._root is None:
            return
        published: set[str] = set()
        for each in await self._replica.followed():
            if each.role == "member" and each.ready_at is not None:
                published |= await self._replica.shown_uras(each.source)
        hidden = [each.reference for each in (await self._view()).facts if published.intersection(each.uras)]
        await self._replica.show_only(self._root, hidden)


def _id(reference: str) -> str:
    return reference.partition("/")[2]
