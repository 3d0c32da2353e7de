"""Leaves, and who is registered by them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.did.identifier import DID
from credentials.errors import MalformedError
from registry.transparency.leaf import Event, Leaf, Roll, digest_of
from tests.support.registry import NOW

OEVER, GOUWE = DID("did:web:oever.example"), DID("did:web:gouwe.example")
HOUR = timedelta(hours=1)


def taken(number: int, holder: DID = OEVER, event: Event = "registered", **changes: object) -> Leaf:
    wire: dict[str, object] = {"at": NOW, "digest": digest_of(f"m{number}"), "expires_at": NOW + HOUR}
    return Leaf(event=event, number=number, holder=holder, **(wire | changes))  # type: ignore[arg-type]  # of the test


def expired(number: int, holder: DID = OEVER, after: timedelta = HOUR) -> Leaf:
    return Leaf(event="expired", at=NOW + after, number=number, holder=holder)


def roll_of(*leaves: Leaf) -> Roll:
    roll = Roll()
    for each in leaves:
        roll.add(each)
    return roll


BEGAN = Leaf(event="began", at=NOW, seed="s")


@pytest.mark.parametrize("leaf", [BEGAN, taken(1), taken(2, event="withdrawn"), expired(1)])
def test_a_leaf_is_read_back(leaf: Leaf) -> None:
    assert Leaf.parse(leaf.to_bytes()) == leaf


def test_a_leaf_is_canonical_json() -> None:
    digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    leaf = taken(3, digest=digest_of(""))
    assert leaf.to_bytes() == (
        b'{"at":1795348800,"event":"registered","expires":1795352400,"holder":"did:web:oever.example","number":3,"sha256":"%s"}'
        % digest.encode()
    )


NEARLY = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers()).map(repr).map(str.encode)


@given(st.binary(max_size=200) | NEARLY)
def test_any_bytes_are_a_leaf_or_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        Leaf.parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"registered","at":1,"number":1,"holder":"did:web:x","sha256":"AA","expires":2}',
        b'{"event":"other","at":1}',
        b'{"event":"expired","at":9007199254740991,"number":1,"holder":"did:web:x"}',
        b'{"event":"began","at":1}',
    ],
)
def test_a_leaf_that_is_not_whole_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        Leaf.parse(body)


def test_the_last_message_of_a_holder_counts() -> None:
    roll = roll_of(BEGAN, taken(1), taken(2, GOUWE), taken(3), taken(4, GOUWE, "withdrawn"))
    assert {each.number for each in roll.listed.values()} == {3, 4}
    assert (roll.seed, roll.last) == ("s", 4)


def test_what_expired_counts_no_longer_and_an_old_tombstone_hits_nobody_else() -> None:
    roll = roll_of(BEGAN, taken(1), expired(1), taken(2), expired(1), expired(9, GOUWE))
    assert [each.number for each in roll.listed.values()] == [2]
    assert roll.early == set()


def test_a_message_called_expired_before_its_time_stays_and_is_told() -> None:
    roll = roll_of(BEGAN, taken(1), expired(1, after=timedelta(minutes=30)))
    assert roll.early == {OEVER}
    assert [each.number for each in roll.listed.values()] == [1]
    roll.add(taken(2))
    assert roll.early == set()


@pytest.mark.parametrize("leaf", [taken(2), taken(1), Leaf(event="began", at=NOW, seed="t")])
def test_numbers_go_up_and_a_log_begins_once(leaf: Leaf) -> None:
    roll = roll_of(BEGAN, taken(2))
    with pytest.raises(MalformedError):
        roll.add(leaf)


def test_what_counts_and_is_not_here_is_wanted_until_it_expires() -> None:
    roll = roll_of(BEGAN, taken(1), taken(2, GOUWE))
    roll.have(OEVER)
    assert set(roll.wanted(NOW)) == {2}
    assert roll.wanted(NOW + HOUR) == {}
    roll.forget_expired(NOW + HOUR)
    assert roll.listed == {}


@pytest.mark.parametrize(
    "leaf",
    [
        Leaf(event="began", at=NOW, seed="s\0"),
        Leaf(event="began", at=NOW, seed="s" * 257),
        taken(1, DID("did:web:oever\0.example")),
        expired(1, DID("did:web:öever.example")),
    ],
)
def test_what_a_database_could_not_keep_is_no_leaf(leaf: Leaf) -> None:
    with pytest.raises(MalformedError):
        Leaf.parse(leaf.to_bytes())
