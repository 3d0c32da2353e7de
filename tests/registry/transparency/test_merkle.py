"""The tree: the published vectors of Certificate Transparency, and a naive tree beside it."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.errors import MalformedError
from registry.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_ranges,
    frontier_nodes,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    perfect_nodes,
    perfect_root,
    range_root,
)

# The eight leaves and roots that certificate-transparency implementations have shared since RFC 6962.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word for word."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(naive_root(hashes[:split]), naive_root(hashes[split:]))


def hashes_of(size: int) -> list[bytes]:
    return [leaf_hash(str(each).encode()) for each in range(size)]


@pytest.mark.spec("RFC 9162 §2.1.1")
@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_that_were_published(size: int) -> None:
    tree = Frontier().push([leaf_hash(each) for each in LEAVES[:size]])
    assert tree.root.hex() == ROOTS[size]
    assert tree.size == size


def test_a_tree_grows_the_same_one_by_one_and_at_once() -> None:
    hashes, tree = hashes_of(300), Frontier()
    for size, each in enumerate(hashes, start=1):
        tree = tree.push([each])
        assert tree.root == naive_root(hashes[:size])
    assert tree == Frontier().push(hashes)
    assert Frontier().root == EMPTY_ROOT


def test_a_frontier_is_stored_and_read_back_or_refused() -> None:
    tree = Frontier().push(hashes_of(11))
    assert Frontier.from_bytes(tree.size, tree.to_bytes()) == tree
    for size, stored in ((11, b""), (12, tree.to_bytes()), (-1, b""), (1 << 60, b"")):
        with pytest.raises(MalformedError):
            Frontier.from_bytes(size, stored)


def test_the_nodes_of_a_frontier_are_its_perfect_subtrees() -> None:
    hashes = hashes_of(11)
    nodes = frontier_nodes(11)
    assert nodes == (Node(3, 0), Node(1, 4), Node(0, 10))
    found = tuple(perfect_root(hashes[n.index << n.level : (n.index + 1) << n.level]) for n in nodes)
    assert found == Frontier().push(hashes).nodes


def proof(hashes: list[bytes], ranges: tuple[tuple[int, int], ...]) -> list[bytes]:
    """Hashes of ranges, by way of their perfect subtrees, as tiles give them."""
    return [
        range_root(
            [perfect_root(hashes[n.index << n.level : (n.index + 1) << n.level]) for n in perfect_nodes(start, end)]
        )
        for start, end in ranges
    ]


@pytest.mark.spec("RFC 9162 §2.1.4")
@given(st.integers(1, 70), st.integers(0, 70), st.data())
@settings(deadline=None, max_examples=150)
def test_a_tree_proves_its_beginnings_and_nothing_else(first: int, more: int, data: st.DataObject) -> None:
    second = first + more
    hashes = hashes_of(second)
    old, new = naive_root(hashes[:first]), naive_root(hashes)
    shown = proof(hashes, consistency_ranges(first, second))
    assert is_consistent(first, old, second, new, shown)
    other = leaf_hash(b"another")
    assert not is_consistent(first, other, second, new, shown)
    assert not is_consistent(first, old, second, other, shown)
    assert not is_consistent(first, old, second, new, [*shown, other])
    if shown:
        at = data.draw(st.integers(0, len(shown) - 1))
        assert not is_consistent(first, old, second, new, [*shown[:at], other, *shown[at + 1 :]])
        assert not is_consistent(first, old, second, new, shown[:-1])
    assert not is_consistent(second + 1, old, second, new, shown)


def test_every_tree_goes_on_from_the_empty_one() -> None:
    assert is_consistent(0, EMPTY_ROOT, 5, naive_root(hashes_of(5)), [])


@pytest.mark.spec("RFC 9162 §2.1.3")
@given(st.integers(1, 70), st.data())
@settings(deadline=None, max_examples=150)
def test_a_leaf_is_shown_to_be_in_the_tree_at_its_place_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = hashes_of(size)
    root, shown = naive_root(hashes), proof(hashes, inclusion_ranges(index, size))
    assert is_included(hashes[index], index, size, root, shown)
    assert not is_included(leaf_hash(b"x"), index, size, root, shown)
    assert not is_included(hashes[index], size, size, root, shown)
    assert not is_included(hashes[index], index, size, root, [*shown, root])
    if shown:
        assert not is_included(hashes[index], index, size, root, shown[1:])


def test_proofs_of_what_is_not_there_are_not_made() -> None:
    for first, second in ((0, 1), (2, 1)):
        with pytest.raises(ValueError, match="proof"):
            consistency_ranges(first, second)
    with pytest.raises(ValueError, match="leaf"):
        inclusion_ranges(1, 1)
