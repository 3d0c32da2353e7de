"""The client seat of a foreign node: everything from finding a server to reading with its token (WIRE §2.5.2, §2.8)."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from node.ports import HttpClient, HttpRequest
from tests.support.foreign_node.bends import GOOD, Bend
from tests.support.foreign_node.dialect import Dialect
from tests.support.foreign_node.issuing import employee
from tests.support.foreign_node.jose import ForeignRefusalError, decoded, opened, proof_of, signed
from tests.support.foreign_node.presenting import claims_of, compact, ldp_presentation, submission_for
from tests.support.foreign_node.tenant import Tenant

FORM = "application/x-www-form-urlencoded"
_EMPLOYEE = "NutsEmployeeCredential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other side said: JSON as it was read, else text."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        """The access token.

        Raises:
            ForeignRefusalError: there is none.
        """
        if self.status != 200 or "access_token" not in self.body:
            raise ForeignRefusalError(f"no token: {self.status} {self.body}")
        return str(self.body["access_token"])

    @property
    def error(self) -> str:
        """The OAuth error code; empty where there is none."""
        return str(self.body.get("error", "")) if isinstance(self.body, dict) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A token request that is ready to be posted, once or often."""

    url: str
    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Asker:
    """A tenant as a client."""

    dialect: Dialect
    tenant: Tenant
    network: HttpClient
    now: Callable[[], datetime]

    # --- what a server publishes ------------------------------------------------------------------------------------

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        """Read the metadata where RFC 8414 has it; master then tries the appended form."""
        parts = urlsplit(issuer)
        inserted = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
        answer = await self.send("GET", inserted)
        if answer.status == 404 and self.dialect.checks_issuer:
            answer = await self.send("GET", f"{issuer}/.well-known/oauth-authorization-server")
        self._require("metadata", answer, answer.status == 200)
        found: Mapping[str, Any] = answer.body
        self._require("the issuer", answer, not self.dialect.checks_issuer or found.get("issuer") == issuer)
        self._require("our kind of DID", answer, "web" in found["did_methods_supported"])
        self._require("a form of presentation", answer, bool(found["vp_formats_supported"]["jwt_vp_json"]))
        return found

    async def definition(self, metadata: Mapping[str, Any], scope: str) -> Mapping[str, Any]:
        """Read what the server asks of who wants ``scope``; no ``Accept`` header goes with it."""
        answer = await self.send("GET", f"{metadata['presentation_definition_endpoint']}?scope={quote(scope)}")
        self._require("a definition", answer, answer.status == 200)
        found: Mapping[str, Any] = answer.body
        return found

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def prepare(
        self, issuer: str, scope: str, *, kind: str = "DPoP", form: str = "jwt_vp", bend: Bend = GOOD
    ) -> Prepared:
        """Make a token request from what the server publishes.

        Args:
            issuer: of the server.
            scope: that is wanted.
            kind: ``DPoP`` sends a proof along, ``Bearer`` does not.
            form: of the presentation, ``jwt_vp`` or ``ldp_vp``.
            bend: what is done wrongly.
        """
        metadata = await self.metadata(issuer)
        definition = await self.definition(metadata, scope)
        endpoint, now = str(metadata["token_endpoint"]), self.now() - bend.age
        credentials = bend.credentials(self._chosen(definition), self.tenant)
        if form == "jwt_vp":
            claims = claims_of(self.dialect, self.tenant, issuer, credentials, now, lifetime=bend.lifetime)
            bend.claims(claims)
            header = {"kid": self.tenant.key.kid, "typ": "JWT", **bend.header}
            assertion = bend.assertion(signed(header, claims, bend.key or self.tenant.key.private))
            collapsed = self.dialect.collapses
        else:
            assertion, collapsed = compact(ldp_presentation(self.tenant, issuer, credentials, now)), True
        wanted = {
            "assertion": assertion,
            "client_id": self.tenant.issuer,
            "grant_type": "vp_token-bearer",
            "presentation_submission": compact(submission_for(definition, credentials, collapsed=collapsed)),
            "scope": scope,
        }
        bend.form(wanted)
        headers = {"Accept": "application/json", "Content-Type": FORM}
        if kind == "DPoP":
            headers["DPoP"] = proof_of(self.tenant.key.private, "POST", endpoint, self.now(), **bend.proof(self.now()))
        return Prepared(url=endpoint, form=wanted, headers=headers)

    async def post(self, prepared: Prepared) -> Answer:
        """Post a token request."""
        body = urlencode(prepared.form).encode()
        return await self.send("POST", prepared.url, headers=prepared.headers, body=body)

    async def ask(self, issuer: str, scope: str, **how: Any) -> Answer:
        """Make a token request (see :meth:`prepare`) and post it."""
        return await self.post(await self.prepare(issuer, scope, **how))

    async def prepare_through(
        self,
        provider: Tenant,
        issuer: str,
        scope: str,
        definitions: Mapping[str, Mapping[str, Any]],
        *,
        kind: str = "DPoP",
        bend: Bend = GOOD,
    ) -> Prepared:
        """Make a token request with two presentations: ours, and that of the ``provider`` who acts for us (WIRE §2.5.6).

        Only master does this. The definitions come from its own policy file, no submission goes along, and a proof is the provider's.
        ``bend`` spoils the form.
        """
        endpoint = str((await self.metadata(issuer))["token_endpoint"])

        def present(holder: Tenant, definition: Mapping[str, Any]) -> str:
            chosen = replace(self, tenant=holder)._chosen(definition)
            claims = claims_of(self.dialect, holder, issuer, chosen, self.now())
            return signed({"kid": holder.key.kid, "typ": "JWT"}, claims, holder.key.private)

        wanted = {
            "assertion": present(self.tenant, definitions["organization"]),
            "client_assertion": present(provider, definitions["service_provider"]),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "scope": scope,
        }
        bend.form(wanted)
        headers = {"Accept": "application/json", "Content-Type": FORM}
        if kind == "DPoP":
            headers["DPoP"] = proof_of(provider.key.private, "POST", endpoint, self.now())
        return Prepared(url=endpoint, form=wanted, headers=headers)

    # --- with a token -----------------------------------------------------------------------------------------------

    def proof(self, method: str, url: str, token: str, **claims: Any) -> str:
        """A proof for one request with ``token``; ``claims`` replace the good ones."""
        return proof_of(self.tenant.key.private, method, url.partition("?")[0], self.now(), token=token, **claims)

    async def read(
        self, method: str, url: str, token: str, *, form: Mapping[str, str] | None = None, proof: str | None = None
    ) -> Answer:
        """Send one request with a bound token and a proof, of our own making unless one is given."""
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof or self.proof(method, url, token)}
        if form is not None:
            headers["Content-Type"] = FORM
        return await self.send(method, url, headers=headers, body=None if form is None else urlencode(form).encode())

    async def is_revoked(self, entry: Mapping[str, Any], *, issuer: str) -> bool:
        """Look a credential up on the status list of its issuer, as the entry says."""
        answer = await self.send("GET", entry["statusListCredential"])
        self._require("a status list", answer, answer.status == 200 and answer.body["issuer"] == issuer)
        [subject] = (
            answer.body["credentialSubject"]
            if isinstance(answer.body["credentialSubject"], list)
            else [answer.body["credentialSubject"]]
        )
        bits, index = gzip.decompress(decoded(subject["encodedList"])), int(entry["statusListIndex"])
        return bool(bits[index // 8] >> (7 - index % 8) & 1)

    # --- discovery --------------------------------------------------------------------------------------------------

    async def register(
        self,
        service: str,
        endpoint: str,
        credentials: Sequence[Any],
        *,
        seconds: int = 600,
        types: Sequence[str] = (),
        **claims: Any,
    ) -> Answer:
        """Post a registration, or with a further type and claim a retraction (WIRE §2.10.2, §2.10.4)."""
        said = claims_of(self.dialect, self.tenant, service, credentials, self.now(), lifetime=seconds, types=types)
        made = signed({"kid": self.tenant.key.kid, "typ": "JWT"}, said | claims, self.tenant.key.private)
        headers = {"Content-Type": "application/json", "X-Forwarded-Host": urlsplit(endpoint).netloc}
        return await self.send("POST", endpoint, headers=headers, body=json.dumps(made).encode())

    async def follow(self, endpoint: str, timestamp: int) -> Mapping[str, Any]:
        """Read what came after ``timestamp``."""
        answer = await self.send("GET", f"{endpoint}?timestamp={timestamp}")
        self._require("a list", answer, answer.status == 200)
        found: Mapping[str, Any] = answer.body
        return found

    # --- below all of it --------------------------------------------------------------------------------------------

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request as it stands."""
        said = {"User-Agent": "nuts-node-refimpl/unknown", **(headers or {})}
        answer = await self.network.send(
            HttpRequest(method=method, url=url, headers=said, body=body, max_bytes=8 * 1024 * 1024)
        )
        try:
            read: Any = json.loads(answer.body) if answer.body else None
        except ValueError:
            read = answer.body.decode(errors="replace")
        return Answer(status=answer.status, body=read, headers=answer.headers)

    def _chosen(self, definition: Mapping[str, Any]) -> list[Any]:
        """For each descriptor the first credential of the type and form that it names; an employee is made up anew."""
        chosen: list[Any] = []
        for descriptor in definition.get("input_descriptors", ()):
            kind = _type_of(descriptor)
            if kind == _EMPLOYEE:
                chosen.append(employee(self.tenant.did, self.now()))
            else:
                chosen.append(
                    next(each for each in self.tenant.wallet if _fits(each, kind, descriptor.get("format", {})))
                )
        return chosen

    def _require(self, what: str, answer: Answer, holds: bool) -> None:
        if not holds:
            raise ForeignRefusalError(f"{what}: {answer.status} {str(answer.body)[:200]}")


def _type_of(descriptor: Mapping[str, Any]) -> str:
    fields = descriptor["constraints"]["fields"]
    return str(next(each["filter"]["const"] for each in fields if each["path"] == ["$.type"]))


def _fits(credential: Any, kind: str, forms: Mapping[str, Any]) -> bool:
    is_jwt = isinstance(credential, str)
    types = (opened(credential)[1]["vc"] if is_jwt else credential)["type"]
    return kind in types and (not forms or ("jwt_vc" if is_jwt else "ldp_vc") in forms)
