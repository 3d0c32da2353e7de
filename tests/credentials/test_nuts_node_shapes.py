"""Messages in the shapes that were recorded of nuts-node, release 6.2 and master: the foreign node writes them so, and Hazel believes them.

The shapes are restated here member by member (WIRE §0, §2.5.3, §2.11, §2.13), so that neither side can drift from them unseen.
"""

from datetime import timedelta
from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.keys import KeyId
from credentials.status.lists import StatusList as SignedStatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_credential, verify_presentation
from tests.interop.likeness import shape
from tests.support.certificates import NOW
from tests.support.foreign_node.dialect import DIALECTS, Dialect
from tests.support.foreign_node.issuing import StatusList, employee, jwt_credential, ldp_credential
from tests.support.foreign_node.jose import opened, proof_of, signed
from tests.support.foreign_node.presenting import claims_of, ldp_presentation
from tests.support.foreign_node.tenant import Tenant

BASE, AUDIENCE = "https://node-a.example", "https://node-b.example/oauth2/care"
HOLDER, ISSUER = Tenant(BASE, "care", "6b8705b2-a8f2-45d0-9d30-c10f26c42244"), Tenant(BASE, "issuer")
ABOUT = {"organization": {"name": "Alpha", "city": "Amersfoort"}}
TEXT, NUMBER = "text", "number"
ENTRY = dict.fromkeys(("id", "statusListCredential", "statusListIndex", "statusPurpose", "type"), TEXT)
SUBJECT = {"id": TEXT, "organization": {"city": TEXT, "name": TEXT}}
HEADER = {"alg": TEXT, "kid": TEXT, "typ": TEXT}
LD_PROOF = dict.fromkeys(("created", "jws", "proofPurpose", "type", "verificationMethod"), TEXT)
LD_CREDENTIAL = {
    "@context": [TEXT],
    "credentialStatus": ENTRY,
    "credentialSubject": SUBJECT,
    "id": TEXT,
    "issuanceDate": TEXT,
    "issuer": TEXT,
    "proof": LD_PROOF,
    "type": [TEXT],
}
JWT_CREDENTIAL = {
    "iss": TEXT,
    "jti": TEXT,
    "nbf": NUMBER,
    "sub": TEXT,
    "vc": {"@context": [TEXT], "credentialStatus": [ENTRY], "credentialSubject": [SUBJECT], "type": [TEXT]},
}
PRESENTATION = {"aud": [TEXT], "exp": NUMBER, "jti": TEXT, "nbf": NUMBER, "nonce": TEXT, "sub": TEXT}
IN_RELEASE = {**PRESENTATION, "vp": {"@context": [TEXT], "holder": TEXT, "type": TEXT, "verifiableCredential": TEXT}}
IN_MASTER = {
    **PRESENTATION,
    "iat": NUMBER,
    "iss": TEXT,
    "vp": {"@context": [TEXT], "type": [TEXT], "verifiableCredential": [TEXT]},
}

both = pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])


def evidence(**more: Any) -> Evidence:
    keys = {KeyId(each.key.kid): each.key.software.public for each in (HOLDER, ISSUER)}
    return Evidence(keys=keys, **more)


def with_status(dialect: Dialect) -> tuple[StatusList, str]:
    entries = StatusList(BASE, ISSUER)
    return entries, jwt_credential(dialect, ISSUER, HOLDER.did, ABOUT, NOW, status=entries.entry())


def listed(entries: StatusList) -> Evidence:
    """Everything it takes to verify a credential of that list."""
    published = SignedStatusList.parse(entries.document(NOW))
    verified = verify_status_list(published, url=entries.url, evidence=evidence(), now=NOW)
    return evidence(status_lists={entries.url: verified})


@both
def test_a_jwt_credential(dialect: Dialect) -> None:
    entries, credential = with_status(dialect)
    header, claims = opened(credential)
    assert shape(header) == HEADER
    assert shape(claims) == JWT_CREDENTIAL | ({"iat": NUMBER} if dialect.names_issuer else {})
    found = verify_credential(SignedCredential.parse(credential), listed(entries), now=NOW).credential
    assert (found.issuer, found.subject_id) == (ISSUER.did, HOLDER.did)


def test_a_json_ld_credential_with_nanoseconds_in_its_times() -> None:
    entries = StatusList(BASE, ISSUER)
    credential = ldp_credential(ISSUER, HOLDER.did, ABOUT, NOW.replace(microsecond=882_215), status=entries.entry())
    assert shape(credential) == LD_CREDENTIAL
    assert len(credential["issuanceDate"].partition(".")[2]) == len("882215123Z")
    found = verify_credential(
        SignedCredential.parse(credential), listed(entries), now=NOW + timedelta(seconds=1)
    ).credential
    assert found.subject_id == HOLDER.did


def test_a_status_list_with_arrays_of_one() -> None:
    published = StatusList(BASE, ISSUER).document(NOW)
    subject = dict.fromkeys(("encodedList", "id", "statusPurpose", "type"), TEXT)
    assert shape(published["credentialSubject"]) == [subject]
    assert shape(published["proof"]) == [LD_PROOF]
    assert listed(StatusList(BASE, ISSUER)).status_lists


@both
def test_a_jwt_presentation_of_one_credential(dialect: Dialect) -> None:
    entries, credential = with_status(dialect)
    claims = claims_of(dialect, HOLDER, AUDIENCE, [credential], NOW)
    assert shape(claims) == (IN_MASTER if dialect.names_issuer else IN_RELEASE)
    _check(_signed(claims), entries)


@both
def test_a_jwt_presentation_of_two_credentials_has_an_array_in_both(dialect: Dialect) -> None:
    entries, credential = with_status(dialect)
    claims = claims_of(dialect, HOLDER, AUDIENCE, [credential, employee(HOLDER.did, NOW)], NOW)
    assert isinstance(claims["vp"]["verifiableCredential"], list)
    assert isinstance(claims["vp"]["type"], list) == dialect.names_issuer
    _check(_signed(claims), entries)


def test_a_json_ld_presentation() -> None:
    entries = StatusList(BASE, ISSUER)
    credential = ldp_credential(ISSUER, HOLDER.did, ABOUT, NOW, status=entries.entry())
    presentation = ldp_presentation(HOLDER, AUDIENCE, [credential], NOW)
    more = dict.fromkeys(("challenge", "domain", "expires", "nonce"), TEXT)
    assert shape(presentation["proof"]) == LD_PROOF | more
    assert shape(presentation["verifiableCredential"]) == LD_CREDENTIAL
    _check(presentation, entries)


def test_a_proof_of_possession() -> None:
    header, claims = opened(proof_of(HOLDER.key.private, "GET", "https://a.example/x", NOW, token="t"))
    assert shape(claims) == {"ath": TEXT, "htm": TEXT, "htu": TEXT, "iat": NUMBER, "jti": TEXT}
    assert shape(header) == {"alg": TEXT, "jwk": dict.fromkeys(("alg", "crv", "kty", "x", "y"), TEXT), "typ": TEXT}


def _signed(claims: dict[str, Any]) -> str:
    return signed({"kid": HOLDER.key.kid, "typ": "JWT"}, claims, HOLDER.key.private)


def _check(presentation: Any, entries: StatusList) -> None:
    found = verify_presentation(
        SignedPresentation.parse(presentation),
        listed(entries),
        audience=AUDIENCE,
        now=NOW,
        max_lifetime=timedelta(seconds=5),
    )
    assert found.presentation.holder == DID(HOLDER.did)
