"""A caller with a key of its own, that asks the holder's node for tokens: presentations made here, on the other core.

Its identifier is its key (did:jwk), so nothing has to be fetched for it. The credential is one that the holder's node issued to it, a
NutsUraCredential with a place in a status list; a policy file of the holder asks for it (``token_policy.py``).
"""

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec

from credentials.did.did_jwk import did_jwk, key_id_of_did_jwk
from credentials.encoding import b64url_encode
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.vc.issue import issue_jwt_credential
from credentials.vc.present import present_jwt, present_ldp
from node.oauth.dpop import make_proof
from node.ports import HttpRequest
from tests.bench.pair import Pair
from tests.bench.token_policy import SCOPE

NUTS_2024 = "https://nuts.nl/credentials/2024"
SUBJECT = {"organization": {"ura": "90000199", "name": "Praktijk De Maat", "city": "Delft"}}
LIFETIME = timedelta(seconds=5)
VcFormat = Literal["jwt_vc", "ldp_vc"]


@dataclass(slots=True)
class Caller:
    """Asks one node for tokens.

    Attributes:
        pair: whose holder is asked.
        credential: the one that is presented.
        format: of the credential, and of the presentation.
    """

    pair: Pair
    key: SoftwareKey
    credential: str | Mapping[str, Any]
    format: VcFormat
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        """The token endpoint."""
        return f"{self.pair.holder.issuer}/token"

    def request(self, credential: str | Mapping[str, Any] | None = None) -> HttpRequest:
        """Return a request for a token bound to the key, with a fresh presentation."""
        now = datetime.now(UTC)
        return self.post(self.presentation(credential or self.credential, now), proof=self.proof(now))

    def presentation(self, credential: str | Mapping[str, Any], now: datetime) -> str:
        """Present ``credential``."""
        holder, number = did_jwk(self.key.public), next(self.numbers)
        nonce = b64url_encode(os.urandom(32))
        issuer = self.pair.holder.issuer
        if self.format == "jwt_vc":
            return present_jwt(
                holder=holder,
                key=self.key,
                audience=issuer,
                credentials=[credential],
                nonce=nonce,
                presentation_id=f"{holder}#{number}",
                now=now,
                lifetime=LIFETIME,
            )
        return json.dumps(
            present_ldp(
                holder=holder,
                key=self.key,
                audience=issuer,
                credentials=[credential],
                presentation_id=f"{holder}#{number}",
                now=now - timedelta(seconds=1),
                expires=now + timedelta(seconds=4),
                nonce=nonce,
                challenge=nonce,
            )
        )

    def proof(self, now: datetime) -> str:
        """Make a DPoP proof for the request."""
        jti = b64url_encode(os.urandom(32))
        return make_proof(self.key, method="POST", url=self.url, access_token=None, jti=jti, now=now)

    def post(self, assertion: str, *, proof: str | None = None, scope: str = SCOPE) -> HttpRequest:
        """Return the form with ``assertion``."""
        many = self.format == "jwt_vc"
        submission = {
            "id": "1",
            "definition_id": "bench",
            "descriptor_map": [
                {
                    "id": "organization",
                    "format": self.format,
                    "path": "$.verifiableCredential[0]" if many else "$.verifiableCredential",
                }
            ],
        }
        form = {
            "grant_type": "vp_token-bearer",
            "client_id": "https://maat.localhost/oauth2/maat",
            "scope": scope,
            "assertion": assertion,
            "presentation_submission": json.dumps(submission),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if proof is not None:
            headers["DPoP"] = proof
        return HttpRequest(method="POST", url=self.url, headers=headers, body=urlencode(form).encode())


async def a_caller(pair: Pair, form: VcFormat) -> Caller:
    """Make a caller, and have the holder's node issue it a credential with a status."""
    private = ec.generate_private_key(ec.SECP256R1())
    holder = did_jwk(PublicKey.from_key(private.public_key()))
    key = SoftwareKey(key_id_of_did_jwk(holder), private)
    body = {
        "type": "NutsUraCredential",
        "issuer": await _did_of_holder(pair),
        "credentialSubject": {"id": holder, **SUBJECT},
        "@context": NUTS_2024,
        "format": form,
        "withStatusList2021Revocation": True,
        "expirationDate": (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    answer = await pair.client.send(
        HttpRequest(
            method="POST",
            url=f"{pair.holder.internal}/internal/vcr/v2/issuer/vc",
            headers={"Authorization": f"Bearer {pair.holder.api_key}", "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
    )
    if answer.status != 200:
        raise RuntimeError(f"no credential: {answer.status} {answer.body[:300]!r}")
    return Caller(pair=pair, key=key, credential=json.loads(answer.body), format=form)


def new_credentials(caller: Caller, count: int) -> list[str]:
    """Issue ``count`` credentials to the caller under a key that the holder has never seen, each with a signature of its own."""
    private = ec.generate_private_key(ec.SECP256R1())
    issuer = did_jwk(PublicKey.from_key(private.public_key()))
    key, now = SoftwareKey(KeyId(key_id_of_did_jwk(issuer)), private), datetime.now(UTC)
    return [
        issue_jwt_credential(
            issuer=issuer,
            subject_id=did_jwk(caller.key.public),
            types=("NutsUraCredential",),
            subject=SUBJECT,
            key=key,
            credential_id=f"{issuer}#{number}",
            now=now,
            expires_at=now + timedelta(days=1),
            contexts=(NUTS_2024,),
        )
        for number in range(count)
    ]


async def send(caller: Caller, request: HttpRequest, expected: int = 200) -> bytes:
    """Send it; the answer has to have the expected status."""
    answer = await caller.pair.client.send(request)
    if answer.status != expected:
        raise RuntimeError(f"{answer.status} instead of {expected}: {answer.body[:300]!r}")
    return answer.body


async def beside(work: Any) -> Any:
    """Make something that takes milliseconds beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def _did_of_holder(pair: Pair) -> str:
    answer = await pair.client.send(
        HttpRequest(
            method="GET",
            url=f"{pair.holder.internal}/internal/vdr/v2/subject/{pair.holder.key}",
            headers={"Authorization": f"Bearer {pair.holder.api_key}"},
        )
    )
    dids: list[str] = json.loads(answer.body)
    return dids[0]
