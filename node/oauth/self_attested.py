"""Credentials that the vendor hands over to be presented as the organisation's own word (WIRE §2.5.1).

The vendor says what; who says it, since when and about whom is filled in here. Nothing in them is signed by itself: the
presentation's signature covers them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from credentials.claims import to_rfc3339
from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.issue import self_attested
from node.oauth.user import EMPLOYEE_TYPE, User

MAX_CREDENTIALS = 8
"""In one call; a user and what the use case wants to know about the request are two."""

_OURS = ("issuer", "proof", "credentialStatus")


def check_body(body: Mapping[str, Any]) -> None:
    """Refuse what only we fill in, or what makes no sense unsigned.

    Raises:
        MalformedError: the sentence is for the vendor.
    """
    for name in _OURS:
        if name in body:
            raise MalformedError(f"self-asserted credentials MUST NOT contain an '{name}'")
    subjects = body.get("credentialSubject")
    for subject in subjects if isinstance(subjects, list) else [subjects]:
        if not isinstance(subject, Mapping):
            raise MalformedError("self-asserted credentials need a 'credentialSubject' object")
        if "id" in subject:
            raise MalformedError("self-asserted credentials MUST NOT contain a 'credentialSubject.id'")


def complete(body: Mapping[str, Any], *, holder: DID, credential_id: str, now: datetime) -> SignedCredential:
    """Return the credential as ``holder`` presents it, keys sorted at every level.

    Raises:
        MalformedError: not a credential.
    """
    check_body(body)
    subjects = body["credentialSubject"]
    about = [{**each, "id": holder} for each in subjects] if isinstance(subjects, list) else {**subjects, "id": holder}
    filled = {
        **body,
        "credentialSubject": about,
        "id": credential_id,
        "issuanceDate": to_rfc3339(now),
        "issuer": str(holder),
    }
    return SignedCredential.parse(_sorted(filled))


def own_word(
    bodies: Sequence[Mapping[str, Any]], user: User | None, *, holder: DID, fresh_id: Callable[[], str], now: datetime
) -> list[SignedCredential]:
    """Return everything ``holder`` says itself: what the vendor hands over, then on whose behalf.

    Args:
        bodies: credentials without issuer and subject id.
        user: a person of ours.
        holder: one of our DIDs.
        fresh_id: makes ids, UUIDs.
        now: aware UTC.

    Raises:
        MalformedError: one of ``bodies`` is no credential.
    """
    said = [complete(body, holder=holder, credential_id=fresh_id(), now=now) for body in bodies]
    if user is not None:
        employee = self_attested(
            holder=holder,
            types=(EMPLOYEE_TYPE,),
            subject=user.to_subject(),
            credential_id=fresh_id(),
            now=now,
            contexts=(NUTS_CONTEXT,),
        )
        said.append(SignedCredential.parse(employee))
    return said


def _sorted(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list():
            return [_sorted(item) for item in value]
        case _:
            return value
