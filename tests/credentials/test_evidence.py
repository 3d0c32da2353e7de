"""What has to be fetched is read off the message, within limits."""

from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from credentials.did.certificate_chain import CertificateChain, ChainCertificate
from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.errors import MalformedError, UntrustedError
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, SoftwareKey
from credentials.status.build import status_entry
from credentials.status.lists import StatusList
from credentials.vc.credential import VC_CONTEXT, VC_TYPE, SignedCredential
from credentials.vc.evidence import MAX_CHAINS, MAX_DIDS, MAX_STATUS_LISTS, Evidence, Needed
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_credential
from credentials.x509.chain_building import MAX_TRIALS
from tests.support.builders import a_credential, a_presentation, an_employee_credential, an_x509_credential
from tests.support.certificates import NOW, a_certificate, a_name, a_uzi_chain, leaf_extensions, x5c_of
from tests.support.keys import a_did, a_key, ec_private_key
from tests.support.status_lists import LIST_URL, a_credential_with_status, a_list_document, sign_list, sign_list_ld

HOLDER, ISSUER = a_did("oever"), a_did("ministry")


def test_documents_keys_lists_and_chains_are_needed() -> None:
    certified = an_x509_credential()
    carried: list[Any] = [certified, a_credential_with_status(), an_employee_credential()]
    needed = Needed.of(SignedPresentation.parse(a_presentation(credentials=carried)))
    assert needed.dids == {HOLDER, ISSUER}
    assert {a_key("oever").kid, a_key("ministry").kid} <= needed.kids
    assert needed.status_lists == {LIST_URL}
    assert list(needed.chains) == [certified]


def test_a_list_needs_the_document_of_its_issuer() -> None:
    assert Needed.of(StatusList.parse(sign_list(a_list_document()))) == Needed(
        dids=frozenset({ISSUER}), kids=frozenset({a_key("ministry").kid})
    )
    assert Needed.of(StatusList.parse(sign_list_ld(a_list_document()))) == Needed(
        dids=frozenset({ISSUER}), kids=frozenset({a_key("ministry").kid})
    )


def test_needs_add_up() -> None:
    both = Needed.of(SignedCredential.parse(a_credential_with_status())) | Needed.of(
        SignedCredential.parse(an_x509_credential())
    )
    assert both.dids == {ISSUER}
    assert both.status_lists == {LIST_URL}
    assert len(both.chains) == 1


def test_a_chain_that_was_read_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = SignedCredential.parse(an_x509_credential())
    chains = Needed.of(credential).chains
    monkeypatch.setattr("credentials.did.certificate_chain.CertificateChain.parse", None)
    verify_credential(credential, Evidence(keys={}, chains=chains), now=NOW)


def test_a_message_can_not_make_us_fetch_without_end() -> None:
    issuers = [f"issuer{number}" for number in range(MAX_DIDS)]
    with pytest.raises(UntrustedError, match="DIDs"):
        Needed.of(SignedPresentation.parse(a_presentation(credentials=[a_credential(issuer=name) for name in issuers])))
    many = [
        a_credential_with_status(entries=[status_entry(f"{LIST_URL}/{number}/{each}", 1) for each in range(4)])
        for number in range(MAX_STATUS_LISTS // 4 + 1)
    ]
    assert (
        len(Needed.of(SignedPresentation.parse(a_presentation(credentials=many[:-1]))).status_lists) == MAX_STATUS_LISTS
    )
    with pytest.raises(UntrustedError, match="status lists"):
        Needed.of(SignedPresentation.parse(a_presentation(credentials=many)))


def test_a_message_can_not_bring_chains_without_end() -> None:
    carried = [an_x509_credential(uzi=a_uzi_chain(f"chain {number}")) for number in range(MAX_CHAINS + 1)]
    few = SignedPresentation.parse(a_presentation(credentials=[*carried[:-1], carried[0]]))
    assert len(Needed.of(few).chains) == MAX_CHAINS
    with pytest.raises(UntrustedError, match="more than 8 chains"):
        Needed.of(SignedPresentation.parse(a_presentation(credentials=carried)))


def test_a_tangle_of_slow_keys_is_given_up_before_it_holds_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """CAs that all have one name, the real one last: per credential within limits, per message without end."""
    tried = 0
    original = ChainCertificate.check_issued_by

    def counted(self: ChainCertificate, issuer: ChainCertificate) -> None:
        nonlocal tried
        tried += 1
        original(self, issuer)

    monkeypatch.setattr(ChainCertificate, "check_issued_by", counted)
    name, curve = a_name(CN="R"), ec.SECP521R1()
    root = ec_private_key("root", curve)
    cas = [
        a_certificate(subject=name, key=ec_private_key(each, curve), issuer=name, issuer_key=root)
        for each in ("a", "b", "c", "d", "e", "root")
    ]
    did = DID(f"did:x509:0:sha256:{b64url_encode(cas[-1].fingerprint(hashes.SHA256()))}::subject:CN:leaf")
    leaf = a_name(CN="leaf")
    carried = []
    for number in range(MAX_CHAINS):
        key = ec_private_key(f"leaf {number}")
        end = a_certificate(
            subject=leaf, key=key, issuer=name, issuer_key=root, extensions=leaf_extensions(x509.DNSName("x"))
        )
        vc = {"@context": [VC_CONTEXT], "type": [VC_TYPE, "X509Credential"], "credentialSubject": {"id": HOLDER}}
        claims = {"iss": did, "sub": HOLDER, "jti": f"{did}#{number}", "nbf": 1, "exp": 9_999_999_999, "vc": vc}
        header = {"x5c": x5c_of([*cas[:-1], end, cas[-1]]), "typ": "JWT"}
        carried.append(sign_jws(header, compact_json(claims), SoftwareKey(KeyId(f"{did}#0"), key)))
    presentation = SignedPresentation.parse(a_presentation(credentials=carried))
    with pytest.raises(UntrustedError, match="the same name"):
        Needed.of(presentation)
    assert tried == MAX_TRIALS


def test_a_status_that_can_not_be_read_ends_it_before_anything_is_fetched() -> None:
    with pytest.raises(MalformedError):
        Needed.of(
            SignedCredential.parse(a_credential_with_status(entries=[{"id": "x", "type": "StatusList2021Entry"}]))
        )


def test_the_same_texts_of_the_same_issuer_are_a_chain_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[bytes, CertificateChain] = {}
    credential = SignedCredential.parse(an_x509_credential())
    first = Needed.of(credential, known=known).chains
    assert len(known) == 1
    monkeypatch.setattr(CertificateChain, "parse", None)
    assert Needed.of(credential, known=known).chains == first


def test_what_is_no_list_of_texts_is_never_known() -> None:
    known: dict[bytes, CertificateChain] = {}
    credential = SignedCredential.parse(an_x509_credential())
    assert credential.jws is not None
    cast("dict[str, object]", credential.jws.header)["x5c"] = [1, 2]
    with pytest.raises(MalformedError):
        Needed.of(credential, known=known)
    assert known == {}
