"""A nuts-node's policy directory, taken as it is: ``*.json`` files with presentation definitions per scope (WIRE §2.6).

Such a scope gets tokens here, for those who keep their own enforcement point behind token introspection; it has no queries, so
nothing leaves our own FHIR servers by it. Two files may not name one scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from credentials.errors import CredentialError
from credentials.query.definition import PresentationDefinition
from node.usecases.definitions import WALLET_OWNERS, read_once
from node.usecases.errors import UseCaseError

MAX_POLICY_BYTES = 1_048_576
MAX_SCOPES = 200

ScopePolicy = Literal["profile-only", "passthrough", "dynamic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one scope asks.

    Attributes:
        definitions: by wallet owner.
        scope_policy: what becomes of further scopes.
        file: where it stands.
    """

    scope: str
    definitions: Mapping[str, PresentationDefinition]
    scope_policy: ScopePolicy = "profile-only"
    file: str


def load_policies(directory: Path) -> tuple[Policy, ...]:
    """Read every ``*.json`` of ``directory``, in the order of their names.

    Raises:
        UseCaseError: one can not be read, or names a scope that another has.
        OSError: a file can not be opened.
    """
    found: dict[str, Policy] = {}
    for file in sorted(directory.glob("*.json")):
        if file.stat().st_size > MAX_POLICY_BYTES:
            raise UseCaseError(str(file), "", f"is larger than {MAX_POLICY_BYTES} bytes")
        for policy in parse_policies(file.read_bytes(), str(file)):
            if policy.scope in found:
                raise UseCaseError(
                    str(file), policy.scope, f"stands in {found[policy.scope].file} as well", "take one of them out"
                )
            found[policy.scope] = policy
    return tuple(found.values())


def parse_policies(body: bytes, file: str) -> tuple[Policy, ...]:
    """Read one policy file. Total: any bytes give policies or a :class:`UseCaseError`."""
    if len(body) > MAX_POLICY_BYTES:
        raise UseCaseError(file, "", f"is larger than {MAX_POLICY_BYTES} bytes")
    try:
        value = read_once(body.decode())
    except ValueError as error:
        raise UseCaseError(file, "", str(error) if "twice" in str(error) else "is not JSON in UTF-8") from error
    if not isinstance(value, dict) or len(value) > MAX_SCOPES:
        raise UseCaseError(file, "", f"must be an object with at most {MAX_SCOPES} scopes")
    return tuple(_policy(file, scope, members) for scope, members in value.items())


def _policy(file: str, scope: str, members: Any) -> Policy:
    if not scope or any(not ("!" <= letter <= "~") for letter in scope):
        raise UseCaseError(file, scope, "is no scope", "visible ASCII without spaces")
    if not isinstance(members, dict):
        raise UseCaseError(file, scope, "must be an object")
    policy = members.get("scope_policy", "profile-only")
    if policy not in get_args(ScopePolicy):
        raise UseCaseError(file, f"{scope}.scope_policy", "is not known", ", ".join(get_args(ScopePolicy)))
    owners = set(members) - {"scope_policy"}
    if not owners or not owners <= WALLET_OWNERS:
        raise UseCaseError(
            file, scope, "must hold a definition for organization, service_provider or user, and nothing else"
        )
    definitions = {}
    for owner in sorted(owners):
        try:
            definitions[owner] = PresentationDefinition.parse(members[owner])
        except CredentialError as error:
            raise UseCaseError(file, f"{scope}.{owner}", str(error)) from error
    return Policy(scope=scope, definitions=definitions, scope_policy=policy, file=file)
