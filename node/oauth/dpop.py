"""Proof of possession: DPoP proofs made and checked (RFC 9449 §4; WIRE §2.8). Pure.

A proof says: whoever sends this request holds this key, now, for this address. It is good once; remembering that is up to the
caller, who gets a :class:`~node.audit.log.SingleUse` for it and hands that to the audit log together with what the request did.

Stricter than nuts-node: ``iat`` has to be fresh, and host and port of ``htu`` count.
"""

import functools
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from credentials.claims import CLOCK_SKEW, numeric_date, to_numeric_date
from credentials.encoding import b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError, NotCurrentError, UntrustedError
from credentials.fields import Fields
from credentials.jws import SignedJWS, compact_json
from credentials.keys import PublicKey
from credentials.ports import PrivateKey
from node.audit.log import SingleUse
from node.oauth.nonces import LIFETIME, ServerNonces

TYPE: Final = "dpop+jwt"

MAX_AGE: Final = timedelta(seconds=60)
"""How long after ``iat`` a proof is accepted."""

MAX_PROOF: Final = 8_192
"""Characters; one with an RSA key of 4096 bits has about 2,300."""

MAX_JTI: Final = 256
"""Characters (WIRE §4.5)."""

PARTS: Final = 3
"""Header, payload, signature."""

_CARRIES_KEY: Final = frozenset({"jwk"})
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProof:
    """A proof that was checked, except whether it was used before.

    Attributes:
        jkt: RFC 7638 thumbprint of the key that signed it.
        jti_key: SHA-256 over ``jkt`` and ``jti``.
        until: when it is refused for its age, by its ``iat`` or its nonce; aware UTC.
    """

    jkt: str
    jti_key: bytes
    until: datetime

    @property
    def single_use(self) -> SingleUse:
        """What the audit log has to use up: expires when the proof is refused for its age."""
        return SingleUse(kind="dpop", key=self.jti_key, expires_at=self.until)


class NonceWantedError(NotCurrentError):
    """The proof's own time is not believed, or its nonce is not: the same request with a nonce of ours would do."""


def check_proof(
    proof: str,
    *,
    method: str,
    url: str,
    now: datetime,
    access_token: str | None,
    jkt: str | None,
    nonces: ServerNonces | None = None,
) -> DpopProof:
    """Check a proof against the request it came with (RFC 9449 §4.3).

    Args:
        proof: the value of the one ``DPoP`` header.
        method: of the request.
        url: of the request, absolute, as the caller addressed it; query and fragment don't count.
        now: aware UTC.
        access_token: the token it has to be bound to; ``None`` at the token endpoint.
        jkt: thumbprint the token is bound to; ``None`` at the token endpoint.
        nonces: knows the nonces we gave; without it a nonce in the proof is not looked at.

    Raises:
        MalformedError: not a proof.
        NonceWantedError: too old, or from the future, or with a nonce that is not good now; ``NotCurrentError`` without ``nonces``.
        UntrustedError: for another request, token or key, or the signature does not match.
    """
    # (1) one JWS of this kind, with a public key in it
    parts = proof.split(".", 3)
    if len(proof) > MAX_PROOF or len(parts) != PARTS:
        raise MalformedError(f"not a JWS of at most {MAX_PROOF} characters")
    head = _read_head(parts[0])
    claims = Fields.from_json(b64url_decode(parts[1]), max_bytes=MAX_PROOF, what="DPoP proof")
    jti = claims.text("jti")
    if not 1 <= len(jti) <= MAX_JTI:
        raise MalformedError(f"jti has not 1 to {MAX_JTI} characters")
    # (2) for this request
    if claims.text("htm") != method:
        raise UntrustedError("method mismatch")
    htu = claims.text("htu")
    if htu != url and normal_url(htu) != normal_url(url):
        raise UntrustedError("url mismatch")
    # (3) now, by a nonce of ours or by its own word
    until = _until(claims, now, nonces)
    # (4) for this token
    if access_token is not None and claims.optional_text("ath") != _ath(access_token):
        raise UntrustedError("ath/token claim mismatch")
    # (5) by the key the token is bound to
    if jkt is not None and head.thumbprint != jkt:
        raise UntrustedError("jkt mismatch")
    # (6) signed
    head.key.verify(b64url_decode(parts[2]), f"{parts[0]}.{parts[1]}".encode(), head.alg)
    return DpopProof(
        jkt=head.thumbprint, jti_key=hashlib.sha256(f"{head.thumbprint}\0{jti}".encode()).digest(), until=until
    )


