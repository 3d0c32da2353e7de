"""JsonWebSignature2020: signing, verifying, and what is done to proofs to get around it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import b64url_encode
from credentials.errors import CredentialError, MalformedError, UntrustedError
from credentials.jsonld.canonical import _canonical, canonical_nquads
from credentials.jsonld.contexts import JWS_2020_CONTEXT
from credentials.jsonld.expansion import expand
from credentials.jsonld.proof import Proof, canonical_options, sign_document, verify_proof
from credentials.jsonld.statements import statements
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key, ec_private_key, ed25519_private_key, rsa_private_key

KEY = a_key("ministry")


def a_document() -> dict[str, Any]:
    return {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "id": f"{a_did('ministry')}#1",
        "type": ["VerifiableCredential", "NutsOrganizationCredential"],
        "issuer": a_did("ministry"),
        "issuanceDate": "2026-11-22T12:00:00Z",
        "credentialSubject": {"id": a_did("oever"), "organization": {"name": "De Oever", "city": "Arnhem"}},
    }


def signed(key: SoftwareKey = KEY, **options: Any) -> dict[str, Any]:
    return sign_document(a_document(), key, created=NOW, **options)


def with_proof(document: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The document with other members in its proof."""
    proof = {name: value for name, value in (document["proof"] | changes).items() if value is not ...}
    return {**document, "proof": proof}


def with_header(document: Mapping[str, Any], header: Any, key: SoftwareKey = KEY) -> dict[str, Any]:
    """The document, its proof made anew under another JWS header: the signature itself matches."""
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    options = {name: value for name, value in document["proof"].items() if name != "jws"}
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    encoded = b64url_encode(data)
    tbs = (
        encoded.encode()
        + b"."
        + hashlib.sha256(canonical_options(options)).digest()
        + hashlib.sha256(canonical_nquads(unsigned)).digest()
    )
    return with_proof(document, jws=f"{encoded}..{b64url_encode(key.sign(tbs))}")


def check(document: Mapping[str, Any], key: PublicKey = KEY.public) -> None:
    verify_proof(document, Proof.parse(document), key)


def test_what_is_signed_verifies_and_is_written_as_nuts_node_writes_it() -> None:
    document = signed()
    assert document["proof"].keys() == {"type", "created", "verificationMethod", "proofPurpose", "jws"}
    assert document["proof"]["created"] == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert document["proof"]["verificationMethod"] == KEY.kid
    assert document["@context"] == [VC_CONTEXT, NUTS_CONTEXT, JWS_2020_CONTEXT]
    header, _, _ = document["proof"]["jws"].partition("..")
    assert header == b64url_encode(
        json.dumps({"alg": "ES256", "b64": False, "crit": ["b64"], "kid": KEY.kid}, separators=(",", ":")).encode()
    )
    check(document)
    proof = Proof.parse({**document, "proof": [document["proof"]]})  # as status lists of nuts-node have it
    assert proof == Proof.parse(document)
    assert (proof.verification_method, proof.purpose, proof.alg) == (KEY.kid, "assertionMethod", "ES256")
    assert (proof.created, proof.expires, proof.challenge, proof.domain, proof.nonce) == (NOW, None, None, None, None)


def test_every_option_is_signed() -> None:
    document = signed(
        purpose="authentication", expires=NOW + timedelta(seconds=5), challenge="c", domain="https://a", nonce="n"
    )
    check(document)
    proof = Proof.parse(document)
    assert proof.purpose == "authentication"
    assert proof.expires == NOW + timedelta(seconds=5)
    assert (proof.challenge, proof.domain, proof.nonce) == ("c", "https://a", "n")
    for name, other in {
        "created": "2026-11-22T12:00:01Z",
        "expires": "2036-11-22T12:00:00Z",
        "challenge": "other",
        "domain": "https://other",
        "nonce": "other",
        "proofPurpose": "assertionMethod",
        "verificationMethod": f"{a_did('ministry')}#other",
    }.items():
        header = {"alg": "ES256", "b64": False, "crit": ["b64"]}
        changed = with_proof(with_header(document, header), **{name: other})
        with pytest.raises(UntrustedError, match="signature does not match"):
            check(changed)
        if name not in {"created", "proofPurpose", "verificationMethod"}:
            with pytest.raises(UntrustedError, match="signature does not match"):
                check(with_proof(document, **{name: ...}))


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (SoftwareKey(KeyId("did:web:a#1"), ec_private_key("a", ec.SECP384R1())), "ES384"),
        (SoftwareKey(KeyId("did:web:a#1"), ec_private_key("a", ec.SECP521R1())), "ES512"),
        (SoftwareKey(KeyId("did:web:a#1"), ed25519_private_key("a")), "EdDSA"),
        (SoftwareKey(KeyId("did:web:a#1"), rsa_private_key("a")), "PS256"),
    ],
)
def test_every_kind_of_key_signs(key: SoftwareKey, alg: str) -> None:
    document = signed(key)
    assert Proof.parse(document).alg == alg
    check(document, key.public)
    with pytest.raises(UntrustedError):
        check(document)


