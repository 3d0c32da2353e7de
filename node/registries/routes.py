"""Discovery over HTTP: the lists we host for everybody (WIRE §2.10.1), our own part for the vendor (§2.10.6), the directory."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from credentials.query.matching import NoMatch
from node.identity.routes import CLOCK, SUBJECTS
from node.oauth.metadata import issuer_url
from node.registries import log_routes
from node.registries.participation import Participation
from node.web.bodies import media_type, read_bytes, read_model
from node.web.parameters import read_parameters
from node.web.replies import RequestError
from registry.client import RegistryClient
from registry.directory import Organisation
from registry.entry import Entry, Registered
from registry.errors import PeerLogError, RegistryError, RejectedError, ServiceStoppedError, TransferError
from registry.host import RegistryHost
from registry.messages import MAX_REGISTRATION_BYTES, parse_registration
from registry.ports import OwnRegistration, RegistryStore
from registry.service import ServiceDefinition

HOST = web.AppKey("HOST", RegistryHost)
CLIENT = web.AppKey("CLIENT", RegistryClient)
STORE = web.AppKey("STORE", RegistryStore)
PARTICIPATION = web.AppKey("PARTICIPATION", Participation)

MAX_TIMESTAMP_DIGITS = 15

MAX_ACTIVATION = 16_384
"""Bytes; what is given here goes into every registration, which holds a certificate chain too."""

_URA = re.compile(r"[0-9]{8}", re.ASCII)


class Activation(BaseModel):
    """Body of an activation; nuts-node's API, so unknown members are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    registrationParameters: dict[str, Any] | None = None  # noqa: N815  # the wire's name


def public_routes(base_path: str = "") -> list[web.RouteDef]:
    """Return the routes of the public listener.

    Args:
        base_path: the path of the node's public URL, without a trailing slash.
    """
    return [
        web.get(base_path + "/discovery/{service}", get_page),
        web.post(base_path + "/discovery/{service}", post_registration),
        web.get(base_path + "/discovery/{service}/log/checkpoint", get_checkpoint),
        web.get(base_path + "/discovery/{service}/log/tile/{tile:.{1,64}}", get_tile),
    ]


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [
        web.get("/internal/discovery/v1", get_services),
        web.get("/internal/discovery/v1/{service}", get_search),
        web.get("/internal/discovery/v1/{service}/{subject}", get_activation),
        web.post("/internal/discovery/v1/{service}/{subject}", post_activation),
        web.delete("/internal/discovery/v1/{service}/{subject}", delete_activation),
        web.get("/internal/registries/v1/{service}", get_log_state),
        web.post("/internal/registries/v1/{service}/promote", post_promotion),
        web.get("/internal/directory/v1/organisations", get_organisations),
    ]


async def get_page(request: web.Request) -> web.Response:
    """``GET /discovery/{service}?timestamp=``: what is new in a list that we host or mirror."""
    service, after = _served(request), _timestamp(request)
    if service.id in request.app[HOST].services:
        page = await request.app[HOST].page(service.id, after)
    else:
        page = await request.app[log_routes.LOG_HOST].page(service, after)
    return web.Response(body=page.to_wire(), content_type="application/json")


async def post_registration(request: web.Request) -> web.Response:
    """``POST /discovery/{service}``: a registration or withdrawal, a JSON string with a compact JWT."""
    service = _hosted(request)
    if media_type(request) != "application/json":
        raise RequestError(415, "content_type", "the body must be a JSON string", "send Content-Type: application/json")
    compact = parse_registration(await read_bytes(request, max_bytes=MAX_REGISTRATION_BYTES))
    await request.app[HOST].accept(service, compact)
    return web.Response(status=HTTPStatus.CREATED)


async def get_checkpoint(request: web.Request) -> web.Response:
    """``GET /discovery/{service}/log/checkpoint``: how large the log is and what is in it, signed."""
    return await log_routes.checkpoint(request, _served(request))


async def get_tile(request: web.Request) -> web.Response:
    """``GET /discovery/{service}/log/tile/…``: a tile of hashes, or a bundle of leaves."""
    return await log_routes.tile(request, _served(request))


