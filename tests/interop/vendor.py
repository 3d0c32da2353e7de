"""The internal API of a node as a vendor's software calls it: the calls that Hazel and nuts-node have in common (WIRE §3).

Whatever is sent is what nuts-node's API description says; nothing here knows which of the two it speaks to.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from node.ports import HttpRequest
from node.web.client import Client

MAX_ANSWER = 16 * 1024 * 1024
SECONDS = 30.0
FORM = "application/x-www-form-urlencoded"
NUTS_CONTEXT = "https://nuts.nl/credentials/v1"
VC_CONTEXT = "https://www.w3.org/2018/credentials/v1"


class UnexpectedReplyError(Exception):
    """A node answered something else than was needed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a node answered: status, and the body as JSON where it is JSON, else as text."""

    status: int
    body: Any

    @property
    def words(self) -> str:
        """Status and what the problem document says, for people."""
        if isinstance(self.body, dict):
            said = self.body.get("detail") or self.body.get("error_description") or self.body.get("title") or ""
            return f"{self.status} {said}".strip()
        return f"{self.status} {str(self.body)[:200]}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One node's internal API.

    Attributes:
        internal: base URL.
        api_key: for the ``Authorization`` header, where the node wants one.
    """

    internal: str
    client: Client
    api_key: str | None = field(default=None, repr=False)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call ``/internal`` + ``path`` with JSON or a form."""
        sent = dict(headers or {})
        if self.api_key is not None:
            sent["Authorization"] = f"Bearer {self.api_key}"
        content: bytes | None = None
        if form is not None:
            sent["Content-Type"], content = FORM, urlencode(form).encode()
        elif body is not None:
            sent["Content-Type"], content = "application/json", json.dumps(body).encode()
        answer = await self.client.send(
            HttpRequest(
                method=method,
                url=f"{self.internal}/internal{path}",
                headers=sent,
                body=content,
                max_bytes=MAX_ANSWER,
                timeout=SECONDS,
            )
        )
        try:
            return Reply(answer.status, json.loads(answer.body) if answer.body else None)
        except ValueError:
            return Reply(answer.status, answer.body.decode(errors="replace").strip())

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Do the same and return the body of a success.

        Raises:
            UnexpectedReplyError: it was none.
        """
        reply = await self.send(method, path, body, **more)
        if not 200 <= reply.status < 300:
            raise UnexpectedReplyError(f"{method} {path.partition('?')[0]}: {reply.words}")
        return reply.body

    # --- identities -------------------------------------------------------------------------------------------------

    async def create_subject(self, name: str) -> str:
        """Make an organisation and return its first DID."""
        made = await self.call("POST", "/vdr/v2/subject", {"subject": name})
        return str(made["documents"][0]["id"])

    async def dids(self, name: str) -> Sequence[str]:
        """Return the DIDs of an organisation."""
        return [str(did) for did in await self.call("GET", f"/vdr/v2/subject/{name}")]

    async def resolve(self, did: str) -> Mapping[str, Any]:
        """Return the document of a DID, anybody's; this one path of a nuts-node takes the DID as it is written."""
        found = await self.call("GET", f"/vdr/v2/did/{did}")
        return dict(found["document"])

    async def add_key(self, name: str) -> None:
        """Give an organisation another signing key."""
        await self.call(
            "POST", f"/vdr/v2/subject/{name}/verificationmethod", {"assertionKey": True, "encryptionKey": False}
        )

    # --- credentials ------------------------------------------------------------------------------------------------

    async def issue(
        self,
        issuer: str,
        kind: str,
        subject: Mapping[str, Any],
        *,
        form: str,
        revocable: bool = True,
        contexts: Sequence[str] = (),
    ) -> Any:
        """Issue a credential: a compact JWT as text, or an object."""
        wanted: dict[str, Any] = {
            "type": kind,
            "issuer": issuer,
            "credentialSubject": subject,
            "format": form,
            "withStatusList2021Revocation": revocable,
        }
        if contexts:
            wanted["@context"] = [VC_CONTEXT, *contexts]
        return await self.call("POST", "/vcr/v2/issuer/vc", wanted)

    async def revoke(self, credential_id: str) -> None:
        """Revoke what was issued here."""
        await self.call("DELETE", f"/vcr/v2/issuer/vc/{_path(credential_id)}")

    async def load(self, name: str, credential: Any) -> None:
        """Put a credential in a wallet."""
        await self.call("POST", f"/vcr/v2/holder/{name}/vc", credential)

    async def remove(self, name: str, credential_id: str) -> None:
        """Take a credential out of a wallet; a nuts-node wants no more of the id encoded than must be."""
        await self.call("DELETE", f"/vcr/v2/holder/{name}/vc/{quote(credential_id, safe=':')}")

    async def wallet(self, name: str) -> Sequence[Any]:
        """Return what a wallet holds."""
        return list(await self.call("GET", f"/vcr/v2/holder/{name}/vc"))

    async def present(self, credentials: Sequence[Any], *, signer: str, form: str, audience: str) -> Any:
        """Make a presentation: a compact JWT as text, or an object."""
        return await self.call(
            "POST",
            "/vcr/v2/holder/vp",
            {
                "verifiableCredentials": list(credentials),
                "signerDID": signer,
                "format": form,
                "domain": audience,
                "challenge": "interop",
            },
        )

    async def verify_credential(self, credential: Any) -> tuple[bool, str]:
        """Say whether a credential is good, and why not."""
        found = await self.call(
            "POST",
            "/vcr/v2/verifier/vc",
            {"verifiableCredential": credential, "verificationOptions": {"allowUntrustedIssuer": True}},
        )
        return bool(found["validity"]), str(found.get("message", ""))

    async def verify_presentation(self, presentation: Any) -> tuple[bool, str]:
        """Say whether a presentation and what is in it are good, and why not."""
        found = await self.call(
            "POST", "/vcr/v2/verifier/vp", {"verifiablePresentation": presentation, "verifyCredentials": True}
        )
        return bool(found["validity"]), str(found.get("message", ""))

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def request_token(
        self,
        name: str,
        server: str,
        scope: str,
        *,
        token_type: str = "Bearer",
        credentials: Sequence[Mapping[str, Any]] = (),
        selection: Mapping[str, str] | None = None,
        provider: str | None = None,
        fresh: bool = True,
    ) -> Reply:
        """Ask the node to get an access token of another organisation's authorization server."""
        wanted: dict[str, Any] = {"authorization_server": server, "scope": scope, "token_type": token_type}
        if credentials:
            wanted["credentials"] = list(credentials)
        if selection:
            wanted["credential_selection"] = dict(selection)
        if provider is not None:
            wanted["service_provider_subject_id"] = provider
        path = f"/auth/v2/{name}/request-service-access-token"
        return await self.send("POST", path, wanted, headers={"Cache-Control": "no-cache"} if fresh else None)

    async def introspect(self, token: str, *, extended: bool = False) -> Mapping[str, Any]:
        """Say what a token of ours is worth."""
        path = "/auth/v2/accesstoken/introspect" + ("_extended" if extended else "")
        return dict(await self.call("POST", path, form={"token": token}))

    async def prove(self, kid: str, method: str, url: str, token: str) -> str:
        """Make a DPoP proof with the key that a token is bound to."""
        made = await self.call("POST", f"/auth/v2/dpop/{_path(kid)}", {"htm": method, "htu": url, "token": token})
        return str(made["dpop"])

    async def check_proof(self, proof: str, method: str, url: str, token: str, thumbprint: str) -> tuple[bool, str]:
        """Say whether a proof is good for this request, and why not."""
        found = await self.call(
            "POST",
            "/auth/v2/dpop/validate",
            {"dpop_proof": proof, "method": method, "url": url, "token": token, "thumbprint": thumbprint},
        )
        return bool(found["valid"]), str(found.get("reason", ""))

    # --- discovery --------------------------------------------------------------------------------------------------

    async def activate(self, service: str, name: str, parameters: Mapping[str, str]) -> Reply:
        """Register an organisation for a service."""
        return await self.send("POST", f"/discovery/v1/{service}/{name}", {"registrationParameters": parameters})

    async def deactivate(self, service: str, name: str) -> Reply:
        """Withdraw it."""
        return await self.send("DELETE", f"/discovery/v1/{service}/{name}")

    async def activation(self, service: str, name: str) -> Mapping[str, Any]:
        """Say whether an organisation is registered."""
        return dict(await self.call("GET", f"/discovery/v1/{service}/{name}"))

    async def search(self, service: str, **query: str) -> Sequence[Mapping[str, Any]]:
        """Return who is registered."""
        found = await self.call("GET", f"/discovery/v1/{service}" + (f"?{urlencode(query)}" if query else ""))
        return [dict(each) for each in found]


def _path(name: str) -> str:
    """Encode an id for a path, its own percent signs too: a nuts-node decodes it once (WIRE §2.1)."""
    return quote(name, safe="")
