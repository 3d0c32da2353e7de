"""What the presentations of one request say together: who asks, for whom, and how we know. Pure.

Each definition of a scope was fulfilled by one presentation (`Fulfilled`). Their claims become one set, and where two definitions ask
the same field the answers have to be equal. Who is asking, and which person, is read from the organisation's own presentation:
what a service provider presents about an organisation never makes it that organisation.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from credentials.did.identifier import DID
from credentials.errors import UntrustedError
from credentials.query.matching import Match
from credentials.vc.credential import SignedCredential
from node.oauth.definitions import SERVICE_PROVIDER

SELF_ATTESTED: Final = "self_attested"
"""Evidence for a user: the organisation's system says so in the presentation (NEN 7513 wants to know how we know)."""

EMPLOYER_ISSUED: Final = "employer_issued"
"""Evidence for a user: a credential that the organisation signed for its employee, which lives on its own and can be revoked."""

ISSUED: Final = "credential"
"""Evidence for a user: another party's credential."""

_LEVELS: Final = (SELF_ATTESTED, EMPLOYER_ISSUED, ISSUED)  # the weakest first
_ORGANIZATION: Final = ("organization_ura", "organization_name", "organization_city")
_USER: Final = {"identifier": "employee_identifier", "name": "employee_name", "role": "employee_role"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilled:
    """One definition of the scope, and what answers it.

    Attributes:
        owner: whose wallet it is about.
        holder: who presented the answer.
    """

    owner: str
    holder: DID
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What verified presentations say.

    Attributes:
        claims: field id to value, over all definitions.
        organization: ``organization_ura``, ``organization_name``, ``organization_city``, as far as asked.
        user: ``identifier``, ``name``, ``role``, as far as asked.
        user_evidence: the weakest of what these rest on; ``None`` without a user.
    """

    claims: Mapping[str, Any]
    organization: Mapping[str, str]
    user: Mapping[str, str]
    user_evidence: str | None

    @classmethod
    def of(cls, fulfilled: Sequence[Fulfilled]) -> "Claimed":
        """Put the answers together.

        Raises:
            UntrustedError: two of them disagree, or an organisation vouches for itself.
        """
        claims, _ = _merge(fulfilled)
        organization = [each for each in fulfilled if each.owner != SERVICE_PROVIDER]
        own = {each.holder for each in organization}
        who, origins = _merge(organization)
        holders = {each.holder for each in fulfilled}
        if any(name in origins and origins[name].issuer in holders for name in _ORGANIZATION):
            raise SelfAttestedOrganizationError
        user = {part: who[name] for part, name in _USER.items() if isinstance(who.get(name), str)}
        return cls(
            claims=claims,
            organization={name: who[name] for name in _ORGANIZATION if isinstance(who.get(name), str)},
            user=user,
            user_evidence=_weakest([origins[name] for name in _USER.values() if name in origins], own)
            if user
            else None,
        )


class SelfAttestedOrganizationError(UntrustedError):
    """An organisation says itself who it is."""

    def __init__(self) -> None:
        super().__init__("the organization credential is self-attested")


class DisagreementError(UntrustedError):
    """Two credentials say different things in one field."""

    def __init__(self) -> None:
        super().__init__("two credentials disagree")


def check_tied(fulfilled: Sequence[Fulfilled], provider: DID, organization: DID) -> None:
    """Check that a service provider acts for this very organisation, and does not show somebody else's presentation beside its own.

    They are tied by a field that both have to answer, with one value, and that the service provider does not say of itself; or by a
    credential that the organisation issued to it; or they are one party.

    Raises:
        UntrustedError: nothing ties them.
    """
    if provider == organization:
        return
    theirs = [each.match for each in fulfilled if each.owner == SERVICE_PROVIDER]
    own = [each.match for each in fulfilled if each.owner != SERVICE_PROVIDER]
    for match in theirs:
        # (1) a credential of the organisation, for the service provider; signed, or verification had refused it
        if any(credential.issuer == organization for credential in match.credentials):
            return
        # (2) one field, asked of both
        for name, value in match.claims.items():
            vouched = value is not None and match.origins[name].issuer != provider
            if vouched and any(other.claims.get(name) == value for other in own):
                return
    raise UntrustedError("nothing ties the service provider to the organisation")


def _merge(fulfilled: Iterable[Fulfilled]) -> tuple[dict[str, Any], dict[str, SignedCredential]]:
    claims: dict[str, Any] = {}
    origins: dict[str, SignedCredential] = {}
    for each in fulfilled:
        for name, value in each.match.claims.items():
            if claims.get(name) is None:
                claims[name] = value
                if name in each.match.origins:
                    origins[name] = each.match.origins[name]
            elif value is not None and value != claims[name]:
                raise DisagreementError
    return claims, origins


def _weakest(origins: Sequence[SignedCredential], employers: Collection[DID]) -> str:
    def level(credential: SignedCredential) -> str:
        if credential.is_self_attested:
            return SELF_ATTESTED
        return EMPLOYER_ISSUED if credential.issuer in employers else ISSUED

    return min(map(level, origins), key=_LEVELS.index, default=SELF_ATTESTED)