async def get_log_state(request: web.Request) -> web.Response:
    """``GET /internal/registries/v1/{service}``: our role, what host and mirrors say, and what is wrong with it."""
    service = request.app[CLIENT].services[_known(request)]
    followed = request.app[PARTICIPATION].followed(service.id)
    stopped = request.app[CLIENT].stopped.get(service.id)
    return web.json_response(await log_routes.state_of(request, service, followed, stopped))


async def post_promotion(request: web.Request) -> web.Response:
    """``POST /internal/registries/v1/{service}/promote``: become the host of a service that we mirror."""
    answer = await log_routes.post_promotion(request, request.app[CLIENT].services[_known(request)])
    await request.app[PARTICIPATION].look()
    return answer


async def get_services(request: web.Request) -> web.Response:
    """``GET /internal/discovery/v1``: the definitions that this node has."""
    return web.json_response([dict(service.raw) for service in request.app[CLIENT].services.values()])


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/discovery/v1/{service}?path=value``: who is registered, and how the list is kept."""
    service = _known(request)
    found = await request.app[CLIENT].search(service, list(request.query.items()))
    shown = request.app[PARTICIPATION].without_lapsed(found)
    return web.json_response([_search_result(each) for each in shown])


async def get_activation(request: web.Request) -> web.Response:
    """``GET /internal/discovery/v1/{service}/{subject}``: whether one of our organisations is registered."""
    service = _known(request)
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    own = await request.app[STORE].own(service, subject.dids[0])
    entry = await request.app[STORE].entry_of(service, subject.dids[0], request.app[CLOCK].now())
    now = request.app[CLOCK].now()
    return web.json_response(_activation(own, entry, request.app[PARTICIPATION], service, now))


async def post_activation(request: web.Request) -> web.Response:
    """``POST /internal/discovery/v1/{service}/{subject}``: register, now and from now on."""
    service = _known(request)
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    wanted = await read_model(request, Activation, max_bytes=MAX_ACTIVATION) if request.body_exists else Activation()
    own = request.app[PARTICIPATION].parameters_of(subject.dids[0])
    await request.app[CLIENT].register(service, subject.dids[0], {**own, **(wanted.registrationParameters or {})})
    await request.app[PARTICIPATION].look()
    return web.Response(status=HTTPStatus.OK)


async def delete_activation(request: web.Request) -> web.Response:
    """``DELETE /internal/discovery/v1/{service}/{subject}``: withdraw; 202 when the host could not be told yet."""
    service = _known(request)
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    try:
        await request.app[CLIENT].leave(service, subject.dids[0])
    except TransferError as error:
        return web.json_response({"reason": str(error)}, status=HTTPStatus.ACCEPTED)
    finally:
        await request.app[PARTICIPATION].look()
    return web.Response(status=HTTPStatus.OK)


async def get_organisations(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/organisations?service=&ura=``: whom we know, and where they are reached."""
    directory = request.app[PARTICIPATION].directory
    asked = read_parameters(request, "service", "ura")
    wanted, ura = asked.get("service"), asked.get("ura")
    if wanted is not None and wanted not in request.app[CLIENT].services:
        raise _not_defined()
    if ura is not None and _URA.fullmatch(ura) is None:
        raise RequestError(400, "ura", "ura has eight digits")
    services = [wanted] if wanted is not None else list(request.app[CLIENT].services)
    found: dict[str, Organisation] = {}
    for service in services:
        for organisation in directory.organisations(service):
            if ura is None or organisation.ura == ura:
                found.setdefault(organisation.ura, organisation)
    return web.json_response({"organisations": [_organisation(each) for each in found.values()]})


def as_request_error(error: Exception) -> RequestError | None:
    """Translate this room's errors for the boundary."""
    match error:
        case RejectedError(code="unknown_service"):
            return RequestError(404, error.code, str(error))
        case RejectedError():
            return RequestError(400, error.code, str(error))
        case ServiceStoppedError():  # its message names files
            return _stopped()
        case NoMatch():
            return RequestError(412, "no_matching_credentials", "the wallet has no credentials that fit this service")
        case TransferError() | PeerLogError():
            return RequestError(412, "registration_failed", f"registration failed, it will be tried again: {error}")
        case RegistryError():
            return RequestError(400, "discovery", str(error))
        case _:
            return None


