"""Introspection (RFC 7662) and proof checks for a vendor's own enforcement point (WIRE §2.7, §2.8).

A vendor who keeps its own proxy in front of its FHIR server asks here what a token stands for, and whether the proof that came
with it is good. A good proof is used up by saying so, in the one place where single use is kept, and that is recorded.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from credentials.did.identifier import did_of_key
from credentials.encoding import b64url_encode
from credentials.errors import CredentialError, MalformedError, RevokedError
from credentials.keys import KeyId
from node.audit.log import AlreadyUsedError, AuditLog
from node.audit.record import AuditRecord
from node.identity.errors import UnknownKeyError, UnknownSubjectError
from node.identity.subjects import Subjects
from node.keys.signing import sign_with
from node.oauth.definitions import Definitions
from node.oauth.dpop import DpopProof, NonceWantedError, check_proof, make_proof
from node.oauth.errors import OAuthError
from node.oauth.grants import Grant
from node.oauth.metadata import issuer_url
from node.oauth.nonces import ServerNonces
from node.oauth.store import TokenStore
from node.ports import Clock, Entropy, KeyVault
from node.verification.standing import Standing

INACTIVE: dict[str, Any] = {"active": False}
MAX_TOKEN = 4_096

ActsFor = Callable[[str], bool]
"""Whether whoever asks may act for an organisation of ours; what belongs to others does not exist for them."""


def _everybody(_: str) -> bool:
    return True


JTI_BYTES = 32


class Introspection:
    """Answers the vendor's questions about tokens and proofs."""

    def __init__(
        self,
        *,
        store: TokenStore,
        standing: Standing,
        definitions: Definitions,
        subjects: Subjects,
        vault: KeyVault,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
        nonces: ServerNonces,
        public_url: str,
    ) -> None:
        """Take what it needs; ``public_url`` is where the world reaches this node."""
        self._store = store
        self._standing = standing
        self._definitions = definitions
        self._subjects = subjects
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._nonces = nonces
        self._public_url = public_url

    async def introspect(self, token: str, *, may: ActsFor = _everybody) -> dict[str, Any]:
        """Return what ``token`` stands for, with one member per claim; ``{"active": false}`` when it does not stand."""
        grant = await self._grant_of(token, may)
        if grant is None:
            return dict(INACTIVE)
        claims = {name: value for name, value in grant.claims.items() if value is not None}
        return {**claims, **self._standard(grant)}

    async def introspect_extended(self, token: str, *, may: ActsFor = _everybody) -> dict[str, Any]:
        """Return the same without claims, and with the presentations that earned the token (WIRE §2.7)."""
        grant = await self._grant_of(token, may)
        if grant is None:
            return dict(INACTIVE)
        try:
            definitions = self._definitions.required(grant.scope)
        except OAuthError:  # the use case was taken out since
            definitions = {}
        return {
            **self._standard(grant),
            "vps": list(grant.presentations),
            "presentation_definitions": {owner: dict(each.to_wire()) for owner, each in definitions.items()},
            "presentation_submissions": (
                {str(grant.submission.get("definition_id", "")): dict(grant.submission)} if grant.submission else {}
            ),
        }

    async def create_proof(
        self,
        kid: str,
        *,
        method: str,
        url: str,
        access_token: str,
        nonce: str | None = None,
        may: ActsFor = _everybody,
    ) -> str:
        """Return a DPoP proof signed by ``kid``, one of our keys.

        Raises:
            UnknownKeyError: not a key of an organisation hosted here for which whoever asks ``may`` act.
        """
        try:
            owner = await self._subjects.subject_of(did_of_key(kid))
            if owner is None or not may(owner):
                raise UnknownKeyError
            key = await self._vault.key(KeyId(kid))
        except (MalformedError, KeyError) as error:
            raise UnknownKeyError from error
        jti = b64url_encode(self._entropy.token(JTI_BYTES))
        now = self._clock.now()
        return await sign_with(
            key,
            lambda key: make_proof(
                key, method=method, url=url, access_token=access_token, jti=jti, now=now, nonce=nonce
            ),
        )

    async def validate_proof(
        self, proof: str, *, method: str, url: str, access_token: str, thumbprint: str, may: ActsFor = _everybody
    ) -> dict[str, Any]:
        """Check a proof that came with a token of ours, and use it up.

        Returns:
            ``{"valid": true}``, or ``{"valid": false, "reason": …}``; with ``dpop_nonce`` where that in another proof would do.

        Raises:
            AuditUnavailableError: nothing can be used up now.
        """
        now = self._clock.now()
        try:
            checked = check_proof(
                proof,
                method=method,
                url=url,
                now=now,
                access_token=access_token,
                jkt=thumbprint,
                nonces=self._nonces,
            )
        except NonceWantedError as error:
            return {"valid": False, "reason": str(error), "dpop_nonce": self._nonces.offer(now)}
        except CredentialError as error:
            return {"valid": False, "reason": str(error)}
        grant = await self._grant_of(access_token, may)
        if grant is None:
            return {"valid": False, "reason": "token is not active here"}
        if grant.jkt != checked.jkt:
            return {"valid": False, "reason": "jkt mismatch"}
        return await self._use_up(checked, grant, now)

    async def _use_up(self, proof: DpopProof, grant: Grant, now: datetime) -> dict[str, Any]:
        record = AuditRecord(
            kind="request",
            direction="inbound",
            subject=grant.subject,
            at=now,
            decision="permit",
            code="proof_valid",
            usecase=grant.scope,
            peer_ura=grant.organization_ura,
            peer_name=grant.organization_name,
            peer_did=grant.holder,
            user_id=grant.user_identifier,
            user_name=grant.user_name,
            user_role=grant.user_role,
            user_evidence=grant.user_evidence,
            interaction="proof checked for the vendor's own enforcement point",
            grant_id=grant.grant_id,
        )
        try:
            await self._audit.record(record, once=(proof.single_use,))
        except AlreadyUsedError:
            return {"valid": False, "reason": "jti already used"}
        return {"valid": True}

    async def _grant_of(self, token: str, may: ActsFor) -> Grant | None:
        """Return the grant of a token that stands now, and so do the credentials behind it."""
        if not token or len(token) > MAX_TOKEN:
            return None
        stored = await self._store.find(token)
        now = self._clock.now()
        if stored is None or stored.ended_at is not None or now >= stored.grant.expires_at:
            return None
        if not may(stored.grant.subject):
            return None
        try:
            await self._subjects.get(stored.grant.subject)
            await self._standing.check_standing(stored.grant.statuses, stored.grant.kids)
        except RevokedError:
            await self._store.end(stored.grant.grant_id, now)
            return None
        except (CredentialError, UnknownSubjectError):  # it can not be told, or who gave it was taken out of service
            return None
        return stored.grant

    def _standard(self, grant: Grant) -> dict[str, Any]:
        members: dict[str, Any] = {
            "active": True,
            "iss": issuer_url(self._public_url, grant.subject),
            "client_id": grant.client_id,
            "scope": grant.granted_scope,
            "iat": int(grant.issued_at.timestamp()),
            "exp": int(grant.expires_at.timestamp()),
        }
        if grant.jkt is not None:
            members["cnf"] = {"jkt": grant.jkt}
        if grant.user_evidence is not None:
            members["user_evidence"] = grant.user_evidence
        if grant.provider is not None:
            members["service_provider_did"] = grant.provider
        return members
