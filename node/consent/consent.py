"""FHIR R4 Consent, as far as we understand it. What we don't understand and would narrow or widen it is refused by name.

Understood::

    patient.identifier          system BSN, nine digits
    status                      only "active" has effect
    scope, category             any; kept
    dateTime, performer, …      any; kept (they don't change what is allowed)
    organization[].identifier   URA of the holder: has to be the organisation that keeps the consent (service.py)
    provision                   required, with one level of provision.provision below it:
      .type                     permit | deny
      .period                   start and end, dates or times; an end is included
      .actor[]                  .reference.identifier with system URA: that organisation;
                                .role.coding with the Vektis organisation type: that kind of organisation; none: everyone
      .code[]                   GGC002 treatment data, of which GGC012 results and GGC013 medication are parts; none: all
      .action[]                 absent, or one of it is "access" or "disclose"

A nested provision narrows its parent: what it does not name it takes over. It has to name an actor or a code, since an
exception as wide as its rule says nothing. Dates without a time are days in UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.audit.pseudonym import BSN_SYSTEM

URA_SYSTEM = "http://fhir.nl/fhir/NamingSystem/ura"
FACILITY_TYPE_SYSTEMS = frozenset(
    {"http://nictiz.nl/fhir/NamingSystem/organization-type", "urn:oid:2.16.840.1.113883.2.4.15.1060"}
)
"""Vektis organisation types: ``V6``, ``Z3``, …; the OID is what Mitz names them by (LANDSCAPE §2.4)."""

TREATMENT, RESULTS, MEDICATION = "GGC002", "GGC012", "GGC013"
CATEGORIES = (TREATMENT, RESULTS, MEDICATION)
"""Data categories of Mitz; the first contains the others (LANDSCAPE §2.4)."""

STATUSES = ("draft", "proposed", "active", "rejected", "inactive", "entered-in-error")

MAX_ACTORS = 200
MAX_PROVISIONS = 100
MAX_CONSENT_BYTES = 65_536

_PROVISION_MEMBERS_OF_FHIR = frozenset({"purpose", "securityLabel", "class", "dataPeriod", "data", "modifierExtension"})
"""Members that would narrow a rule and that we do not apply; named in the refusal, as a stranger's words are not."""

