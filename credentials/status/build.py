"""Make status lists and the entries that point at them; the issuer signs what comes out.

StatusList2021 is written as nuts-node reads it (WIRE §2.13): JSON-LD of version 1.1, to be signed with a proof. A Bitstring Status
List is written in version 2.0, to be signed as a JWT whose payload is the document itself (``typ`` `BITSTRING_JWT_TYPE`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from credentials.claims import to_rfc3339
from credentials.did.identifier import DID
from credentials.jsonld.contexts import STATUS_LIST_2021_CONTEXT
from credentials.status.bits import MIN_LIST_BYTES, bits_with, encode_bits
from credentials.status.entry import BITSTRING_STATUS_LIST, STATUS_LIST_2021, ListKind, Purpose, StatusEntry
from credentials.status.lists import VC2_CONTEXT
from credentials.vc.credential import VC_CONTEXT, VC_TYPE

__all__ = [
    "BITSTRING_JWT_TYPE",
    "LIST_BYTES",
    "LIST_ENTRIES",
    "STATUS_LIST_CONTEXT",
    "bits_with",
    "encode_bits",
    "status_entry",
    "status_list_document",
]

STATUS_LIST_CONTEXT: Final = STATUS_LIST_2021_CONTEXT
"""JSON-LD context of StatusList2021, also of credentials with such a status."""
BITSTRING_JWT_TYPE: Final = "vc+jwt"
"""``typ`` of a JWT whose payload is a credential of version 2.0 (VC-JOSE-COSE)."""
LIST_BYTES: Final = MIN_LIST_BYTES
"""Size of a list that we publish, fixed."""
LIST_ENTRIES: Final = LIST_BYTES * 8
"""Credentials in one list; then the next one is begun."""


def status_entry(
    url: str, index: int, *, kind: ListKind = "StatusList2021", purpose: Purpose = "revocation"
) -> dict[str, str]:
    """The ``credentialStatus`` entry of a credential.

    Args:
        url: where the list is published, ``https``.
        index: of its bit.
        kind: of the list.
        purpose: what a set bit will mean.
    """
    return StatusEntry(kind=kind, purpose=purpose, url=url, index=index).to_wire()


def status_list_document(
    *,
    url: str,
    issuer: DID,
    list_id: str,
    bits: bytes,
    issued_at: datetime,
    expires_at: datetime,
    kind: ListKind = "StatusList2021",
    purpose: Purpose = "revocation",
    ttl: timedelta | None = None,
) -> Mapping[str, Any]:
    """An unsigned status list credential.

    Args:
        url: where it is published; the entries of credentials name it.
        issuer: of the list and of every credential in it.
        list_id: of this edition of the list, ``<issuer>#<uuid>`` by custom. A Bitstring Status List is called by its address.
        bits: one per credential; see `bits_with`.
        issued_at: aware UTC.
        expires_at: aware UTC.
        kind: which of the two specifications.
        purpose: what a set bit means.
        ttl: how long others may keep it; only a Bitstring Status List can say.

    Returns:
        A JSON object; `credentials.status.lists.StatusList` reads it back.
    """
    subject: dict[str, Any] = {"id": url, "type": kind, "statusPurpose": purpose}
    if kind == STATUS_LIST_2021:
        return {
            "@context": [VC_CONTEXT, STATUS_LIST_CONTEXT],
            "id": list_id,
            "type": [VC_TYPE, f"{kind}Credential"],
            "issuer": issuer,
            "issuanceDate": to_rfc3339(issued_at),
            "expirationDate": to_rfc3339(expires_at),
            "credentialSubject": subject | {"encodedList": encode_bits(bits)},
        }
    subject |= {"id": f"{url}#list", "encodedList": encode_bits(bits, multibase=True)}
    if ttl is not None:
        subject["ttl"] = int(ttl.total_seconds() * 1000)
    return {
        "@context": [VC2_CONTEXT],
        "id": url,
        "type": [VC_TYPE, f"{BITSTRING_STATUS_LIST}Credential"],
        "issuer": issuer,
        "validFrom": to_rfc3339(issued_at),
        "validUntil": to_rfc3339(expires_at),
        "credentialSubject": subject,
    }
