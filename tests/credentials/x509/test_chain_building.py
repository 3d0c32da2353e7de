"""Paths in what was sent: any order, twins and loops of cross-signed CAs, and what a search may cost."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from credentials.did.certificate_chain import CertificateChain, ChainCertificate
from credentials.did.did_x509 import X509Identifier, resolve_x509, x509_did
from credentials.encoding import b64url_encode
from credentials.errors import NotCurrentError, UntrustedError
from credentials.x509 import chain_building
from credentials.x509.chain_building import MAX_TRIALS, ReadingBudget
from tests.support.certificates import (
    CA_EXTENSIONS,
    NOW,
    a_certificate,
    a_name,
    a_uzi_chain,
    key_usage,
    leaf_extensions,
    x5c_of,
)
from tests.support.keys import ec_private_key

UZI = a_uzi_chain()


def name(text: str) -> x509.Name:
    return a_name(CN=text)


def signed(
    subject: str, issuer: str, *, by: str | None = None, key: str | None = None, **options: object
) -> x509.Certificate:
    """A certificate of a CA, or of the leaf; names and keys are called the same unless told otherwise."""
    extensions = leaf_extensions(x509.DNSName("x")) if subject == "leaf" else CA_EXTENSIONS
    return a_certificate(
        **{
            "subject": name(subject),
            "key": ec_private_key(key or subject),
            "issuer": name(issuer),
            "issuer_key": ec_private_key(by or issuer),
            "extensions": extensions,
        }
        | options  # type: ignore[arg-type]  # a test's options
    )


def names_of(certificates: Sequence[x509.Certificate], *, through: x509.Certificate | None = None) -> str:
    goal = None if through is None else ("sha256", fingerprint(through))
    chain = CertificateChain.parse(x5c_of(certificates), through=goal)
    chain.validate(NOW)
    return " ".join(each.certificate.subject.rfc4514_string().removeprefix("CN=") for each in chain.certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    return b64url_encode(certificate.fingerprint(hashes.SHA256()))


def test_a_uzi_chain_is_read_in_any_order_and_made_in_the_right_one() -> None:
    for order in permutations(UZI.certificates):
        assert CertificateChain.parse(x5c_of(order)) == UZI.chain
        assert resolve_x509(x509_did(UZI.chain), CertificateChain.parse(x5c_of(order)), NOW) == UZI.key.public


def test_certificates_that_are_sent_twice_count_once() -> None:
    leaf, ca, root = UZI.certificates
    for given in (
        (leaf, ca, ca, root),
        (leaf, ca, root, root),
        (root, leaf, leaf, ca),
        (leaf, leaf, ca, ca, root, root),
    ):
        assert CertificateChain.parse(x5c_of(given)) == UZI.chain


def test_a_ca_that_is_not_on_the_path_is_passed_over() -> None:
    leaf, ca, root = signed("leaf", "ca"), signed("ca", "root"), signed("root", "root")
    assert names_of([leaf, ca, root, signed("other", "other")]) == "leaf ca root"
    assert names_of([signed("other", "ca"), root, leaf, ca]) == "leaf ca root"


def test_a_second_leaf_leaves_open_whose_certificate_this_is() -> None:
    leaf, ca, root = signed("leaf", "ca"), signed("ca", "root"), signed("root", "root")
    for given in ((leaf, ca, root, signed("leaf", "ca", key="thief")), (signed("leaf", "root"), leaf, ca, root)):
        with pytest.raises(UntrustedError, match="exactly one leaf"):
            CertificateChain.parse(x5c_of(given))


def test_a_leaf_that_is_a_ca_is_no_leaf() -> None:
    ca, root = signed("ca", "root"), signed("root", "root")
    as_ca = signed("leaf", "ca", extensions=CA_EXTENSIONS)
    with pytest.raises(UntrustedError, match="first certificate of the chain is a CA"):
        CertificateChain.parse(x5c_of([as_ca, ca, root])).validate(NOW)
    with pytest.raises(UntrustedError, match="exactly one leaf"):
        CertificateChain.parse(x5c_of([root, as_ca, ca]))


def test_a_leaf_can_not_issue_another() -> None:
    """The holder of any certificate would be a CA."""
    root, organisation = signed("root", "root"), signed("leaf", "root")
    made = signed("leaf", "leaf", key="made", serial=9)
    for given in ([made, organisation, root], [root, organisation, made]):
        with pytest.raises(UntrustedError):
            CertificateChain.parse(x5c_of(given)).validate(NOW)


def test_what_leads_to_no_root_is_refused() -> None:
    leaf, ca, root = signed("leaf", "ca"), signed("ca", "root"), signed("root", "root")
    for given in ((leaf, ca), (leaf, root), (ca, leaf), (leaf, ca, signed("root", "root", by="thief", key="thief"))):
        with pytest.raises(UntrustedError):
            CertificateChain.parse(x5c_of(given)).validate(NOW)
    with pytest.raises(UntrustedError, match="not complete"):
        CertificateChain.parse(x5c_of((root, leaf)))
    with pytest.raises(UntrustedError, match="exactly one leaf"):
        CertificateChain.parse(x5c_of((ca, root)[::-1]))


def test_of_cross_signed_roots_the_shortest_way_is_taken_unless_another_ca_is_named() -> None:
    leaf, ca = signed("leaf", "ca"), signed("ca", "old")
    old, new, crossed = signed("old", "old"), signed("new", "new"), signed("old", "new", serial=7)
    given = [leaf, ca, old, crossed, new]
    for order in (given, given[::-1]):
        assert names_of(order) == "leaf ca old"
        assert names_of(order, through=old) == "leaf ca old"
        assert names_of(order, through=new) == "leaf ca old new"
        assert names_of(order, through=crossed) == "leaf ca old new"
    did = f"did:x509:0:sha256:{fingerprint(new)}::subject:CN:leaf"
    identifier = X509Identifier.parse(did)  # type: ignore[arg-type]  # a plain text will do
    assert resolve_x509(identifier, identifier.chain_in(x5c_of(given)), NOW).thumbprint()
    with pytest.raises(UntrustedError, match="the CA it names is not in the chain"):
        CertificateChain.parse(x5c_of(given), through=("sha256", fingerprint(leaf)))
    with pytest.raises(UntrustedError, match="the CA it names is not in the chain"):
        CertificateChain.parse(x5c_of([*given, signed("ca", "old", serial=8)]), through=("sha256", "AAAA"))
    with pytest.raises(UntrustedError, match="the CA it names is not in the chain"):
        CertificateChain.parse(x5c_of([leaf, ca, old]), through=("sha256", fingerprint(new)))


def test_a_root_that_has_expired_does_not_hide_behind_a_twin() -> None:
    """The way that is named is the one that is validated, also when another one would hold."""
    ended = NOW - timedelta(seconds=1)
    leaf, ca = signed("leaf", "ca"), signed("ca", "old")
    old, new, crossed = signed("old", "old", not_after=ended), signed("new", "new"), signed("old", "new", serial=7)
    given = x5c_of([leaf, ca, old, crossed, new])
    with pytest.raises(NotCurrentError, match="expired"):
        CertificateChain.parse(given, through=("sha256", fingerprint(old))).validate(NOW)
    CertificateChain.parse(given, through=("sha256", fingerprint(new))).validate(NOW)


def test_cas_that_sign_each_other_are_a_loop_and_lead_nowhere() -> None:
    leaf, one, two = signed("leaf", "one"), signed("one", "two"), signed("two", "one")
    for order in permutations([leaf, one, two]):
        with pytest.raises(UntrustedError):
            CertificateChain.parse(x5c_of(order)).validate(NOW)
    assert names_of([two, leaf, one, signed("two", "two")]) == "leaf one two"


def test_a_loop_in_the_right_order_of_names_is_no_way_around() -> None:
    """Names follow each other, but a certificate comes twice: the search finds the way without it."""
    leaf, ca, root, crossed = (
        signed("leaf", "ca"),
        signed("ca", "root"),
        signed("root", "root"),
        signed("root", "ca", serial=7),
    )
    assert names_of([leaf, ca, crossed, ca, root]) == "leaf ca root"


def test_a_tangle_of_cross_signed_cas_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven CAs that all signed each other have 1,957 ways; no more are walked than the limits say."""
    checked = 0
    original = chain_building._Search._was_issued_by

    def counted(self: Any, certificate: Any, issuer: Any) -> bool:
        nonlocal checked
        checked += 1
        return original(self, certificate, issuer)

    monkeypatch.setattr(chain_building._Search, "_was_issued_by", counted)
    names = [f"ca {number}" for number in range(7)]
    same = [
        signed("same", "same", key=one, by=names[(index + 1) % 7], serial=index + 1) for index, one in enumerate(names)
    ]
    with pytest.raises(UntrustedError, match="the same name"):
        CertificateChain.parse(x5c_of([*same, signed("leaf", "same", by="ca 0")]))
    assert checked < chain_building.MAX_STEPS * 8
    looped = [signed(one, names[(index + 1) % 7]) for index, one in enumerate(names)]
    with pytest.raises(UntrustedError, match="not complete"):
        CertificateChain.parse(x5c_of([*looped, signed("leaf", "ca 0")]))


