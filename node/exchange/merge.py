"""Answers of several holders side by side, each with its origin; what is missing is said, never left blank.

Nothing is merged away: a fact that two holders carry under the same business identifier stays twice, and is marked as the
same (``same_facts``). Which of them to believe is for a person.

The Bundle is spliced from the resources' own bytes (SPEED.md §6); only Provenance, OperationOutcome and the frame are
ours.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from node.exchange.response import CheckedResource
from node.usecases.identifiers import BSN_SYSTEMS, URA_SYSTEM
from node.usecases.model import FhirVersion

NOT_IDENTIFYING = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Device"})
"""Types whose identifiers name a person, place or thing: the same one at two holders is no doubled fact."""


Reader = Callable[["Fetched"], tuple[bytes | None, Sequence[str]]]
"""Gives a resource as another FHIR version, ``None`` where there is no reading, and the paths of what was lost."""
MAX_IDENTIFIERS = 8
"""Business identifiers of one resource that are compared."""


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

    def to_json(self) -> dict[str, object]:
        """Return the shape of API.md §2."""
        return {"type": self.type, "identifier": self.identifier, "references": list(self.full_urls)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Something that organisations say differently; which of them to believe is for a person.

    Attributes:
        topic: ``medication``, ``allergies`` or ``treatment-limits``.
        code: stable word of what differs (views/conflicts.py).
        detail: what each says; clinical.
        full_urls: where each stands.
    """

    topic: str
    code: str
    detail: str
    full_urls: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the shape of API.md §2."""
        return {"topic": self.topic, "code": self.code, "detail": self.detail, "references": list(self.full_urls)}


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


class SameFacts:
    """Finds facts that more than one holder carries under the same business identifier, as they come."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], dict[str, str]] = {}

    def add(self, one: Fetched) -> None:
        """Look at the next resource; nothing of it is kept but its identifiers."""
        if one.resource.mode == "outcome" or one.resource.type in NOT_IDENTIFYING:
            return
        identifiers = one.resource.identifiers
        if not identifiers:
            return
        for identifier in identifiers[:MAX_IDENTIFIERS]:
            if identifier.system and identifier.value and identifier.system not in BSN_SYSTEMS:
                key = (one.resource.type, f"{identifier.system}|{identifier.value}")
                self._places.setdefault(key, {}).setdefault(one.lineage.holder_ura, one.full_url)

    @property
    def found(self) -> tuple[SameFact, ...]:
        """The facts, in order of appearance."""
        return tuple(
            SameFact(type=key[0], identifier=key[1], full_urls=tuple(holders.values()))
            for key, holders in self._places.items()
            if len(holders) > 1
        )


def same_facts(fetched: Iterable[Fetched]) -> tuple[SameFact, ...]:
    """Return the facts that more than one holder carries under the same business identifier, in order of appearance."""
    facts = SameFacts()
    for one in fetched:
        facts.add(one)
    return facts.found


def collection_bundle(
    fetched: Sequence[Fetched],
    missing: Sequence[Missing],
    *,
    bundle_id: str,
    now: datetime,
    conflicts: Sequence[Conflict] = (),
    not_asked: Sequence[tuple[str, str, str]] = (),
    asked_nobody: bool = False,
    read: Reader | None = None,
) -> bytes:
    """Return everything as one Bundle of type ``collection``, UTF-8 JSON (API.md §2).

    After the resources follow the originals of those that were read in another version, one Provenance per holder and step and, when
    something is missing, not asked, doubled, contradicted or lost in reading, one OperationOutcome that says so.

    Args:
        fetched: in the order in which it is to stand.
        missing: what could not be had.
        bundle_id: a new UUID.
        now: aware UTC.
        conflicts: what holders say differently.
        not_asked: name, URA and stable reason of who takes part in the care and was not asked.
        asked_nobody: nobody was asked at all, so that an empty Bundle says nothing.
        read: reads a resource of another FHIR version (``as=r4``).

    Raises:
        MixedVersionsError: more than one FHIR version, and no reader.
    """
    if read is None and len({one.fhir_version for one in fetched}) > 1:
        raise MixedVersionsError("the answers are of more than one FHIR version")
    version = "r4" if read is not None else next((one.fhir_version for one in fetched), "r4")
    entries: dict[str, bytes] = {}
    originals: dict[str, str] = {}
    losses: list[tuple[str, Sequence[str]]] = []
    kept: list[bytes] = []
    for one in fetched:
        if one.resource.mode == "outcome" or one.full_url in entries or one.full_url in originals:
            continue
        line: bytes | None = one.line
        if read is not None and one.fhir_version != "r4":
            line, lost = read(one)
            originals[one.full_url] = uuid5(NAMESPACE_URL, f"{bundle_id} {one.full_url}").urn
            kept.append(_original(one, originals[one.full_url]))
            if lost:
                losses.append((one.full_url, lost))
        if line is not None:
            entries[one.full_url] = b'{"fullUrl":' + json.dumps(one.full_url).encode() + b',"resource":' + line + b"}"
    own = [
        *_provenances(fetched, version, entries, originals),
        *_outcome(
            [
                *([_NOBODY_ASKED] if asked_nobody else []),
                *(_said(one) for one in missing),
                *(_said_not_asked(*one) for one in not_asked),
            ],
            same_facts(fetched),
            conflicts,
            losses,
        ),
    ]
    frame = {"resourceType": "Bundle", "id": bundle_id, "type": "collection", "timestamp": rfc3339(now)}
    ours = (_as_entry(resource, bundle_id, number) for number, resource in enumerate(own, 1))
    parts = [*entries.values(), *kept, *ours]
    if not parts:
        return json.dumps(frame).encode()
    return json.dumps(frame)[:-1].encode() + b',"entry":[' + b",".join(parts) + b"]}"


