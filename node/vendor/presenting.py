"""Make a presentation of given credentials with a key of one of our organisations, on a vendor's word (WIRE §2.11.5, ``holder/vp``)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from credentials.claims import ISSUE_BACKDATE
from credentials.did.identifier import DID, parse_did
from credentials.errors import MalformedError
from credentials.vc.credential import SignedCredential
from credentials.vc.present import present_jwt
from credentials.vc.presentation import MAX_CREDENTIALS
from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.identity.errors import UnknownSubjectError
from node.identity.subjects import Subjects
from node.keys.signing import sign_with
from node.ports import Clock, Entropy
from node.verification.verifier import Verifier

LIFETIME = timedelta(minutes=15)
"""How long a presentation is valid when nobody says, as nuts-node's are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentRequest:
    """What is to be presented.

    Attributes:
        signer: who presents; ``None``: whom all the credentials are about.
        domain: whom it is for.
        challenge: what that party asked to be signed.
        expires_at: aware UTC; ``None``: `LIFETIME` from now.
        purpose: of a JSON-LD proof.
    """

    credentials: tuple[SignedCredential, ...] = field(repr=False)
    signer: DID | None
    format: Literal["ldp_vp", "jwt_vp"]
    domain: str | None = None
    challenge: str | None = None
    expires_at: datetime | None = None
    purpose: str = "assertionMethod"
    types: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()

    @property
    def holder(self) -> DID:
        """Who presents.

        Raises:
            MalformedError: nobody is named, and the credentials are not all about one party.
        """
        found = {credential.subject_id for credential in self.credentials}
        if self.signer is not None:
            return self.signer
        (holder, *others) = found
        if others or holder is None:
            raise MalformedError("the credentials are not about one and the same party: name signerDID")
        return holder


def parse_request(*, credentials: list[str | dict[str, Any]], signer: str | None, **rest: Any) -> PresentRequest:
    """Put a request together from what a vendor says.

    Raises:
        MalformedError: no credentials, too many, or one that is none.
    """
    if not credentials:
        raise MalformedError("verifiableCredentials needs at least 1 item")
    if len(credentials) > MAX_CREDENTIALS:
        raise MalformedError(f"verifiableCredentials has more than {MAX_CREDENTIALS} items")
    return PresentRequest(
        credentials=tuple(SignedCredential.parse(each) for each in credentials),
        signer=None if not signer else parse_did(signer),
        **rest,
    )


class Presenter:
    """Signs presentations.

    Args:
        subjects: who may present, and with which key.
        verifier: checks that the credentials still hold: nothing is presented that would be refused.
        audit: where it is recorded.
        clock: for dates.
        entropy: for ids.
    """

    def __init__(
        self, *, subjects: Subjects, verifier: Verifier, audit: AuditLog, clock: Clock, entropy: Entropy
    ) -> None:
        self._subjects = subjects
        self._verifier = verifier
        self._audit = audit
        self._clock = clock
        self._entropy = entropy

    async def owner(self, holder: DID) -> str:
        """Return the organisation that presents.

        Raises:
            UnknownSubjectError: none that is hosted here.
        """
        found = await self._subjects.subject_of(holder)
        if found is None:
            raise UnknownSubjectError
        return found

    async def present(self, asked: PresentRequest, *, caller: str) -> str | Mapping[str, Any]:
        """Sign a presentation.

        Raises:
            UnknownSubjectError: the holder is not ours.
            CredentialError: a credential is not about the holder, or does not hold.
            AuditUnavailableError: it can not be recorded.
        """
        holder, now = asked.holder, self._clock.now()
        owner = await self.owner(holder)
        # (1) the holder's own credentials, each of which holds
        for credential in asked.credentials:
            if credential.subject_id != holder:
                raise MalformedError("credentialSubject.id of a credential is not the signer")
            if not credential.is_self_attested:
                await self._verifier.verify_credential(credential)
            elif credential.issuer != holder:
                raise MalformedError("an unsigned credential is not issued by the signer")
        # (2) a time to live
        expires = now + LIFETIME if asked.expires_at is None else asked.expires_at
        if expires <= now:
            raise MalformedError("expires can not lay in the past")
        # (3) signed, and recorded before it leaves
        signed = await self._sign(asked, holder, now, expires)
        await self._audit.record(
            AuditRecord(
                kind="change",
                direction="local",
                subject=owner,
                at=now,
                decision="permit",
                code="presentation_made",
                user_id=caller,
                user_evidence="API key",
                interaction=f"presented {len(asked.credentials)} credentials on the vendor's word",
            )
        )
        return signed

    async def _sign(
        self, asked: PresentRequest, holder: DID, now: datetime, expires: datetime
    ) -> str | Mapping[str, Any]:
        key = await self._subjects.signing_key(holder)
        presentation_id = f"{holder}#{self._entropy.uuid()}"
        raws = [credential.raw for credential in asked.credentials]
        try:
            if asked.format == "jwt_vp":
                return await sign_with(
                    key,
                    lambda signer: present_jwt(
                        holder=holder,
                        key=signer,
                        audience=asked.domain,
                        credentials=raws,
                        nonce=asked.challenge,
                        presentation_id=presentation_id,
                        now=now,
                        lifetime=expires - now + ISSUE_BACKDATE,
                        extra_types=asked.types,
                        extra_contexts=asked.contexts,
                    ),
                )
            from credentials.vc.present import present_ldp  # PyLD comes with it

            document: Mapping[str, Any] = await asyncio.to_thread(
                present_ldp,
                holder=holder,
                key=key,
                audience=asked.domain,
                credentials=raws,
                challenge=asked.challenge,
                presentation_id=presentation_id,
                now=now,
                expires=expires,
                purpose=asked.purpose,
                extra_types=asked.types,
                extra_contexts=asked.contexts,
            )
        except ValueError as error:
            raise MalformedError(str(error)) from error
        return document
