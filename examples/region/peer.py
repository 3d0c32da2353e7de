"""One FHIR request at another organisation's node, by hand: with a token, with or without the proof that belongs to it.

What a node does for its organisation on every question is done here step by step over the vendor's API (WIRE §2.5.1, §2.8), so that
single steps can be left out or done wrongly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from examples.region.askers import ASKERS
from examples.region.patients import BSN_SYSTEM
from examples.region.running_node import RunningNode
from examples.region.vendor import Vendor
from node.ports import HttpRequest, HttpResponse
from node.web.client import Client

NUTS_CONTEXT = "https://nuts.nl/credentials/v1"
VC_CONTEXT = "https://www.w3.org/2018/credentials/v1"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token of a holder.

    Attributes:
        value: the token itself.
        kid: key that it is bound to.
    """

    value: str = field(repr=False)
    kid: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One organisation (``asker``) opposite another (``holder``)."""

    asker: Vendor
    holder: RunningNode
    network: Client

    async def token(self, scope: str) -> Token:
        """Let the asker's node get a new token of the holder."""
        user = ASKERS[self.asker.node.key]
        answer = await self.asker.post(
            f"/auth/v2/{self.asker.node.key}/request-service-access-token",
            {
                "authorization_server": self.holder.issuer,
                "scope": scope,
                "credentials": [
                    {
                        "@context": [VC_CONTEXT, NUTS_CONTEXT],
                        "type": ["VerifiableCredential", "NutsEmployeeCredential"],
                        "credentialSubject": {
                            "identifier": user.identifier,
                            "name": user.name,
                            "roleName": user.role,
                        },
                    }
                ],
            },
        )
        return Token(str(answer["access_token"]), str(answer["dpop_kid"]))

    async def proof(self, token: Token, method: str, url: str) -> str:
        """Let the asker's node prove that it holds the token's key, for this one request."""
        answer = await self.asker.post(
            f"/auth/v2/dpop/{quote(token.kid, safe='')}", {"htm": method, "htu": url, "token": token.value}
        )
        return str(answer["dpop"])

    def url(self, version: str, path: str) -> str:
        """Address below the holder's FHIR base."""
        return f"{self.holder.public}/fhir/{self.holder.key}/{version}/{path}"

    async def send(
        self,
        method: str,
        url: str,
        *,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send one request as it stands."""
        sent = {"Accept": "application/fhir+json", **(headers or {})}
        if form is not None:
            sent["Content-Type"] = FORM
        body = urlencode(form).encode() if form is not None else None
        return await self.network.send(
            HttpRequest(method=method, url=url, headers=sent, body=body, max_bytes=8 * 1024 * 1024)
        )

    async def ask(
        self, token: Token, method: str, url: str, *, form: Sequence[tuple[str, str]] | None = None
    ) -> HttpResponse:
        """Send one request as the rightful holder of the token."""
        return await self.send(method, url, form=form, headers=bound(token, await self.proof(token, method, url)))

    async def search_patient(self, token: Token, version: str, bsn: str, **extra: str) -> HttpResponse:
        """Look a citizen up at the holder, as every use case begins; ``extra`` parameters are added."""
        form = [("identifier", f"{BSN_SYSTEM}|{bsn}"), *extra.items()]
        return await self.ask(token, "POST", self.url(version, "Patient/_search"), form=form)


def bound(token: Token, proof: str) -> dict[str, str]:
    """Headers of a request with a token and the proof that belongs to it (RFC 9449)."""
    return {"Authorization": f"DPoP {token.value}", "DPoP": proof}


def issue_of(outcome: Any) -> tuple[str, str]:
    """Return ``issue.code`` and ``diagnostics`` of an OperationOutcome; empty texts where it is none."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    first = issues[0] if isinstance(issues, list) and issues else {}
    return str(first.get("code", "")), str(first.get("diagnostics", ""))
