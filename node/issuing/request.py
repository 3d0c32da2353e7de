"""What is to be issued, and whether anybody would accept it: looked at before a key is used or an index spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

from credentials.claims import ISSUE_BACKDATE, to_rfc3339
from credentials.did.identifier import DID, parse_did
from credentials.errors import CredentialError
from credentials.jsonld.contexts import BITSTRING_STATUS_LIST_CONTEXT, STATUS_LIST_2021_CONTEXT
from credentials.status.entry import ListKind
from credentials.types.catalogue import CredentialTypes
from credentials.vc.credential import MAX_TYPES, NUTS_CONTEXT, VC_CONTEXT, VC_TYPE, SignedCredential
from credentials.vc.type_rules import check_type_rules
from node.issuing.errors import InvalidRequestError

CredentialFormat = Literal["jwt_vc", "ldp_vc"]

MAX_CONTEXTS = 16

NUTS_2024_CONTEXT = "https://nuts.nl/credentials/2024"

_TYPE_CONTEXTS: Mapping[str, str] = {"NutsUraCredential": NUTS_2024_CONTEXT}
"""Types whose terms are not those of the Nuts context that is used by itself."""

_STATUS_CONTEXTS: Mapping[ListKind, str] = {
    "StatusList2021": STATUS_LIST_2021_CONTEXT,
    "BitstringStatusList": BITSTRING_STATUS_LIST_CONTEXT,
}


def usual_contexts(types: tuple[str, ...]) -> tuple[str, ...]:
    """Return the contexts beside VC v1 of a credential for which none are named: those that define the terms of its types."""
    own = tuple(_TYPE_CONTEXTS[each] for each in types if each in _TYPE_CONTEXTS)
    return own or (NUTS_CONTEXT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRequest:
    """A credential before it has an id, a date and a signature.

    Attributes:
        issuer: a DID of an organisation hosted here.
        type: the one beside ``VerifiableCredential``.
        holder: whom it is about.
        subject: the other members of ``credentialSubject``.
        contexts: JSON-LD contexts, VC v1 first.
        expires_at: aware UTC, whole seconds; ``None`` is never.
        format: how it is signed.
        status: which kind of status list it gets an entry in; ``None``: it can not be revoked.
    """

    issuer: DID
    type: str
    holder: DID
    subject: Mapping[str, Any] = field(repr=False)
    contexts: tuple[str, ...]
    expires_at: datetime | None
    format: CredentialFormat
    status: ListKind | None

    @classmethod
    def of(
        cls,
        *,
        issuer: str,
        types: tuple[str, ...],
        subject: Mapping[str, Any],
        contexts: tuple[str, ...],
        expires_at: datetime | None,
        format_: CredentialFormat,
        status: ListKind | None,
    ) -> Self:
        """Put a request together from what a vendor says.

        Raises:
            InvalidRequestError: too many types, no holder, or members that can not go together.
        """
        # (1) one type that says what it is
        named = tuple(dict.fromkeys(each for each in types if each != VC_TYPE))
        if len(named) != MAX_TYPES - 1:
            raise InvalidRequestError(f"type: exactly one type beside {VC_TYPE} is needed")
        # (2) two names
        try:
            did = parse_did(issuer)
        except CredentialError as error:
            raise InvalidRequestError("issuer is not a DID") from error
        holder = subject.get("id")
        try:
            whom = parse_did(holder if isinstance(holder, str) else "")
        except CredentialError as error:
            raise InvalidRequestError(
                "credentialSubject.id is not a DID: nobody could present this credential"
            ) from error
        # (3) contexts
        if len(contexts) > MAX_CONTEXTS:
            raise InvalidRequestError(f"@context has more than {MAX_CONTEXTS} contexts")
        listed = (VC_CONTEXT, *contexts)
        if status is not None:
            listed = (*listed, _STATUS_CONTEXTS[status])
        return cls(
            issuer=did,
            type=named[0],
            holder=whom,
            subject={name: value for name, value in subject.items() if name != "id"},
            contexts=tuple(dict.fromkeys(listed)),
            expires_at=None if expires_at is None else expires_at.replace(microsecond=0),
            format=format_,
            status=status,
        )

    def check(self, types: CredentialTypes, *, credential_id: str, now: datetime) -> None:
        """Check that it fits its type and is not over before it begins.

        Raises:
            InvalidRequestError: it does not.
        """
        if self.expires_at is not None and self.expires_at <= now:
            raise InvalidRequestError("expirationDate lies in the past")
        document: dict[str, Any] = {
            "@context": list(self.contexts),
            "id": credential_id,
            "type": [VC_TYPE, self.type],
            "issuer": self.issuer,
            "issuanceDate": to_rfc3339(now - ISSUE_BACKDATE),
            "credentialSubject": {**self.subject, "id": self.holder},
        }
        if self.expires_at is not None:
            document["expirationDate"] = to_rfc3339(self.expires_at)
        try:
            credential = SignedCredential.parse(document)
            types.check(credential)
            check_type_rules(credential)
        except CredentialError as error:
            raise InvalidRequestError(str(error)) from error