def test_a_tangle_without_the_ca_that_is_named_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChainCertificate, "check_issued_by", None)
    same = [signed("same", "same", key=f"ca {number}", serial=number + 1) for number in range(7)]
    with pytest.raises(UntrustedError, match="the CA it names is not in the chain"):
        CertificateChain.parse(x5c_of([*same, signed("leaf", "same", by="ca 0")]), through=("sha256", "AAAA"))


def test_the_chains_of_one_message_have_one_budget_of_signatures() -> None:
    root = signed("root", "root")
    budget = ReadingBudget()
    for number in range(MAX_TRIALS - 1):  # and one for the root
        CertificateChain.parse(x5c_of([root, signed("leaf", "root", key=f"leaf {number}")]), budget=budget)
    one_more = x5c_of([root, signed("leaf", "root", key="one more")])
    with pytest.raises(UntrustedError, match="the same name"):
        CertificateChain.parse(one_more, budget=budget)
    CertificateChain.parse(one_more).validate(NOW)


def test_the_certificates_of_one_message_have_one_budget_of_bytes() -> None:
    """Thousands of names fit in a certificate, and take a millisecond for each kilobyte."""
    many = leaf_extensions(*[x509.DNSName("")] * 4_500)
    root = signed("root", "root")
    budget = ReadingBudget()
    for number in range(2):
        CertificateChain.parse(
            x5c_of([signed("leaf", "root", extensions=many, key=f"leaf {number}"), root]), budget=budget
        )
    with pytest.raises(UntrustedError, match="bytes of certificates"):
        CertificateChain.parse(x5c_of([signed("leaf", "root", extensions=many, key="leaf 3"), root]), budget=budget)


