"""One token request from beginning to end: collect, fetch, decide, record, keep (WIRE §2.5).

Nothing is decided here (``grant.py`` does) and nothing is verified here; this is the order of things. The nonce and the DPoP
proof are used up in the one durable write that records the token, so of many requests with the same one exactly one succeeds,
on however many replicas. Who is refused after proving who they are is recorded with the reason; who proved nothing is counted.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from credentials.encoding import b64url_encode
from credentials.errors import CredentialError
from credentials.query.matching import NoMatch
from credentials.vc.evidence import Evidence
from node.audit.log import AlreadyUsedError, AuditLog, AuditUnavailableError
from node.audit.pseudonym import holds_bsn
from node.audit.record import AuditRecord
from node.audit.rules import RuleOutcome
from node.identity.errors import UnknownSubjectError
from node.identity.subjects import Subjects
from node.oauth.definitions import Definitions
from node.oauth.dpop import DpopProof, NonceWantedError, check_proof
from node.oauth.errors import OAuthCode, OAuthError
from node.oauth.further_scopes import FurtherScopes
from node.oauth.grant import Asked, Decided, decide, is_proved, read_request
from node.oauth.grants import Grant
from node.oauth.messages import TokenReply, TokenRequest
from node.oauth.metadata import issuer_url, token_endpoint
from node.oauth.nonces import ServerNonces
from node.oauth.refusals import TOKENS_AT_ONCE, TOKENS_PER_SECOND, RefusalCounter
from node.oauth.store import TokenStore
from node.ports import Clock, Entropy
from node.verification.off_loop import OverloadedError
from node.verification.verifier import Verifier
from node.web.limits import Turns, caller_of, throttled

logger = logging.getLogger(__name__)

TOKEN_BYTES = 32
REFERENCE_BYTES = 8
MAX_EXPLANATIONS = 16
"""Reasons recorded for one refusal."""

MAX_EVIDENCE = 256
"""Characters of an identifier in the record of a refusal."""


class TokenService:
    """Gives tokens."""

    def __init__(
        self,
        *,
        subjects: Subjects,
        verifier: Verifier,
        definitions: Definitions,
        further: FurtherScopes,
        store: TokenStore,
        audit: AuditLog,
        refusals: RefusalCounter,
        nonces: ServerNonces,
        clock: Clock,
        entropy: Entropy,
        public_url: str,
    ) -> None:
        """Take what it needs; ``public_url`` is where the world reaches this node."""
        self._subjects = subjects
        self._verifier = verifier
        self._definitions = definitions
        self._further = further
        self._store = store
        self._audit = audit
        self._refusals = refusals
        self._nonces = nonces
        self._clock = clock
        self._entropy = entropy
        self._public_url = public_url
        self._clients = Turns(burst=TOKENS_AT_ONCE, per_second=TOKENS_PER_SECOND)

    async def exchange(
        self, subject: str, form: Sequence[tuple[str, str]], dpop: str | None, address: str | None
    ) -> TokenReply:
        """Answer one token request.

        Args:
            subject: whose token endpoint was called.
            form: pairs as posted, repeated names included.
            dpop: the one ``DPoP`` header, if any; with it the token is bound to its key.
            address: of the caller, for the record.

        Raises:
            OAuthError: refused; recorded or counted.
            RequestError: the organisation was given too many tokens just now.
        """
        try:
            asked, proof, evidence = await self._collect(subject, form, dpop, address)
        except OAuthError as error:
            if error.reason != "busy":  # counted
                self._refusals.count(address, error.reason)
            raise
        issuer = issuer_url(self._public_url, subject)
        required = self._definitions.required(asked.scope.profile)
        now = self._clock.now()
        try:
            decided = await self._verifier.decide(
                asked.messages,
                lambda: decide(
                    asked,
                    evidence,
                    issuer=issuer,
                    required=required,
                    now=now,
                    signatures=self._verifier.signatures,
                ),
            )
        except OverloadedError as error:
            raise self._busy(address) from error
        except OAuthError as error:
            if not await self._is_proved(asked, evidence, address, now):
                self._refusals.count(address, error.reason)
                raise
            raise await self._refused(error, subject, asked, address, now) from error
        self._check_client(decided, address, now)
        if any(holds_bsn(str(text)) for text in decided.claimed.user.values()):
            refused = asked.refuse("the user has a citizen service number", "bsn_of_user")
            raise await self._refused(refused, subject, asked, address, now)
        try:
            further = await self._further.granted(asked.scope, decided.holder, decided.claimed)
        except OAuthError as error:
            if error.code is OAuthCode.SERVER_ERROR:  # nobody decided
                self._refusals.count(address, error.reason)
                raise
            raise await self._refused(error, subject, asked, address, now) from error
        return await self._give(subject, asked, decided, further, proof, address, now)

    async def _is_proved(self, asked: Asked, evidence: Evidence, address: str | None, now: datetime) -> bool:
        try:
            return await self._verifier.decide(asked.messages, lambda: is_proved(asked, evidence, now))
        except OverloadedError as error:
            raise self._busy(address) from error

    def _busy(self, address: str | None) -> OAuthError:
        """Nothing is wrong with the request: whoever sent it may come back."""
        self._refusals.count(address, "busy")
        return OAuthError(
            OAuthCode.SERVER_ERROR, "no tokens can be given now", reason="busy", status=HTTPStatus.SERVICE_UNAVAILABLE
        )

    def _check_client(self, decided: Decided, address: str | None, now: datetime) -> None:
        """Tell an organisation to wait that was given very many tokens just now; nobody else can use up its turns."""
        if caller_of(address) is not None and (seconds := self._clients.wait(decided.holder, now)) > 0:
            self._refusals.count(address, "client_throttled")
            raise throttled(seconds)

    def nonce(self) -> str:
        """Return what a caller who brought a proof may put into the next one."""
        return self._nonces.offer(self._clock.now())

    async def _collect(
        self, subject: str, form: Sequence[tuple[str, str]], dpop: str | None, address: str | None
    ) -> tuple[Asked, DpopProof | None, Evidence]:
        """Everything before the first signature of the holder, cheap first. Who fails here proved nothing."""
        # (1) to one of ours
        try:
            await self._subjects.get(subject)
        except UnknownSubjectError as error:
            raise OAuthError(OAuthCode.INVALID_REQUEST, "subject not found", reason="unknown_subject") from error
        # (2) a request of the right form, for a scope we know
        request = TokenRequest.parse(form)
        scope = self._definitions.asked(request.scope)
        required = self._definitions.required(scope.profile)
        # (3) presentations that could do
        now = self._clock.now()
        issuer = issuer_url(self._public_url, subject)
        asked = read_request(request, issuer=issuer, scope=scope, required=required, now=now)
        # (4) a proof for this very request, if there is one
        proof = None if dpop is None else self._check_proof(dpop, issuer, now)
        # (5) what it takes to verify them
        try:
            evidence = await self._verifier.gather(*asked.messages)
        except OverloadedError as error:
            raise self._busy(address) from error
        except CredentialError as error:
            description = "presentation(s) or credential(s) verification failed"
            raise OAuthError(OAuthCode.INVALID_REQUEST, description, reason="verification") from error
        if evidence.unresolved:
            description = "a DID of the presentation or its credentials can not be resolved"
            raise OAuthError(OAuthCode.INVALID_REQUEST, description, reason="unresolvable")
        return asked, proof, evidence

    def _check_proof(self, dpop: str, issuer: str, now: datetime) -> DpopProof:
        url = token_endpoint(issuer)
        try:
            return check_proof(dpop, method="POST", url=url, now=now, access_token=None, jkt=None, nonces=self._nonces)
        except NonceWantedError as error:
            description = "the next DPoP proof has to hold this nonce"
            raise OAuthError(OAuthCode.USE_DPOP_NONCE, description, nonce=self._nonces.offer(now)) from error
        except CredentialError as error:
            raise OAuthError(OAuthCode.INVALID_DPOP_PROOF, "DPoP proof is not accepted", reason="dpop") from error

    async def _give(
        self,
        subject: str,
        asked: Asked,
        decided: Decided,
        further: tuple[str, ...],
        proof: DpopProof | None,
        address: str | None,
        now: datetime,
    ) -> TokenReply:
        claimed = decided.claimed
        grant = Grant(
            grant_id=self._entropy.uuid(),
            subject=subject,
            scope=asked.scope.profile,
            further_scopes=further,
            client_id=asked.request.client_id or decided.provider or decided.holder,
            holder=decided.holder,
            provider=decided.provider,
            jkt=None if proof is None else proof.jkt,
            token_type="Bearer" if proof is None else "DPoP",
            claims=claimed.claims,
            organization_ura=claimed.organization.get("organization_ura"),
            organization_name=claimed.organization.get("organization_name"),
            organization_city=claimed.organization.get("organization_city"),
            user_identifier=claimed.user.get("identifier"),
            user_name=claimed.user.get("name"),
            user_role=claimed.user.get("role"),
            user_evidence=claimed.user_evidence,
            issued_at=now.replace(microsecond=0),
            expires_at=decided.expires_at,
            presentations=tuple(each.raw for each in asked.messages),
            submission=asked.raw_submission,
            statuses=decided.statuses,
            kids=decided.kids,
        )
        once = asked.once if proof is None else (*asked.once, proof.single_use)
        try:
            await self._audit.record(_record_of(grant, address, now), once=once)
        except AlreadyUsedError as error:
            raise await self._replayed(error, subject, asked, address, now) from error
        except AuditUnavailableError as error:
            raise OAuthError(OAuthCode.SERVER_ERROR, "no tokens can be given now", reason="audit") from error
        token = b64url_encode(self._entropy.token(TOKEN_BYTES))
        await self._store.keep(token, grant)
        await self._check_ours(grant, address, now)
        self._clients.take(decided.holder, now)
        logger.info("token given", extra={"subject": subject, "scope": grant.scope, "grant_id": grant.grant_id})
        return TokenReply(
            access_token=token,
            token_type=grant.token_type,
            expires_in=int((grant.expires_at - grant.issued_at).total_seconds()),
            scope=grant.granted_scope,
        )

    async def _check_ours(self, grant: Grant, address: str | None, now: datetime) -> None:
        """End what an organisation gave while it was taken out of service: its other tokens ended a moment ago."""
        try:
            await self._subjects.get(grant.subject)
        except UnknownSubjectError as error:
            await self._store.end(grant.grant_id, now)
            self._refusals.count(address, "unknown_subject")
            raise OAuthError(OAuthCode.INVALID_REQUEST, "subject not found", reason="unknown_subject") from error

    async def _replayed(
        self, error: AlreadyUsedError, subject: str, asked: Asked, address: str | None, now: datetime
    ) -> OAuthError:
        """Refuse what was used before. A nonce seen twice proves nothing about who sent it the second time: counted."""
        if error.kind == "nonce":
            self._refusals.count(address, "nonce_used")
            return OAuthError(OAuthCode.INVALID_REQUEST, "presentation nonce was used before", reason="nonce_used")
        refusal = OAuthError(OAuthCode.INVALID_DPOP_PROOF, "DPoP proof was used before", reason="dpop_used")
        return await self._refused(refusal, subject, asked, address, now)

    async def _refused(
        self, error: OAuthError, subject: str, asked: Asked, address: str | None, now: datetime
    ) -> OAuthError:
        """Record the refusal of a caller who proved to be the holder, and give it a number to ask about.

        Its nonces are used up with it, so that repeating a refused request does not fill the log; nor do many requests with new keys.
        """
        if not self._refusals.may_record(address):
            self._refusals.count(address, error.reason)
            return error
        reference = self._entropy.token(REFERENCE_BYTES).hex()
        record = AuditRecord(
            kind="refusal",
            direction="inbound",
            subject=subject,
            at=now,
            decision="deny",
            code=error.reason,
            usecase=asked.scope.profile,
            peer_did=asked.holder,
            address=address,
            interaction="token",
            rules=_explain(error),
            reference=reference,
        )
        try:
            await self._audit.record(record, once=asked.once)
        except AlreadyUsedError:
            self._refusals.count(address, error.reason)
            return error
        except AuditUnavailableError:
            logger.exception("a refusal could not be recorded")
            return error
        told = OAuthError(error.code, f"{error} (reference {reference})", reason=error.reason)
        told.recorded = True
        return told


def _record_of(grant: Grant, address: str | None, now: datetime) -> AuditRecord:
    return AuditRecord(
        kind="token",
        direction="inbound",
        subject=grant.subject,
        at=now,
        decision="permit",
        code="granted",
        usecase=grant.scope,
        peer_ura=grant.organization_ura,
        peer_name=grant.organization_name,
        peer_did=grant.holder,
        address=address,
        user_id=grant.user_identifier,
        user_name=grant.user_name,
        user_role=grant.user_role,
        user_evidence=grant.user_evidence,
        interaction="token",
        rules=() if grant.provider is None else (_acts_for(grant.provider),),
        grant_id=grant.grant_id,
    )


def _acts_for(provider: str) -> RuleOutcome:
    return RuleOutcome(
        rule="service_provider",
        outcome="permit",
        code="acts_for",
        message="a service provider asked for the organisation, and both proved who they are",
        evidence={"did": provider[:MAX_EVIDENCE]},
    )


def _explain(error: OAuthError) -> tuple[RuleOutcome, ...]:
    """Say for our own operator which rule refused, and with a definition that is not met, which field of which credential."""
    cause = error.__cause__
    if not isinstance(cause, NoMatch) or not cause.explanations:
        message = str(cause) if isinstance(cause, CredentialError) else str(error)
        return (RuleOutcome(rule="presentation", outcome="deny", code=error.reason, message=message[:MAX_EVIDENCE]),)
    return tuple(
        RuleOutcome(
            rule="presentation_definition",
            outcome="deny",
            code=error.reason,
            message=each.reason[:MAX_EVIDENCE],
            evidence={
                "descriptor": each.descriptor_id[:MAX_EVIDENCE],
                "credential": each.credential_id[:MAX_EVIDENCE],
                "paths": " ".join(each.paths)[:MAX_EVIDENCE],
            },
        )
        for each in cause.explanations[:MAX_EXPLANATIONS]
    )
