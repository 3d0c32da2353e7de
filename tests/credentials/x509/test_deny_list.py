"""Deny lists: only what one key signed, and only certificates that fit in all three ways."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.did.certificate_chain import ChainCertificate
from credentials.errors import CredentialError, MalformedError, UntrustedError
from credentials.jws import sign_jws
from credentials.keys import KeyId, SoftwareKey
from credentials.x509.deny_list import MAX_DENY_LIST_BYTES, DenyList
from credentials.x509.distinguished_name import issuer_text
from tests.support.certificates import a_certificate, a_name, a_uzi_chain
from tests.support.keys import a_key, ec_private_key, ed25519_private_key
from tests.support.revocation import DENIER, a_deny_list, denied

LEAF = a_uzi_chain().chain.leaf
IMPOSTOR = SoftwareKey(KeyId("did:web:impostor.example#1"), ed25519_private_key("impostor"))
ISSUER = "CN=Test UZI issuing CA"


def read(*entries: object) -> DenyList:
    return DenyList.parse(a_deny_list(list(entries)), DENIER.public)


def test_a_certificate_on_the_list_is_denied_with_the_reason() -> None:
    assert issuer_text(LEAF.certificate) == ISSUER
    found = read(denied(LEAF, ISSUER))
    assert found.reason_against(LEAF) == "key was found on the street"
    assert found.reason_against(a_uzi_chain().chain.root) is None
    without = denied(LEAF, ISSUER)
    del without["reason"]
    assert read(without).reason_against(LEAF) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "CN=Test UZI issuing CA,C=NL"},
        {"serialnumber": "2"},
        {"jwkthumbprint": a_key("other").public.thumbprint()},
        {"issuer": ISSUER.lower()},
        {"serialnumber": "01"},
    ],
)
def test_issuer_serial_number_and_key_have_to_match_all_three(changes: dict[str, str]) -> None:
    assert read(denied(LEAF, ISSUER, **changes)).reason_against(LEAF) is None


def test_an_issuer_that_can_not_be_read_is_refused() -> None:
    key, issuer = ec_private_key("x"), a_name(O="Oever")
    der = a_certificate(subject=issuer, key=key, issuer=issuer, issuer_key=key).public_bytes(Encoding.DER)
    broken = ChainCertificate.parse(der.replace(b"\x0c\x05Oever", b"\x0c\x05Oev\xe9r"))  # UTF8String without being one
    with pytest.raises(MalformedError, match="unreadable issuer"):
        read(denied(broken, "O=Oever")).reason_against(broken)


def test_an_empty_list_denies_nobody_and_white_space_around_it_is_nothing() -> None:
    assert DenyList.parse(f"\n{a_deny_list([])}\n", DENIER.public).reason_against(LEAF) is None


def test_a_list_that_somebody_else_signed_is_not_read() -> None:
    with pytest.raises(UntrustedError, match="signature"):
        DenyList.parse(a_deny_list([], key=IMPOSTOR), DENIER.public)
    with pytest.raises(UntrustedError, match="alg does not fit"):
        DenyList.parse(a_deny_list([], key=a_key("oever")), DENIER.public)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"jwk": {}}, {"crit": ["b64"]}, {"b64": False}])
def test_a_header_that_leads_elsewhere_is_refused(header: dict[str, object]) -> None:
    compact = sign_jws(header, b"[]", DENIER)
    if header == {"alg": "none"}:
        compact = f"eyJhbGciOiJub25lIn0.{compact.split('.')[1]}."
    with pytest.raises(MalformedError):
        DenyList.parse(compact, DENIER.public)


@pytest.mark.parametrize(
    "entries",
    [{}, None, "x", [1], [{}], [{"issuer": "a", "serialnumber": 1, "jwkthumbprint": "x"}], [{"issuer": "a", "serialnumber": "1"}]],
)  # fmt: skip
def test_a_list_that_can_not_be_read_whole_is_refused_whole(entries: object) -> None:
    with pytest.raises(MalformedError):
        DenyList.parse(a_deny_list(entries), DENIER.public)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["issuer", "serialnumber", "jwkthumbprint", "reason", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_signed_text_gives_a_list_or_one_error(entries: object) -> None:
    try:
        DenyList.parse(a_deny_list(entries), DENIER.public).reason_against(LEAF)
    except CredentialError:
        return


@pytest.mark.parametrize("compact", ["", "..", "a.b.c", "x" * (MAX_DENY_LIST_BYTES + 1), "é"])
def test_what_is_no_signed_list_is_refused(compact: str) -> None:
    with pytest.raises(CredentialError):
        DenyList.parse(compact, DENIER.public)