def _until(claims: Fields, now: datetime, nonces: ServerNonces | None) -> datetime:
    """Return until when a proof is good. It depends on what was signed alone, so that its single use is the same one every time."""
    iat = numeric_date(claims.raw("iat"))
    believed = now - MAX_AGE <= iat <= now + CLOCK_SKEW
    nonce = claims.optional_text("nonce")
    if nonces is None or nonce is None:
        if believed:
            return iat + MAX_AGE + CLOCK_SKEW
        raise NotCurrentError("iat is not now") if nonces is None else NonceWantedError("iat is not now")
    made = nonces.made_at(nonce, now)
    if made is None:
        raise NonceWantedError("nonce is not one of ours, or too old")
    if not believed and made < now - MAX_AGE:
        raise NonceWantedError("neither iat nor nonce is now")
    return made + LIFETIME + CLOCK_SKEW


def make_proof(
    key: PrivateKey,
    *,
    method: str,
    url: str,
    access_token: str | None,
    jti: str,
    now: datetime,
    nonce: str | None = None,
) -> str:
    """Make a proof for one request of ours.

    Args:
        key: what the token is or will be bound to.
        method: of the request.
        url: of the request; query and fragment are left out (RFC 9449 §4.2).
        access_token: ``None`` when asking for one.
        jti: 32 random bytes, base64url.
        now: aware UTC.
        nonce: what the server demands to be in it (RFC 9449 §8).
    """
    claims: dict[str, object] = {
        "htm": method,
        "htu": url.partition("#")[0].partition("?")[0],
        "jti": jti,
        "iat": to_numeric_date(now),
    }
    if access_token is not None:
        claims["ath"] = _ath(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    signing_input = f"{_write_head(key.public, key.alg)}.{b64url_encode(canonical_json(claims))}"
    return f"{signing_input}.{b64url_encode(key.sign(signing_input.encode()))}"


def normal_url(url: str) -> str:
    """Return ``url`` in the form in which two are compared (WIRE §2.8, RFC 3986 §6.2).

    Scheme always https, since a proxy in front ends TLS; host in lower case; default port, query and fragment dropped; a URL
    without scheme is taken to have one, as vendors' proxies send it.

    Raises:
        MalformedError: not an absolute http or https URL.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise MalformedError("url can not be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.username is not None:
        raise MalformedError("url is not an absolute http or https URL")
    if port == _DEFAULT_PORTS[parts.scheme]:
        port = None
    if ":" in host:
        host = f"[{host}]"
    path = _ESCAPE.sub(_normal_escape, parts.path) or "/"
    return f"https://{host}{'' if port is None else f':{port}'}{path}"


def _normal_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _ath(access_token: str) -> str:
    return b64url_encode(hashlib.sha256(access_token.encode()).digest())


@dataclass(frozen=True, slots=True)
class _Head:
    """What the header of a proof says: checked, and the same for every proof of one peer."""

    alg: str
    key: PublicKey
    thumbprint: str


@functools.lru_cache(maxsize=2_048)
def _read_head(segment: str) -> _Head:
    """Read the header segment of a proof; remembered, for a peer sends the same one each time. Says nothing about who signed."""
    jws = SignedJWS.parse(f"{segment}..", max_bytes=MAX_PROOF, allow=_CARRIES_KEY)
    if jws.typ != TYPE:
        raise MalformedError("typ is not dpop+jwt")
    jwk = Fields.of(jws.header, "JWS header").child("jwk")
    key = PublicKey.from_jwk(jwk.value)  # refuses a private one
    return _Head(jws.alg, key, key.thumbprint())


@functools.lru_cache(maxsize=16)
def _write_head(key: PublicKey, alg: str) -> str:
    """Write the header segment of our proofs by this key."""
    return b64url_encode(compact_json({"alg": alg, "typ": TYPE, "jwk": {**key.to_jwk(), "alg": alg}}))
