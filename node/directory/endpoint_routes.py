"""``GET /internal/directory/v1/endpoints``: where an organisation is asked for a use case, in order, with the reasons."""

import re
from typing import Final

from aiohttp import web

from node.directory.endpoints import FHIR_VERSIONS, Place
from node.directory.keys import ENDPOINT_USECASES, ENDPOINTS
from node.web.parameters import read_parameters
from node.web.replies import RequestError
from registry.directory import FhirVersion

_URA: Final = re.compile(r"[0-9]{8}", re.ASCII)


async def get_endpoints(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/endpoints?ura=&usecase=&fhir_version=``: nobody is asked, and no patient is named."""
    asked = read_parameters(request, "ura", "usecase", "fhir_version")
    ura = asked.get("ura", "")
    if _URA.fullmatch(ura) is None:
        raise RequestError(400, "ura", "ura has eight digits")
    usecase = request.app[ENDPOINT_USECASES].by_id(asked.get("usecase", ""))
    if usecase is None:
        raise RequestError(
            404, "unknown_usecase", "this node takes no part in that use case", "see: hazel usecase list"
        )
    places = await request.app[ENDPOINTS].of(
        ura,
        usecase.discovery_service,
        frozenset({usecase.id, usecase.wire_scope}),
        _versions(asked.get("fhir_version")),
    )
    return web.json_response({"ura": ura, "usecase": usecase.id, "endpoints": [_place(each) for each in places]})


def _versions(text: str | None) -> tuple[FhirVersion, ...]:
    if text is None:
        return FHIR_VERSIONS
    found = tuple(each for each in FHIR_VERSIONS if each == text)
    if not found:
        raise RequestError(400, "fhir_version", f"fhir_version is {' or '.join(FHIR_VERSIONS)}")
    return found


def _place(place: Place) -> dict[str, str | None]:
    return {
        "address": place.address,
        "fhir_version": place.fhir_version,
        "authorization_server": place.authorization_server,
        "found_by": place.found_by,
        "state": place.state,
        "code": place.code,
        "reason": place.reason,
    }
