"""Our own entries, for our own systems: publish what the node knows, and keep what it does not know (services, opening hours)."""

import re
from http import HTTPStatus

from aiohttp import hdrs, web

from node.directory.keys import OWN, PUBLISHER
from node.directory.own import ChangedError, TooManyEntriesError
from node.directory.publishing import Published
from node.directory.validation import InvalidEntryError, NoValidatorError, check_entry
from node.exchange.outcome import FHIR_JSON
from node.web.bodies import read_json
from node.web.parameters import read_parameters
from node.web.replies import RequestError
from registry.mcsd.resource import MAX_RESOURCE_BYTES, Resource, ResourceType, is_id, resource_type

_IF_MATCH = re.compile(r'W/"([0-9]{1,9})"', re.ASCII)


async def post_publish(request: web.Request) -> web.Response:
    """``POST /internal/directory/v1/publish``: publish what changed, here and elsewhere."""
    read_parameters(request)
    published = await request.app[PUBLISHER].publish()
    return web.json_response({"entries": [_published(each) for each in published]})


async def get_own(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/own/{type}/{id}``: one of our entries, with its ETag."""
    read_parameters(request)
    found = await request.app[OWN].read(*_named(request))
    if found is None:
        raise RequestError(404, "unknown_resource", "there is no such entry here")
    return web.Response(text=found.text, content_type=FHIR_JSON, headers={"ETag": found.etag})


async def put_own(request: web.Request) -> web.Response:
    """``PUT /internal/directory/v1/own/{type}/{id}``: make an entry, or change it with ``If-Match`` (FHIR R4 §3.1.0.5)."""
    read_parameters(request)
    kind, identifier = _named(request)
    given = request.headers.getall(hdrs.IF_MATCH, [])
    match = _IF_MATCH.fullmatch(given[0]) if len(given) == 1 else None
    if given and match is None:
        raise RequestError(
            400, "if_match", "If-Match names no version of ours", 'it is the ETag of the entry, as W/"3"'
        )
    content = await read_json(request, max_bytes=MAX_RESOURCE_BYTES, media_types=(FHIR_JSON,))
    resource = Resource.parse(content)
    if (resource.type, resource.id) != (kind, identifier):
        raise RequestError(400, "another_entry", "type and id in the body are not those in the address")
    check_entry(kind, content)
    made, is_new = await request.app[OWN].put(content, expected=0 if match is None else int(match[1]))
    status = HTTPStatus.CREATED if is_new and made.number == 1 else HTTPStatus.OK
    return web.Response(status=status, text=made.text, content_type=FHIR_JSON, headers={"ETag": made.etag})


def as_request_error(error: Exception) -> RequestError | None:
    """Translate what can go wrong with our own entries."""
    match error:
        case ChangedError():
            return RequestError(
                412, "changed", "the entry is not the version that was named",
                "read it again, and send If-Match with its ETag; leave If-Match out to make a new one",
            )  # fmt: skip
        case InvalidEntryError():
            return RequestError(422, "invalid_entry", str(error))
        case NoValidatorError():
            return RequestError(
                501, "no_validator", "nothing here can validate entries", "pip install 'hazel-node[directory]'"
            )
        case TooManyEntriesError():
            return RequestError(409, "too_many", "there are as many entries as are kept here")
        case _:
            return None


def _named(request: web.Request) -> tuple[ResourceType, str]:
    kind, identifier = resource_type(request.match_info["type"]), request.match_info["id"]
    if kind is None or not is_id(identifier):
        raise RequestError(404, "unknown_resource", "there is no such entry here")
    return kind, identifier


def _published(each: Published) -> dict[str, object]:
    return {
        "type": each.type,
        "id": each.id,
        "version": each.version,
        "here": each.here,
        "elsewhere": each.elsewhere,
        "error": each.error,
    }