_PROVISION_MEMBERS = frozenset({"id", "extension", "type", "period", "actor", "code", "action", "provision"})
_CONSENT_MEMBERS_REFUSED = frozenset({"modifierExtension", "implicitRules", "contained"})
_ACTIONS = frozenset({"access", "disclose"})
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_BSN = re.compile(r"[0-9]{9}\Z")
_URA = re.compile(r"[0-9]{8}\Z")
_FACILITY_TYPE = re.compile(r"[A-Z][0-9A-Z]{0,3}\Z")
_YEAR = re.compile(r"[0-9]{4}\Z")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One provision, complete in itself.

    Attributes:
        permit: else it is an objection.
        organisations: URAs it is about; ``facility_types`` kinds it is about; both empty: everyone.
        categories: data it is about; empty: all.
        start: from this moment on; ``None`` for always.
        end: before this moment; ``None`` for ever.
    """

    permit: bool
    organisations: frozenset[str] = frozenset()
    facility_types: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    start: datetime | None = None
    end: datetime | None = None

    @property
    def is_for_everyone(self) -> bool:
        """Whether no actor is named."""
        return not self.organisations and not self.facility_types

    def is_current(self, now: datetime) -> bool:
        """Say whether ``now`` is within its period."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent as we understand it.

    Attributes:
        id: logical id; empty before it has one.
        status: FHIR status.
        bsn: the citizen's number; never leaves this room except sealed.
        holders: URAs of ``organization``; empty when not said.
        rules: all provisions; they count only while :attr:`is_active`.
    """

    id: str
    status: str
    bsn: str
    holders: frozenset[str]
    rules: tuple[Rule, ...]

    @property
    def is_active(self) -> bool:
        """Whether it has effect at all."""
        return self.status == "active"

    @classmethod
    def parse(cls, value: object) -> Self:
        """Parse a resource.

        Args:
            value: parsed JSON from a caller or the store; not trusted.

        Raises:
            MalformedError: names the member; never quotes a value.
        """
        consent = Fields.of(value, "Consent")
        # (1) it is a Consent without anything that changes how it is to be read
        if consent.raw("resourceType") != "Consent":
            raise MalformedError("Consent: resourceType is not Consent")
        for name in sorted(_CONSENT_MEMBERS_REFUSED & consent.names()):
            raise MalformedError(f"Consent.{name} is not supported")
        identifier = consent.optional_text("id") or ""
        if identifier and _ID.match(identifier) is None:
            raise MalformedError("Consent.id is not a FHIR id")
        # (2) about one citizen
        patient = consent.child("patient").child("identifier")
        if patient.text("system") != BSN_SYSTEM:
            raise MalformedError(f"{patient.what}.system is not {BSN_SYSTEM}")
        if _BSN.match(patient.text("value")) is None:
            raise MalformedError(f"{patient.what}.value is not a citizen number of nine digits")
        # (3) members that R4 requires
        status = consent.text("status")
        if status not in STATUSES:
            raise MalformedError(f"Consent.status is not one of {', '.join(STATUSES)}")
        consent.child("scope")
        if not consent.children("category"):
            raise MalformedError("Consent.category is empty")
        # (4) whose consent it is
        holders = frozenset(_ura(holder) for holder in _children(consent, "organization"))
        # (5) what it allows and refuses
        return cls(
            id=identifier,
            status=status,
            bsn=patient.text("value"),
            holders=holders,
            rules=_rules(consent.child("provision")),
        )


def _rules(provision: Fields) -> tuple[Rule, ...]:
    base = _rule(provision, None)
    nested = _children(provision, "provision")
    if len(nested) > MAX_PROVISIONS:
        raise MalformedError(f"{provision.what}.provision has more than {MAX_PROVISIONS} elements")
    rules = [base]
    for one in nested:
        if one.raw("provision") is not None:
            raise MalformedError(f"{one.what}.provision: one level of nesting is supported")
        if one.raw("actor") is None and one.raw("code") is None:
            raise MalformedError(f"{one.what} names neither an actor nor a code, so it is no exception")
        rules.append(_rule(one, base))
    return tuple(rules)


def _rule(provision: Fields, parent: Rule | None) -> Rule:
    """Read one provision; what it does not name it takes over from ``parent``."""
    what = provision.what
    unsupported = provision.names() - _PROVISION_MEMBERS
    for name in sorted(unsupported & _PROVISION_MEMBERS_OF_FHIR):
        raise MalformedError(f"{what}.{name} is not supported")
    if unsupported:
        raise MalformedError(f"{what} has a member that FHIR does not know")
    kind = provision.text("type")
    if kind not in ("permit", "deny"):
        raise MalformedError(f"{what}.type is neither permit nor deny")
    organisations, facility_types = set[str](), set[str]()
    actors = _children(provision, "actor")
    if len(actors) > MAX_ACTORS:
        raise MalformedError(f"{what}.actor has more than {MAX_ACTORS} elements")
    for actor in actors:
        _read_actor(actor, organisations, facility_types)
    categories = {_category(code) for code in _children(provision, "code")}
    _check_actions(provision)
    start, end = _period(provision.optional_child("period"))
    if parent is not None:
        if not actors:
            organisations, facility_types = set(parent.organisations), set(parent.facility_types)
        categories = categories or set(parent.categories)
        start = max((one for one in (start, parent.start) if one is not None), default=None)
        end = min((one for one in (end, parent.end) if one is not None), default=None)
    return Rule(
        permit=kind == "permit",
        organisations=frozenset(organisations),
        facility_types=frozenset(facility_types),
        categories=frozenset(categories),
        start=start,
        end=end,
    )


def _read_actor(actor: Fields, organisations: set[str], facility_types: set[str]) -> None:
    """Read one actor: an organisation by URA, else a kind of organisation by its role."""
    reference = actor.optional_child("reference")
    if reference is not None and reference.raw("identifier") is not None:
        organisations.add(_ura(reference))
        return
    role = actor.optional_child("role")
    for coding in _children(role, "coding") if role is not None else ():
        if coding.optional_text("system") in FACILITY_TYPE_SYSTEMS:
            code = coding.text("code")
            if _FACILITY_TYPE.match(code) is None:
                raise MalformedError(f"{coding.what}.code is not a Vektis organisation type")
            facility_types.add(code)
            return
    raise MalformedError(
        f"{actor.what} names neither an organisation (reference.identifier, URA) nor a kind of organisation (role)"
    )


def _ura(reference: Fields) -> str:
    identifier = reference.child("identifier")
    if identifier.text("system") != URA_SYSTEM:
        raise MalformedError(f"{identifier.what}.system is not {URA_SYSTEM}")
    value = identifier.text("value")
    if _URA.match(value) is None:
        raise MalformedError(f"{identifier.what}.value is not a URA of eight digits")
    return value


def _category(concept: Fields) -> str:
    for coding in _children(concept, "coding"):
        code = coding.text("code")
        if code in CATEGORIES:
            return code
    raise MalformedError(f"{concept.what} is none of {', '.join(CATEGORIES)}")


def _check_actions(provision: Fields) -> None:
    actions = _children(provision, "action")
    codes = {coding.optional_text("code") for action in actions for coding in _children(action, "coding")}
    if actions and not codes & _ACTIONS:
        raise MalformedError(f"{provision.what}.action is neither access nor disclose")


def _period(period: Fields | None) -> tuple[datetime | None, datetime | None]:
    if period is None:
        return None, None
    start, end = (period.optional_text(name) for name in ("start", "end"))
    first = _moment(start, f"{period.what}.start")[0] if start is not None else None
    behind = _moment(end, f"{period.what}.end")[1] if end is not None else None
    if first is not None and behind is not None and behind <= first:
        raise MalformedError(f"{period.what} ends before it starts")
    return first, behind


def _moment(text: str, what: str) -> tuple[datetime, datetime]:
    """Return the first moment that ``text`` (a FHIR dateTime) covers and the first one behind it, in UTC."""
    try:
        if _YEAR.match(text):
            return _utc(int(text), 1, 1), _utc(int(text) + 1, 1, 1)
        if _MONTH.match(text):
            year, month = int(text[:4]), int(text[5:])
            return _utc(year, month, 1), _utc(year + month // 12, month % 12 + 1, 1)
        if _DAY.match(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + timedelta(days=1)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")  # noqa: TRY301  # one message for all of it
        moment = moment.astimezone(UTC)
        return moment, moment + timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise MalformedError(f"{what} is not a FHIR dateTime with its zone") from error


def _utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _children(fields: Fields, name: str) -> tuple[Fields, ...]:
    return fields.children(name) if fields.raw(name) is not None else ()


def with_meta(resource: Mapping[str, Any], *, identifier: str, version: int, updated_at: datetime) -> dict[str, Any]:
    """Return ``resource`` with the id, version and time that the server gives it; the caller's other meta is kept."""
    meta = resource.get("meta")
    return {
        **resource,
        "id": identifier,
        "meta": {
            **(meta if isinstance(meta, dict) else {}),
            "versionId": str(version),
            "lastUpdated": updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
    }