def _original(one: Fetched, urn: str) -> bytes:
    """Return an entry with a resource as it was received, byte for byte."""
    binary = {
        "resourceType": "Binary",
        "contentType": f"application/fhir+json; fhirVersion={'3.0' if one.fhir_version == 'stu3' else '4.0'}",
        "data": b64encode(bytes(one.resource.raw)).decode(),
    }
    return json.dumps({"fullUrl": urn, "resource": binary}, separators=(",", ":")).encode()


@lru_cache(maxsize=256)
def rfc3339(moment: datetime) -> str:
    """Return ``moment`` in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_entry(resource: dict[str, object], bundle_id: str, number: int) -> bytes:
    return json.dumps(
        {"fullUrl": uuid5(NAMESPACE_URL, f"{bundle_id}/{number}").urn, "resource": resource},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _provenances(
    fetched: Sequence[Fetched], version: str, entries: Mapping[str, bytes], originals: Mapping[str, str]
) -> list[dict[str, object]]:
    groups: dict[tuple[str, str], list[Fetched]] = {}
    for one in fetched:
        if one.resource.mode != "outcome":
            groups.setdefault((one.lineage.holder_ura, one.step), []).append(one)
    return [_provenance(step, group, version, entries, originals) for (_, step), group in groups.items()]


def _provenance(
    step: str, group: Sequence[Fetched], version: str, entries: Mapping[str, bytes], originals: Mapping[str, str]
) -> dict[str, object]:
    lineage = group[0].lineage
    holder = {"identifier": {"system": URA_SYSTEM, "value": lineage.holder_ura}, "display": lineage.holder_name}
    urls = dict.fromkeys(one.full_url for one in group)
    kept = [originals[url] for url in urls if url in originals]
    targets = [{"reference": url if url in entries else originals[url]} for url in urls]
    recorded = rfc3339(max(one.lineage.fetched_at for one in group))
    if version == "stu3":
        agent: dict[str, object] = {"whoReference": holder}
        return {
            "resourceType": "Provenance",
            "target": targets,
            "recorded": recorded,
            "activity": {"display": step},
            "agent": [agent],
            "entity": [{"role": "source", "whatUri": lineage.endpoint}],
        }
    entities: list[dict[str, object]] = [{"role": "source", "what": {"identifier": {"value": lineage.endpoint}}}]
    entities += [{"role": "derivation", "what": {"reference": urn}} for urn in kept]
    return {
        "resourceType": "Provenance",
        "target": targets,
        "recorded": recorded,
        "activity": {"text": step},
        "agent": [{"who": holder}],
        "entity": entities,
    }


def _outcome(
    gaps: Sequence[str],
    doubles: Sequence[SameFact],
    conflicts: Sequence[Conflict],
    losses: Sequence[tuple[str, Sequence[str]]],
) -> list[dict[str, object]]:
    issues: list[dict[str, object]] = [
        {"severity": "warning", "code": "incomplete", "details": {"text": said}} for said in gaps
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
    issues += [
        {
            "severity": "warning",
            "code": "conflict",
            "details": {"text": f"Organisations differ about {each.topic} ({each.code}): {each.detail}"},
            "diagnostics": " ".join(each.full_urls) or each.code,
        }
        for each in conflicts
    ]
    issues += [
        {
            "severity": "information",
            "code": "not-supported",
            "details": {"text": f"Not carried over from STU3: {', '.join(lost)}"},
            "diagnostics": url,
        }
        for url, lost in losses
    ]
    return [{"resourceType": "OperationOutcome", "issue": issues}] if issues else []


_NOBODY_ASKED = "Nobody was asked: this says nothing about what there is."


def _said_not_asked(name: str, ura: str, reason: str) -> str:
    who = f"{name} ({ura})" if name and ura else name or ura
    return f"{who}: not asked ({reason})"


def _said(one: Missing) -> str:
    step = f", {one.step}" if one.step else ""
    state = "not available" if one.state == "not_available" else f"not available ({one.state})"
    return f"{one.holder_name} ({one.holder_ura}){step}: {state}"
