"""What one person was shown a moment ago: in memory only, for that person only, at most 15 minutes.

A step that was answered is not fetched again within :data:`REUSE_SECONDS` for the same person, purpose, patient and address, unless the
question says ``fresh``; looking at it again is recorded as the query was. What was named to a person who chains queries by hand (logical
ids of the patient, paging links) is kept for :data:`KEEP_SECONDS`. Nothing here is ever written anywhere; a restart forgets it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from node.exchange.merge import Fetched
from node.ports import Clock

REUSE_SECONDS = 300.0
KEEP_SECONDS = 900.0
"""The longest that anything stays (LANDSCAPE §4.5: 15 minutes)."""
MAX_BYTES = 64 * 1_048_576
"""Of pages, over all persons; the least recently used step goes."""
MAX_STEP_BYTES = 16 * 1_048_576
"""Of one step; a larger one is fetched again."""
ENTRY_BYTES = 2_048
"""What a step, and each resource of it, takes besides its text."""
MAX_TALKS = 4_096
"""Conversations by hand that are remembered."""
MAX_LINKS = 64
"""Paging links of one conversation; the oldest goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose memory: what one person asks for one purpose about one patient, at one address of one organisation.

    Attributes:
        patient: pseudonym.
        base: FHIR base that answered: ids belong to it.
    """

    subject: str
    user: str
    role: str
    purpose: str
    patient: str
    usecase: str
    table: str
    holder: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A step that was answered in full.

    Attributes:
        count: resources that matched.
        bound: ids for later steps.
        pages: bytes that it takes.
        at: on the monotonic clock.
    """

    fetched: tuple[Fetched, ...]
    count: int
    bound: Mapping[str, tuple[str, ...]]
    pages: int
    at: float


@dataclass(slots=True, kw_only=True)
class Talk:
    """What was named to one person who asks one organisation by hand.

    Attributes:
        bsn: whom it is about.
        named: binding name to ids, as checked pages gave them.
        links: our own names of paging links, with step and target.
    """

    bsn: str = field(repr=False)
    named: dict[str, tuple[str, ...]]
    links: OrderedDict[str, tuple[str, str]]
    at: float


class SessionMemory:
    """The memory of one node; bounded, and emptied by :meth:`forget_expired`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._steps: OrderedDict[tuple[Whose, str], Kept] = OrderedDict()
        self._bytes = 0
        self._talks: OrderedDict[tuple[Whose, str], Talk] = OrderedDict()

    def step(self, whose: Whose, step_id: str) -> Kept | None:
        """Return a step that was answered within :data:`REUSE_SECONDS`."""
        kept = self._steps.get((whose, step_id))
        if kept is None or self._clock.monotonic() - kept.at >= REUSE_SECONDS:
            return None
        self._steps.move_to_end((whose, step_id))
        return kept

    def keep(
        self,
        whose: Whose,
        step_id: str,
        *,
        fetched: tuple[Fetched, ...],
        count: int,
        bound: Mapping[str, tuple[str, ...]],
        pages: int,
    ) -> None:
        """Remember a step that was answered in full; ``pages`` are the bytes read for it."""
        self.forget(whose, step_id)
        if pages > MAX_STEP_BYTES:
            return
        pages += ENTRY_BYTES * (1 + len(fetched))
        now = self._clock.monotonic()
        self._steps[whose, step_id] = Kept(fetched=fetched, count=count, bound=bound, pages=pages, at=now)
        self._bytes += pages
        while self._bytes > MAX_BYTES:
            _, gone = self._steps.popitem(last=False)
            self._bytes -= gone.pages

    def forget(self, whose: Whose, step_id: str) -> None:
        """Forget one step."""
        gone = self._steps.pop((whose, step_id), None)
        self._bytes -= gone.pages if gone is not None else 0

    def talk(self, whose: Whose, patient_id: str) -> Talk | None:
        """Return what was named about a patient whom this person found at this address, by logical id."""
        talk = self._talks.get((whose, patient_id))
        if talk is None or self._clock.monotonic() - talk.at >= KEEP_SECONDS:
            return None
        return talk

    def talks(self, whose: Whose) -> list[Talk]:
        """Return all conversations of this person at this address."""
        found = (self.talk(each, patient_id) for each, patient_id in list(self._talks) if each == whose)
        return [talk for talk in found if talk is not None]

    def begin_talk(
        self, whose: Whose, bsn: str, named: Mapping[str, tuple[str, ...]], patient_ids: tuple[str, ...]
    ) -> Talk:
        """Remember whom a patient match found; all logical ids lead to the one conversation."""
        talk = Talk(bsn=bsn, named=dict(named), links=OrderedDict(), at=self._clock.monotonic())
        for patient_id in patient_ids:
            self._talks.pop((whose, patient_id), None)
            self._talks[whose, patient_id] = talk
        while len(self._talks) > MAX_TALKS:
            self._talks.popitem(last=False)
        return talk

    def name_link(self, talk: Talk, name: str, step_id: str, target: str) -> None:
        """Remember a paging link under a name of our own."""
        talk.links[name] = (step_id, target)
        while len(talk.links) > MAX_LINKS:
            talk.links.popitem(last=False)

    def forget_expired(self) -> None:
        """Let go of everything whose time is over."""
        now = self._clock.monotonic()
        for key in [key for key, kept in self._steps.items() if now - kept.at >= REUSE_SECONDS]:
            self.forget(*key)
        for talk_key in [key for key, talk in self._talks.items() if now - talk.at >= KEEP_SECONDS]:
            del self._talks[talk_key]
