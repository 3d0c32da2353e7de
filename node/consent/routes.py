"""The consent API (API.md §4): FHIR R4 Consent under ``/internal/consent/v1/{subject}``, and who may see what.

The citizen is in a body wherever a number is needed: ``patient-id`` in an address takes a pseudonym only.
"""

import re

from aiohttp import web

from node.audit.asking import refuse_bsn_in_url
from node.consent.consent import MAX_CONSENT_BYTES
from node.consent.service import ConsentService
from node.consent.store import StoredConsent
from node.web.bodies import read_form, read_json
from node.web.internal_auth import CALLER
from node.web.parameters import read_parameters
from node.web.replies import RequestError

CONSENTS = web.AppKey("CONSENTS", ConsentService)

MAX_FORM = 4_096
FHIR_JSON = "application/fhir+json"

_ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"\Z')


async def post_consent(request: web.Request) -> web.Response:
    """``POST /internal/consent/v1/{subject}/Consent``: FHIR create."""
    read_parameters(request)
    resource = await read_json(request, max_bytes=MAX_CONSENT_BYTES, media_types=(FHIR_JSON,))
    stored = await request.app[CONSENTS].create(request.match_info["subject"], resource, _caller(request))
    return _consent(stored, status=201)


async def get_consent(request: web.Request) -> web.Response:
    """``GET /internal/consent/v1/{subject}/Consent/{id}``: FHIR read."""
    read_parameters(request)
    stored = await request.app[CONSENTS].read(request.match_info["subject"], request.match_info["id"])
    return _consent(stored)


async def get_version(request: web.Request) -> web.Response:
    """``GET /internal/consent/v1/{subject}/Consent/{id}/_history/{version}``: FHIR vread."""
    read_parameters(request)
    place = request.match_info
    return _consent(await request.app[CONSENTS].read(place["subject"], place["id"], int(place["version"])))


async def put_consent(request: web.Request) -> web.Response:
    """``PUT /internal/consent/v1/{subject}/Consent/{id}``: FHIR update; ``If-Match`` names the version that was changed."""
    read_parameters(request)
    resource = await read_json(request, max_bytes=MAX_CONSENT_BYTES, media_types=(FHIR_JSON,))
    place, expected = request.match_info, _expected(request)
    return _consent(
        await request.app[CONSENTS].update(place["subject"], place["id"], resource, _caller(request), expected=expected)
    )


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/consent/v1/{subject}/Consent?patient-id=k1.…``: FHIR search by pseudonym."""
    refuse_bsn_in_url(request.query.values())
    return _fhir(await request.app[CONSENTS].search(request.match_info["subject"], request.query.items()))


async def post_search(request: web.Request) -> web.Response:
    """``POST /internal/consent/v1/{subject}/Consent/_search``: the same, parameters as a form."""
    refuse_bsn_in_url(request.query.values())
    pairs = (*request.query.items(), *await read_form(request, max_bytes=MAX_FORM))
    return _fhir(await request.app[CONSENTS].search(request.match_info["subject"], pairs))


async def get_who_may(request: web.Request) -> web.Response:
    """``GET /internal/consent/v1/{subject}/who-may?patient-id=k1.…`` (API.md §4): what is allowed, and on which basis."""
    refuse_bsn_in_url(request.query.values())
    return _json(await request.app[CONSENTS].who_may(request.match_info["subject"], request.query.items()))


async def post_who_may(request: web.Request) -> web.Response:
    """``POST /internal/consent/v1/{subject}/who-may/_search``: the same, parameters as a form."""
    refuse_bsn_in_url(request.query.values())
    pairs = (*request.query.items(), *await read_form(request, max_bytes=MAX_FORM))
    return _json(await request.app[CONSENTS].who_may(request.match_info["subject"], pairs))


_BASE = "/internal/consent/v1/{subject}"
_ID = "{id:[A-Za-z0-9.-]{1,64}}"

ROUTES = (
    web.post(f"{_BASE}/Consent", post_consent),
    web.get(f"{_BASE}/Consent", get_search, allow_head=False),
    web.post(f"{_BASE}/Consent/_search", post_search),
    web.get(f"{_BASE}/Consent/who-may", get_who_may, allow_head=False),  # before the reads by id: it looks like one
    web.get(f"{_BASE}/Consent/{_ID}", get_consent, allow_head=False),
    web.put(f"{_BASE}/Consent/{_ID}", put_consent),
    web.get(f"{_BASE}/Consent/{_ID}/_history/{{version:[1-9][0-9]{{0,8}}}}", get_version, allow_head=False),
    web.get(f"{_BASE}/who-may", get_who_may, allow_head=False),
    web.post(f"{_BASE}/who-may", post_who_may),
    web.post(f"{_BASE}/who-may/_search", post_who_may),
)


def _caller(request: web.Request) -> str:
    caller = request.get(CALLER)
    return caller.name if caller is not None else "internal"


def _expected(request: web.Request) -> int | None:
    """Read ``If-Match``: the version that the caller changed, ``None`` when it does not say.

    Raises:
        RequestError: 400.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    tag = _ETAG.match(given.strip())
    if tag is None:
        raise RequestError(400, "if_match", "If-Match is not an ETag of ours", 'send the ETag of the read, like W/"3"')
    return int(tag[1])


def _consent(stored: StoredConsent, *, status: int = 200) -> web.Response:
    response = _fhir(stored.resource, status=status)
    response.headers["ETag"] = f'W/"{stored.version}"'
    response.last_modified = stored.updated_at
    if status == 201:  # noqa: PLR2004  # created
        response.headers["Location"] = (
            f"/internal/consent/v1/{stored.subject}/Consent/{stored.id}/_history/{stored.version}"
        )
    return response


def _fhir(value: object, *, status: int = 200) -> web.Response:
    return web.json_response(value, status=status, content_type=FHIR_JSON, headers={"Cache-Control": "no-store"})


def _json(value: object) -> web.Response:
    return web.json_response(value, headers={"Cache-Control": "no-store"})
