"""The Merkle tree of a log (RFC 9162 §2.1): hashes, a tree that grows, and proofs that a tree is the beginning of another.

Who follows a log needs no tree, only its right edge: the roots of the perfect subtrees that a tree of this size is made of
(`Frontier`), one hash per bit of its size. A leaf is pushed in constant time and the root falls out of a dozen hashes.

A proof is worked out by whoever doubts, from hashes that are served as static files (`registry.transparency.tiles`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from credentials.errors import MalformedError

HASH_BYTES: Final = 32
MAX_TREE_SIZE: Final = 1 << 52
"""Leaves of the largest tree that we look at; a thousand a second for a hundred thousand years."""

EMPTY_ROOT: Final = sha256().digest()
"""Root of a tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf; the 0 keeps it from being taken for a node."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node with these two below it."""
    return sha256(b"\1" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root over as many hashes as a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A tree, as far as it takes to make it grow.

    Attributes:
        size: leaves.
        nodes: roots of its perfect subtrees, the largest first: one per bit that is set in ``size``.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            MalformedError: there are more or fewer hashes than a tree of this size has.
        """
        if not 0 <= size <= MAX_TREE_SIZE or len(stored) != size.bit_count() * HASH_BYTES:
            raise MalformedError("tree: not as many hashes as its size has bits")
        return cls(size=size, nodes=tuple(stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """The hashes one after another."""
        return b"".join(self.nodes)

    def push(self, hashes: Sequence[bytes]) -> "Frontier":
        """The tree with these leaf hashes behind it."""
        nodes, size = list(self.nodes), self.size
        for each in hashes:
            node, carry = each, size
            while carry & 1:
                node = node_hash(nodes.pop(), node)
                carry >>= 1
            nodes.append(node)
            size += 1
        return Frontier(size=size, nodes=tuple(nodes))

    @property
    def root(self) -> bytes:
        """The tree's hash."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in self.nodes[-2::-1]:
            root = node_hash(node, root)
        return root


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A perfect subtree: 2^``level`` leaves, the first of which is ``index`` times as many."""

    level: int
    index: int


def perfect_nodes(start: int, end: int) -> tuple[Node, ...]:
    """The perfect subtrees that the leaves from ``start`` until ``end`` fall into, left to right, as RFC 9162 cuts them.

    ``start`` has to be where a subtree of that many leaves may start, as it is in proofs.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return tuple(found)


def frontier_nodes(size: int) -> tuple[Node, ...]:
    """The nodes of the `Frontier` of a tree of this size."""
    return perfect_nodes(0, size)


def consistency_ranges(first: int, second: int) -> tuple[tuple[int, int], ...]:
    """Which subtrees prove that a tree of ``first`` leaves is the beginning of one of ``second`` (RFC 9162 §2.1.4.1).

    Returns:
        Ranges of leaves, in the order of the proof; each becomes one hash.

    Raises:
        ValueError: not ``0 < first <= second``.
    """
    if not 0 < first <= second:
        raise ValueError("a proof goes from a tree with leaves to one that is not smaller")
    found: list[tuple[int, int]] = []
    start, end, size, is_whole = 0, second, first, True
    while size != end - start:
        split = 1 << (end - start - 1).bit_length() - 1
        if size <= split:
            found.append((start + split, end))
            end = start + split
        else:
            found.append((start, start + split))
            start, size, is_whole = start + split, size - split, False
    if not is_whole:
        found.append((start, end))
    return tuple(reversed(found))


def inclusion_ranges(index: int, size: int) -> tuple[tuple[int, int], ...]:
    """Which subtrees prove that a leaf is in a tree (RFC 9162 §2.1.3.1), in the order of the proof.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    found: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        split = 1 << (end - start - 1).bit_length() - 1
        if index < start + split:
            found.append((start + split, end))
            end = start + split
        else:
            found.append((start, start + split))
            start += split
    return tuple(reversed(found))


def range_root(hashes: Sequence[bytes]) -> bytes:
    """Root over the hashes of `perfect_nodes` of one range."""
    root = hashes[-1]
    for each in hashes[-2::-1]:
        root = node_hash(each, root)
    return root


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the leaf with this hash is at ``index`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(each, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that one tree is the beginning of the other (RFC 9162 §2.1.4.2)."""
    if not 0 < first <= second:
        return first == 0 and not proof
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, each)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
