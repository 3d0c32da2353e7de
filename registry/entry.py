"""What a discovery service holds per participant: its registration, or its withdrawal.

Both were verified when they came in. A service keeps one per holder, the latest; the signed message stays as it was received, so
that anybody can verify it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from credentials.did.identifier import DID


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A participant that is registered.

    Attributes:
        service: id of the discovery service.
        timestamp: its number in the service's log.
        holder: who registered.
        presentation_id: id of the signed message.
        compact: the signed message, exactly as received.
        issued_at: aware UTC.
        expires_at: aware UTC; from then on it no longer counts.
        claims: field id of the service's presentation definition to value.
        proven: ids of the claims that were read from an X509Credential, so from a certificate. The others are what an issuer, or
            the participant itself, says.
        parameters: what the participant says about itself on registering, such as ``authServerURL``.
    """

    service: str
    timestamp: int
    holder: DID
    presentation_id: str
    compact: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    claims: Mapping[str, Any]
    proven: frozenset[str]
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A participant that withdrew. Attributes as in `Registered`.

    Attributes:
        retracts: id of the registration that was withdrawn.
    """

    service: str
    timestamp: int
    holder: DID
    presentation_id: str
    compact: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    retracts: str


Entry = Registered | Withdrawn
"""The latest message of a participant in a service."""
