"""What a foreign node issues: credentials as JWT and as JSON-LD, and the status list that they point to (WIRE §2.11, §2.13).

The shapes are those that were recorded: arrays in a JWT, nanoseconds in times, arrays of one around subject and proof of a list.
"""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from credentials.jsonld.proof import sign_document
from tests.support.foreign_node.dialect import Dialect
from tests.support.foreign_node.jose import signed
from tests.support.foreign_node.tenant import Tenant

VC_CONTEXT = "https://www.w3.org/2018/credentials/v1"
NUTS_CONTEXT = "https://nuts.nl/credentials/v1"
NUTS_2024 = "https://nuts.nl/credentials/2024"
STATUS_CONTEXT = "https://w3id.org/vc/status-list/2021/v1"
_JWS_CONTEXT = "https://w3c-ccg.github.io/lds-jws2020/contexts/lds-jws2020-v1.json"
_LIST_BYTES = 16 * 1024
_A_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class StatusList:
    """The first page of an issuer's list.

    Attributes:
        issuer: whose credentials it is about.
        revoked: indexes.
    """

    base: str
    issuer: Tenant
    revoked: set[int] = field(default_factory=set)
    _given: int = 0

    @property
    def url(self) -> str:
        """Where it is, with the DID as it is written."""
        return f"{self.base}/statuslist/{self.issuer.did}/1"

    def entry(self) -> dict[str, str]:
        """Give out the next index."""
        index, self._given = self._given, self._given + 1
        return {
            "id": f"{self.url}#{index}",
            "type": "StatusList2021Entry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": self.url,
        }

    def document(self, now: datetime) -> dict[str, Any]:
        """The list, signed now."""
        bits = bytearray(_LIST_BYTES)
        for index in self.revoked:
            bits[index // 8] |= 1 << (7 - index % 8)
        encoded = base64.urlsafe_b64encode(gzip.compress(bytes(bits))).rstrip(b"=").decode()
        subject = {"encodedList": encoded, "id": self.url, "statusPurpose": "revocation", "type": "StatusList2021"}
        document = {
            "@context": [_JWS_CONTEXT, VC_CONTEXT, STATUS_CONTEXT],
            "id": f"{self.issuer.did}#{uuid4()}",
            "type": ["VerifiableCredential", "StatusList2021Credential"],
            "issuer": self.issuer.did,
            "issuanceDate": _time(now - _A_SECOND),
            "expirationDate": _time(now + timedelta(hours=24)),
            "credentialSubject": [subject],
        }
        made = sign_document(document, self.issuer.key.software, created=now - _A_SECOND)
        return {**made, "proof": [made["proof"]]}


def jwt_credential(
    dialect: Dialect,
    issuer: Tenant,
    holder: str,
    subject: Mapping[str, Any],
    now: datetime,
    *,
    kind: str = "NutsOrganizationCredential",
    status: Mapping[str, str] | None = None,
) -> str:
    """A credential as JWT about ``holder``, a DID."""
    issued = int((now - _A_SECOND).timestamp())
    vc: dict[str, Any] = {
        "@context": [
            VC_CONTEXT,
            NUTS_2024 if kind == "NutsUraCredential" else NUTS_CONTEXT,
            *([STATUS_CONTEXT] if status else []),
        ],
        "credentialSubject": [{"id": holder, **subject}],
        "type": [kind, "VerifiableCredential"],
    }
    if status is not None:
        vc["credentialStatus"] = [dict(status)]
    claims: dict[str, Any] = {
        "iss": issuer.did,
        "jti": f"{issuer.did}#{uuid4()}",
        "nbf": issued,
        "sub": holder,
        "vc": vc,
        **({"iat": issued} if dialect.names_issuer else {}),
    }
    return signed({"kid": issuer.key.kid, "typ": "JWT"}, claims, issuer.key.private)


def ldp_credential(
    issuer: Tenant,
    holder: str,
    subject: Mapping[str, Any],
    now: datetime,
    *,
    kind: str = "NutsOrganizationCredential",
    status: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The same as JSON-LD, its keys sorted."""
    document: dict[str, Any] = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT, *([STATUS_CONTEXT] if status else [])],
        "credentialSubject": {"id": holder, **subject},
        "id": f"{issuer.did}#{uuid4()}",
        "issuanceDate": _time(now - _A_SECOND),
        "issuer": issuer.did,
        "type": [kind, "VerifiableCredential"],
    }
    if status is not None:
        document["credentialStatus"] = dict(status)
    made = sign_document(document, issuer.key.software, created=now - _A_SECOND)
    return dict(sorted(made.items()))


def employee(holder: str, now: datetime) -> dict[str, Any]:
    """What a client's software says of its user."""
    subject = {"identifier": "U-5001", "name": "A. Smit", "roleName": "17.000"}
    return _own_word(holder, "NutsEmployeeCredential", subject, now)


def registration(holder: str, now: datetime, **parameters: str) -> dict[str, Any]:
    """What an organisation says of itself to a discovery service."""
    return _own_word(holder, "DiscoveryRegistrationCredential", parameters, now)


def _own_word(holder: str, kind: str, subject: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A credential about oneself: unsigned, under a bare UUID."""
    return {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "credentialSubject": {"id": holder, **subject},
        "id": str(uuid4()),
        "issuanceDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "issuer": holder,
        "type": ["VerifiableCredential", kind],
    }


def _time(moment: datetime) -> str:
    """As Go writes it: nanoseconds, without zeros at the end."""
    fraction = f"{moment.microsecond:06}123".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"
