"""What changes in our documents, as nuts-node's ``vdr/v2`` has it: services, keys, the end of a subject (WIRE §3)."""

import re
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from credentials.did.service import Service
from credentials.errors import MalformedError
from node.identity.errors import OwnSubjectError
from node.identity.key_changes import KeyChanges
from node.identity.services import EndpointType, Services
from node.identity.subjects import Subject, Subjects
from node.web.bodies import read_model
from node.web.operation import operation
from node.web.replies import RequestError


class Withdraws(Protocol):
    """Knows where an organisation is registered."""

    async def withdraw(self, subject: Subject) -> None:
        """Withdraw it everywhere, while its keys still verify."""
        ...


SUBJECTS = web.AppKey("SUBJECTS", Subjects)
SERVICES = web.AppKey("SERVICES", Services)
KEY_CHANGES = web.AppKey("KEY_CHANGES", KeyChanges)
OWN_SUBJECT = web.AppKey("OWN_SUBJECT", str)
WITHDRAWS = web.AppKey("WITHDRAWS", Withdraws)

AS_NUTS_NODE = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)

_FRAGMENT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ENDPOINT_TYPES: dict[str, EndpointType] = {"string": str, "object": dict, "array": list}


class KeysWanted(BaseModel):
    """Which keys are wanted; only signing keys exist for did:web (WIRE §2.2)."""

    model_config = AS_NUTS_NODE

    assertion_key: bool = Field(default=True, alias="assertionKey")
    encryption_key: bool = Field(default=False, alias="encryptionKey")

    def check(self) -> None:
        """Refuse other keys than a signing key.

        Raises:
            RequestError: 400.
        """
        if self.encryption_key or not self.assertion_key:
            raise RequestError(
                HTTPStatus.BAD_REQUEST, "unsupported_keys", "a subject has signing keys and no encryption keys"
            )


class NewService(BaseModel):
    """A service as the vendor gives it; an id in it is not looked at."""

    model_config = AS_NUTS_NODE

    type: str
    service_endpoint: Any = Field(alias="serviceEndpoint")

    def parse(self) -> Service:
        """Return the service.

        Raises:
            RequestError: 400, it can not stand in a document.
        """
        try:
            return Service.of(self.type, self.service_endpoint)
        except MalformedError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_service", str(error)) from error


def routes() -> list[web.RouteDef]:
    """Return the routes; ``{subject}`` in a path is always the organisation acted for."""
    subject = "/internal/vdr/v2/subject/{subject}"
    return [
        web.delete(subject, operation("Deactivate", delete_subject)),
        web.get(f"{subject}/service", operation("FindServices", get_services)),
        web.post(f"{subject}/service", operation("CreateService", post_service)),
        web.post(f"{subject}/service/{{service}}", operation("UpdateService", post_other_service)),
        web.delete(f"{subject}/service/{{service}}", operation("DeleteService", delete_service)),
        web.post(f"{subject}/verificationmethod", operation("AddVerificationMethod", post_key)),
    ]


async def delete_subject(request: web.Request) -> web.Response:
    """``DELETE /internal/vdr/v2/subject/{subject}``: take a subject out of service for good."""
    name = request.match_info["subject"]
    if name == request.app.get(OWN_SUBJECT):
        raise OwnSubjectError
    subjects = request.app[SUBJECTS]
    active = next((one for one in await subjects.all() if one.name == name), None)
    if active is not None and WITHDRAWS in request.app:
        await request.app[WITHDRAWS].withdraw(active)
    await subjects.deactivate(name)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def get_services(request: web.Request) -> web.Response:
    """``GET …/service?type=&endpointType=``: the services of a subject."""
    wanted = _once(request, "endpointType")
    if wanted is not None and wanted not in _ENDPOINT_TYPES:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_endpoint_type", "endpointType is string, object or array")
    found = await request.app[SERVICES].find(
        request.match_info["subject"],
        kind=_once(request, "type"),
        endpoint_type=None if wanted is None else _ENDPOINT_TYPES[wanted],
    )
    return web.json_response(found)


async def post_service(request: web.Request) -> web.Response:
    """``POST …/service``: add a service to every document."""
    service = (await read_model(request, NewService)).parse()
    return web.json_response(await request.app[SERVICES].add(request.match_info["subject"], service))


async def post_other_service(request: web.Request) -> web.Response:
    """``POST …/service/{service}``: put another service in the place of one."""
    service = (await read_model(request, NewService)).parse()
    fragment = _fragment(request)
    return web.json_response(await request.app[SERVICES].replace(request.match_info["subject"], fragment, service))


async def delete_service(request: web.Request) -> web.Response:
    """``DELETE …/service/{service}``: take a service out; 204, also when it was not there."""
    await request.app[SERVICES].remove(request.match_info["subject"], _fragment(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def post_key(request: web.Request) -> web.Response:
    """``POST …/verificationmethod``: rotate, give every document a new key that signs from now on."""
    wanted = await read_model(request, KeysWanted) if request.body_exists else KeysWanted()
    wanted.check()
    return web.json_response(await request.app[KEY_CHANGES].rotate(request.match_info["subject"]))


def _once(request: web.Request, name: str) -> str | None:
    """Return a parameter of the address; others are passed over, as nuts-node does."""
    given = request.query.getall(name, [])
    if len(given) > 1:
        raise RequestError(HTTPStatus.BAD_REQUEST, "repeated_parameter", "a parameter is given twice")
    return given[0] if given else None


def _fragment(request: web.Request) -> str:
    """Return what identifies a service in every document: what stands behind ``#``, in the long form as in the short."""
    _, separator, fragment = request.match_info["service"].rpartition("#")
    if not separator or _FRAGMENT.fullmatch(fragment) is None:
        raise RequestError(
            HTTPStatus.BAD_REQUEST, "invalid_service_id", "this is not the id of a service", "encode # as %23"
        )
    return fragment
