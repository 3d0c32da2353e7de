"""Does a credential still stand: what a list can say, and what counts as saying nothing."""

from datetime import timedelta
from typing import Any

import pytest

from credentials.errors import MalformedError, NotCurrentError, RevokedError, UnavailableError, UntrustedError
from credentials.status.build import status_entry
from credentials.status.check import STATUS_GRACE, check_status
from credentials.unavailable import Unavailable
from credentials.vc.credential import SignedCredential
from tests.support.builders import a_credential
from tests.support.certificates import NOW
from tests.support.status_lists import LIST_URL, a_credential_with_status, a_verified_list

SECOND = timedelta(seconds=1)


def check(compact: str, found: Any = None, *, now: Any = NOW, **options: Any) -> None:
    named = {} if found is None else {LIST_URL: found}
    check_status(SignedCredential.parse(compact), named, now, **options)


def test_a_credential_without_status_stands() -> None:
    check(a_credential())


@pytest.mark.parametrize("kind", ["StatusList2021", "BitstringStatusList"])
@pytest.mark.parametrize(("purpose", "word"), [("revocation", "revoked"), ("suspension", "suspended")])
def test_its_own_bit_decides(kind: Any, purpose: Any, word: str) -> None:
    compact = a_credential_with_status(index=7, kind=kind, purpose=purpose)
    check(compact, a_verified_list(revoked=[6, 8], kind=kind, purpose=purpose))
    with pytest.raises(RevokedError, match=word):
        check(compact, a_verified_list(revoked=[7], kind=kind, purpose=purpose))


def test_every_entry_has_to_say_that_it_stands() -> None:
    second = f"{LIST_URL}/suspended"
    entries = [status_entry(LIST_URL, 1), status_entry(second, 1, purpose="suspension")]
    credential = SignedCredential.parse(a_credential_with_status(entries=entries))
    lists = {LIST_URL: a_verified_list(), second: a_verified_list(url=second, purpose="suspension")}
    check_status(credential, lists, NOW)
    lists[second] = a_verified_list(url=second, purpose="suspension", revoked=[1])
    with pytest.raises(RevokedError):
        check_status(credential, lists, NOW)


def test_a_list_that_could_not_be_had_refuses() -> None:
    with pytest.raises(UnavailableError):
        check(a_credential_with_status())
    with pytest.raises(UnavailableError):
        check(a_credential_with_status(), Unavailable("timeout"))


def test_a_list_counts_for_the_grace_and_no_longer() -> None:
    compact, list_ = a_credential_with_status(), a_verified_list()
    check(compact, list_, now=NOW + STATUS_GRACE)
    with pytest.raises(UnavailableError, match="too long"):
        check(compact, list_, now=NOW + STATUS_GRACE + SECOND)
    check(compact, a_verified_list(now=NOW + SECOND), now=NOW + STATUS_GRACE + SECOND)
    check(compact, list_, now=NOW + 2 * STATUS_GRACE, grace=2 * STATUS_GRACE)


def test_a_list_of_another_issuer_refuses() -> None:
    with pytest.raises(UntrustedError, match="another issuer"):
        check(a_credential_with_status(issuer="ministry"), a_verified_list("oever"))


def test_a_list_for_another_purpose_refuses() -> None:
    with pytest.raises(UntrustedError, match="another purpose"):
        check(a_credential_with_status(purpose="revocation"), a_verified_list(purpose="suspension"))


def test_a_list_of_another_kind_refuses() -> None:
    with pytest.raises(UntrustedError, match="another kind"):
        check(a_credential_with_status(kind="StatusList2021"), a_verified_list(kind="BitstringStatusList"))


def test_an_expired_list_refuses_also_within_the_grace() -> None:
    list_ = a_verified_list(lifetime=timedelta(minutes=1))
    with pytest.raises(NotCurrentError, match="status list of a credential is expired"):
        check(a_credential_with_status(), list_, now=NOW + timedelta(minutes=2))


def test_an_index_outside_the_list_refuses() -> None:
    with pytest.raises(MalformedError, match="outside"):
        check(a_credential_with_status(index=131_072), a_verified_list())


def test_a_status_that_can_not_be_read_refuses() -> None:
    with pytest.raises(UntrustedError, match="not supported"):
        check(a_credential_with_status(entries=[{"id": "x", "type": "RevocationList2020Status"}]))
