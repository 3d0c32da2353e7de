"""The decision on a token request: pure (WIRE §2.5.5, with the stricter items of §4.8).

Three steps, so that what is cheap comes before what costs a network call or a signature::

    asked = read_request(request, issuer=…, required=…, now=…)       # parse, and what needs no key
    evidence = await verifier.gather(*asked.messages)                # the caller fetches
    decided = decide(asked, evidence, issuer=…, required=…, now=…)   # verify, match, decide

Whether the nonce was used before is settled by the audit log in the same write that records the token.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from credentials.claims import CLOCK_SKEW
from credentials.did.identifier import DID
from credentials.errors import CredentialError, MalformedError, RevokedError, UnavailableError
from credentials.fields import parse_json
from credentials.ports import SignatureCache
from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Match, NoMatch
from credentials.query.submission import PresentationSubmission, fulfilment
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import check_holder, verify_presentation
from node.audit.log import SingleUse
from node.oauth.errors import OAuthCode, OAuthError
from node.oauth.grants import ISSUED, SELF_ATTESTED
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

_ORGANIZATION = ("organization_ura", "organization_name", "organization_city")
_UNVERIFIED = "presentation(s) or credential(s) verification failed"
_USER = {"identifier": "employee_identifier", "name": "employee_name", "role": "employee_role"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A token request that passed everything that needs no key. Nobody has proved anything yet.

    Attributes:
        request: the form.
        presentations: with their position when they came in an array.
        submission: parsed.
        holder: the one signer of all presentations, by their own word.
        once: the nonces, to be used up when the request is answered.
    """

    request: TokenRequest
    presentations: tuple[tuple[int | None, SignedPresentation], ...]
    submission: PresentationSubmission
    raw_submission: Mapping[str, Any]
    holder: DID
    once: tuple[SingleUse, ...]

    @property
    def messages(self) -> tuple[SignedPresentation, ...]:
        """What it takes evidence to verify."""
        return tuple(each for _, each in self.presentations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A token may be given; what it will stand for.

    Attributes:
        claims: field id to value, over all definitions.
        organization: ``organization_ura``, ``organization_name``, ``organization_city``, as far as asked.
        user: ``identifier``, ``name``, ``role``, as far as asked.
        user_evidence: how we know the user; ``None`` without one.
        expires_at: when the token ends.
        statuses: where the status of each credential is.
    """

    holder: DID
    claims: Mapping[str, Any]
    organization: Mapping[str, str]
    user: Mapping[str, str]
    user_evidence: str | None
    expires_at: datetime
    statuses: tuple[HeldStatus, ...]


def read_request(
    request: TokenRequest, *, issuer: str, required: Mapping[str, PresentationDefinition], now: datetime
) -> Asked:
    """Parse what the form holds and check what needs no key.

    Args:
        request: as posted.
        issuer: our own issuer URL for the subject addressed.
        required: what the scope asks, by wallet owner.
        now: aware UTC.

    Raises:
        OAuthError: refused.
    """
    # (1) parse; at least one presentation, or there would be no proof of anything (WIRE §4.8 (2))
    try:
        presentations = _read_assertion(request.assertion)
        raw_submission = parse_json(request.presentation_submission, max_bytes=65_536)
        submission = PresentationSubmission.parse(request.presentation_submission)
    except MalformedError as error:
        raise _refuse("assertion or presentation_submission can not be read", "malformed") from error
    # (2) short-lived, and alive
    for _, each in presentations:
        if each.expires_at - each.issued_at > MAX_PRESENTATION_LIFETIME:
            raise _refuse("presentation is valid for too long (max 5s)", "lifetime")
        if now >= each.expires_at + CLOCK_SKEW or now + CLOCK_SKEW < each.issued_at:
            raise _refuse("presentation is not valid at this time", "not_current")
    # (3) for us; the implementation wants the issuer URL, where the RFC says DID (WIRE §7)
    if any(issuer not in each.audience for _, each in presentations):
        raise _refuse("presentation is for another audience", "audience")
    # (4) one holder, who is the subject of everything presented
    holder = presentations[0][1].holder
    for _, each in presentations:
        if each.holder != holder or any(credential.subject_id != holder for credential in each.credentials):
            raise _refuse("signer of the presentation is not the subject of every credential", "holder")
    # (5) for one of the definitions of this scope
    if submission.definition_id not in {definition.id for definition in required.values()}:
        raise _refuse("presentation_submission is for another presentation definition", "definition")
    # (6) a nonce, whose single use the audit log guards
    once: list[SingleUse] = []
    for _, each in presentations:
        if not each.nonce or len(each.nonce) > MAX_NONCE:
            raise _refuse("presentation has no usable nonce", "nonce")
        once.extend(_nonce_uses(issuer, holder, each.nonce, each.expires_at))
    if len({use.key for use in once}) != len(presentations):
        raise _refuse("two presentations have one nonce", "nonce")
    return Asked(
        request=request,
        presentations=presentations,
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
        required: what the scope asks, by wallet owner.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Raises:
        OAuthError: refused; ``__cause__`` is the :class:`CredentialError` for our own records.
    """
    # (1) signatures, validity, types: presentations and all credentials in them
    try:
        verified = tuple(
            (
                position,
                verify_presentation(
                    each,
                    evidence,
                    audience=issuer,
                    now=now,
                    max_lifetime=MAX_PRESENTATION_LIFETIME,
                    signatures=signatures,
                ),
            )
            for position, each in asked.presentations
        )
    except RevokedError as error:
        raise _refuse(_UNVERIFIED, "revoked") from error
    except UnavailableError as error:
        raise _refuse(_UNVERIFIED, "unavailable") from error
    except CredentialError as error:
        raise _refuse(_UNVERIFIED, "verification") from error
    # (2) every definition of the scope is fulfilled, one of them in the way the submission says (WIRE §4.8 (1))
    matches = [_fulfil(definition, asked.submission, verified) for definition in required.values()]
    claims, origins = _merge(matches)
    # (3) who they are is another's word; only who works there may be their own
    for name in _ORGANIZATION:
        if name in origins and origins[name].issuer == asked.holder:
            raise _refuse("the organization credential is self-attested", "self_attested_organization")
    # (4) the token does not outlive what it rests on
    expires_at = _end(verified, now)
    user = {part: claims[name] for part, name in _USER.items() if isinstance(claims.get(name), str)}
    known_by = {
        SELF_ATTESTED if origins[name].issuer == asked.holder else ISSUED for name in _USER.values() if name in origins
    }
    return Decided(
        holder=asked.holder,
        claims=claims,
        organization={name: claims[name] for name in _ORGANIZATION if isinstance(claims.get(name), str)},
        user=user,
        user_evidence=None if not user else SELF_ATTESTED if SELF_ATTESTED in known_by else ISSUED,
        expires_at=expires_at,
        statuses=statuses_of(presentation for _, presentation in verified),
    )


def is_proved(asked: Asked, evidence: Evidence, now: datetime) -> bool:
    """Tell whether the caller proved to be the holder: every presentation is signed by a key of the holder.

    Only for telling refusals that are recorded from those that are counted; time and audience were checked by
    :func:`read_request`. Nothing is granted on it.
    """
    try:
        for _, each in asked.presentations:
            check_holder(each, evidence, now=now)
    except CredentialError:
        return False
    return True


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
    definition: PresentationDefinition,
    submission: PresentationSubmission,
    verified: Sequence[tuple[int | None, VerifiedPresentation]],
) -> Match:
    """Return the match of the first presentation that satisfies the whole definition."""
    named = submission.definition_id == definition.id
    failure: CredentialError | None = None
    for position, presentation in verified:
        try:
            return fulfilment(definition, submission if named else None, presentation, position=position)
        except CredentialError as error:
            failure = error
    reason = "no_match" if isinstance(failure, NoMatch) else "submission"
    raise _refuse("presentation does not fulfil the presentation definition", reason) from failure


def _merge(matches: Sequence[Match]) -> tuple[dict[str, Any], dict[str, Any]]:
    claims: dict[str, Any] = {}
    origins: dict[str, Any] = {}
    for match in matches:
        for name, value in match.claims.items():
            if claims.get(name) is None:
                claims[name] = value
                if name in match.origins:
                    origins[name] = match.origins[name]
            elif value is not None and value != claims[name]:
                raise _refuse("two credentials disagree", "disagreement")
    return claims, origins


def _end(verified: Sequence[tuple[int | None, VerifiedPresentation]], now: datetime) -> datetime:
    ends = [now.replace(microsecond=0) + TOKEN_LIFETIME]
    for _, presentation in verified:
        ends += [c.credential.expires_at for c in presentation.credentials if c.credential.expires_at is not None]
    end = min(ends).replace(microsecond=0)
    if end - now < timedelta(seconds=1):
        raise _refuse("a credential has expired", "expired")
    return end


def _refuse(description: str, reason: str) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_REQUEST, description, reason=reason)
