"""Which presentation definitions a scope asks for.

Every definition listed for a scope has to be fulfilled; nuts-node is content with any one of them, chosen by the asker
(WIRE §4.8 (1)). The ids of their fields become members of an introspection reply, so they may not be names that mean something
there already.
"""

from collections.abc import Mapping
from types import MappingProxyType

from credentials.query.definition import PresentationDefinition
from node.oauth.errors import OAuthCode, OAuthError

ORGANIZATION = "organization"
USER = "user"
SERVICE_PROVIDER = "service_provider"

WALLET_OWNERS = (ORGANIZATION, USER)
"""Whose wallet a definition is for, as a question may name it (WIRE §2.5.2)."""

RESERVED_FIELDS = frozenset(
    {"active", "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "cnf", "token_type"}
)
"""Members of an introspection reply that no field id may replace (WIRE §2.7)."""


class Definitions:
    """Presentation definitions by wire scope and wallet owner, fixed at start-up."""

    def __init__(self, by_scope: Mapping[str, Mapping[str, PresentationDefinition]]) -> None:
        """Take the definitions of the active use cases.

        Args:
            by_scope: wire scope to wallet owner ("organization", …) to definition.

        Raises:
            ValueError: a scope without definitions, or one whose definitions share an id or use a reserved field id.
        """
        for scope, definitions in by_scope.items():
            _check(scope, definitions)
        self._by_scope = {scope: MappingProxyType(dict(definitions)) for scope, definitions in by_scope.items()}

    @property
    def scopes(self) -> frozenset[str]:
        """Scopes for which we give tokens."""
        return frozenset(self._by_scope)

    def required(self, scope: str) -> Mapping[str, PresentationDefinition]:
        """Return what ``scope`` asks, by wallet owner.

        Raises:
            OAuthError: we give no tokens for it.
        """
        definitions = self._by_scope.get(scope)
        if definitions is None:
            raise OAuthError(OAuthCode.INVALID_SCOPE, "scope is not known here", reason="unknown_scope")
        return definitions

    def published(self, scope: str, wallet_owner: str) -> PresentationDefinition:
        """Return the definition that an asker is shown.

        Raises:
            OAuthError: unknown scope or wallet owner, or nothing is asked of this owner.
        """
        if wallet_owner not in WALLET_OWNERS:
            raise OAuthError(OAuthCode.INVALID_REQUEST, "wallet_owner_type is not known")
        definition = self.required(scope).get(wallet_owner)
        if definition is None:
            raise OAuthError(OAuthCode.INVALID_REQUEST, "nothing is asked of this wallet_owner_type")
        return definition


def _check(scope: str, definitions: Mapping[str, PresentationDefinition]) -> None:
    if not definitions:
        raise ValueError(f"scope {scope}: no presentation definition")
    if len({definition.id for definition in definitions.values()}) != len(definitions):
        raise ValueError(f"scope {scope}: two presentation definitions have one id")
    for definition in definitions.values():
        for descriptor in definition.input_descriptors:
            reserved = {field.id for field in descriptor.fields} & RESERVED_FIELDS
            if reserved:
                raise ValueError(f"scope {scope}: field id {min(map(str, reserved))} is reserved")
