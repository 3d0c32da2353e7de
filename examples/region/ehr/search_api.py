"""Handlers that find resources: searches, their pages, operations, batches."""

from typing import cast, get_args

from aiohttp import web

from examples.region.data.elements import Json
from examples.region.ehr import operations
from examples.region.ehr import search as searching
from examples.region.ehr.messages import (
    base_of,
    existing,
    fhir_answer,
    form_of,
    json_object,
    query_of,
    type_of,
    unknown_type,
    version_of,
)
from examples.region.ehr.outcome import FhirError, invalid, operation_outcome
from examples.region.ehr.pages import Result, Spoiled, page, read_offset
from examples.region.ehr.parameters import PARAMETERS
from examples.region.ehr.query import Search, read_pairs, read_search
from examples.region.ehr.system import SYSTEM


async def get_search(request: web.Request) -> web.Response:
    """``GET [base]/[type]?…``."""
    return _searched(request, query_of(request))


async def post_search(request: web.Request) -> web.Response:
    """``POST [base]/[type]/_search``: parameters of the URL and of the form together."""
    return _searched(request, query_of(request) + await form_of(request))


async def get_compartment(request: web.Request) -> web.Response:
    """``GET [base]/Patient/[id]/[type]?…``: the search within one patient's records."""
    return _searched(request, [("patient", request.match_info["id"]), *query_of(request)])


async def get_base(request: web.Request) -> web.Response:
    """``GET [base]?_getpages=…``: a page of a search that was done before."""
    name, offset, count = read_offset(query_of(request))
    result = request.app[SYSTEM].results.get(name, version_of(request))
    return _page(request, result, offset=offset, count=count)


async def get_everything(request: web.Request) -> web.Response:
    """``GET [base]/Patient/[id]/$everything``."""
    system, version, base = request.app[SYSTEM], version_of(request), base_of(request)
    patient = existing(request, "Patient", request.match_info["id"])
    found = operations.everything(system.records, patient.id, version, base=base)
    return _listed(request, Search(type="Patient", criteria=(), count=len(found)), found)


async def get_last_observations(request: web.Request) -> web.Response:
    """``GET [base]/Observation/$lastn``: ignores what was asked."""
    system = request.app[SYSTEM]
    found = operations.last_observations(system.records, version_of(request), base=base_of(request))
    return _listed(request, Search(type="Observation", criteria=(), count=len(found)), found)


def _searched(request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
    system, kind, version = request.app[SYSTEM], type_of(request), version_of(request)
    search = read_search(kind, pairs, version)
    found = searching.matches(system.records, search, version, base=base_of(request))
    return _listed(request, search, [(kind, identity) for identity in found])


def _listed(request: web.Request, search: Search, found: list[tuple[str, str]]) -> web.Response:
    system = request.app[SYSTEM]
    kind = system.misbehaviour.for_path(request.path)
    spoiled = cast("Spoiled", kind) if kind in get_args(Spoiled) else None
    result = system.results.keep(search, found, version=version_of(request), base=base_of(request), spoiled=spoiled)
    return _page(request, result, offset=0, count=None)


def _page(request: web.Request, result: Result, *, offset: int, count: int | None) -> web.Response:
    system = request.app[SYSTEM]
    size = result.search.count if count is None else count
    return fhir_answer(page(system.records, result, offset=offset, count=size, now=system.now()))


async def post_batch(request: web.Request) -> web.Response:
    """``POST [base]``: a batch of GETs, answered one by one."""
    try:
        urls = operations.batch_requests(json_object(await request.read()))
    except ValueError as error:
        raise invalid(str(error)) from error
    entries = [_batched(request, url) for url in urls]
    return fhir_answer({"resourceType": "Bundle", "type": "batch-response", "entry": entries})


def _batched(request: web.Request, url: str) -> Json:
    path, _, query = url.lstrip("/").partition("?")
    kind, _, identity = path.partition("/")
    system, version, base = request.app[SYSTEM], version_of(request), base_of(request)
    try:
        if kind not in PARAMETERS:
            raise unknown_type(kind)
        if identity:
            resource = existing(request, kind, identity).resource
        else:
            search = read_search(kind, read_pairs(query), version)
            found = [(kind, one) for one in searching.matches(system.records, search, version, base=base)]
            result = system.results.keep(search, found, version=version, base=base)
            resource = page(system.records, result, offset=0, count=search.count, now=system.now())
    except FhirError as error:
        outcome = operation_outcome(error.code, str(error))
        return {"response": {"status": f"{error.status.value} {error.status.phrase}", "outcome": outcome}}
    return {"resource": resource, "response": {"status": "200 OK"}}
