"""Reading FHIR requests and writing FHIR answers: what every handler needs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import cast

from aiohttp import web

from examples.region.data.elements import Json
from examples.region.ehr.outcome import FhirError, not_found
from examples.region.ehr.parameters import PARAMETERS
from examples.region.ehr.query import read_pairs
from examples.region.ehr.records import Stored
from examples.region.ehr.system import SYSTEM
from examples.region.organisations import FhirVersion

FHIR_JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"


def query_of(request: web.Request) -> list[tuple[str, str]]:
    """Parameters of the URL, in order."""
    return read_pairs(request.rel_url.raw_query_string)


async def form_of(request: web.Request) -> list[tuple[str, str]]:
    """Parameters of a posted form, in order; an empty body is an empty form."""
    body = await request.read()
    if body and request.content_type != FORM:
        raise FhirError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-supported", f"expected {FORM}")
    return read_pairs(body)


def json_object(body: bytes) -> Json:
    """Read a JSON object.

    Raises:
        ValueError: it is something else; the message may be shown.
    """
    try:
        value = json.loads(body)
    except ValueError as error:
        msg = "not JSON"
        raise ValueError(msg) from error
    if not isinstance(value, dict):
        msg = "not a JSON object"
        raise ValueError(msg)  # noqa: TRY004  # one error for whatever a client may send
    return value


def version_of(request: web.Request) -> FhirVersion:
    """FHIR version of the base that was called."""
    return cast("FhirVersion", request.match_info["fhir"])


def base_of(request: web.Request) -> str:
    """Our base URL as the client called it, as real servers do: links in answers lead back the same way."""
    return f"{request.url.origin()}/{request.match_info['fhir']}"


def type_of(request: web.Request) -> str:
    """Resource type in the path.

    Raises:
        FhirError: 404, this server does not have it.
    """
    kind = request.match_info["type"]
    if kind not in PARAMETERS:
        raise unknown_type(kind)
    return kind


def unknown_type(kind: str) -> FhirError:
    """What is said about a resource type that this server does not have."""
    return not_found(f"Unknown resource type {kind!r} - Server knows how to handle: {sorted(PARAMETERS)}")


def existing(request: web.Request, kind: str, identity: str) -> Stored:
    """Read a resource that must be there.

    Raises:
        FhirError: 404 it never was, 410 it was deleted.
    """
    stored = request.app[SYSTEM].records.read(version_of(request), kind, identity)
    if stored is None:
        raise not_found(f"Resource {kind}/{identity} is not known")
    if stored.deleted:
        raise FhirError(HTTPStatus.GONE, "deleted", f"Resource was deleted: {kind}/{identity}")
    return stored


def etag(stored: Stored) -> str:
    """Weak entity tag of the current version."""
    return f'W/"{stored.version}"'


def stored_answer(stored: Stored, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer with one resource, its tag and its date."""
    updated = datetime.fromisoformat(stored.updated).astimezone(UTC)
    headers = {"ETag": etag(stored), "Last-Modified": format_datetime(updated, usegmt=True)}
    return fhir_answer(stored.resource, status, headers)


def fhir_answer(
    resource: Json, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with FHIR JSON."""
    body = json.dumps(resource, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, headers=headers, content_type=FHIR_JSON, charset="utf-8")
