"""What has to be fetched is read off the message, within limits."""

from typing import Any

import pytest

from credentials.errors import MalformedError, UntrustedError
from credentials.status.build import status_entry
from credentials.status.lists import StatusList
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import MAX_DIDS, MAX_STATUS_LISTS, Evidence, Needed
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_credential
from tests.support.builders import a_credential, a_presentation, an_employee_credential, an_x509_credential
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key
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


def test_a_status_that_can_not_be_read_ends_it_before_anything_is_fetched() -> None:
    with pytest.raises(MalformedError):
        Needed.of(
            SignedCredential.parse(a_credential_with_status(entries=[{"id": "x", "type": "StatusList2021Entry"}]))
        )
