"""A foreign node as one web application: tenants, their servers, the discovery services it hosts, and what it does wrongly.

Which request goes where::

    did         /iam/{uuid}/did.json
    metadata    /.well-known/oauth-authorization-server/oauth2/{subject}
    client      /oauth2/{subject}/oauth-client
    definition  /oauth2/{subject}/presentation_definition
    token       /oauth2/{subject}/token
    status      /statuslist/{did}/{page}
    discovery   /discovery/{service}

``misbehave("token", "endless")`` makes one of these places misbehave until ``behave()``, for everybody or for one organisation.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from node.ports import HttpClient
from tests.support.foreign_node.asking import Asker
from tests.support.foreign_node.dialect import Dialect
from tests.support.foreign_node.granting import Granter, OAuthRefusalError
from tests.support.foreign_node.hosting import Host
from tests.support.foreign_node.issuing import StatusList
from tests.support.foreign_node.jose import ForeignRefusalError
from tests.support.foreign_node.misbehaving import MISBEHAVIOURS
from tests.support.foreign_node.tenant import Tenant

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_CACHED = {"Cache-Control": "max-age=300"}
_NOT_CACHED = {"Cache-Control": "no-cache", "Pragma": "no-store"}


@dataclass(slots=True, kw_only=True)
class ForeignNode:
    """The node.

    Attributes:
        base: public base URL.
        network: how it reaches others.
        now: its clock.
        definitions: what it asks for each scope.
        tenants: organisations, by subject.
        servers: their authorization servers, by subject.
        lists: status lists, by DID of the issuer.
        hosts: discovery services, by id.
        asked: how often each place was asked.
        wrong: how a place misbehaves, by place and subject; without a subject, for everybody.
        caught: requests that followed a redirect, or came for another reason to where nobody should.
    """

    base: str
    dialect: Dialect
    network: HttpClient
    now: Callable[[], datetime]
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    servers: dict[str, Granter] = field(default_factory=dict)
    lists: dict[str, StatusList] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    caught: list[str] = field(default_factory=list)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)

    def found(self, subject: str) -> Tenant:
        """Make an organisation, with its server and its status list."""
        tenant = self.tenants[subject] = Tenant(self.base, subject)
        self.servers[subject] = Granter(
            dialect=self.dialect, tenant=tenant, definitions=self.definitions, network=self.network, now=self.now
        )
        self.lists[tenant.did] = StatusList(self.base, tenant)
        return tenant

    def asker(self, subject: str) -> Asker:
        """An organisation as a client."""
        return Asker(dialect=self.dialect, tenant=self.tenants[subject], network=self.network, now=self.now)

    def misbehave(self, place: str, how: str, subject: str = "") -> None:
        """Misbehave at one place from now on; with a subject, only where that organisation is concerned."""
        assert how in MISBEHAVIOURS
        self.wrong[place, subject] = how

    def behave(self) -> None:
        """Do nothing wrong any more."""
        self.wrong.clear()
        self.caught.clear()

    def app(self) -> web.Application:
        """The public side."""
        app = web.Application()
        for method, path, place, handler in (
            ("GET", "/iam/{uuid}/did.json", "did", self._document),
            ("GET", "/.well-known/oauth-authorization-server/oauth2/{subject}", "metadata", self._metadata),
            ("GET", "/oauth2/{subject}/oauth-client", "client", self._client),
            ("GET", "/oauth2/{subject}/presentation_definition", "definition", self._definition),
            ("POST", "/oauth2/{subject}/token", "token", self._token),
            ("GET", "/statuslist/{did}/{page}", "status", self._status_list),
            ("GET", "/discovery/{service}", "discovery", self._page),
            ("POST", "/discovery/{service}", "discovery", self._registration),
        ):
            app.router.add_route(method, path, self._at(place, handler))
        app.router.add_route("*", "/elsewhere/{rest:.*}", self._catch)
        return app

    def _at(self, place: str, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked[place] = self.asked.get(place, 0) + 1
            how = self.wrong.get((place, self._concerned(request))) or self.wrong.get((place, ""))
            if how is None:
                return await handler(request)
            return await MISBEHAVIOURS[how](request, lambda: handler(request))

        return answer

    def _concerned(self, request: web.Request) -> str:
        """Whose endpoint it is, by subject."""
        named = request.match_info
        if "subject" in named:
            return named["subject"]
        whose = named.get("uuid") or unquote(named.get("did", ":")).rpartition(":")[2]
        return next((subject for subject, tenant in self.tenants.items() if tenant.uuid == whose), "")

    async def _document(self, request: web.Request) -> web.StreamResponse:
        for tenant in self.tenants.values():
            if tenant.uuid == request.match_info["uuid"]:
                return web.json_response(tenant.document(), headers=_CACHED)
        return _problem("getWebDID", 404)

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        """Published without a cache time, so that tests of one process do not see each other's answers."""
        server = self.servers.get(request.match_info["subject"])
        return (
            _problem("OAuthAuthorizationServerMetadata", 404)
            if server is None
            else web.json_response(server.metadata())
        )

    async def _client(self, _request: web.Request) -> web.StreamResponse:
        """What it says about itself as a client; a build of one's own says no version."""
        return web.json_response({"software_id": "nuts-node-refimpl", "software_version": "unknown"}, headers=_CACHED)

    async def _definition(self, request: web.Request) -> web.StreamResponse:
        server = self.servers[request.match_info["subject"]]
        try:
            return web.json_response(server.definition(request.query.get("scope", "")))
        except OAuthRefusalError as error:
            return _refused(error)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        server = self.servers.get(request.match_info["subject"])
        if server is None:
            return _refused(OAuthRefusalError("invalid_request", "subject not found"))
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            said = await server.token(form, request.headers.get("DPoP"))
        except OAuthRefusalError as error:
            return _refused(error)
        return web.json_response(said, headers=_NOT_CACHED)

    async def _status_list(self, request: web.Request) -> web.StreamResponse:
        wanted = unquote(request.match_info["did"])  # with %3A or with %253A
        found = next((each for did, each in self.lists.items() if unquote(did) == wanted), None)
        if found is None or request.match_info["page"] != "1":
            return _problem("statusList", 500)
        return web.json_response(found.document(self.now()), headers=_CACHED)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        host = self.hosts.get(request.match_info["service"])
        if host is None:
            return _problem("GetPresentations", 404)
        return web.json_response(host.page(int(request.query.get("timestamp", "0"))))

    async def _registration(self, request: web.Request) -> web.StreamResponse:
        host = self.hosts.get(request.match_info["service"])
        if host is None:
            return _problem("RegisterPresentation", 404)
        try:
            host.post(json.loads(await request.read()))
        except (ForeignRefusalError, ValueError, KeyError, TypeError):
            return _problem("RegisterPresentation", 400)
        return web.Response(status=201)

    async def _catch(self, request: web.Request) -> web.StreamResponse:
        self.caught.append(f"{request.method} {request.rel_url} {(await request.read())[:40]!r}")
        return web.json_response({})


def _problem(operation: str, status: int) -> web.Response:
    said = {"title": f"{operation} failed", "status": status, "detail": "not found"}
    return web.json_response(said, status=status, content_type="application/problem+json")


def _refused(error: OAuthRefusalError) -> web.Response:
    said = {"error": error.code, "error_description": str(error)}
    return web.json_response(said, status=400, headers=_NOT_CACHED)
