"""Signs what a vendor hands over with a key of one of our organisations, and records that it did (WIRE §4.6: SignJWT, SignJWS).

The node can not know what such a signature says; whoever may call this speaks for the organisation. So the caller has to be allowed to
act for the owner of the key, the header says nothing but what is safe to say, and the record is on disk before the signature leaves.
"""

from collections.abc import Mapping
from typing import Any, Literal

from credentials.did.identifier import did_of_key
from credentials.encoding import b64_decode, b64url_encode
from credentials.errors import MalformedError
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, PublicKey
from credentials.ports import PrivateKey
from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.identity.errors import UnknownKeyError
from node.identity.subjects import Subjects
from node.keys.signing import sign_with
from node.ports import Clock, KeyVault

Event = Literal["SignJWT", "SignJWS"]


class OwnSignatures:
    """Signs with our keys on a vendor's word.

    Args:
        subjects: whose keys these are.
        vault: holds them.
        audit: where every signature is recorded.
        clock: when.
    """

    def __init__(self, subjects: Subjects, vault: KeyVault, audit: AuditLog, clock: Clock) -> None:
        self._subjects = subjects
        self._vault = vault
        self._audit = audit
        self._clock = clock

    async def owner(self, kid: str) -> str:
        """Return the organisation whose key ``kid`` is.

        Raises:
            UnknownKeyError: of none that is hosted here.
        """
        try:
            did = did_of_key(kid)
        except MalformedError as error:
            raise UnknownKeyError from error
        found = await self._subjects.subject_of(did)
        if found is None or KeyId(kid) not in dict(await self._subjects.keys(did)):
            raise UnknownKeyError
        return found

    async def sign_jwt(self, kid: str, claims: Mapping[str, Any], caller: str) -> str:
        """Sign claims as JWT with ``typ`` JWT.

        Raises:
            UnknownKeyError: not a key of ours that counts.
            MalformedError: a claim can not be written as JSON.
            AuditUnavailableError: it can not be recorded.
        """
        owner, key = await self.owner(kid), await self._key(kid)
        payload = _json(claims)
        signed = await sign_with(key, lambda signer: sign_jws({"typ": "JWT"}, payload, signer))
        await self._record("SignJWT", owner, kid, caller)
        return signed

    async def sign_jws(self, kid: str, headers: Mapping[str, Any], payload: str, *, detached: bool, caller: str) -> str:
        """Sign bytes under a header.

        Args:
            kid: the key; it replaces a ``kid`` in ``headers``.
            headers: beside ``alg``, which is the key's.
            payload: standard base64.
            detached: whether the payload is left out of what is returned.
            caller: for the record.

        Raises:
            UnknownKeyError: not a key of ours that counts.
            MalformedError: the header or payload is not one that is signed here.
            AuditUnavailableError: it can not be recorded.
        """
        owner, key = await self.owner(kid), await self._key(kid)
        body, header = b64_decode(payload), _header(headers, detached=detached)
        signed = await sign_with(key, lambda signer: _sign(header, body, signer, detached=detached))
        await self._record("SignJWS", owner, kid, caller)
        return signed

    async def _key(self, kid: str) -> PrivateKey:
        try:
            return await self._vault.key(KeyId(kid))
        except KeyError as error:
            raise UnknownKeyError from error

    async def _record(self, event: Event, owner: str, kid: str, caller: str) -> None:
        await self._audit.record(
            AuditRecord(
                kind="change",
                direction="local",
                subject=owner,
                at=self._clock.now(),
                decision="permit",
                code=event,
                user_id=caller,
                user_evidence="API key",
                interaction=f"signed what the vendor handed over with key {kid}",
            )
        )


def _json(value: Mapping[str, Any]) -> bytes:
    try:
        return compact_json(value)
    except (ValueError, TypeError) as error:  # half a surrogate pair, an infinity
        raise MalformedError("this can not be written as JSON") from error


def _header(headers: Mapping[str, Any], *, detached: bool) -> dict[str, Any]:
    """The header as it is signed.

    Raises:
        MalformedError: it names a critical extension that we do not implement, or carries a private key.
    """
    header = {name: value for name, value in headers.items() if name not in ("kid", "alg")}
    if header.get("b64") is False and header.get("crit") == ["b64"]:
        if not detached:
            raise MalformedError("headers: b64 false needs detached true")
    elif "crit" in header or header.get("b64", True) is not True:
        raise MalformedError("headers: crit is not supported, but for b64 with a detached payload")
    if "jwk" in header:
        if not isinstance(header["jwk"], Mapping):
            raise MalformedError("headers: jwk is not a key")
        header["jwk"] = dict(header["jwk"])
        PublicKey.from_jwk(header["jwk"])  # refuses private keys: one in a header would be published with the signature
    _json(header)
    return header


def _sign(header: dict[str, Any], payload: bytes, key: PrivateKey, *, detached: bool) -> str:
    if header.get("b64") is False:  # RFC 7797 §3: the payload is signed as it is
        protected = b64url_encode(compact_json({"alg": key.alg, "kid": key.kid, **header}))
        return f"{protected}..{b64url_encode(key.sign(protected.encode() + b'.' + payload))}"
    signed = sign_jws(header, payload, key)
    protected, _, signature = signed.split(".")
    return f"{protected}..{signature}" if detached else signed