def test_many_ways_are_walked_for_a_while_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_building, "MAX_STEPS", 3)
    leaf, ca, root = signed("leaf", "ca"), signed("ca", "mid"), signed("root", "root")
    with pytest.raises(UntrustedError, match="too many ways"):
        CertificateChain.parse(x5c_of([root, leaf, ca, signed("mid", "root")]))


@pytest.mark.parametrize("level", [1, 2])
def test_a_ca_that_may_not_sign_certificates_is_refused_in_any_order(level: int) -> None:
    given = [signed("leaf", "ca"), signed("ca", "root"), signed("root", "root")]
    subject, issuer = ("ca", "root") if level == 1 else ("root", "root")
    given[level] = signed(
        subject, issuer, extensions=[CA_EXTENSIONS[0], (key_usage("digital_signature", "crl_sign"), True)]
    )
    for order in (given, given[::-1]):
        with pytest.raises(UntrustedError, match="not meant to sign"):
            CertificateChain.parse(x5c_of(order)).validate(NOW)


def test_path_length_is_counted_along_the_path_that_was_found() -> None:
    none_below = [(x509.BasicConstraints(ca=True, path_length=0), True), CA_EXTENSIONS[1]]
    leaf, ca, root = signed("leaf", "ca"), signed("ca", "root"), signed("root", "root", extensions=none_below)
    for order in permutations([leaf, ca, root]):
        with pytest.raises(UntrustedError, match="longer than"):
            CertificateChain.parse(x5c_of(order)).validate(NOW)


def test_a_ca_that_is_named_and_lies_on_no_path_is_no_way() -> None:
    stranger = a_uzi_chain(region="elsewhere").certificates[-1]
    named = b64url_encode(stranger.fingerprint(hashes.SHA256()))
    with pytest.raises(UntrustedError, match="the CA it names is not in the chain"):
        CertificateChain.parse(x5c_of([*UZI.certificates, stranger]), through=("sha256", named))
