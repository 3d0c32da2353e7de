"""The audit API (API.md §4) under ``/internal/audit/v1/{subject}``. Callers' rights are checked before (``internal_auth``).

The citizen is always in a body: ``patient-id`` in an address takes a pseudonym only.
"""

from aiohttp import web

from node.audit.asking import User, parse_moment, refuse_bsn_in_url
from node.audit.log import AuditUnavailableError
from node.audit.service import AuditService
from node.web.bodies import read_form, read_json
from node.web.internal_auth import CALLER
from node.web.parameters import read_parameters
from node.web.replies import RequestError

AUDIT = web.AppKey("AUDIT", AuditService)

MAX_REQUEST = 16_384
"""Bytes of a search form or report request."""

FHIR_JSON = "application/fhir+json"
JSON = "application/json"
NDJSON = "application/x-ndjson"


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/audit/v1/{subject}`` (API.md §4): AuditEvents, newest first."""
    refuse_bsn_in_url(request.query.values())
    bundle = await request.app[AUDIT].search(request.match_info["subject"], tuple(request.query.items()))
    return _reply(bundle, FHIR_JSON)


async def post_search(request: web.Request) -> web.Response:
    """``POST /internal/audit/v1/{subject}/_search``: the same, parameters as a form; here a citizen number is welcome."""
    pairs = (*request.query.items(), *await read_form(request, max_bytes=MAX_REQUEST))
    refuse_bsn_in_url(request.query.values())
    return _reply(await request.app[AUDIT].search(request.match_info["subject"], pairs), FHIR_JSON)


async def get_entry(request: web.Request) -> web.Response:
    """``GET /internal/audit/v1/{subject}/entries/{seq}?lane=``: one record with its query opened; this is recorded."""
    seq, lane = int(request.match_info["seq"]), read_parameters(request, "lane").get("lane")
    event = await request.app[AUDIT].entry(request.match_info["subject"], seq, lane, User(), _caller(request))
    return _reply(event, FHIR_JSON)


async def post_report(request: web.Request) -> web.Response:
    """``POST /internal/audit/v1/{subject}/report`` (API.md §4): a citizen's access report, JSON or FHIR by ``Accept``."""
    read_parameters(request)
    asked = await read_json(request, max_bytes=MAX_REQUEST)
    wants_fhir = _wants_fhir(request)
    report = await request.app[AUDIT].report(request.match_info["subject"], asked, _caller(request))
    return _reply(report.to_bundle(), FHIR_JSON) if wants_fhir else _reply(report.to_json(), JSON)


async def get_head(request: web.Request) -> web.Response:
    """``GET /internal/audit/v1/{subject}/head`` (API.md §4): the signed head of the chain as it is now."""
    read_parameters(request)
    return _reply((await request.app[AUDIT].head()).to_json(), JSON)


async def get_export(request: web.Request) -> web.StreamResponse:
    """``GET /internal/audit/v1/{subject}/export?from=&to=`` (API.md §4): NDJSON that proves itself elsewhere."""
    asked = read_parameters(request, "from", "to")
    since, until = (parse_moment(name, asked.get(name)) for name in ("from", "to"))
    lines = await request.app[AUDIT].export(request.match_info["subject"], since, until, _caller(request))
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
    await response.prepare(request)
    async for line in lines:
        await response.write(line)
    await response.write_eof()
    return response


async def post_verify(request: web.Request) -> web.Response:
    """``POST /internal/audit/v1/{subject}/verify``: check the whole chain and its signed heads now."""
    read_parameters(request)
    return _reply((await request.app[AUDIT].verify()).to_json(), JSON)


ROUTES = (
    web.get("/internal/audit/v1/{subject}", get_search, allow_head=False),
    web.post("/internal/audit/v1/{subject}/_search", post_search),
    web.get(r"/internal/audit/v1/{subject}/entries/{seq:[0-9]{1,15}}", get_entry, allow_head=False),
    web.post("/internal/audit/v1/{subject}/report", post_report),
    web.get("/internal/audit/v1/{subject}/head", get_head, allow_head=False),
    web.get("/internal/audit/v1/{subject}/export", get_export, allow_head=False),
    web.post("/internal/audit/v1/{subject}/verify", post_verify),
)


def as_request_error(error: Exception) -> RequestError | None:
    """Translate this room's errors for the boundary."""
    if isinstance(error, AuditUnavailableError):
        return RequestError(
            503,
            "audit_unavailable",
            "the audit log can not be used",
            "look at the disk or database of the node, then try again",
        )
    return None


def _caller(request: web.Request) -> str:
    caller = request.get(CALLER)
    return caller.name if caller is not None else "internal"


def _wants_fhir(request: web.Request) -> bool:
    """Choose the shape of a report; JSON unless FHIR is asked for.

    Raises:
        RequestError: 406 when neither would do.
    """
    accepted = request.headers.get("Accept", "*/*").lower()
    if FHIR_JSON in accepted:
        return True
    if JSON in accepted or "*/*" in accepted or "application/*" in accepted:
        return False
    raise RequestError(406, "not_acceptable", "a report comes as JSON or FHIR", f"send Accept: {JSON} or {FHIR_JSON}")


def _reply(value: object, content_type: str) -> web.Response:
    return web.json_response(value, content_type=content_type, headers={"Cache-Control": "no-store"})
