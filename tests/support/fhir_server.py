"""A FHIR server for tests: a little search over plain dictionaries, and every way to misbehave.

    server = ScriptedFhirServer("https://gouwe.example/fhir/gouwe/r4", [a_patient(), an_observation()])
    server.attach(internet)
    server.instead["Observation"] = "timeout"                       # a PeerCode, a reply, or a function that answers
    server.page_size = 2                                            # and pages follow behind ``?_getpages=…``

It believes whatever it is asked, as real ones do (REAL.md): what it knows of the query is ``patient``, ``subject`` and
``identifier``; everything else is ignored.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from node.ports import HttpRequest, HttpResponse, PeerCode, PeerError
from tests.support.world import ManualClock, SimulatedInternet, reply

FHIR_JSON = "application/fhir+json"

Answer = HttpResponse | PeerCode | Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass(slots=True)
class ScriptedFhirServer:
    """One FHIR server.

    Attributes:
        base: its address, without trailing slash.
        resources: what it holds.
        included: comes along with every search of the type, as ``include``.
        instead: by resource type, or ``paging``: what it does instead of answering.
        page_size: entries on a page; the rest is behind a paging link that names neither type nor patient.
        clock: moved on by ``takes`` seconds at each call, when there is one.
        calls: what it was asked, relative to its base.
    """

    base: str
    resources: Sequence[dict[str, Any]] = ()
    included: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    instead: dict[str, Answer] = field(default_factory=dict)
    page_size: int = 500
    clock: ManualClock | None = None
    takes: float = 0.0
    calls: list[str] = field(default_factory=list)
    _searches: list[list[dict[str, Any]]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Scheme and host."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"

    def attach(self, internet: SimulatedInternet) -> None:
        """Answer for this origin."""
        internet.sites[self.origin] = self.answer

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer, well or badly."""
        target = request.url.removeprefix(self.base).removeprefix("/")
        self.calls.append(f"{request.method} {target}")
        if self.clock is not None:
            self.clock.jump(self.takes)
        path, _, query = target.partition("?")
        kind = path.partition("/")[0] or "paging"
        script = self.instead.get(kind)
        if isinstance(script, str):
            raise PeerError(script, self.origin)
        if isinstance(script, HttpResponse):
            return script
        if script is not None:
            return await script(request)
        if kind == "paging":
            return self._page(int(dict(parse_qsl(query))["_getpages"]), int(dict(parse_qsl(query))["offset"]))
        _, _, rest = path.partition("/")
        if rest and rest != "_search":
            return self._read(kind, rest)
        return self._search(kind, [*parse_qsl(query), *parse_qsl((request.body or b"").decode())])

    def searches(self, kind: str) -> list[str]:
        """Searches and reads of one type that were asked."""
        return [call for call in self.calls if call.partition(" ")[2].partition("?")[0].partition("/")[0] == kind]

    def _read(self, kind: str, resource_id: str) -> HttpResponse:
        for resource in (*self.resources, *(each for several in self.included.values() for each in several)):
            if (resource["resourceType"], resource["id"]) == (kind, resource_id):
                return fhir(resource)
        return fhir({"resourceType": "OperationOutcome", "issue": []}, status=404)

    def _search(self, kind: str, parameters: list[tuple[str, str]]) -> HttpResponse:
        found = [
            resource
            for resource in self.resources
            if resource["resourceType"] == kind and all(_fits(resource, name, value) for name, value in parameters)
        ]
        entries = [{"resource": each, "search": {"mode": "match"}} for each in found]
        entries += [{"resource": each, "search": {"mode": "include"}} for each in self.included.get(kind, [])]
        self._searches.append(entries)
        return self._page(len(self._searches) - 1, 0)

    def _page(self, search: int, offset: int) -> HttpResponse:
        entries = self._searches[search]
        page: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        page["link"] = [{"relation": "self", "url": f"{self.base}/secret?self"}]
        if shown := entries[offset : offset + self.page_size]:
            page["entry"] = shown
        if len(entries) > offset + self.page_size:
            url = f"{self.base}?_getpages={search}&offset={offset + self.page_size}"
            page["link"].append({"relation": "next", "url": url})
        return fhir(page)


def fhir(body: Any, status: int = 200, content_type: str = FHIR_JSON) -> HttpResponse:
    """A FHIR answer; what is neither bytes nor text becomes JSON."""
    return reply(body, status=status, content_type=content_type)


def searchset(*resources: dict[str, Any], included: Iterable[dict[str, Any]] = (), **more: Any) -> HttpResponse:
    """A page with these resources, whatever was asked."""
    entries = [{"resource": each, "search": {"mode": "match"}} for each in resources]
    entries += [{"resource": each, "search": {"mode": "include"}} for each in included]
    return fhir({"resourceType": "Bundle", "type": "searchset", **({"entry": entries} if entries else {}), **more})


def truncated(answer: HttpResponse) -> HttpResponse:
    """An answer whose end was lost."""
    return HttpResponse(status=answer.status, headers=answer.headers, body=answer.body[: len(answer.body) // 2])


def as_json(answer: HttpResponse) -> Any:
    """The body, parsed."""
    return json.loads(answer.body)


def _fits(resource: dict[str, Any], name: str, value: str) -> bool:
    match name:
        case "patient" | "subject":
            named: dict[str, str] = resource.get("patient") or resource.get("subject") or {}
            return named.get("reference", "").removeprefix("Patient/") == value.removeprefix("Patient/")
        case "identifier":
            return any(f"{each.get('system')}|{each.get('value')}" == value for each in resource.get("identifier", []))
        case _:
            return True
