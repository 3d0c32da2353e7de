"""Answers of several holders side by side, each with its origin; what is missing is said, never left blank.

Nothing is merged away: a fact that two holders carry under the same business identifier stays twice, and is marked as the
same (``same_facts``). Which of them to believe is for a person.

The Bundle is spliced from the resources' own bytes (SPEED.md §6); only Provenance, OperationOutcome and the frame are
ours.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from node.exchange.response import CheckedResource
from node.usecases.identifiers import BSN_SYSTEMS, URA_SYSTEM
from node.usecases.model import FhirVersion

NOT_IDENTIFYING = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Device"})
"""Types whose identifiers name a person, place or thing: the same one at two holders is no doubled fact."""


class MixedVersionsError(Exception):
    """The answers are of more than one FHIR version and fit no common Bundle (API.md §2: 406)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a resource came from.

    Attributes:
        endpoint: FHIR base of the holder.
        fetched_at: when its page arrived, aware UTC.
        last_updated: ``meta.lastUpdated`` as the holder wrote it, if it did.
        recorder: who recorded it, as far as the resource says.
    """

    holder_ura: str
    holder_name: str
    endpoint: str
    fetched_at: datetime
    last_updated: str | None = None
    recorder: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return the shape of API.md §2."""
        return {
            "holder_ura": self.holder_ura,
            "holder_name": self.holder_name,
            "endpoint": self.endpoint,
            "fetched_at": rfc3339(self.fetched_at),
            "last_updated": self.last_updated,
            "recorder": self.recorder,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One resource as it came, with its origin."""

    step: str
    fhir_version: FhirVersion
    resource: CheckedResource
    lineage: Lineage

    @property
    def line(self) -> bytes:
        """Its JSON on one line: legal JSON has no line breaks inside strings, so they may go."""
        return bytes(self.resource.raw).replace(b"\r", b"").replace(b"\n", b"")

    @property
    def full_url(self) -> str:
        """Address that is unique over holders."""
        return f"{self.lineage.endpoint.rstrip('/')}/{self.resource.type}/{self.resource.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What could not be had.

    Attributes:
        step: absent when the holder as a whole is meant.
        state: of API.md §2 (``timeout``, ``not_available``, …).
    """

    holder_ura: str
    holder_name: str
    step: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SameFact:
    """One fact that several holders carry.

    Attributes:
        identifier: ``system|value`` they share.
        full_urls: where each stands.
    """

    type: str
    identifier: str
    full_urls: tuple[str, ...]


def lineage_of(
    resource: CheckedResource, *, holder_ura: str, holder_name: str, endpoint: str, fetched_at: datetime
) -> Lineage:
    """Return the lineage of a checked resource of this holder."""
    return Lineage(
        holder_ura=holder_ura,
        holder_name=holder_name,
        endpoint=endpoint,
        fetched_at=fetched_at,
        last_updated=resource.last_updated,
        recorder=resource.recorder,
    )


def same_facts(fetched: Iterable[Fetched]) -> tuple[SameFact, ...]:
    """Return the facts that more than one holder carries under the same business identifier, in order of appearance."""
    places: dict[tuple[str, str], dict[str, str]] = {}
    for one in fetched:
        if one.resource.mode == "outcome" or one.resource.type in NOT_IDENTIFYING:
            continue
        for identifier in one.resource.identifiers:
            if identifier.system and identifier.value and identifier.system not in BSN_SYSTEMS:
                key = (one.resource.type, f"{identifier.system}|{identifier.value}")
                places.setdefault(key, {}).setdefault(one.lineage.holder_ura, one.full_url)
    return tuple(
        SameFact(type=key[0], identifier=key[1], full_urls=tuple(holders.values()))
        for key, holders in places.items()
        if len(holders) > 1
    )


def collection_bundle(
    fetched: Sequence[Fetched], missing: Sequence[Missing], *, bundle_id: str, now: datetime
) -> bytes:
    """Return everything as one Bundle of type ``collection``, UTF-8 JSON (API.md §2).

    After the resources follow one Provenance per holder and step and, when something is missing or doubled, one
    OperationOutcome that says so.

    Args:
        fetched: in the order in which it is to stand.
        missing: what could not be had.
        bundle_id: a new UUID.
        now: aware UTC.

    Raises:
        MixedVersionsError: more than one FHIR version.
    """
    if len({one.fhir_version for one in fetched}) > 1:
        raise MixedVersionsError("the answers are of more than one FHIR version")
    entries: dict[str, bytes] = {}
    for one in fetched:
        if one.resource.mode != "outcome":
            entry = b'{"fullUrl":' + json.dumps(one.full_url).encode() + b',"resource":' + one.line + b"}"
            entries.setdefault(one.full_url, entry)
    own = [*_provenances(fetched), *_outcome(missing, same_facts(fetched))]
    frame = {"resourceType": "Bundle", "id": bundle_id, "type": "collection", "timestamp": rfc3339(now)}
    parts = [*entries.values(), *(_as_entry(resource, bundle_id, number) for number, resource in enumerate(own, 1))]
    if not parts:
        return json.dumps(frame).encode()
    return json.dumps(frame)[:-1].encode() + b',"entry":[' + b",".join(parts) + b"]}"


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_entry(resource: dict[str, object], bundle_id: str, number: int) -> bytes:
    return json.dumps(
        {"fullUrl": uuid5(NAMESPACE_URL, f"{bundle_id}/{number}").urn, "resource": resource},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _provenances(fetched: Sequence[Fetched]) -> list[dict[str, object]]:
    groups: dict[tuple[str, str], list[Fetched]] = {}
    for one in fetched:
        if one.resource.mode != "outcome":
            groups.setdefault((one.lineage.holder_ura, one.step), []).append(one)
    return [_provenance(step, group) for (_, step), group in groups.items()]


def _provenance(step: str, group: Sequence[Fetched]) -> dict[str, object]:
    lineage = group[0].lineage
    holder = {"identifier": {"system": URA_SYSTEM, "value": lineage.holder_ura}, "display": lineage.holder_name}
    targets = [{"reference": url} for url in dict.fromkeys(one.full_url for one in group)]
    activity = {"text": step}
    recorded = rfc3339(max(one.lineage.fetched_at for one in group))
    if group[0].fhir_version == "stu3":
        agent: dict[str, object] = {"whoReference": holder}
        return {
            "resourceType": "Provenance",
            "target": targets,
            "recorded": recorded,
            "activity": {"display": step},
            "agent": [agent],
            "entity": [{"role": "source", "whatUri": lineage.endpoint}],
        }
    return {
        "resourceType": "Provenance",
        "target": targets,
        "recorded": recorded,
        "activity": activity,
        "agent": [{"who": holder}],
        "entity": [{"role": "source", "what": {"identifier": {"value": lineage.endpoint}}}],
    }


def _outcome(missing: Sequence[Missing], doubles: Sequence[SameFact]) -> list[dict[str, object]]:
    issues: list[dict[str, object]] = [
        {
            "severity": "warning",
            "code": "incomplete",
            "details": {
                "text": f"{one.holder_name} ({one.holder_ura}){f', {one.step}' if one.step else ''}: {one.state}"
            },
        }
        for one in missing
    ]
    issues += [
        {
            "severity": "information",
            "code": "duplicate",
            "details": {"text": f"The same {double.type} is held by {len(double.full_urls)} organisations."},
            "diagnostics": " ".join(double.full_urls),
        }
        for double in doubles
    ]
    return [{"resourceType": "OperationOutcome", "issue": issues}] if issues else []