def test_an_earlier_proof_is_replaced_and_dates_are_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    again = sign_document(signed(a_key("gouwe")), KEY, created=elsewhere)
    check(again)
    assert Proof.parse(again).created == NOW


def test_a_context_given_as_text_or_not_at_all_is_completed() -> None:
    document = {"@context": VC_CONTEXT, "id": "urn:x:1", "type": "VerifiableCredential"}
    assert sign_document(document, KEY, created=NOW)["@context"] == [VC_CONTEXT, JWS_2020_CONTEXT]
    document["@context"] = JWS_2020_CONTEXT
    for context in (JWS_2020_CONTEXT, None):
        with pytest.raises(MalformedError, match="is not defined"):
            sign_document(document | {"@context": context}, KEY, created=NOW)


def test_what_the_signature_would_not_cover_is_not_signed() -> None:
    with pytest.raises(MalformedError, match="'motto' is not defined"):
        sign_document(a_document() | {"motto": "x"}, KEY, created=NOW)
    with pytest.raises(ValueError, match="purpose"):
        sign_document(a_document(), KEY, created=NOW, purpose="keyAgreement")
    with pytest.raises(MalformedError, match="absolute IRI"):
        sign_document(a_document(), SoftwareKey(KeyId("#1"), ec_private_key("a")), created=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"credentialSubject": {"id": a_did("oever"), "organization": {"name": "De Gouwe", "city": "Arnhem"}}},
        {"credentialSubject": {"id": a_did("gouwe"), "organization": {"name": "De Oever", "city": "Arnhem"}}},
        {"issuer": a_did("oever")},
        {"issuanceDate": "2026-11-22T12:00:01Z"},
        {"issuanceDate": "2026-11-22T13:00:00+01:00"},
        {"expirationDate": "2036-11-22T12:00:00Z"},
        {"id": f"{a_did('ministry')}#2"},
        {"type": ["VerifiableCredential", "NutsOrganizationCredential", "NutsSelfSignedPresentation"]},
    ],
)
def test_a_document_that_says_something_else_is_not_what_was_signed(change: dict[str, Any]) -> None:
    with pytest.raises(UntrustedError, match="signature does not match"):
        check(signed() | change)


def test_a_word_whose_meaning_was_changed_is_noticed() -> None:
    document = signed()
    renamed = {**document, "@context": [VC_CONTEXT, JWS_2020_CONTEXT, "https://schema.org"]}
    with pytest.raises(CredentialError):
        check(renamed)


HEADER = {"alg": "ES256", "b64": False, "crit": ["b64"], "kid": str(KEY.kid)}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER | {"alg": "none"}, "alg is not accepted"),
        (HEADER | {"alg": "HS256"}, "alg is not accepted"),
        (HEADER | {"alg": "ES256K"}, "alg is not accepted"),
        (HEADER | {"alg": ["ES256"]}, "alg is not a text"),
        (HEADER | {"alg": "ES384"}, "alg does not fit the key"),
        (HEADER | {"b64": True}, "unencoded"),
        (HEADER | {"crit": ["b64", "exp"]}, "unencoded"),
        ({"alg": "ES256"}, "unencoded"),
        (HEADER | {"kid": f"{a_did('gouwe')}#key-1"}, "kid is not the verification method"),
        (HEADER | {"kid": "#key-1"}, "kid is not the verification method"),
        (HEADER | {"jwk": KEY.public.to_jwk()}, "member that is not accepted"),
        (HEADER | {"jku": "https://evil.example/jwks"}, "member that is not accepted"),
        (HEADER | {"x5u": "https://evil.example/x5u"}, "member that is not accepted"),
        (HEADER | {"x5c": ["AAAA"]}, "member that is not accepted"),
        (b'{"alg":"none","alg":"ES256","b64":false,"crit":["b64"]}', "duplicate member"),
        (b"[]", "not an object"),
        (b"{", "not JSON"),
    ],
)
def test_the_header_may_not_choose_how_it_is_verified(header: Any, reason: str) -> None:
    with pytest.raises(CredentialError, match=reason):
        check(with_header(signed(), header))


