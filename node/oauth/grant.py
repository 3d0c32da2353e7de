"""The decision on a token request: pure (WIRE §2.5.5, with the stricter items of §4.8).

Three steps, so that what is cheap comes before what costs a network call or a signature::

    asked = read_request(request, issuer=…, scope=…, required=…, now=…)  # parse, and what needs no key
    evidence = await verifier.gather(*asked.messages)                    # the caller fetches
    decided = decide(asked, evidence, issuer=…, required=…, now=…)       # verify, match, decide

A request brings the presentation of the organisation that asks, or beside it that of a service provider that acts for it (RFC 7523;
WIRE §2.5.6): two holders, each with its own definition, nonce and error code, and something that ties the two (``claimed.py``).

Whether the nonce was used before is settled by the audit log in the same write that records the token.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from credentials.claims import CLOCK_SKEW
from credentials.did.identifier import DID
from credentials.errors import CredentialError, MalformedError, RevokedError, UnavailableError, UntrustedError
from credentials.fields import parse_json
from credentials.keys import KeyId
from credentials.ports import SignatureCache
from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Match, NoMatch
from credentials.query.submission import MAX_SUBMISSION_BYTES, PresentationSubmission, fulfilment
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import check_holder, verify_presentation
from node.audit.log import SingleUse
from node.oauth.claimed import Claimed, Fulfilled, SelfAttestedOrganizationError, check_tied
from node.oauth.definitions import ORGANIZATION, SERVICE_PROVIDER, ScopeAsked
from node.oauth.errors import OAuthCode, OAuthError
from node.oauth.messages import TokenRequest
from node.verification.standing import HeldStatus, statuses_of

MAX_PRESENTATION_LIFETIME = timedelta(seconds=5)
"""RFC021: from issuance to expiry (WIRE §4.4)."""

TOKEN_LIFETIME = timedelta(seconds=900)
"""WIRE §4.4; shorter when a credential it rests on expires, and over at once when one is revoked."""

MAX_PRESENTATIONS = 4
"""Presentations in one request; nuts-node sends one."""

MAX_NONCE = 512
"""Characters; nuts-node sends 43."""

NONCE_GRID = 60
"""Seconds; see :func:`_nonce_uses`."""

_UNVERIFIED = "presentation(s) or credential(s) verification failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A token request that passed everything that needs no key. Nobody has proved anything yet.

    Attributes:
        request: the form.
        scope: what is asked, and what becomes of the rest.
        presentations: of the organisation, with their position when they came in an array.
        provider: the presentation of the service provider that acts for it, if one does.
        submission: parsed; ``None`` beside a service provider's.
        holder: the one signer of ``presentations``, by their own word.
        once: the nonces, to be used up when the request is answered.
    """

    request: TokenRequest
    scope: ScopeAsked
    presentations: tuple[tuple[int | None, SignedPresentation], ...]
    provider: SignedPresentation | None
    submission: PresentationSubmission | None
    raw_submission: Mapping[str, Any]
    holder: DID
    once: tuple[SingleUse, ...]

    @property
    def messages(self) -> tuple[SignedPresentation, ...]:
        """What it takes evidence to verify."""
        own = tuple(each for _, each in self.presentations)
        return own if self.provider is None else (*own, self.provider)

    def refuse(self, description: str, reason: str, each: SignedPresentation | None = None) -> OAuthError:
        """Return the error that says no, about one of the presentations if it is one."""
        return _refuse(
            description, reason, _code_of(self.request, is_provider=each is not None and each is self.provider)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A token may be given; what it will stand for.

    Attributes:
        holder: the organisation; ``provider`` the party that acts for it, if one does.
        claimed: what the presentations say together.
        expires_at: when the token ends.
        statuses: where the status of each credential is.
        kids: keys that signed a presentation or a credential.
    """

    holder: DID
    provider: DID | None
    claimed: Claimed
    expires_at: datetime
    statuses: tuple[HeldStatus, ...]
    kids: tuple[KeyId, ...]


def read_request(
    request: TokenRequest,
    *,
    issuer: str,
    scope: ScopeAsked,
    required: Mapping[str, PresentationDefinition],
    now: datetime,
) -> Asked:
    """Parse what the form holds and check what needs no key.

    Args:
        request: as posted.
        issuer: our own issuer URL for the subject addressed.
        scope: of the request, as we know it.
        required: what its profile asks, by wallet owner.
        now: aware UTC.

    Raises:
        OAuthError: refused.
    """
    # (1) a service provider is heard where the scope asks something of one, and something of the organisation
    if request.client_assertion is not None and not {ORGANIZATION, SERVICE_PROVIDER} <= required.keys():
        raise OAuthError(OAuthCode.INVALID_SCOPE, "scope is not given with this grant_type", reason="no_provider")
    # (2) parse; at least one presentation, or there would be no proof of anything (WIRE §4.8 (2))
    presentations, provider = _read_presentations(request)
    submission, raw_submission = _read_submission(request)
    holder = presentations[0][1].holder
    read = [*(each for _, each in presentations), *(() if provider is None else (provider,))]
    once: list[SingleUse] = []
    for each in read:
        code = _code_of(request, is_provider=each is provider)
        # (3) short-lived, and alive
        if each.expires_at - each.issued_at > MAX_PRESENTATION_LIFETIME:
            raise _refuse("presentation is valid for too long (max 5s)", "lifetime", code)
        if now >= each.expires_at + CLOCK_SKEW or now + CLOCK_SKEW < each.issued_at:
            raise _refuse("presentation is not valid at this time", "not_current", code)
        # (4) for us; the implementation wants the issuer URL, where the RFC says DID (WIRE §7)
        if issuer not in each.audience:
            raise _refuse("presentation is for another audience", "audience", code)
        # (5) one holder, who is the subject of everything presented
        is_one = each is provider or each.holder == holder
        if not is_one or any(credential.subject_id != each.holder for credential in each.credentials):
            raise _refuse("signer of the presentation is not the subject of every credential", "holder", code)
        # (6) a nonce, whose single use the audit log guards
        if not each.nonce or len(each.nonce) > MAX_NONCE:
            raise _refuse("presentation has no usable nonce", "nonce", code)
        once.extend(_nonce_uses(issuer, each.holder, each.nonce, each.expires_at))
    if len({use.key for use in once}) != len(read):
        raise _refuse("two presentations have one nonce", "nonce")
    # (7) for one of the definitions of this scope
    if submission is not None and submission.definition_id not in {definition.id for definition in required.values()}:
        raise _refuse("presentation_submission is for another presentation definition", "definition")
    return Asked(
        request=request,
        scope=scope,
        presentations=presentations,
        provider=provider,
        submission=submission,
        raw_submission=raw_submission,
        holder=holder,
        once=tuple(once),
    )


def decide(
    asked: Asked,
    evidence: Evidence,
    *,
    issuer: str,
    required: Mapping[str, PresentationDefinition],
    now: datetime,
    signatures: SignatureCache | None = None,
) -> Decided:
    """Verify everything and decide.

    Args:
        asked: from :func:`read_request`.
        evidence: what was found of what ``asked.messages`` need.
        issuer: our own issuer URL for the subject addressed.
        required: what the profile asks, by wallet owner.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Raises:
        OAuthError: refused; ``__cause__`` is the :class:`CredentialError` for our own records.
    """

    def verified(each: SignedPresentation) -> VerifiedPresentation:
        try:
            return verify_presentation(
                each,
                evidence,
                audience=issuer,
                now=now,
                max_lifetime=MAX_PRESENTATION_LIFETIME,
                signatures=signatures,
            )
        except RevokedError as error:
            raise asked.refuse(_UNVERIFIED, "revoked", each) from error
        except UnavailableError as error:
            raise asked.refuse(_UNVERIFIED, "unavailable", each) from error
        except CredentialError as error:
            raise asked.refuse(_UNVERIFIED, "verification", each) from error

    # (1) signatures, validity, types: presentations and all credentials in them
    own = tuple((position, verified(each)) for position, each in asked.presentations)
    provider = None if asked.provider is None else verified(asked.provider)
    everything = [each for _, each in own] + ([] if provider is None else [provider])
    # (2) every definition of the scope is fulfilled, one of them in the way the submission says (WIRE §4.8 (1)), and that of a
    #     service provider by nobody else's presentation where one acts
    fulfilled = []
    for owner, definition in required.items():
        by_provider = owner == SERVICE_PROVIDER and provider is not None
        shown = ((None, provider),) if by_provider and provider is not None else own
        match = _fulfil(asked, definition, shown)
        fulfilled.append(Fulfilled(owner=owner, holder=shown[0][1].presentation.holder, match=match))
    # (3) who they are is another's word; only who works there may be their own
    try:
        claimed = Claimed.of(fulfilled)
    except SelfAttestedOrganizationError as error:
        raise asked.refuse(str(error), "self_attested_organization") from error
    except UntrustedError as error:
        raise asked.refuse(str(error), "disagreement") from error
    # (4) who acts for whom is nobody's word alone
    if provider is not None:
        try:
            check_tied(fulfilled, provider.presentation.holder, asked.holder)
        except UntrustedError as error:
            raise asked.refuse(str(error), "not_tied", asked.provider) from error
    # (5) the token does not outlive what it rests on
    return Decided(
        holder=asked.holder,
        provider=None if provider is None else provider.presentation.holder,
        claimed=claimed,
        expires_at=_end(asked, everything, now),
        statuses=statuses_of(everything),
        kids=_signers(everything),
    )


def is_proved(asked: Asked, evidence: Evidence, now: datetime) -> bool:
    """Tell whether the caller proved to be the holder: every presentation is signed by a key of the holder.

    Only for telling refusals that are recorded from those that are counted; time and audience were checked by
    :func:`read_request`. Nothing is granted on it.
    """
    try:
        for each in asked.messages:
            check_holder(each, evidence, now=now)
    except CredentialError:
        return False
    return True


def _read_presentations(
    request: TokenRequest,
) -> tuple[tuple[tuple[int | None, SignedPresentation], ...], SignedPresentation | None]:
    """Read one presentation, or an array of them, or the organisation's and the service provider's (WIRE §2.5.6)."""
    code = _code_of(request, is_provider=False)
    try:
        if request.client_assertion is None:
            return _read_assertion(request.assertion), None
        organization = (
            (None, SignedPresentation.parse(request.assertion)),
        )  # text is a JWT, or nothing (RFC 7523 §2.1)
        code = _code_of(request, is_provider=True)
        return organization, SignedPresentation.parse(request.client_assertion)
    except MalformedError as error:
        raise _refuse("assertion can not be read", "malformed", code) from error


def _read_assertion(assertion: str) -> tuple[tuple[int | None, SignedPresentation], ...]:
    """Read one presentation, or a JSON array of them: each a JWT, or a JSON-LD object."""
    if not assertion.lstrip().startswith(("[", "{")):
        return ((None, SignedPresentation.parse(assertion)),)
    values = parse_json(assertion)
    if isinstance(values, dict):
        return ((None, SignedPresentation.parse(values)),)
    if not 1 <= len(values) <= MAX_PRESENTATIONS:
        raise MalformedError(f"assertion is not 1 to {MAX_PRESENTATIONS} presentations")
    return tuple((position, SignedPresentation.parse(value)) for position, value in enumerate(values))


def _read_submission(request: TokenRequest) -> tuple[PresentationSubmission | None, Mapping[str, Any]]:
    if request.presentation_submission is None:
        return None, {}
    try:
        raw = parse_json(request.presentation_submission, max_bytes=MAX_SUBMISSION_BYTES)
        return PresentationSubmission.parse(request.presentation_submission), raw
    except MalformedError as error:
        raise _refuse("presentation_submission can not be read", "malformed") from error


def _nonce_uses(issuer: str, holder: DID, nonce: str, expires_at: datetime) -> tuple[SingleUse, ...]:
    """Return what makes ``nonce`` work once for this holder and issuer.

    The log tells values apart by expiry too. So that a holder who signs the same nonce anew a second later is still refused,
    the expiry is put on a grid that is wider than the time any presentation is accepted, and both grid points around it are
    used up: two presentations that are alive at the same time share at least one.
    """
    key = hashlib.sha256(f"{issuer}\0{holder}\0{nonce}".encode()).digest()
    point = int((expires_at + CLOCK_SKEW).timestamp()) // NONCE_GRID + 1
    ends = (datetime.fromtimestamp((point + step) * NONCE_GRID, expires_at.tzinfo) for step in (0, 1))
    return tuple(SingleUse(kind="nonce", key=key, expires_at=end) for end in ends)


def _fulfil(
    asked: Asked,
    definition: PresentationDefinition,
    verified: Sequence[tuple[int | None, VerifiedPresentation]],
) -> Match:
    """Return the match of the first presentation that satisfies the whole definition."""
    named = asked.submission is not None and asked.submission.definition_id == definition.id
    failure: CredentialError | None = None
    for position, presentation in verified:
        try:
            return fulfilment(definition, asked.submission if named else None, presentation, position=position)
        except CredentialError as error:
            failure = error
    reason = "no_match" if isinstance(failure, NoMatch) else "submission"
    about = verified[0][1].presentation
    raise asked.refuse("presentation does not fulfil the presentation definition", reason, about) from failure


def _end(asked: Asked, verified: Sequence[VerifiedPresentation], now: datetime) -> datetime:
    ends = [now.replace(microsecond=0) + TOKEN_LIFETIME]
    for presentation in verified:
        ends += [c.credential.expires_at for c in presentation.credentials if c.credential.expires_at is not None]
    end = min(ends).replace(microsecond=0)
    if end - now < timedelta(seconds=1):
        raise asked.refuse("a credential has expired", "expired")
    return end


def _signers(verified: Sequence[VerifiedPresentation]) -> tuple[KeyId, ...]:
    """The keys on which everything rests, each once."""
    kids = [each.presentation.kid for each in verified]
    kids += [c.issuer_key for each in verified for c in each.credentials if c.issuer_key is not None]
    return tuple(dict.fromkeys(kids))


def _code_of(request: TokenRequest, *, is_provider: bool) -> OAuthCode:
    """Beside a service provider's presentation each of the two has an error code of its own (RFC 7521 §4.1.1, §4.2.1)."""
    if request.client_assertion is None:
        return OAuthCode.INVALID_REQUEST
    return OAuthCode.INVALID_CLIENT if is_provider else OAuthCode.INVALID_GRANT


def _refuse(description: str, reason: str, code: OAuthCode = OAuthCode.INVALID_REQUEST) -> OAuthError:
    return OAuthError(code, description, reason=reason)
