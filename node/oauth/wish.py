"""What a token is wanted for: equal wishes share a token."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from node.oauth.grants import TokenType
from node.oauth.user import User

NOTHING = "[]"
"""No credentials, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A token of another organisation that somebody here asks for.

    Attributes:
        subject: which of our organisations it is for.
        server: issuer URL of the other side.
        scope: as on the wire.
        user: on whose behalf.
        service_provider: our organisation that acts for ``subject`` and will use the token; ``None`` when that is itself.
        extra: self-attested credentials, as JSON.
        selected: field ids and values that narrow the choice of credentials, as JSON.
    """

    subject: str
    server: str
    scope: str
    token_type: TokenType
    user: User | None
    service_provider: str | None
    extra: str
    selected: str

    @classmethod
    def of(
        cls,
        *,
        subject: str,
        server: str,
        scope: str,
        token_type: TokenType,
        user: User | None,
        service_provider: str | None,
        credentials: Sequence[Mapping[str, Any]],
        selection: Mapping[str, str] | None,
    ) -> Self:
        """Return the wish; the order in which members of JSON objects stand makes no difference."""
        return cls(
            subject=subject,
            server=server,
            scope=scope,
            token_type=token_type,
            user=user,
            service_provider=service_provider,
            extra=json.dumps(credentials, sort_keys=True) if credentials else NOTHING,
            selected=json.dumps(dict(selection), sort_keys=True) if selection else "{}",
        )

    @property
    def credentials(self) -> Sequence[Mapping[str, Any]]:
        """What the vendor has us say, without issuer and subject id."""
        return json.loads(self.extra)  # type: ignore[no-any-return]  # written by `of`

    @property
    def has_credentials(self) -> bool:
        """Whether there are any."""
        return self.extra != NOTHING

    @property
    def selection(self) -> Mapping[str, str]:
        """Field id to the text that its claim has to be."""
        return json.loads(self.selected)  # type: ignore[no-any-return]  # written by `of`

    @property
    def is_bound(self) -> bool:
        """Whether the token has to be bound to our key."""
        return self.token_type == "DPoP"  # noqa: S105  # a kind of token, not one
