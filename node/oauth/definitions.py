"""Which presentation definitions a scope asks for, and what becomes of further scopes (WIRE §2.6).

Every definition listed for a scope has to be fulfilled; nuts-node is content with any one of them, chosen by the asker
(WIRE §4.8 (1)). The ids of their fields become members of an introspection reply, so they may not be names that mean something
there already.

A request names one scope that has definitions, the *profile*: what is presented follows from it. Scopes beside it are granted as the
profile's policy says, and open nothing here: what a token is good for at our own FHIR server follows from the profile alone. Two
profiles in one request are refused, so a further scope never is the name of something that asks for more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from credentials.query.definition import PresentationDefinition
from node.oauth.errors import OAuthCode, OAuthError

ORGANIZATION = "organization"
USER = "user"
SERVICE_PROVIDER = "service_provider"

WALLET_OWNERS = (ORGANIZATION, USER, SERVICE_PROVIDER)
"""Whose wallet a definition is for, as a question may name it (WIRE §2.5.2)."""

RESERVED_FIELDS = frozenset(
    {
        "active", "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "cnf", "token_type",
        "user_evidence", "service_provider_did",
    }
)  # fmt: skip
"""Members of an introspection reply that no field id may replace (WIRE §2.7)."""

MAX_FURTHER_SCOPES: Final = 16
"""Scopes beside the profile in one request."""

ScopePolicy = Literal["profile-only", "passthrough", "dynamic"]
"""Further scopes are refused, all granted, or each asked of a decision point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeAsked:
    """The scopes of one request.

    Attributes:
        profile: the one that has definitions.
        further: the others, in the order asked.
        policy: what becomes of those.
    """

    profile: str
    further: tuple[str, ...] = ()
    policy: ScopePolicy = "profile-only"


class Definitions:
    """Presentation definitions by wire scope and wallet owner, fixed at start-up."""

    def __init__(
        self,
        by_scope: Mapping[str, Mapping[str, PresentationDefinition]],
        policies: Mapping[str, ScopePolicy] | None = None,
    ) -> None:
        """Take the definitions of the active use cases.

        Args:
            by_scope: wire scope to wallet owner ("organization", …) to definition.
            policies: wire scope to its policy; ``profile-only`` where none is given.

        Raises:
            ValueError: a scope without definitions, or one whose definitions share an id or use a reserved field id.
        """
        for scope, definitions in by_scope.items():
            _check(scope, definitions)
        self._by_scope = {scope: MappingProxyType(dict(definitions)) for scope, definitions in by_scope.items()}
        self._policies = dict(policies or {})

    @property
    def scopes(self) -> frozenset[str]:
        """Scopes for which we give tokens."""
        return frozenset(self._by_scope)

    def asked(self, scope: str) -> ScopeAsked:
        """Read the scopes of a request: one that has definitions, and others as far as its policy lets them be asked.

        Args:
            scope: names with one space between two.

        Raises:
            OAuthError: none or two of them have definitions, one is repeated, or there is one that may not be asked.
        """
        names = scope.split(" ")
        profiles = [name for name in names if name in self._by_scope]
        if not profiles:
            raise OAuthError(OAuthCode.INVALID_SCOPE, "scope is not known here", reason="unknown_scope")
        if len(profiles) > 1 or len(set(names)) != len(names):
            raise OAuthError(OAuthCode.INVALID_SCOPE, "these scopes can not be asked together", reason="two_scopes")
        further = tuple(name for name in names if name != profiles[0])
        policy = self._policies.get(profiles[0], "profile-only")
        if further and policy == "profile-only":
            raise OAuthError(OAuthCode.INVALID_SCOPE, "scope is not known here", reason="further_scope")
        if len(further) > MAX_FURTHER_SCOPES:
            raise OAuthError(OAuthCode.INVALID_SCOPE, "too many scopes", reason="further_scope")
        return ScopeAsked(profile=profiles[0], further=further, policy=policy)

    def required(self, profile: str) -> Mapping[str, PresentationDefinition]:
        """Return what a profile asks, by wallet owner.

        Raises:
            OAuthError: we give no tokens for it.
        """
        definitions = self._by_scope.get(profile)
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
        definition = self.required(self.asked(scope).profile).get(wallet_owner)
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
