"""The HTTP side: one aiohttp application for all FHIR versions of one organisation, and ``/control``.

Handlers (``search_api``, ``resource_api``, ``control``) parse, call and render; errors become an OperationOutcome at
one place, ``_answer_errors``.
"""

import hmac
from http import HTTPStatus

from aiohttp import web

from examples.region.ehr import resource_api, search_api
from examples.region.ehr.control import CONTROL, Handler, get_control, misbehave, post_control
from examples.region.ehr.messages import fhir_answer
from examples.region.ehr.outcome import FhirError, operation_outcome
from examples.region.ehr.system import SYSTEM, RecordSystem

MAX_BODY = 1024 * 1024


def create_app(system: RecordSystem) -> web.Application:
    """Put the application together."""
    app = web.Application(middlewares=[_answer_errors, misbehave, _authorise], client_max_size=MAX_BODY)
    app[SYSTEM] = system
    app.add_routes([web.get(CONTROL, get_control), web.post(CONTROL, post_control)])
    base = f"/{{fhir:{'|'.join(system.versions)}}}"
    app.add_routes(
        [
            web.get(base, search_api.get_base),
            web.get(f"{base}/", search_api.get_base),
            web.post(base, search_api.post_batch),
            web.post(f"{base}/", search_api.post_batch),
            web.get(f"{base}/metadata", resource_api.get_metadata),
            web.get(f"{base}/Observation/$lastn", search_api.get_last_observations),
            web.get(f"{base}/Patient/{{id}}/$everything", search_api.get_everything),
            web.get(f"{base}/{{type}}", search_api.get_search),
            web.post(f"{base}/{{type}}", resource_api.post_create),
            web.post(f"{base}/{{type}}/_search", search_api.post_search),
            web.get(f"{base}/{{type}}/{{id}}", resource_api.get_read),
            web.put(f"{base}/{{type}}/{{id}}", resource_api.put_update),
            web.delete(f"{base}/{{type}}/{{id}}", resource_api.delete),
            web.get(f"{base}/{{type}}/{{id}}/_history/{{version}}", resource_api.get_version),
            web.get(f"{base}/Patient/{{id}}/{{type}}", search_api.get_compartment),
        ]
    )
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of FHIR requests are an OperationOutcome, aiohttp's own included."""
    try:
        return await handler(request)
    except FhirError as error:
        return fhir_answer(operation_outcome(error.code, str(error)), error.status)
    except web.HTTPException as error:
        code = {404: "not-found", 405: "not-supported", 413: "too-long"}.get(error.status, "processing")
        return fhir_answer(operation_outcome(code, error.reason), HTTPStatus(error.status))


@web.middleware
async def _authorise(request: web.Request, handler: Handler) -> web.StreamResponse:
    """With ``--token`` everything but metadata and control needs it."""
    token = request.app[SYSTEM].token
    if token is not None and request.path != CONTROL and not request.path.endswith("/metadata"):
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            refused = fhir_answer(operation_outcome("login", "a bearer token is needed"), HTTPStatus.UNAUTHORIZED)
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
    return await handler(request)
