"""Whatever comes in, every parser gives a value or one `CredentialError`, and nothing else.

Near misses find more than noise, so most inputs are good messages with a few members or bytes changed.
"""

import base64
import json
import warnings
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_web import document_url, web_did
from credentials.did.did_x509 import X509Identifier, uzi_other_names
from credentials.did.document import DIDDocument, build_document
from credentials.did.identifier import DID, did_of_key, parse_did
from credentials.encoding import b64url_encode
from credentials.errors import CredentialError
from credentials.fields import parse_json
from credentials.jws import SignedJWS
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.vc.credential import VC_CONTEXT, SignedCredential
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_credential, verify_presentation
from tests.support.builders import (
    AUDIENCE,
    a_credential,
    a_presentation,
    an_employee_credential,
    an_x509_credential,
    keys_of,
)
from tests.support.certificates import NOW, a_uzi_chain, x5c_of
from tests.support.keys import a_did, a_key, rsa_private_key

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
EVIDENCE = Evidence(keys=keys_of("oever", "ministry"))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([a_did("oever"), VC_CONTEXT, "2026-01-01T00:00:00Z"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
UZI = a_uzi_chain()


def changes(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The object with some members replaced or left out."""
    names = st.sampled_from([*good, "proof", "credentialStatus", "expirationDate"])
    return st.builds(
        lambda new, gone: {name: value for name, value in (good | new).items() if name not in gone},
        st.dictionaries(names, VALUES, max_size=3),
        st.sets(names, max_size=2),
    )


def payload_of(compact: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(compact.split(".")[1] + "=="))
    return found


def header_of(compact: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(compact.split(".", maxsplit=1)[0] + "=="))
    return found


def compact_of(header: Any, claims: Any) -> str:
    return ".".join(b64url_encode(json.dumps(part).encode()) for part in (header, claims)) + ".c2ln"


@FEW
@given(st.binary(max_size=64) | st.text(max_size=64) | VALUES.map(json.dumps))
def test_json(data: bytes | str) -> None:
    try:
        parse_json(data)
    except CredentialError:
        return


@FEW
@given(
    st.text(max_size=64)
    | st.text("did:webx509%3A#.-_/0", max_size=40)
    | st.text(max_size=9).map(lambda tail: f"did:web:a{tail}")
)
def test_identifiers(text: str) -> None:
    for parse in (
        parse_did,
        did_of_key,
        lambda did: document_url(DID(did)),
        lambda did: X509Identifier.parse(DID(did)),
        lambda url: web_did(url, "1"),
    ):
        try:
            parse(text)
        except CredentialError:
            continue


@FEW
@given(st.text("abcO:%C3AsubjectLsan-", max_size=40))
def test_did_x509(tail: str) -> None:
    try:
        X509Identifier.parse(DID(f"did:x509:0:sha256:AAAA::{tail}"))
    except CredentialError:
        return


@FEW
@given(changes(a_key("x").public.to_jwk()) | changes(PublicKey.from_key(rsa_private_key("a").public_key()).to_jwk()))
def test_jwk(jwk: dict[str, Any]) -> None:
    try:
        key = PublicKey.from_jwk(jwk)
    except CredentialError:
        return
    assert PublicKey.from_jwk(key.to_jwk()) == key


@FEW
@given(st.binary(max_size=64))
def test_pem(data: bytes) -> None:
    for parse in (lambda pem: SoftwareKey.from_pem(pem, KeyId("did:x:y#1")), CertificateChain.from_pem):
        try:
            parse(data)
        except CredentialError:
            continue


@FEW
@given(changes(build_document(a_did("oever"), [(key, public) for key, public in EVIDENCE.keys.items()])))
def test_did_document(document: dict[str, Any]) -> None:
    try:
        DIDDocument.parse(json.dumps(document).encode(), a_did("oever"))
    except CredentialError:
        return


@FEW
@given(st.integers(0, 2), st.integers(0, 900), st.binary(min_size=1, max_size=4))
def test_certificates(index: int, position: int, patch: bytes) -> None:
    x5c = x5c_of(UZI.certificates)
    der = bytearray(base64.b64decode(x5c[index]))
    der[position : position + len(patch)] = patch
    x5c[index] = base64.b64encode(der).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of certificates that are merely odd
        try:
            chain = CertificateChain.parse(x5c)
            uzi_other_names(chain.leaf)
            chain.validate(NOW)
        except CredentialError:
            return


@FEW
@given(
    st.text(max_size=40)
    | st.builds(compact_of, VALUES | changes({"alg": "ES256", "kid": "did:x:y#1", "x5c": []}), VALUES)
)
def test_jws(compact: str) -> None:
    try:
        SignedJWS.parse(compact)
    except CredentialError:
        return


JWT_CREDENTIAL = a_credential()
VC = payload_of(JWT_CREDENTIAL)["vc"]
CREDENTIALS = (
    VALUES
    | changes(an_employee_credential())
    | st.builds(compact_of, st.just(header_of(JWT_CREDENTIAL)), changes(payload_of(JWT_CREDENTIAL)))
    | st.builds(
        compact_of,
        st.just(header_of(JWT_CREDENTIAL)),
        changes(VC).map(lambda vc: payload_of(JWT_CREDENTIAL) | {"vc": vc}),
    )
)


@FEW
@given(CREDENTIALS)
def test_credential(value: Any) -> None:
    try:
        credential = SignedCredential.parse(value)
        credential.evaluation_view()
        verify_credential(credential, EVIDENCE, now=NOW)
    except CredentialError:
        return


X509_JWT = an_x509_credential()


@FEW
@given(changes(header_of(X509_JWT)), changes(payload_of(X509_JWT)["vc"]))
def test_x509_credential(header: dict[str, Any], vc: dict[str, Any]) -> None:
    try:
        verify_credential(
            SignedCredential.parse(compact_of(header, payload_of(X509_JWT) | {"vc": vc})), EVIDENCE, now=NOW
        )
    except CredentialError:
        return


PRESENTATION = a_presentation(credentials=[])


@FEW
@given(changes(payload_of(PRESENTATION)), changes(payload_of(PRESENTATION)["vp"]) | VALUES, CREDENTIALS)
def test_presentation(claims: dict[str, Any], vp: Any, carried: Any) -> None:
    if isinstance(vp, dict):
        vp = vp | {"verifiableCredential": carried}
    try:
        presentation = SignedPresentation.parse(compact_of(header_of(PRESENTATION), claims | {"vp": vp}))
        verify_presentation(presentation, EVIDENCE, audience=AUDIENCE, now=NOW)
    except CredentialError:
        return
