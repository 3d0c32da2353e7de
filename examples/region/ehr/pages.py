"""Results as Bundles, page by page.

The next page is behind an opaque link under the base: ``[base]?_getpages=<id>&_getpagesoffset=…``. It names neither
type nor patient, and whoever has it gets the page; that is how a widely used server does it, and what a node in front
has to be ready for.
"""

import copy
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

from examples.region.data.elements import Json
from examples.region.ehr import search as searching
from examples.region.ehr.outcome import FhirError, invalid
from examples.region.ehr.query import MAX_COUNT, Search
from examples.region.ehr.records import Records, Stored
from examples.region.organisations import FhirVersion

# Results that are kept for their next pages; the oldest go first.
MAX_RESULTS = 500

# What may be wrong with a page on purpose, see ``misbehaviour``.
Spoiled = Literal["wrong_patient", "endless_pages"]

# A BSN that passes the elfproef and belongs to nobody in the region.
STRAY_BSN = "999990019"

_SUBSETTED = {
    "r4": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "stu3": "http://hl7.org/fhir/v3/ObservationValue",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a search found, kept until its pages have been fetched.

    Attributes:
        found: type and id of every match, in order.
    """

    name: str
    version: FhirVersion
    base: str
    search: Search
    found: tuple[tuple[str, str], ...]
    spoiled: Spoiled | None = None


class Results:
    """The results of searches, by their opaque name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Result] = OrderedDict()

    def keep(
        self,
        search: Search,
        found: Iterable[tuple[str, str]],
        *,
        version: FhirVersion,
        base: str,
        spoiled: Spoiled | None = None,
    ) -> Result:
        """Remember a result under a new name."""
        result = Result(
            name=str(uuid4()), version=version, base=base, search=search, found=tuple(found), spoiled=spoiled
        )
        self._kept[result.name] = result
        while len(self._kept) > MAX_RESULTS:
            self._kept.popitem(last=False)
        return result

    def get(self, name: str, version: FhirVersion) -> Result:
        """Find a result again.

        Raises:
            FhirError: 410, it never was or is gone.
        """
        result = self._kept.get(name)
        if result is None or result.version != version:
            raise FhirError(HTTPStatus.GONE, "not-found", f"Search ID {name!r} does not exist and may have expired")
        return result


def page(records: Records, result: Result, *, offset: int, count: int, now: datetime) -> Json:
    """Make the Bundle of one page: its matches, what they include, and the links."""
    search, version = result.search, result.version
    if search.counting or count == 0:
        return _bundle(result, [], [], now=now)
    slots = result.found[offset : offset + count]
    if result.spoiled == "endless_pages" and result.found:
        slots = tuple(result.found[(offset + i) % len(result.found)] for i in range(count))
    here = [stored for kind, identity in slots if (stored := _live(records, version, kind, identity)) is not None]
    links = []
    if offset + count < len(result.found) or result.spoiled == "endless_pages":
        links.append(_link("next", result, offset + count, count))
    if offset > 0:
        links.append(_link("previous", result, max(0, offset - count), count))
    entries = [_entry(result, stored.resource, "match") for stored in here]
    if result.spoiled == "wrong_patient":
        entries += [_entry(result, stray, "match") for stray in _stray(records, result, here)]
    entries += [
        _entry(result, stored.resource, "include") for stored in searching.included(records, search, here, version)
    ]
    return _bundle(result, entries, links, now=now)


def read_offset(pairs: Iterable[tuple[str, str]]) -> tuple[str, int, int | None]:
    """Read the parameters of a link to a page: name, offset, and count if it is there.

    Raises:
        FhirError: not such a link.
    """
    given = dict(pairs)
    name, offset, count = given.get("_getpages"), given.get("_getpagesoffset", "0"), given.get("_count", "")
    if name is None or not offset.isdigit() or not (count == "" or count.isdigit()):
        raise invalid("not a link to a page")
    return name, int(offset[:9]), min(int(count[:9]), MAX_COUNT) if count else None


def _bundle(result: Result, entries: list[Json], links: list[Json], *, now: datetime) -> Json:
    asked = urlencode(result.search.asked)
    own = f"{result.base}/{result.search.type}" + (f"?{asked}" if asked else "")
    bundle: Json = {
        "resourceType": "Bundle",
        "id": result.name,
        "meta": {"lastUpdated": now.isoformat(timespec="milliseconds")},
        "type": "searchset",
        "total": len(result.found),
        "link": [{"relation": "self", "url": own}, *links],
    }
    if entries:
        bundle["entry"] = entries
    return bundle


def _link(relation: str, result: Result, offset: int, count: int) -> Json:
    query = urlencode(
        {"_getpages": result.name, "_getpagesoffset": offset, "_count": count, "_bundletype": "searchset"}
    )
    return {"relation": relation, "url": f"{result.base}?{query}"}


def _entry(result: Result, resource: Json, mode: Literal["match", "include"]) -> Json:
    shown = _elements(resource, result) if mode == "match" else resource
    return {
        "fullUrl": f"{result.base}/{resource['resourceType']}/{resource['id']}",
        "resource": shown,
        "search": {"mode": mode},
    }


def _elements(resource: Json, result: Result) -> Json:
    """Keep the members asked for with ``_elements``, and say that it is a part."""
    wanted = result.search.elements
    if not wanted:
        return resource
    kept = {"resourceType", "id", "meta", *wanted, *(f"_{name}" for name in wanted)}
    part = {name: value for name, value in resource.items() if name in kept}
    tag = {"system": _SUBSETTED[result.version], "code": "SUBSETTED"}
    part["meta"] = {**resource.get("meta", {}), "tag": [*resource.get("meta", {}).get("tag", []), tag]}
    return part


def _live(records: Records, version: FhirVersion, kind: str, identity: str) -> Stored | None:
    stored = records.read(version, kind, identity)
    return None if stored is None or stored.deleted else stored


def _stray(records: Records, result: Result, here: list[Stored]) -> list[Json]:
    """A resource that does not belong on this page: another patient's if there is one, else a copy made out to one."""
    kind, version = result.search.type, result.version
    asked = {
        value.rpartition("/")[2]
        for criterion in result.search.criteria
        if criterion.parameter in ("patient", "subject")
        for value in criterion.values
    }
    own = asked.union(*(_patients(records, version, one) for one in here))
    everything = Search(type=kind, criteria=())
    for identity in searching.matches(records, everything, version, base=result.base):
        stored = _live(records, version, kind, identity)
        if stored is not None and not own.issuperset(_patients(records, version, stored)):
            return [stored.resource]
    if not here:
        return []
    stray = copy.deepcopy(here[0].resource)
    stray["id"] = f"stray-{stray['id']}"[:64]
    if kind == "Patient":
        stray["identifier"] = [{**one, "value": STRAY_BSN} for one in stray.get("identifier", [])]
    for member in ("subject", "patient", "beneficiary", "for"):
        if member in stray:
            stray[member] = {"reference": "Patient/99999"}
    return [stray]


def _patients(records: Records, version: FhirVersion, stored: Stored) -> set[str]:
    """Logical ids of the patients whom a resource is about."""
    if stored.type == "Patient":
        return {stored.id}
    names = ("patient", "subject", "beneficiary")
    targets = [target for name in names for target in records.targets(version, stored.type, stored.id, name)]
    return {target.removeprefix("Patient/") for target in targets if target.startswith("Patient/")}
