"""One question while it is being asked: to whom, what came so far, what is still open."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

import msgspec

from node.exchange.events import State
from node.exchange.lines import Lines
from node.exchange.merge import Fetched, Missing, SameFacts
from node.exchange.question import Question
from node.usecases.model import FhirVersion, Table, UseCase
from node.web.replies import RequestError
from registry.localisation import FoundBy

MAX_COMPARED = 2_000
"""Resources of one question that are compared between holders."""
MAX_COMPARED_BYTES = 8 * 1_048_576
"""Of them; copies are kept until the end, and a peer chooses how large its resources are."""
COMPARED = frozenset(
    {"MedicationRequest", "MedicationDispense", "MedicationStatement", "Medication", "AllergyIntolerance", "Consent"}
)
"""Types about which holders may contradict each other to somebody's harm (views/conflicts.py)."""

Part = tuple[str, str | None]
"""A holder (URA) and a step of it; ``None`` is the holder as a whole."""


URGENT = frozenset({"ETREAT", "BTG"})
"""Purposes of use for which an address that kept failing is tried all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address of an organisation: FHIR base, and the issuer URL where tokens for it come from."""

    base: str
    authorization_server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One organisation that is asked.

    Attributes:
        others: where else it can be asked in the same version, when this address is away.
    """

    ura: str
    name: str
    table: Table
    base: str
    authorization_server: str
    found_by: FoundBy
    others: tuple[Place, ...] = ()

    @property
    def elsewhere(self) -> "Holder | None":
        """The same organisation at its next address; ``None`` when it has no other."""
        if not self.others:
            return None
        place, *rest = self.others
        return replace(self, base=place.base, authorization_server=place.authorization_server, others=tuple(rest))

    @property
    def version(self) -> FhirVersion:
        """FHIR version in which it is asked."""
        return self.table.fhir_version


class StepError(Exception):
    """A step ended without its answer.

    Attributes:
        state: of API.md §2.
        reason: stable code; never what the other side wrote.
    """

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One question while it is being asked.

    Attributes:
        lines: for the caller, in order; ``None`` ends them. Full when the caller reads slowly, and then the asking waits.
        open: what was begun or is to be, and has not ended.
        counts: resources by part.
        recalled: what came from memory.
        audit: numbers of our own records.
        same: finds facts that several holders carry.
        compared: what has to be compared between holders at the end; copies, so that no page is kept for them.
        not_compared: whether there was more of it than is kept.
        refusal: why nothing was asked at all.
        error: code and sentence, where the whole broke off.
    """

    id: str
    subject: str
    usecase: UseCase
    question: Question
    started: float
    lines: Lines
    missing: list[Missing] = field(default_factory=list)
    open: dict[Part, Holder] = field(default_factory=dict)
    counts: Counter[Part] = field(default_factory=Counter)
    recalled: set[Part] = field(default_factory=set)
    audit: list[int] = field(default_factory=list)
    same: SameFacts = field(default_factory=SameFacts)
    compared: list[Fetched] = field(default_factory=list)
    compared_bytes: int = 0
    not_compared: bool = False
    refusal: RequestError | None = None
    error: tuple[str, str] | None = None

    def compare(self, one: Fetched) -> None:
        """Take what came into account for what is said at the end about all of it."""
        self.same.add(one)
        if one.resource.type not in COMPARED:
            return
        size = len(memoryview(one.resource.raw))
        if len(self.compared) >= MAX_COMPARED or self.compared_bytes + size > MAX_COMPARED_BYTES:
            self.not_compared = True
        else:
            self.compared_bytes += size
            raw = msgspec.Raw(bytes(one.resource.raw))
            self.compared.append(replace(one, resource=msgspec.structs.replace(one.resource, raw=raw)))

    @property
    def urgent(self) -> bool:
        """Whether it is an emergency."""
        return self.question.purpose in URGENT

    @property
    def remembers(self) -> bool:
        """Whether its answers may be shown to the same person again: not what was seen behind broken glass."""
        return self.question.purpose != "BTG"

    @property
    def reuses(self) -> bool:
        """Whether answers of a moment ago will do."""
        return self.remembers and not self.question.fresh

    def shows(self, step_id: str, *, is_match: bool) -> bool:
        """Whether the caller gets what this step finds: the match is a means, unless it is asked for by name."""
        wanted = self.question.steps
        return step_id in wanted if wanted is not None else not is_match


class PeerRooms:
    """How many queries may be at one organisation at the same time, whoever asks them."""

    def __init__(self, queries: int) -> None:
        self._queries = queries
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, ura: str) -> asyncio.Semaphore:
        """Return the room at this organisation; hold on to it while it is used."""
        room = self._rooms.get(ura)
        if room is None:
            room = self._rooms[ura] = asyncio.Semaphore(self._queries)
        return room
