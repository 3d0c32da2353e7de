"""Whether a service takes a registration or withdrawal: numbered checks, and nothing else (WIRE §2.10.2, §2.10.4).

The host asks before it takes a message into its log, and every follower asks again, because a host may be wrong or lying.
`precheck` needs no keys and keeps strangers from making us fetch documents; `admit` is the decision.

Stricter than nuts-node, which takes back a message that was replaced or withdrawn as long as it has not expired: such ids are
remembered until then, and a message issued before the signer's last one is refused.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from credentials.claims import CLOCK_SKEW
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, MalformedError, NotCurrentError, RevokedError, UntrustedError
from credentials.query.matching import Match, NoMatch
from credentials.query.submission import fulfilment
from credentials.vc.presentation import RETRACTION_TYPE, SignedPresentation, VerifiedPresentation
from credentials.vc.type_rules import X509_CREDENTIAL
from registry.entry import Entry, Registered, Withdrawn
from registry.errors import RejectedError
from registry.search import Property, properties_of
from registry.service import ServiceDefinition

REGISTRATION_CREDENTIAL: Final = "DiscoveryRegistrationCredential"
"""Type of the self-attested credential that carries the registration parameters (WIRE §2.10.3)."""
MAX_HOLDER_LENGTH: Final = 512
"""Characters of a participant's DID."""
MAX_PRESENTATION_ID_LENGTH: Final = 1_024
"""Characters of the id of a message; in practice a DID and a UUID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registration that was admitted and has no number in the log yet. Attributes as in `Registered`.

    Attributes:
        properties: what a search can find, per credential.
    """

    service: str
    holder: DID
    presentation_id: str
    compact: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    claims: Mapping[str, Any]
    proven: frozenset[str]
    parameters: Mapping[str, Any]
    properties: tuple[tuple[Property, ...], ...] = field(repr=False)

    def numbered(self, timestamp: int) -> Registered:
        """The entry it becomes."""
        return Registered(
            service=self.service,
            timestamp=timestamp,
            holder=self.holder,
            presentation_id=self.presentation_id,
            compact=self.compact,
            issued_at=self.issued_at,
            expires_at=self.expires_at,
            claims=self.claims,
            proven=self.proven,
            parameters=self.parameters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal that was admitted and has no number in the log yet. Attributes as in `Withdrawn`."""

    service: str
    holder: DID
    presentation_id: str
    compact: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    retracts: str

    def numbered(self, timestamp: int) -> Withdrawn:
        """The entry it becomes."""
        return Withdrawn(
            service=self.service,
            timestamp=timestamp,
            holder=self.holder,
            presentation_id=self.presentation_id,
            compact=self.compact,
            issued_at=self.issued_at,
            expires_at=self.expires_at,
            retracts=self.retracts,
        )


Admission = Registration | Withdrawal

Source = Literal["signer", "log"]
"""Who handed us a message: its signer, or a host whose log we follow."""


def precheck(presentation: SignedPresentation, service: ServiceDefinition, now: datetime) -> None:
    """Refuse what needs no signature to be refused.

    Raises:
        RejectedError: a rule of the service is broken.
    """
    # (1) for this service
    if service.id not in presentation.audience:
        raise RejectedError("wrong_audience", "aud does not contain the id of the service")
    # (2) of a kind of holder that the service takes
    if service.did_methods and did_method(presentation.holder) not in service.did_methods:
        raise RejectedError("did_method", "the service does not take this DID method")
    # (3) not expired, and not for longer than the service allows; nuts-node counts from now, not from nbf (WIRE §7)
    if presentation.expires_at <= now:
        raise RejectedError("not_current", "presentation has expired")
    if presentation.expires_at - now > service.presentation_max_validity + CLOCK_SKEW:
        raise RejectedError("too_long_valid", "presentation is valid for longer than the service allows")
    # (4) not for longer than what it is based on
    for credential in presentation.credentials:
        if credential.expires_at is not None and presentation.expires_at > credential.expires_at:
            raise RejectedError("outlives_credential", "presentation is valid for longer than a credential in it")
    # (5) names that fit in a store
    name = presentation.id
    if not (name.isascii() and name.isprintable()) or len(name) > MAX_PRESENTATION_ID_LENGTH:
        raise RejectedError("too_large", "jti is too long or has characters that don't belong in an id")
    if len(presentation.holder) > MAX_HOLDER_LENGTH:
        raise RejectedError("too_large", "the holder's DID is too long")
    # (6) one thing or the other
    withdraws = RETRACTION_TYPE in presentation.types
    if withdraws != (presentation.retract_jti is not None):
        raise RejectedError("malformed", f"a {RETRACTION_TYPE} has retract_jti, and nothing else has")
    if withdraws and presentation.credentials:
        raise RejectedError("not_asked_for", "a withdrawal holds no credentials")


def admit(
    presentation: VerifiedPresentation,
    service: ServiceDefinition,
    now: datetime,
    *,
    current: Entry | None,
    seen_ids: Container[str],
    source: Source = "signer",
) -> Admission:
    """Decide on a message.

    Args:
        presentation: verified, with the service's id as audience.
        service: what it wants to be in.
        now: aware UTC.
        current: the latest message of this holder in this service, None when there is none that is still valid.
        seen_ids: ids of messages of this holder that were replaced or withdrawn.
        source: who handed it to us. A follower who starts late finds withdrawals of registrations it never saw.

    Returns:
        What to put in the log.

    Raises:
        RejectedError: with the reason.
    """
    signed = presentation.presentation
    # (1) the cheap rules, again: nobody has to remember to have called them
    precheck(signed, service, now)
    # (2) the signer is the subject of every credential, signatures, dates and status: that makes it a VerifiedPresentation
    # (3) not seen before: who read the log could post an old message again
    if signed.id in seen_ids or signed.id in _names(current):
        raise RejectedError("replayed", "a message with this jti was seen before")
    # (4) not older than what the signer said last; equal is allowed, times are whole seconds
    if current is not None and signed.issued_at < current.issued_at:
        raise RejectedError("older", "the signer has sent a newer message")
    # (5) a withdrawal takes back what is there
    if signed.retract_jti is not None:
        standing = current.presentation_id if isinstance(current, Registered) else None
        if signed.retract_jti != standing and (source == "signer" or standing is not None):
            raise RejectedError("unknown_target", "retract_jti is not the signer's registration")
        return Withdrawal(
            service=service.id,
            holder=signed.holder,
            presentation_id=signed.id,
            compact=signed.jws.compact,
            issued_at=signed.issued_at,
            expires_at=signed.expires_at,
            retracts=signed.retract_jti,
        )
    # (6) a registration holds exactly what the service asks for
    match = _matched(presentation, service)
    return Registration(
        service=service.id,
        holder=signed.holder,
        presentation_id=signed.id,
        compact=signed.jws.compact,
        issued_at=signed.issued_at,
        expires_at=signed.expires_at,
        claims=match.claims,
        proven=frozenset(name for name, origin in match.origins.items() if X509_CREDENTIAL in origin.types),
        parameters=_parameters(match),
        properties=tuple(properties_of(credential) for credential in signed.credentials),
    )


def rejection_of(error: CredentialError) -> RejectedError:
    """What a refusal of `credentials` is called here."""
    match error:
        case MalformedError():
            return RejectedError("malformed", str(error))
        case RevokedError():
            return RejectedError("revoked", str(error))
        case NotCurrentError():
            return RejectedError("not_current", str(error))
        case NoMatch():
            return RejectedError("no_match", str(error))
        case _:
            return RejectedError("untrusted", str(error))


def _names(current: Entry | None) -> tuple[str, ...]:
    match current:
        case Registered():
            return (current.presentation_id,)
        case Withdrawn():
            return (current.presentation_id, current.retracts)
        case None:
            return ()


def _matched(presentation: VerifiedPresentation, service: ServiceDefinition) -> Match:
    try:
        return fulfilment(service.presentation_definition, None, presentation, exact=True)
    except UntrustedError as surplus:
        raise RejectedError("not_asked_for", str(surplus)) from surplus
    except CredentialError as error:
        raise rejection_of(error) from error


def _parameters(match: Match) -> Mapping[str, Any]:
    """The subject of the registration credential without its id; empty when the service doesn't ask for one."""
    for credential in match.credentials:
        if REGISTRATION_CREDENTIAL in credential.types:
            return {name: value for name, value in credential.subjects[0].items() if name != "id"}
    return {}
