"""The messages with which one of our organisations registers and withdraws (WIRE §2.10.2 to §2.10.4).

A registration is a presentation to the service: the credentials that its definition selects from the wallet, and what the
organisation says about itself as an unsigned DiscoveryRegistrationCredential, if the definition asks for that. Nothing else is
shown. It is valid as long as the service allows, less a second, and never longer than a credential in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from credentials.claims import ISSUE_BACKDATE
from credentials.did.identifier import did_method
from credentials.query.matching import match_wallet
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.issue import self_attested
from credentials.vc.present import present_jwt
from credentials.vc.presentation import RETRACTION_TYPE
from registry.admission import REGISTRATION_CREDENTIAL
from registry.errors import RejectedError
from registry.ports import Registrant
from registry.service import ServiceDefinition

AUTH_SERVER_URL: Final = "authServerURL"
"""Parameter with the authorization server's issuer URL; set for the organisation unless it says another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationMessage:
    """A signed message for a discovery service.

    Attributes:
        presentation_id: its ``jti``.
        compact: the JWT to post.
        expires_at: aware UTC.
    """

    presentation_id: str
    compact: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshValues:
    """Values that must be new for every message.

    Attributes:
        presentation_uuid: becomes the fragment of ``jti``.
        credential_uuid: id of the registration credential.
        nonce: random, base64url.
    """

    presentation_uuid: str
    credential_uuid: str
    nonce: str


def build_registration(
    service: ServiceDefinition,
    registrant: Registrant,
    parameters: Mapping[str, Any],
    now: datetime,
    fresh: FreshValues,
) -> RegistrationMessage:
    """Sign a registration.

    Args:
        service: where to register.
        registrant: who registers.
        parameters: what it says about itself; ``authServerURL`` is added.
        now: aware UTC.
        fresh: new values.

    Raises:
        NoMatch: the wallet lacks a credential that the service asks for; its explanations say which field fails.
        RejectedError: the service doesn't take this kind of identifier.
        MalformedError: the service's definition takes too much work.
    """
    # (1) the service takes us
    if service.did_methods and did_method(registrant.did) not in service.did_methods:
        raise RejectedError("did_method", "the service does not take this DID method")
    # (2) what we say about ourselves goes behind the wallet, so it is never taken where a signed credential fits
    about = {AUTH_SERVER_URL: registrant.authorization_server, **parameters}
    about.pop("id", None)  # it is the holder, whatever the vendor wrote
    own = self_attested(
        holder=registrant.did,
        types=(REGISTRATION_CREDENTIAL,),
        subject=about,
        credential_id=fresh.credential_uuid,
        now=now - ISSUE_BACKDATE,
        contexts=(NUTS_CONTEXT,),
    )
    # (3) only what is still valid can be shown, and only what is asked for is
    current = [each for each in registrant.credentials if each.expires_at is None or each.expires_at > now]
    match = match_wallet(service.presentation_definition, [*current, SignedCredential.parse(own)])
    # (4) as long as allowed, but not longer than what it is based on
    limits = [each.expires_at - (now - ISSUE_BACKDATE) for each in match.credentials if each.expires_at is not None]
    lifetime = min([service.presentation_max_validity, *limits])
    return _signed(service, registrant, now, fresh, lifetime, credentials=match.credentials)


def build_withdrawal(
    service: ServiceDefinition, registrant: Registrant, presentation_id: str, now: datetime, fresh: FreshValues
) -> RegistrationMessage:
    """Sign a withdrawal of the registration with this id."""
    return _signed(service, registrant, now, fresh, service.presentation_max_validity, retracts=presentation_id)


def _signed(
    service: ServiceDefinition,
    registrant: Registrant,
    now: datetime,
    fresh: FreshValues,
    lifetime: timedelta,
    *,
    credentials: tuple[SignedCredential, ...] = (),
    retracts: str | None = None,
) -> RegistrationMessage:
    # present_jwt starts a second before now, so ``exp`` is now + lifetime - 1 s: what nuts-node writes (WIRE §2.10.2).
    whole = max(lifetime // timedelta(seconds=1), 1)
    identifier = f"{registrant.did}#{fresh.presentation_uuid}"
    compact = present_jwt(
        holder=registrant.did,
        key=registrant.key,
        audience=service.id,
        credentials=[each.raw for each in credentials],
        nonce=fresh.nonce,
        presentation_id=identifier,
        now=now,
        lifetime=timedelta(seconds=whole),
        extra_types=() if retracts is None else (RETRACTION_TYPE,),
        extra_claims=None if retracts is None else {"retract_jti": retracts},
    )
    started = (now - ISSUE_BACKDATE).replace(microsecond=0)
    return RegistrationMessage(
        presentation_id=identifier, compact=compact, expires_at=started + timedelta(seconds=whole)
    )
