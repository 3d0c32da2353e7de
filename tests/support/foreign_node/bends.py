"""Everything that a client can do wrongly when it asks for a token, by name; each must be refused.

A bend changes one thing of a request that is good otherwise. Those that two clients or two requests are needed for (a replay, a
race, somebody else's presentation) are in the tests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.foreign_node.jose import decoded, encoded, opened, signed
from tests.support.foreign_node.presenting import SECONDS
from tests.support.foreign_node.tenant import Tenant


def _as_it_is(_: Any) -> None:
    """Change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """One thing that is wrong.

    Attributes:
        claims: changes the claims of the presentation.
        header: replaces members of its header.
        key: signs it instead of the tenant's.
        assertion: changes it when it is signed.
        credentials: which are presented, given those that would do and the holder.
        form: changes the form.
        proof: claims of the DPoP proof that replace the good ones.
        age: how long ago the presentation was made.
        lifetime: how long it lasts, in seconds.
    """

    claims: Callable[[dict[str, Any]], None] = _as_it_is
    header: Mapping[str, Any] = field(default_factory=dict)
    key: ec.EllipticCurvePrivateKey | None = field(default=None, repr=False)
    assertion: Callable[[str], str] = lambda compact: compact
    credentials: Callable[[list[Any], Tenant], list[Any]] = lambda chosen, _: chosen
    form: Callable[[dict[str, str]], None] = _as_it_is
    proof: Callable[[datetime], Mapping[str, Any]] = lambda _: {}
    age: timedelta = timedelta(0)
    lifetime: int = SECONDS


GOOD = Bend()


def _says(**members: Any) -> Callable[[dict[str, Any]], None]:
    """Replace members; None takes one out."""

    def change(said: dict[str, Any]) -> None:
        for name, value in members.items():
            said.pop(name, None)
            if value is not None:
                said[name] = value

    return change


def _unsigned(compact: str) -> str:
    header = encoded(b'{"alg":"none","typ":"JWT"}')
    return f"{header}.{compact.split('.')[1]}."


def _cut(compact: str) -> str:
    head, claims, signature = compact.split(".")
    raw = bytearray(decoded(signature))
    raw[-1] ^= 1
    return f"{head}.{claims}.{encoded(bytes(raw))}"


def _vouching_for_itself(chosen: list[Any], holder: Tenant) -> list[Any]:
    """The same credentials, issued by the holder, with a signature that nobody made (WIRE §2.5.5, step 10)."""
    made: list[Any] = []
    for each in chosen:
        if not isinstance(each, str):
            made.append(each)
            continue
        _, claims = opened(each)
        forged = signed({"kid": holder.key.kid, "typ": "JWT"}, claims | {"iss": holder.did}, holder.key.private)
        made.append(_cut(forged))
    return made


def _of_somebody_else(chosen: list[Any], _: Tenant) -> list[Any]:
    """An employee of another organisation."""
    other = "did:web:elsewhere.example:iam:8f0a6f39-5ab6-4d0e-9a0a-0d5f7d3f8b11"
    return [
        each
        if isinstance(each, str)
        else {**each, "issuer": other, "credentialSubject": {**each["credentialSubject"], "id": other}}
        for each in chosen
    ]


def _pointing_elsewhere(form: dict[str, str]) -> None:
    form["presentation_submission"] = form["presentation_submission"].replace("$.verifiableCredential", "$.other")


_ELSEWHERE = "https://elsewhere.example/oauth2/x"

BENDS: Mapping[str, Bend] = {
    # (1) for whom and when
    "for another server": Bend(claims=_says(aud=[_ELSEWHERE])),
    "for nobody": Bend(claims=_says(aud=None)),
    "20 seconds old": Bend(age=timedelta(seconds=20)),
    "made in a minute": Bend(age=timedelta(seconds=-60)),
    "lasting an hour": Bend(lifetime=3_600),
    "lasting for ever": Bend(claims=_says(exp=None)),
    "without a nonce": Bend(claims=_says(nonce=None)),
    # (2) whose
    "not signed": Bend(assertion=_unsigned),
    "one bit of the signature changed": Bend(assertion=_cut),
    "signed with another key": Bend(key=ec.generate_private_key(ec.SECP256R1())),
    "of another holder than the key": Bend(claims=_says(sub="did:web:elsewhere.example:iam:x")),
    "with a key that it brings along": Bend(header={"kid": None, "jwk": {"kty": "EC"}}),
    "critical": Bend(header={"crit": ["exp"]}),
    # (3) what it shows
    "credentials that the holder issued to itself": Bend(credentials=_vouching_for_itself),
    "an employee of somebody else": Bend(credentials=_of_somebody_else),
    "no credentials": Bend(claims=lambda said: _says(verifiableCredential=None)(said["vp"])),
    "no presentation": Bend(form=_says(assertion="[]")),
    "a submission that points elsewhere": Bend(form=_pointing_elsewhere),
    "a submission for another definition": Bend(
        form=_says(presentation_submission='{"id":"a","definition_id":"b","descriptor_map":[]}')
    ),
    # (4) the form
    "another grant": Bend(form=_says(grant_type="client_credentials")),
    "a scope that is not there": Bend(form=_says(scope="nothing-like-this")),
    "no client": Bend(form=_says(client_id=None)),
    # (5) the proof
    "a proof for another method": Bend(proof=lambda _: {"htm": "GET"}),
    "a proof for another address": Bend(proof=lambda _: {"htu": _ELSEWHERE}),
    "a proof of an hour ago": Bend(proof=lambda now: {"iat": int(now.timestamp()) - 3_600}),
    "a proof of tomorrow": Bend(proof=lambda now: {"iat": int(now.timestamp()) + 86_400}),
    "a proof without an id": Bend(proof=lambda _: {"jti": ""}),
    "a proof that shows a private key": Bend(proof=lambda _: {"header": {"jwk": {"kty": "EC", "d": "AAAA"}}}),
}


def presented(of: Sequence[Any]) -> Bend:
    """Present exactly these credentials."""
    return Bend(credentials=lambda _chosen, _holder: list(of))
