"""Status lists and credentials that have a status, in one line each.

>>> lists = {LIST_URL: a_verified_list(revoked=[7])}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.jsonld.contexts import BITSTRING_STATUS_LIST_CONTEXT
from credentials.jsonld.proof import sign_document
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId
from credentials.status.build import BITSTRING_JWT_TYPE, bits_with, status_entry, status_list_document
from credentials.status.entry import ListKind, Purpose
from credentials.status.lists import VC2_CONTEXT, StatusList, VerifiedStatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import VC_CONTEXT
from credentials.vc.evidence import Evidence
from node.verification.standing import HeldStatus
from tests.support.builders import an_id
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key

LIST_URL = "https://ministry.example/statuslist/1"
"""Where the list of ``ministry`` is, unless a test says otherwise."""


def a_list_document(
    issuer: str = "ministry",
    *,
    revoked: Iterable[int] = (),
    url: str = LIST_URL,
    kind: ListKind = "StatusList2021",
    purpose: Purpose = "revocation",
    now: datetime = NOW,
    lifetime: timedelta = timedelta(hours=24),
    ttl: timedelta | None = None,
) -> dict[str, Any]:
    """An unsigned list."""
    return dict(
        status_list_document(
            url=url,
            issuer=a_did(issuer),
            list_id=f"{a_did(issuer)}#{an_id(f'list {url}')}",
            bits=bits_with(revoked),
            issued_at=now,
            expires_at=now + lifetime,
            kind=kind,
            purpose=purpose,
            ttl=ttl,
        )
    )


def sign_list(document: Mapping[str, Any], issuer: str = "ministry", *, model: str | None = None) -> str:
    """A list as JWT, signed by ``issuer`` whatever the list says: version 1.1 in ``vc``, version 2.0 as the payload."""
    if model == "1.1" or VC_CONTEXT in document["@context"]:
        return sign_jws({"typ": "JWT"}, compact_json({"vc": document}), a_key(issuer))
    return sign_jws({"typ": BITSTRING_JWT_TYPE}, compact_json(document), a_key(issuer))


def sign_list_ld(document: Mapping[str, Any], issuer: str = "ministry", *, now: datetime = NOW) -> dict[str, Any]:
    """A list as JSON-LD, signed by ``issuer``; version 2.0 is written as version 1.1 says it, whose context we know."""
    if VC2_CONTEXT in document["@context"]:
        names = {"validFrom": "issuanceDate", "validUntil": "expirationDate"}
        document = {names.get(name, name): value for name, value in document.items()}
        document["@context"] = [VC_CONTEXT, BITSTRING_STATUS_LIST_CONTEXT]
    return sign_document(document, a_key(issuer), created=now)


def a_verified_list(
    issuer: str = "ministry", *, url: str = LIST_URL, now: datetime = NOW, **of: Any
) -> VerifiedStatusList:
    """A list that was fetched and verified at ``now``; for the rest see `a_list_document`."""
    signed = StatusList.parse(sign_list(a_list_document(issuer, url=url, now=now, **of), issuer))
    evidence = Evidence(keys={KeyId(a_key(issuer).kid): a_key(issuer).public})
    return verify_status_list(signed, url=url, evidence=evidence, now=now)


def a_credential_with_status(
    holder: str = "oever",
    *,
    issuer: str = "ministry",
    index: int = 7,
    url: str = LIST_URL,
    kind: ListKind = "StatusList2021",
    purpose: Purpose = "revocation",
    entries: Sequence[Mapping[str, Any]] | None = None,
    now: datetime = NOW,
    seed: str = "credential",
    types: Sequence[str] = ("VerifiableCredential", "ExampleCredential"),
    subject: Mapping[str, Any] | None = None,
    subject_id: DID | None = None,
) -> str:
    """A JWT credential whose status is bit ``index`` of the list at ``url``; or with ``entries`` as they are given."""
    moment = int(now.timestamp()) - 1
    claims = {
        "iss": a_did(issuer),
        "sub": subject_id or a_did(holder),
        "jti": f"{a_did(issuer)}#{an_id(seed)}",
        "nbf": moment,
        "iat": moment,
        "exp": moment + 30 * 86_400,
        "vc": {
            "@context": [VC_CONTEXT],
            "type": list(types),
            "credentialSubject": [{"id": subject_id or a_did(holder), **(subject or {"role": "example"})}],
            "credentialStatus": [status_entry(url, index, kind=kind, purpose=purpose)]
            if entries is None
            else [*entries],
        },
    }
    return sign_jws({"typ": "JWT"}, compact_json(claims), a_key(issuer))


@dataclass(slots=True)
class ScriptedStanding:
    """A ``Standing`` that says what it is told.

    Attributes:
        error: raised when somebody looks; None while everything stands.
        asked: what was looked at, in order.
    """

    error: CredentialError | None = None
    asked: list[Sequence[HeldStatus]] = field(default_factory=list)

    async def check_standing(self, statuses: Sequence[HeldStatus], kids: Sequence[KeyId] = ()) -> None:
        """Note it, and say so."""
        self.asked.append(statuses)
        if self.error is not None:
            raise self.error
