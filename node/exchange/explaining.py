"""Why a request was, or would be, allowed or refused here: every rule with its outcome, for our own operator (API.md §3).

What was decided is read from the audit log, as it was recorded. What would be decided is run through the same look-ups and rules as
a real request, from a description; nothing is sent to the peer, nothing is disclosed, and the question itself is not recorded as
an access.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from credentials.did.identifier import DID
from node.audit.rules import RuleOutcome
from node.audit.search import AuditQuestion, AuditReader, Found
from node.exchange.about import About
from node.exchange.facts import FactsUnavailableError
from node.exchange.inbound import EnforcementPoint
from node.exchange.incoming import Stated
from node.exchange.interaction import Interaction, NotAllowedError
from node.exchange.question import Patient
from node.oauth.grants import Grant
from node.ports import Clock
from node.usecases.model import FhirVersion
from node.usecases.plan import PREFERRED_VERSIONS
from node.web.replies import RequestError

Text = Annotated[str, StringConstraints(max_length=8_192)]


class DescribedUser(BaseModel):
    """The person who would ask; ``evidence`` is how they are known, in the words of a grant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: Text = "unknown"
    name: Text = ""
    role: Text
    evidence: Literal["self_attested", "employer_issued", "credential"] = "self_attested"


class ExplainRequest(BaseModel):
    """What to explain: a record by number or reference, or a described request.

    Attributes:
        fhir_version: of the described request; the one we answer in, R4 first, when it isn't given.
        path: behind the FHIR base.
        patient: whom it is about: ``{bsn}`` in the body becomes the number, ``{patient}`` in path, query or body our own logical id.
        break_glass: reason of a described emergency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    audit: int | None = None
    reference: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    requester_ura: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] | None = None
    scope: Text | None = None
    user: DescribedUser | None = None
    purpose: Text | None = None
    fhir_version: FhirVersion | None = None
    method: Text = "GET"
    path: Text | None = None
    query: Text = ""
    content_type: Text | None = "application/x-www-form-urlencoded"
    body: str = Field(default="", max_length=16_384, repr=False)
    patient: Patient | None = None
    break_glass: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        described = self.path is not None or self.scope is not None or self.requester_ura is not None
        given = [self.audit is not None, self.reference is not None, described]
        if sum(given) != 1:
            raise ValueError("give audit, or reference, or a described request")
        if described and (self.path is None or self.scope is None or self.requester_ura is None):
            raise ValueError("a described request has requester_ura, scope and path")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """How a described request would be decided.

    Attributes:
        interaction: what was understood of it; ``about`` whom it is about.
    """

    permit: bool
    code: str
    rules: Sequence[RuleOutcome]
    interaction: Interaction | None = None
    about: About | None = None

    def to_json(self) -> dict[str, Any]:
        """Return ``{"decision", "code", "rules"}``."""
        decision = "permit" if self.permit else "deny"
        return {"decision": decision, "code": self.code, "rules": [rule.to_json() for rule in self.rules]}


class Explainer:
    """Explains for every organisation hosted here."""

    def __init__(self, points: Mapping[str, EnforcementPoint], reader: AuditReader, clock: Clock) -> None:
        self._points = points
        self._reader = reader
        self._clock = clock

    async def explain(self, subject: str, asked: ExplainRequest) -> dict[str, Any]:
        """Return ``{"decision", "code", "rules"}``, and where it was recorded.

        Raises:
            RequestError: 404 unknown organisation or record.
        """
        self._point(subject)
        if asked.audit is not None or asked.reference is not None:
            return await self._recorded(subject, asked)
        return (await self.described(subject, asked)).to_json()

    async def _recorded(self, subject: str, asked: ExplainRequest) -> dict[str, Any]:
        page = await self._reader.find(
            AuditQuestion(subject=subject, seq=asked.audit, reference=asked.reference, count=1)
        )
        if not page.entries:
            raise RequestError(404, "unknown_record", "there is no such record", "hazel audit list")
        return _from_record(page.entries[0])

    async def described(self, subject: str, asked: ExplainRequest) -> Described:
        """Decide on a described request; nothing is sent or recorded.

        Raises:
            RequestError: 404 unknown organisation.
        """
        point = self._point(subject)
        offered: list[FhirVersion] = [each for each in PREFERRED_VERSIONS if each in point.versions] or ["r4"]
        version = offered[0] if asked.fhir_version is None else asked.fhir_version
        try:
            fill = await self._placeholders(point, version, asked.patient)
            interaction = Interaction.parse(
                asked.method,
                _filled(asked.path or "", fill),
                _filled(asked.query, fill),
                asked.content_type if asked.body else None,
                _filled(asked.body, {**fill, **_number(asked.patient)}).encode(),
                fhir_version=version,
            )
        except NotAllowedError as error:
            return Described(permit=False, code=error.code, rules=(_rule("interaction", error.code, error.message),))
        except FactsUnavailableError as error:
            unavailable = _rule("patient", "patient_unavailable", str(error))
            return Described(permit=False, code="patient_unavailable", rules=(unavailable,))
        stated = Stated(purpose=asked.purpose, emergency=asked.break_glass)
        decision, code, about = await point.would_decide(self._grant(subject, asked), interaction, stated)
        return Described(
            permit=decision is not None and decision.permit,
            code=code,
            rules=decision.rules if decision is not None else (_rule("interaction", code, "not a listed request"),),
            interaction=interaction,
            about=about,
        )

    def _point(self, subject: str) -> EnforcementPoint:
        point = self._points.get(subject)
        if point is None:
            raise RequestError(404, "unknown_subject", "this organisation is not hosted here", "hazel subject list")
        return point

    async def _placeholders(
        self, point: EnforcementPoint, version: FhirVersion, patient: Patient | None
    ) -> dict[str, str]:
        """Look up our own id of the patient; a citizen whom we don't know gets one that nobody has."""
        if patient is None:
            return {}
        records = await point.records_of(version, patient.value)
        return {"{patient}": min(records, default="unknown-here")}

    def _grant(self, subject: str, asked: ExplainRequest) -> Grant:
        """Return what a requester like the described one would hold."""
        now = self._clock.now()
        user = asked.user
        return Grant(
            grant_id="described",
            subject=subject,
            scope=asked.scope or "",
            client_id="",
            holder=DID("did:web:described.invalid"),
            jkt=None,
            token_type="DPoP",  # noqa: S106  # a kind of token, not one
            claims={},
            organization_ura=asked.requester_ura,
            organization_name="",
            organization_city="",
            user_identifier=user.identifier if user is not None else None,
            user_name=user.name if user is not None else None,
            user_role=user.role if user is not None else None,
            user_evidence=user.evidence if user is not None else None,
            issued_at=now,
            expires_at=now + timedelta(minutes=1),
        )


def _filled(text: str, fill: Mapping[str, str]) -> str:
    for placeholder, value in fill.items():
        text = text.replace(placeholder, value)
    return text


def _number(patient: Patient | None) -> Mapping[str, str]:
    return {} if patient is None else {"{bsn}": patient.value}


def _from_record(found: Found) -> dict[str, Any]:
    body = found.body
    rules = body.get("rules", [])
    return {
        "decision": body.get("decision"),
        "code": body.get("code"),
        "rules": rules if isinstance(rules, list) else [],
        "record": {
            "seq": found.seq,
            "lane": found.lane,
            "at": found.at,
            **{
                name: body[name]
                for name in ("usecase", "step", "purpose", "interaction", "reference", "patient", "peer_ura",
                             "peer_name", "user_id", "user_name", "user_role")
                if body.get(name) is not None
            },
        },
    }  # fmt: skip


def _rule(rule: str, code: str, message: str) -> RuleOutcome:
    return RuleOutcome(rule=rule, outcome="deny", code=code, message=message, evidence={})
