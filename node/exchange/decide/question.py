"""What is decided on, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from node.audit.rules import RuleOutcome
from node.usecases.model import Step, Table, UseCase

Answer = Literal["data", "empty", "forbidden", "unavailable"]
BREAK_GLASS_PURPOSE = "BTG"

EmergencyState = Literal["none", "open", "ended", "elsewhere"]
"""Of one grant and citizen: not declared; declared and running; over; declared about another citizen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """The organisation that asks, proven by its credential.

    Attributes:
        ura: eight digits, from the verified X509Credential.
        name: from the same credential.
        registered: whether the organisation stands in the use case's discovery service now.
        facility_type: Vektis code of that registration, self-stated; ``None`` when it says none.
    """

    ura: str
    name: str
    registered: bool
    facility_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The person who asks, as the requester states it.

    Attributes:
        role: UZI role code.
        evidence: kind of credential that says so ("NutsEmployeeCredential").
        on_behalf_of: role of the person in whose name they ask; empty when they ask in their own.
    """

    id: str
    name: str = ""
    role: str
    evidence: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """An emergency, declared by the requester."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, after the allow-list.

    Attributes:
        scope: wire scope of the grant.
        usecase: the use case that has this scope here; ``None`` when there is none.
        table: its query table for this holder and FHIR version; ``None`` when there is none.
        step: what the allow-list found; ``None`` when nothing.
        holder_type: our own Vektis code.
        requester: who asks.
        user: the person behind it; ``None`` when the grant names none.
        purpose: purpose of use as sent; ``None`` when absent, then the use case's first is meant.
        break_glass: declared emergency, if any; said at the patient match, and known afterwards (:class:`Facts`).
        grant_id: the access token's grant; an emergency is of one grant.
    """

    scope: str
    usecase: UseCase | None
    table: Table | None
    step: Step | None
    holder_type: str
    requester: Requester
    user: User | None
    purpose: str | None = None
    break_glass: BreakGlass | None = None
    grant_id: str = ""

    @property
    def stated_purpose(self) -> str | None:
        """The purpose, or the use case's first where the requester says nothing."""
        return self.purpose or (self.usecase.purposes[0] if self.usecase is not None else None)

    @property
    def is_emergency(self) -> bool:
        """Whether the glass is to be broken, where the use case has one to break."""
        usecase = self.usecase
        return usecase is not None and usecase.break_the_glass == "offered" and self.purpose == BREAK_GLASS_PURPOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeamFact:
    """Who takes part in the citizen's care, from our own record.

    Attributes:
        uras: of the organisations in active care teams.
        available: whether our FHIR server could answer.
    """

    uras: frozenset[str] = frozenset()
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFact:
    """What the citizen recorded about this requester and this data category.

    Attributes:
        verdict: ``permit`` or ``deny`` as recorded; ``none`` when nothing is; ``unavailable`` when local consents say
            nothing and a national service could not be asked.
        code: stable reason, from the consent engine.
        message: a sentence for our operator.
        evidence: ids of the consents that decided.
    """

    verdict: Literal["permit", "deny", "none", "unavailable"]
    code: str = ""
    message: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralFact:
    """Whether our own record refers the citizen to the requester.

    Attributes:
        uras: of the organisations to which a running referral leads.
        available: whether our FHIR server could answer.
    """

    uras: frozenset[str] = frozenset()
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFact:
    """Whether our organisation has a standing agreement with the requester about this use case.

    Attributes:
        id: of the agreement, ``None`` when there is none.
    """

    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What we know of the citizen, fetched for this question.

    Attributes:
        in_care: whether a record of exactly this citizen is in our own server; ``None`` when it could not answer.
        patient: pseudonym, for a pilot that is limited to some; empty when nobody was found.
        emergency: what this grant declared before.
    """

    in_care: bool | None
    care_team: CareTeamFact
    consent: ConsentFact
    referral: ReferralFact = ReferralFact()
    agreement: AgreementFact = AgreementFact()
    emergency: EmergencyState = "none"
    patient: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, and why.

    Attributes:
        permit: whether data may leave.
        code: stable: of the rule that refused, or of the basis that sufficed.
        rules: every rule in the order of evaluation, also after a refusal.
        answer: what the peer gets: the data; the one empty searchset (LANDSCAPE.md §6.5); a plain no; or that we can't
            answer now, which is said only where it tells nothing of a citizen: our own server knew nobody at all.
        offers_break_glass: whether the peer may be told that an emergency would reveal more; never where the use case hides
            whom we know.
    """

    permit: bool
    code: str
    rules: tuple[RuleOutcome, ...]
    answer: Answer
    offers_break_glass: bool = False

    @property
    def breaks_glass(self) -> bool:
        """Whether nothing but the emergency permits this."""
        return self.permit and self.code == "break_glass"

    @property
    def reason(self) -> str:
        """The sentence of the rule that decided."""
        return next((rule.message for rule in self.rules if rule.code == self.code), "")
