"""A care services directory for tests: a small FHIR server with history, that behaves badly when it is told to."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from node.ports import HttpRequest, HttpResponse
from registry.mcsd.ownership import CAPABILITIES, UPDATE_CLIENT, URA_SYSTEM
from registry.mcsd.resource import format_instant, parse_instant
from tests.support.world import NOON, reply

VEKTIS = "http://nictiz.nl/fhir/NamingSystem/organization-type"
Content = dict[str, Any]


def an_organization(identifier: str, *, ura: str | None = None, name: str = "Linde", **more: Any) -> Content:
    numbers = {} if ura is None else {"identifier": [{"system": URA_SYSTEM, "value": ura}]}
    return {"resourceType": "Organization", "id": identifier, "active": True, **numbers, "name": name, **more}


def an_endpoint(identifier: str, organisation: str | None, **more: Any) -> Content:
    managed = {} if organisation is None else {"managingOrganization": {"reference": f"Organization/{organisation}"}}
    given = {"status": "active", "connectionType": {"code": "hl7-fhir-rest"}, "address": "https://linde.example/fhir"}
    return {"resourceType": "Endpoint", "id": identifier, **given, "payloadType": [{"text": "any"}], **managed, **more}


def a_directory_endpoint(identifier: str, organisation: str, address: str) -> Content:
    coding = {"system": CAPABILITIES, "code": UPDATE_CLIENT}
    return an_endpoint(identifier, organisation, address=address, payloadType=[{"coding": [coding]}])


def a_location(identifier: str, organisation: str, **more: Any) -> Content:
    place = {
        "status": "active",
        "name": "Polikliniek",
        "managingOrganization": {"reference": f"Organization/{organisation}"},
    }
    return {"resourceType": "Location", "id": identifier, **place, **more}


def a_service(identifier: str, organisation: str, **more: Any) -> Content:
    given = {"active": True, "name": "Thuiszorg", "providedBy": {"reference": f"Organization/{organisation}"}}
    return {"resourceType": "HealthcareService", "id": identifier, **given, **more}


def an_affiliation(identifier: str, primary: str, participating: str, **more: Any) -> Content:
    return {
        "resourceType": "OrganizationAffiliation", "id": identifier, "active": True,
        "organization": {"reference": f"Organization/{primary}"},
        "participatingOrganization": {"reference": f"Organization/{participating}"}, **more,
    }  # fmt: skip


@dataclass
class SimulatedDirectory:
    """A directory at ``base``; a site of `tests.support.world.SimulatedInternet`.

    Attributes:
        versions: everything that ever happened, oldest first: type, id, version, when, content (None: deleted).
        page_size: entries per page.
        faults: answers that come first, one per request, in place of the right one.
        has_stamp: whether Bundles say when they were made.
        takes_count: whether ``_count`` is known.
        endless: every page has a next one.
        asked: path and query of each request.
    """

    base: str
    now: datetime = NOON
    page_size: int = 100
    versions: list[tuple[str, str, int, datetime, Content | None]] = field(default_factory=list)
    faults: list[HttpResponse | Exception] = field(default_factory=list)
    has_stamp: bool = True
    takes_count: bool = True
    endless: bool = False
    leads_to: str | None = None
    asked: list[str] = field(default_factory=list)

    def put(self, *contents: Content) -> None:
        """Publish new versions, each a second after the last."""
        for content in contents:
            self.now += timedelta(seconds=1)
            version = self._last(content["resourceType"], content["id"]) + 1
            self.versions.append((content["resourceType"], content["id"], version, self.now, content))

    def delete(self, kind: str, identifier: str) -> None:
        """Delete for good, as no directory should."""
        self.now += timedelta(seconds=1)
        self.versions.append((kind, identifier, self._last(kind, identifier) + 1, self.now, None))

    def paths(self) -> list[str]:
        """The paths below the base that were asked for."""
        return [urlsplit(each).path.removeprefix(urlsplit(self.base).path) for each in self.asked]

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        self.asked.append(request.url.removeprefix(f"{parts.scheme}://{parts.netloc}"))
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "_count" in query and not self.takes_count:
            return reply({"resourceType": "OperationOutcome"}, status=400)
        kind, _, rest = parts.path.removeprefix(urlsplit(self.base).path).strip("/").partition("/")
        entries = self._history(kind, query.get("_since")) if rest == "_history" else self._current(kind)
        start = int(query.get("page", "0")) * self.page_size
        more = start + self.page_size < len(entries) or self.endless
        given = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in query.items() if name != "page")
        number = 0 if self.endless else int(query.get("page", "0")) + 1
        there = self.leads_to or f"{self.base}/{kind}{'/' + rest if rest else ''}?{given}&page={number}"
        bundle: Content = {
            "resourceType": "Bundle",
            "type": "history" if rest else "searchset",
            **({"meta": {"lastUpdated": format_instant(self.now)}} if self.has_stamp else {}),
            "link": [{"relation": "self", "url": "x"}, *([{"relation": "next", "url": there}] if more else [])],
            "entry": entries[start : start + self.page_size],
        }
        return reply(json.dumps(bundle), content_type="application/fhir+json")

    def _last(self, kind: str, identifier: str) -> int:
        return max((each[2] for each in self.versions if each[:2] == (kind, identifier)), default=0)

    def _current(self, kind: str) -> list[Content]:
        latest = {each[1]: each for each in self.versions if each[0] == kind}
        return [self._entry(*each) for each in latest.values() if each[4] is not None]

    def _history(self, kind: str, since: str | None) -> list[Content]:
        start = parse_instant(since) if since is not None else NOON
        found = [each for each in self.versions if each[0] == kind and each[3] >= start]
        return [self._entry(*each) for each in reversed(found)]

    def _entry(self, kind: str, identifier: str, version: int, when: datetime, content: Content | None) -> Content:
        entry: Content = {"fullUrl": f"{self.base}/{kind}/{identifier}"}
        if content is None:
            deletion = {"method": "DELETE", "url": f"{kind}/{identifier}/_history/{version}"}
            return entry | {"request": deletion, "response": {"status": "200 OK", "etag": f'W/"{version}"'}}
        meta = {"versionId": str(version), "lastUpdated": format_instant(when), **content.get("meta", {})}
        return entry | {
            "resource": content | {"meta": meta},
            "request": {"method": "PUT", "url": f"{kind}/{identifier}"},
        }
