"""May a chain still be relied on: revoked, denied, not to be told; and where lists are looked for."""

import warnings
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.did.certificate_chain import CertificateChain, ChainCertificate
from credentials.errors import CredentialError, RevokedError, UnavailableError, UntrustedError
from credentials.x509.distribution_points import MAX_URLS, distribution_urls
from credentials.x509.revocation import (
    DenyList,
    RevocationEvidence,
    RevocationList,
    Unavailable,
    check_revocation,
    crl_urls,
)
from tests.support.certificates import CA_EXTENSIONS, NOW, a_certificate, a_name, leaf_extensions, x5c_of
from tests.support.keys import ec_private_key
from tests.support.revocation import DAY, DENIER, a_crl, a_deny_list, denied, points, scope, uri

ROOT, CA, LEAF = a_name(CN="root"), a_name(CN="ca"), a_name(CN="leaf")
KEYS = {each: ec_private_key(str(each)) for each in (ROOT, CA, LEAF)}
ROOT_URL, CA_URL = "http://crl.example/root.crl", "http://crl.example/ca.crl"
LEAF_SERIAL, CA_SERIAL = 1001, 1002


OF_CA = (points(ROOT_URL),)


def a_chain(*leaf_points: Any, of_ca: Any = OF_CA) -> CertificateChain:
    def signed(subject: x509.Name, issuer: x509.Name, extensions: list[Any], serial: int) -> x509.Certificate:
        return a_certificate(
            subject=subject,
            key=KEYS[subject],
            issuer=issuer,
            issuer_key=KEYS[issuer],
            extensions=extensions,
            serial=serial,
        )

    return CertificateChain.parse(
        x5c_of(
            [
                signed(LEAF, CA, [*leaf_extensions(), *leaf_points], LEAF_SERIAL),
                signed(CA, ROOT, [*CA_EXTENSIONS, *of_ca], CA_SERIAL),
                signed(ROOT, ROOT, list(CA_EXTENSIONS), 1003),
            ]
        )
    )


CHAIN = a_chain(points(CA_URL))


def of_ca(**options: Any) -> RevocationList:
    return RevocationList.parse(a_crl(CA, KEYS[CA], **options), CHAIN.certificates[1])


def of_root(**options: Any) -> RevocationList:
    return RevocationList.parse(a_crl(ROOT, KEYS[ROOT], **options), CHAIN.root)


GOOD = {CA_URL: of_ca(), ROOT_URL: of_root()}


def test_a_chain_that_nobody_revoked_passes() -> None:
    assert crl_urls(CHAIN) == (CA_URL, ROOT_URL)
    check_revocation(CHAIN, GOOD, None, NOW)


def test_evidence_without_lists_refuses_whoever_names_one() -> None:
    RevocationEvidence(lists=GOOD).check(CHAIN, NOW)
    RevocationEvidence(soft_fail=True).check(CHAIN, NOW)
    with pytest.raises(UnavailableError):
        RevocationEvidence().check(CHAIN, NOW)
    with pytest.raises(RevokedError):
        RevocationEvidence(lists={CA_URL: of_ca(revoked=[LEAF_SERIAL])}, soft_fail=True).check(CHAIN, NOW)


def test_a_revoked_leaf_is_refused() -> None:
    with pytest.raises(RevokedError):
        check_revocation(CHAIN, {**GOOD, CA_URL: of_ca(revoked=[7, LEAF_SERIAL])}, None, NOW)
    check_revocation(CHAIN, {**GOOD, CA_URL: of_ca(revoked=[7, CA_SERIAL])}, None, NOW)


def test_a_revoked_ca_takes_everybody_below_along() -> None:
    """Also when it has stopped publishing a list of its own."""
    revoked = of_root(revoked=[CA_SERIAL])
    for lists in ({**GOOD, ROOT_URL: revoked}, {ROOT_URL: revoked}):
        with pytest.raises(RevokedError):
            check_revocation(CHAIN, lists, None, NOW)


def test_without_a_list_it_can_not_be_told_so_it_is_refused() -> None:
    for missing in (CA_URL, ROOT_URL):
        lists: dict[str, RevocationList | Unavailable] = {**GOOD, missing: Unavailable("crl.example: timeout")}
        with pytest.raises(UnavailableError) as caught:
            check_revocation(CHAIN, lists, None, NOW)
        assert "timeout" not in str(caught.value)
        assert "crl.example: timeout" in str(caught.value.__cause__)
        check_revocation(CHAIN, lists, None, NOW, soft_fail=True)
        del lists[missing]
        with pytest.raises(UnavailableError):
            check_revocation(CHAIN, lists, None, NOW)


def test_a_list_counts_from_when_it_was_made_until_the_next_is_due() -> None:
    second = timedelta(seconds=1)
    check_revocation(CHAIN, GOOD, None, NOW + DAY - second)
    check_revocation(CHAIN, GOOD, None, NOW - DAY)
    for moment in (NOW + DAY, NOW - DAY - 6 * second):
        with pytest.raises(UnavailableError):
            check_revocation(CHAIN, GOOD, None, moment)
        check_revocation(CHAIN, GOOD, None, moment, soft_fail=True)


@pytest.mark.parametrize("soft_fail", [False, True])
def test_what_an_old_list_revokes_stays_revoked(soft_fail: bool) -> None:
    old = of_ca(revoked=[LEAF_SERIAL], made=NOW - 9 * DAY, due=NOW - 8 * DAY)
    with pytest.raises(RevokedError):
        check_revocation(CHAIN, {**GOOD, CA_URL: old}, None, NOW, soft_fail=soft_fail)