def own_parameters(public_url: str, subject: str, fhir_versions: tuple[str, ...], facility_type: str) -> dict[str, str]:
    """Return what one of our organisations says about itself on registering (LANDSCAPE §6.6)."""
    return {
        "authServerURL": issuer_url(public_url, subject),
        "organization_facility_type": facility_type,
        **{f"fhir_base_url_{version}": f"{public_url}/fhir/{subject}/{version}" for version in fhir_versions},
    }


def _served(request: web.Request) -> ServiceDefinition:
    """A service that we host or mirror."""
    service = request.app[CLIENT].services.get(request.match_info["service"])
    keys = request.app[log_routes.LOG_HOST].keys
    if service is None or not (service.id in request.app[HOST].services or keys.is_mirror(service)):
        raise RequestError(404, "unknown_service", "this discovery service is not hosted here")
    if service.id in request.app[CLIENT].stopped:
        raise _stopped()
    return service


def _stopped() -> RequestError:
    return RequestError(503, "service_stopped", "this discovery service is stopped here; the operator was told why")


def _hosted(request: web.Request) -> str:
    service = request.match_info["service"]
    if service not in request.app[HOST].services:
        raise RequestError(404, "unknown_service", "this discovery service is not hosted here")
    return service


def _known(request: web.Request) -> str:
    service = request.match_info["service"]
    if service not in request.app[CLIENT].services:
        raise _not_defined()
    return service


def _not_defined() -> RequestError:
    return RequestError(404, "unknown_service", "this node has no definition of that discovery service")


def _timestamp(request: web.Request) -> int:
    text = read_parameters(request, "timestamp").get("timestamp", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_TIMESTAMP_DIGITS:
        raise RequestError(400, "malformed_timestamp", "timestamp is a whole number")
    return int(text)


def _search_result(entry: Registered) -> Mapping[str, Any]:
    return {
        "id": entry.presentation_id,
        "credential_subject_id": entry.holder,
        "vp": entry.compact,
        "fields": dict(entry.claims),
        "registrationParameters": dict(entry.parameters),
    }


def _activation(
    own: OwnRegistration | None, entry: Entry | None, participation: Participation, service: str, now: datetime
) -> Mapping[str, Any]:
    """Say how a registration stands; ``vp`` is empty until our copy of the list has it."""
    followed = participation.followed(service)
    replica = {
        "members": followed.members,
        "refreshed_at": _text(followed.refreshed_at),
        "error": followed.error,
        "pending": followed.pending,
        "refused": followed.refused,
        "alarms": [] if followed.log is None else [f"{each.kind}: {each.detail}" for each in followed.log.alarms],
    }
    if own is None or own.leaving or own.presentation_id is None:
        answer: dict[str, Any] = {"activated": False, "replica": replica}
        if own is not None and own.error is not None:
            answer |= {"status": "error", "error": own.error}
        if own is not None and not own.leaving:
            answer |= {"queued": True, "due_at": _text(own.due_at)}
        return answer
    left = timedelta() if own.expires_at is None else max(own.expires_at - now, timedelta())
    return {
        "activated": True,
        "status": "active" if own.error is None else "error",
        **({"error": own.error} if own.error is not None else {}),
        "registered_at": _text(own.registered_at),
        "expires_at": _text(own.expires_at),
        "expires_in_ms": left // timedelta(milliseconds=1),
        "due_at": _text(own.due_at),
        "queued": own.error is not None,
        "vp": [entry.compact] if isinstance(entry, Registered) else [],
        "replica": replica,
    }


def _organisation(organisation: Organisation) -> Mapping[str, Any]:
    return {
        "ura": organisation.ura,
        "name": organisation.name,
        "city": organisation.city,
        "did": organisation.holder,
        "facility_type": organisation.facility_type,
        "authorization_server": organisation.authorization_server,
        "fhir": dict(organisation.fhir_bases),
        "services": list(organisation.services),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