def test_a_header_without_kid_is_accepted_as_old_credentials_have_it() -> None:
    check(with_header(signed(), {name: value for name, value in HEADER.items() if name != "kid"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "Ed25519Signature2018"}, "type is not JsonWebSignature2020"),
        ({"type": ["JsonWebSignature2020"]}, "type is not a text"),
        ({"type": ...}, "type is missing"),
        ({"@type": "JsonWebSignature2020"}, "member that is not accepted"),
        ({"@context": {"created": "urn:x:other"}}, "member that is not accepted"),
        ({"proofValue": "x"}, "member that is not accepted"),
        ({"id": "urn:x:1"}, "member that is not accepted"),
        ({"verificationMethod": "#key-1"}, "not a DID"),
        ({"verificationMethod": "key-1"}, "not an absolute key id"),
        ({"verificationMethod": {"id": str(KEY.kid)}}, "verificationMethod is not a text"),
        ({"verificationMethod": ...}, "verificationMethod is missing"),
        ({"proofPurpose": "capabilityInvocation"}, "proofPurpose is not accepted"),
        ({"proofPurpose": ...}, "proofPurpose is missing"),
        ({"created": "yesterday"}, "RFC 3339"),
        ({"created": ...}, "created is missing"),
        ({"expires": "2026-13-01T00:00:00Z"}, "does not exist"),
        ({"expires": None}, "expires is not a text"),
        ({"challenge": 5}, "challenge is not a text"),
        ({"jws": ...}, "jws is missing"),
        ({"jws": "e30.e30.e30"}, "not a detached JWS"),
        ({"jws": "e30..e30="}, "proof header"),
    ],
)
def test_a_proof_of_another_shape_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        Proof.parse(with_proof(signed(), **changes))


def test_exactly_one_proof_is_accepted() -> None:
    document = signed()
    for proof in ([document["proof"], document["proof"]], []):
        with pytest.raises(MalformedError):
            Proof.parse({**document, "proof": proof})
    with pytest.raises(MalformedError, match="proof is not an object"):
        Proof.parse(a_document())


def test_a_signature_that_is_not_base64url_is_malformed() -> None:
    document = signed()
    with pytest.raises(MalformedError, match="not base64url"):
        Proof.parse(with_proof(document, jws=document["proof"]["jws"] + "="))


def test_a_proof_of_another_document_does_not_fit() -> None:
    other = sign_document(a_document() | {"id": "urn:x:2"}, KEY, created=NOW)
    with pytest.raises(UntrustedError, match="signature does not match"):
        check(signed() | {"proof": other["proof"]})


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(['"', "\\", "a\nb\t\r"])


@given(
    st.fixed_dictionaries(
        {
            "type": st.just("JsonWebSignature2020"),
            "created": TEXTS,
            "verificationMethod": st.sampled_from(["did:web:a#1", "did:web:é#%20"]),
            "proofPurpose": st.sampled_from(["assertionMethod", "authentication"]),
        },
        optional={"expires": TEXTS, "challenge": TEXTS, "domain": TEXTS, "nonce": TEXTS},
    )
)
def test_the_canonical_form_of_a_proof_is_that_of_a_document(options: dict[str, str]) -> None:
    members = {"@type" if name == "type" else name: value for name, value in options.items()}
    worked_out = expand({"@context": JWS_2020_CONTEXT, **members})
    assert canonical_options(options) == _canonical(statements(worked_out))


def test_texts_that_have_no_canonical_form_are_refused() -> None:
    for options in ({"nonce": "\x00"}, {"nonce": "\ud800"}, {"verificationMethod": "did:web:a> <urn:x"}):
        with pytest.raises(MalformedError):
            canonical_options(options)


def test_a_document_recorded_long_ago_still_verifies() -> None:
    """Made by this product with the key of ``tests.support.keys`` for "ministry"; ES256 signatures differ each time."""
    document = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT, JWS_2020_CONTEXT],
        "credentialSubject": {"id": "did:web:oever.example", "organization": {"city": "Arnhem", "name": "De Oever"}},
        "id": "did:web:ministry.example#1",
        "issuanceDate": "2026-11-22T12:00:00Z",
        "issuer": "did:web:ministry.example",
        "type": ["NutsOrganizationCredential", "VerifiableCredential"],
        "proof": {
            "created": "2026-11-22T12:00:00Z",
            "jws": "eyJhbGciOiJFUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il0sImtpZCI6ImRpZDp3ZWI6bWluaXN0cnkuZXhhbXBsZSNrZXktMSJ9"
            "..T3N_jdX_Vuhg_sfMV_E9bP19SqsRFxrLEisD6QMt749yU5DP5A8upY0KyN9kOYh-mfg0KeIq4qHlsjUxwsp63g",
            "proofPurpose": "assertionMethod",
            "type": "JsonWebSignature2020",
            "verificationMethod": "did:web:ministry.example#key-1",
        },
    }
    check(document)