def test_a_list_of_another_ca_in_its_place_says_nothing() -> None:
    """Over plain http anybody can answer with a list that is good, current, and somebody else's."""
    other = of_root()
    with pytest.raises(UnavailableError):
        check_revocation(CHAIN, {**GOOD, CA_URL: other}, None, NOW)


def test_another_part_of_the_list_in_its_place_says_nothing() -> None:
    for extension in (scope("http://crl.example/part-2.crl"), scope(authorities=True)):
        with pytest.raises(UnavailableError):
            check_revocation(CHAIN, {**GOOD, CA_URL: of_ca(extensions=[extension])}, None, NOW)
    for extension in (scope(CA_URL), scope(users=True)):
        check_revocation(CHAIN, {**GOOD, CA_URL: of_ca(extensions=[extension])}, None, NOW)


def test_of_several_addresses_one_is_enough_and_each_may_revoke() -> None:
    second = "https://mirror.example/ca.crl"
    chain = a_chain(points(CA_URL, second))
    assert crl_urls(chain) == (CA_URL, second, ROOT_URL)
    gone = Unavailable("gone")
    check_revocation(chain, {**GOOD, CA_URL: gone, second: of_ca()}, None, NOW)
    check_revocation(chain, {**GOOD, second: gone}, None, NOW)
    with pytest.raises(RevokedError):
        check_revocation(chain, {**GOOD, second: of_ca(revoked=[LEAF_SERIAL])}, None, NOW)
    with pytest.raises(UnavailableError):
        check_revocation(chain, {**GOOD, CA_URL: gone, second: gone}, None, NOW)


def test_an_issuer_that_publishes_no_list_is_not_asked_for_one() -> None:
    chain = a_chain(of_ca=())
    assert crl_urls(chain) == ()
    check_revocation(chain, {}, None, NOW)


def _point(**parts: Any) -> tuple[x509.ExtensionType, bool]:
    names = {"full_name": [uri(CA_URL)], "relative_name": None, "reasons": None, "crl_issuer": None}
    return x509.CRLDistributionPoints([x509.DistributionPoint(**(names | parts))]), False


@pytest.mark.parametrize(
    "extension",
    [
        points("ldap://directory.example/cn=ca"),
        points("ftp://crl.example/ca.crl"),
        points("http:///ca.crl"),
        points("http://crl.example/a b"),
        points("http://crl.example/x#y"),
        points("http://[crl.example/"),
        points("http://crl.example/" + "x" * 512),
        _point(full_name=[x509.DirectoryName(CA)]),
        _point(full_name=None, relative_name=x509.RelativeDistinguishedName(list(CA))),
        _point(crl_issuer=[x509.DirectoryName(ROOT)]),
        _point(reasons=frozenset({x509.ReasonFlags.key_compromise})),
    ],
)
def test_an_issuer_that_publishes_where_we_can_not_look_is_not_taken_for_one_that_does_not(extension: Any) -> None:
    chain = a_chain(extension)
    assert distribution_urls(chain.leaf) == ()
    assert crl_urls(chain) == (ROOT_URL,)
    with pytest.raises(UnavailableError) as caught:
        check_revocation(chain, GOOD, None, NOW)
    assert "no address" in str(caught.value.__cause__)


def test_a_certificate_may_not_name_addresses_without_end() -> None:
    chain = a_chain(points(*(f"http://crl.example/{number}" for number in range(50)), CA_URL))
    assert len(distribution_urls(chain.leaf) or ()) == MAX_URLS


def test_a_critical_distribution_point_is_understood() -> None:
    extension, _ = points(CA_URL)
    check_revocation(a_chain((extension, True)), GOOD, None, NOW)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 700), st.binary(min_size=1, max_size=4))
def test_any_certificate_is_checked_or_gives_one_error(position: int, patch: bytes) -> None:
    der = bytearray(CHAIN.leaf.der)
    der[position : position + len(patch)] = patch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of certificates that are merely odd
        try:
            damaged = CertificateChain((ChainCertificate.parse(bytes(der)), *CHAIN.certificates[1:]))
            crl_urls(damaged)
            check_revocation(damaged, GOOD, None, NOW)
        except CredentialError:
            return


@pytest.mark.parametrize(("index", "issuer"), [(0, "CN=ca"), (1, "CN=root"), (2, "CN=root")])
def test_a_certificate_on_the_deny_list_is_refused_wherever_it_is_in_the_chain(index: int, issuer: str) -> None:
    deny = DenyList.parse(a_deny_list([denied(CHAIN.certificates[index], issuer)]), DENIER.public)
    for soft_fail in (False, True):
        with pytest.raises(UntrustedError, match="deny list"):
            check_revocation(CHAIN, GOOD, deny, NOW, soft_fail=soft_fail)
    check_revocation(CHAIN, GOOD, DenyList.parse(a_deny_list([]), DENIER.public), NOW)


def test_without_the_deny_list_that_the_operator_wants_nobody_passes() -> None:
    with pytest.raises(UnavailableError) as caught:
        check_revocation(CHAIN, GOOD, Unavailable("deny.example: unreachable"), NOW)
    assert "unreachable" in str(caught.value.__cause__)
    check_revocation(CHAIN, GOOD, Unavailable("deny.example: unreachable"), NOW, soft_fail=True)
