"""Steps in which a third party asks for a token: a program that is neither node, whose identifier is its key.

What it does rightly has to be accepted by both nodes, what it does wrongly refused by both.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from credentials.did.did_jwk import did_jwk, key_id_of_did_jwk
from credentials.did.did_key import did_key, key_id_of_did_key
from credentials.did.identifier import DID
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.present import present_jwt
from node.ports import HttpRequest
from tests.interop.agreements import ONE
from tests.interop.holding import KIND
from tests.interop.seat import Seat
from tests.interop.step import Step, StepFailedError, expect
from tests.interop.vendor import FORM

_CHAPTER = "A third party whose DID is its key"
_LIFETIME = timedelta(seconds=5)
_ORGANIZATION = {"name": "Derde Partij", "city": "Delft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A holder with a key, and one credential about it."""

    did: DID
    key: SoftwareKey
    credential: Any

    def present(self, audience: str, *, age: timedelta = timedelta(0), nonce: str | None = None) -> str:
        """Sign a presentation for an authorization server, ``age`` ago."""
        return present_jwt(
            holder=self.did,
            key=self.key,
            audience=audience,
            credentials=[self.credential],
            nonce=nonce or uuid4().hex,
            presentation_id=f"{self.did}#{uuid4()}",
            now=datetime.now(UTC) - age,
            lifetime=_LIFETIME,
        )


async def meet(issuing: Seat, *, jwk: bool = False) -> Stranger:
    """Make a stranger about whom a node has issued a credential."""
    drawn = SoftwareKey.generate(KeyId("stranger#new"))
    did = did_jwk(drawn.public) if jwk else did_key(drawn.public)
    kid = key_id_of_did_jwk(did) if jwk else key_id_of_did_key(did)
    subject = {"id": did, "organization": _ORGANIZATION}
    credential = await issuing.vendor.issue(issuing.issuer_did, KIND, subject, form="jwt_vc")
    return Stranger(did=did, key=SoftwareKey.from_pem(drawn.to_pem(), kid), credential=credential)


async def post(
    server: Seat, assertion: str, *, path: str = "$.verifiableCredential[0]"
) -> tuple[int, Mapping[str, Any]]:
    """Post a token request for the scope that wants one credential; return status and body."""
    line = {"id": "id_organization", "format": "jwt_vc", "path": path}
    submission = {"id": str(uuid4()), "definition_id": f"pd_{ONE}", "descriptor_map": [line]}
    form = {
        "grant_type": "vp_token-bearer",
        "client_id": "https://stranger.example/oauth2/x",
        "scope": ONE,
        "assertion": assertion,
        "presentation_submission": json.dumps(submission),
    }
    answer = await server.network.send(
        HttpRequest(
            method="POST",
            url=f"{server.server}/token",
            headers={"Content-Type": FORM, "Accept": "application/json"},
            body=urlencode(form).encode(),
        )
    )
    return answer.status, json.loads(answer.body)


def _gets_a_token(*, jwk: bool) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def gets(acting: Seat, other: Seat) -> str:
        """The stranger, known to the other, gets a token of ours; we know by it who it is."""
        stranger = await meet(other, jwk=jwk)
        token = await _token(acting, stranger.present(acting.server))
        said = await acting.vendor.introspect(token)
        expect("organization_name", said.get("organization_name"), _ORGANIZATION["name"])
        return "token"

    return gets


async def takes_an_array(acting: Seat, other: Seat) -> str:
    """The presentation may stand in an array, with paths that say so."""
    stranger = await meet(other)
    token = await _token(acting, json.dumps([stranger.present(acting.server)]), path="$[0].verifiableCredential[0]")
    expect("whether it is active", (await acting.vendor.introspect(token))["active"], wanted=True)
    return "token"


async def refuses(acting: Seat, other: Seat) -> str:
    """A presentation used before, with a nonce used before, too old, for somebody else, or signed by somebody else is refused."""
    stranger, thief = await meet(other), await meet(other)
    good = stranger.present(acting.server, nonce="once")
    await _token(acting, good)
    header, payload, signature = stranger.present(acting.server).split(".")
    stolen = Stranger(did=thief.did, key=thief.key, credential=stranger.credential)
    attempts: Sequence[tuple[str, str]] = (
        ("used before", good),
        ("a nonce used before", stranger.present(acting.server, nonce="once")),
        ("twenty seconds old", stranger.present(acting.server, age=timedelta(seconds=20))),
        ("for another server", stranger.present(other.server)),
        ("of a stolen credential", stolen.present(acting.server)),
        ("another signature", ".".join((header, payload, signature[:-4] + "AAAA"))),
        ("no presentation", "[]"),
    )
    for what, assertion in attempts:
        status, body = await post(acting, assertion)
        if status != 400 or "error" not in body:
            raise StepFailedError(f"{what}: it was answered with {status}")
    return f"{len(attempts)} refused"


async def _token(server: Seat, assertion: str, **options: str) -> str:
    status, body = await post(server, assertion, **options)
    if status != 200:
        raise StepFailedError(f"no token: {status} {body.get('error_description', '')}")
    return str(body["access_token"])


STEPS = (
    Step(
        id="stranger-did-key", chapter=_CHAPTER, title="gives a token to a did:key that the other knows",
        run=_gets_a_token(jwk=False),
    ),
    Step(
        id="stranger-did-jwk", chapter=_CHAPTER, title="gives a token to a did:jwk that the other knows",
        run=_gets_a_token(jwk=True),
    ),
    Step(
        id="stranger-array", chapter=_CHAPTER, title="takes a presentation in an array",
        run=takes_an_array, needs=("stranger-did-key",),
    ),
    Step(
        id="stranger-refused", chapter=_CHAPTER, title="refuses replays, old, misdirected, stolen and altered presentations",
        run=refuses, needs=("stranger-did-key",),
    ),
)  # fmt: skip
