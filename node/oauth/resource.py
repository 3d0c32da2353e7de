"""A request with an access token: whose it is (RFC 6750, RFC 9449 §7).

A token that is bound to a key passes only with a proof by that key, for this request; as ``Bearer`` it never does. The proof's
single use is **not** settled here: it comes back as ``once``, and goes with the audit promise, so that using it up and recording
what it was used for are one write. Who calls this and does not promise with ``once`` lets replays pass.

Which organisation's data the request is about is the caller's to compare: pass ``subject`` and it is done here.
"""

import re
from dataclasses import dataclass

from aiohttp import hdrs, web

from credentials.errors import CredentialError, RevokedError
from node.audit.log import SingleUse
from node.oauth.dpop import NonceWantedError, check_proof
from node.oauth.errors import LoginCode, LoginError
from node.oauth.grants import Grant
from node.oauth.metadata import DPOP_ALGORITHMS
from node.oauth.nonces import ServerNonces
from node.oauth.store import TokenStore
from node.ports import Clock
from node.verification.key_standing import WithdrawnKeyError
from node.verification.standing import Standing

__all__ = ["CHALLENGE", "NONCE_CHALLENGE", "Caller", "LapsedError", "LoginError", "ResourceGuard", "presented"]

CHALLENGE = f'DPoP error="invalid_token", algs="{" ".join(DPOP_ALGORITHMS)}"'
"""``WWW-Authenticate`` of a 401 (RFC 9449 §7.1); the same whatever was wrong."""

NONCE_CHALLENGE = f'DPoP error="use_dpop_nonce", algs="{" ".join(DPOP_ALGORITHMS)}"'
"""The same when the token was not the trouble, but the proof's time (RFC 9449 §9); a nonce goes with it."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 32 bytes, base64url: what we give out


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        grant: what the token stands for.
        once: to be used up by the audit promise of this request; empty for a bearer token.
    """

    grant: Grant
    once: tuple[SingleUse, ...]


class LapsedError(LoginError):
    """The caller holds a token of ours, and the credentials behind it do not stand any more, or it can not be told.

    Attributes:
        caller: who it is; a refusal of somebody who proved who they are is recorded.
    """

    def __init__(self, code: LoginCode, caller: Caller) -> None:
        super().__init__(code)
        self.caller = caller


class ResourceGuard:
    """Tells who holds a token.

    Args:
        store: where grants are kept.
        clock: decides what has expired.
        standing: looks again whether the credentials behind a token still stand.
        nonces: knows the nonces we gave for proofs; without it none is demanded, nor looked at.
    """

    def __init__(self, store: TokenStore, clock: Clock, standing: Standing, nonces: ServerNonces | None = None) -> None:
        self._nonces = nonces
        self._store = store
        self._clock = clock
        self._standing = standing

    async def authenticate(
        self, *, authorization: str | None, dpop: str | None, method: str, url: str, subject: str | None = None
    ) -> Caller:
        """Return who holds the token.

        Args:
            authorization: the one ``Authorization`` header.
            dpop: the one ``DPoP`` header.
            method: of the request.
            url: of the request as the peer addressed it: our public URL and the path as received.
            subject: organisation whose data is asked; a token of another one is refused.

        Raises:
            LoginError: not shown to be the holder of a token of ours.
            LapsedError: shown, but what the token rests on does not stand any more, or it can not be told.
        """
        # (1) one token of our making
        scheme, _, token = (authorization or "").partition(" ")
        scheme, token = scheme.lower(), token.strip(" ")
        if scheme not in ("dpop", "bearer") or not token:
            raise LoginError("no_token")
        if _TOKEN.fullmatch(token) is None:
            raise LoginError("malformed_token")
        # (2) that still stands
        stored = await self._store.find(token)
        if stored is None:
            raise LoginError("unknown_token")
        now = self._clock.now()
        grant = stored.grant
        if stored.ended_at is not None:
            raise LoginError("ended_token")
        if now >= grant.expires_at:
            raise LoginError("expired_token")
        # (3) given by the organisation that is asked
        if subject is not None and grant.subject != subject:
            raise LoginError("wrong_subject")
        # (4) presented in the way it is bound: a DPoP token never as Bearer, nor the other way round
        if scheme != grant.token_type.lower():
            raise LoginError("scheme_mismatch")
        once: tuple[SingleUse, ...] = ()
        if grant.jkt is not None:
            # (5) by the key it is bound to, for this request
            if dpop is None:
                raise LoginError("proof_missing")
            try:
                proof = check_proof(
                    dpop, method=method, url=url, now=now, access_token=token, jkt=grant.jkt, nonces=self._nonces
                )
                once = (proof.single_use,)
            except NonceWantedError as error:
                raise LoginError(
                    "nonce_wanted", nonce=None if self._nonces is None else self._nonces.offer(now)
                ) from error
            except CredentialError as error:
                raise LoginError("proof_invalid") from error
        # (6) whose credentials still stand; the one check that may have to wait for somebody else's answer
        try:
            await self._standing.check_standing(grant.statuses, grant.kids)
        except RevokedError as error:
            await self._store.end(grant.grant_id, now)
            code: LoginCode = "withdrawn_key" if isinstance(error, WithdrawnKeyError) else "revoked_credential"
            raise LapsedError(code, Caller(grant=grant, once=once)) from error
        except CredentialError as error:
            raise LapsedError("status_unknown", Caller(grant=grant, once=once)) from error
        return Caller(grant=grant, once=once)


def presented(request: web.BaseRequest) -> tuple[str | None, str | None]:
    """Return the ``Authorization`` and ``DPoP`` headers of ``request``.

    Raises:
        LoginError: one of them is repeated, and nobody can say which counts (RFC 9449 §4.3 (1)).
    """
    authorization = request.headers.getall(hdrs.AUTHORIZATION, [])
    dpop = request.headers.getall("DPoP", [])
    if len(authorization) > 1:
        raise LoginError("malformed_token")
    if len(dpop) > 1:
        raise LoginError("proof_invalid")
    return (authorization[0] if authorization else None), (dpop[0] if dpop else None)
