"""What an access token stands for: who got it, with what proof, for what, until when.

A grant holds verified things only; where something is merely stated by the caller, its name or its docstring says so. The token
itself is not in it: we keep a hash (``store.py``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from credentials.did.identifier import DID
from credentials.keys import KeyId
from node.verification.standing import HeldStatus

TokenType = Literal["DPoP", "Bearer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One access token's worth of trust.

    Attributes:
        grant_id: ties audit records together; not secret, and no use as a token.
        subject: the organisation hosted here that gave it.
        scope: the profile, one wire scope: what the token is good for.
        further_scopes: granted beside it, for whoever enforces them elsewhere; they open nothing here.
        client_id: what the caller calls itself; **not** verified.
        holder: the DID whose key signed the presentation of the organisation that asks.
        provider: the DID of the service provider that acts for it and proved to be that; ``None`` when it asks itself.
        jkt: thumbprint of the key it is bound to; ``None`` for a bearer token.
        claims: field id to value, from every presentation definition of the scope.
        organization_ura: from a credential that a trust anchor vouches for; ``None`` when the scope asks none.
        user_identifier: and name and role; as good as ``user_evidence`` says.
        user_evidence: ``self_attested``, ``employer_issued``, ``credential`` (``claimed.py``), or ``None`` without a user.
        issued_at: aware UTC, whole seconds.
        expires_at: at most 900 s later, and never after one of the credentials.
        presentations: that earned it, compact JWTs or JSON-LD objects as they came, for extended introspection.
        submission: the presentation submission, as parsed; empty where there was none.
        statuses: where the status of each credential is; looked at again whenever the token is used.
        kids: keys that signed a presentation or a credential; likewise.
    """

    grant_id: str
    subject: str
    scope: str
    client_id: str
    holder: DID
    jkt: str | None
    token_type: TokenType
    claims: Mapping[str, Any]
    organization_ura: str | None
    organization_name: str | None
    organization_city: str | None
    user_identifier: str | None
    user_name: str | None
    user_role: str | None
    user_evidence: str | None
    issued_at: datetime
    expires_at: datetime
    presentations: tuple[str | Mapping[str, Any], ...] = field(default=(), repr=False)
    submission: Mapping[str, Any] = field(default_factory=dict, repr=False)
    statuses: tuple[HeldStatus, ...] = ()
    kids: tuple[KeyId, ...] = ()
    further_scopes: tuple[str, ...] = ()
    provider: DID | None = None

    @property
    def granted_scope(self) -> str:
        """What is granted, as it is said on the wire: names with a space between two, the profile first."""
        return " ".join((self.scope, *self.further_scopes))

    def to_json(self) -> str:
        """Return the text that is stored."""
        return json.dumps(
            {
                "grant_id": self.grant_id,
                "subject": self.subject,
                "scope": self.scope,
                "client_id": self.client_id,
                "holder": self.holder,
                "jkt": self.jkt,
                "token_type": self.token_type,
                "claims": dict(self.claims),
                "organization_ura": self.organization_ura,
                "organization_name": self.organization_name,
                "organization_city": self.organization_city,
                "user_identifier": self.user_identifier,
                "user_name": self.user_name,
                "user_role": self.user_role,
                "user_evidence": self.user_evidence,
                "issued_at": int(self.issued_at.timestamp()),
                "expires_at": int(self.expires_at.timestamp()),
                "presentations": list(self.presentations),
                "submission": dict(self.submission),
                "statuses": [each.to_json() for each in self.statuses],
                "kids": list(self.kids),
                "further_scopes": list(self.further_scopes),
                "provider": self.provider,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; only ever called on our own database."""
        stored = json.loads(text)
        stored["issued_at"] = datetime.fromtimestamp(stored["issued_at"], UTC)
        stored["expires_at"] = datetime.fromtimestamp(stored["expires_at"], UTC)
        stored["presentations"] = tuple(stored["presentations"])
        stored["statuses"] = tuple(map(HeldStatus.from_json, stored.get("statuses", ())))
        stored["kids"] = tuple(map(KeyId, stored.get("kids", ())))
        stored["further_scopes"] = tuple(stored.get("further_scopes", ()))
        return cls(**stored)
