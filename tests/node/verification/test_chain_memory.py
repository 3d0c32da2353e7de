"""Certificates that peers present again are not read again; what they say is checked again every time."""

from datetime import timedelta

import pytest

from credentials.did.certificate_chain import CertificateChain
from credentials.errors import CredentialError
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.verify import verify_credential
from node.verification import chain_memory
from node.verification.chain_memory import ChainMemory
from tests.support.builders import an_x509_credential
from tests.support.certificates import NOW, a_uzi_chain


def test_the_same_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known, credential = ChainMemory(), SignedCredential.parse(an_x509_credential())
    first = Needed.of(credential, known=known).chains
    monkeypatch.setattr(CertificateChain, "parse", None)

    assert Needed.of(credential, known=known).chains == first


def test_a_chain_that_was_read_has_to_be_current_all_the_same() -> None:
    known, credential = ChainMemory(), SignedCredential.parse(an_x509_credential())
    chains = Needed.of(credential, known=known).chains
    verify_credential(credential, Evidence(keys={}, chains=chains), now=NOW)

    again = Needed.of(credential, known=known).chains
    with pytest.raises(CredentialError):
        verify_credential(credential, Evidence(keys={}, chains=again), now=NOW + timedelta(days=40_000))


def test_certificates_that_are_refused_are_refused_again() -> None:
    known, broken = ChainMemory(), SignedCredential.parse(an_x509_credential())
    assert broken.jws is not None
    broken.jws.header["x5c"][1] = broken.jws.header["x5c"][0]
    for _ in range(2):
        with pytest.raises(CredentialError):
            Needed.of(broken, known=known)


def test_strangers_chains_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_memory, "MAX_CHAINS", 3)
    known = ChainMemory()
    chains = [a_uzi_chain(f"chain {number}").chain for number in range(2)]
    for number in range(10):
        known[bytes([number])] = chains[number % 2]

    assert [known.get(bytes([number])) is not None for number in range(10)] == [False] * 7 + [True] * 3


def test_large_chains_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_memory, "MAX_BYTES", 100)
    known = ChainMemory()
    known[b"one"] = a_uzi_chain("chain 1").chain

    assert known.get(b"one") is None
