"""The canonical form of a JSON-LD document: URDNA2015 (RDF Dataset Canonicalization 1.0), within a budget.

Nodes without an id get names that follow from what is said of them. Where many look the same from near by, the algorithm
compares their surroundings in every order there is, which takes time beyond all bounds for a graph that is made to: so the
work is counted, and a document that asks too much of it is refused. Credentials of this network need none of it.
"""

import hashlib
import itertools
import math
from collections.abc import Collection, Mapping
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.jsonld.shape import checked
from credentials.jsonld.statements import Statement, statements

MAX_WORK: Final = 10_000
"""Most steps spent on telling look-alike nodes apart; a step takes up to five microseconds."""


def canonical_nquads(document: Mapping[str, Any]) -> bytes:
    """The canonical form of a document without its proof.

    Args:
        document: with embedded contexts only; not changed.

    Returns:
        N-Quads, UTF-8, sorted lines, each with its newline.

    Raises:
        MalformedError: its shape is not accepted, a term is not defined, something in it would not be covered by a signature, or
            it takes more than `MAX_WORK`.
    """
    return _canonical(_statements(document, lenient=True))


def check_defined(document: Mapping[str, Any]) -> None:
    """Check, before signing, that every member of a document has a meaning, so that the signature covers all of it.

    Raises:
        MalformedError: a term is not defined by the contexts of the document, or a value has no meaning in RDF.
    """
    _statements(document, lenient=False)


def _statements(document: Mapping[str, Any], *, lenient: bool) -> frozenset[Statement]:
    shaped = checked(document)
    # Late, since it loads PyLD: a node that never sees JSON-LD does without it (0.1 s and 10 MB).
    from credentials.jsonld.expansion import expand

    return statements(expand(shaped), lenient=lenient)


def _canonical(said: Collection[Statement]) -> bytes:
    names = _Names(said).canonical
    lines = [
        _line(names.get(subject, subject), predicate, names.get(found, found), names.get(graph, graph))
        for subject, predicate, found, graph in said
    ]
    lines.sort()
    try:
        return "".join(lines).encode()
    except UnicodeEncodeError:
        raise MalformedError("JSON-LD: a text has a lone surrogate") from None


def _line(subject: str, predicate: str, found: str, graph: str) -> str:
    return f"{subject} {predicate} {found} {graph} .\n" if graph else f"{subject} {predicate} {found} .\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Names:
    """The canonical names of the blank nodes in some statements (the state of RDFC-1.0 §4.2)."""

    def __init__(self, said: Collection[Statement]) -> None:
        self.canonical: dict[str, str] = {}
        self._work = 0
        self._about: dict[str, list[Statement]] = {}
        for statement in said:
            subject, _, found, graph = statement
            for node in {subject, found, graph}:
                if node.startswith("_:"):
                    self._about.setdefault(node, []).append(statement)
        self._near = {node: self._first_degree(node) for node in self._about}
        alike: dict[str, list[str]] = {}
        for node, digest in self._near.items():
            alike.setdefault(digest, []).append(node)
        # (1) nodes that nothing else looks like (§4.4.3, 3 to 4)
        ordered = sorted(alike.items())
        for _, nodes in ordered:
            if len(nodes) == 1:
                self._issue(nodes[0])
        # (2) the others, by what surrounds them (§4.4.3, 5)
        for _, nodes in ordered:
            results = [self._far(node, {node: "_:b0"}) for node in nodes if node not in self.canonical]
            for _, issued in sorted(results, key=lambda result: result[0]):
                for node in issued:
                    self._issue(node)

    def _issue(self, node: str) -> None:
        self.canonical.setdefault(node, f"_:c14n{len(self.canonical)}")

    def _first_degree(self, node: str) -> str:
        """Hash First Degree Quads (§4.6)."""

        def seen(term: str) -> str:
            return ("_:a" if term == node else "_:z") if term.startswith("_:") else term

        about = self._about[node]
        return _digest("".join(sorted(_line(seen(s), p, seen(o), seen(g)) for s, p, o, g in about)))

    def _related(self, node: str, position: str, predicate: str, issued: Mapping[str, str]) -> str:
        """Hash Related Blank Node (§4.7)."""
        name = self.canonical.get(node) or issued.get(node) or self._near[node]
        return _digest(f"{position}{'' if position == 'g' else predicate}{name}")

    def _far(self, node: str, issued: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Hash N-Degree Quads (§4.8); ``issued`` are temporary names, in order of issue."""
        # (1) the neighbours, by how they are related
        related: dict[str, list[str]] = {}
        self._spend(len(self._about[node]))
        for subject, predicate, found, graph in self._about[node]:
            for position, other in (("s", subject), ("o", found), ("g", graph)):
                if other != node and other.startswith("_:"):
                    related.setdefault(self._related(other, position, predicate, issued), []).append(other)
        # (2) for each kind, the order of neighbours that gives the least path
        data: list[str] = []
        for kind, neighbours in sorted(related.items()):
            self._spend(math.factorial(min(len(neighbours), _MANY)))
            chosen, chosen_issued = "", issued
            for order in itertools.permutations(neighbours):
                found_path = self._path(order, dict(issued), chosen)
                if found_path is not None and (not chosen or found_path[0] < chosen):
                    chosen, chosen_issued = found_path
            data += (kind, chosen)
            issued = chosen_issued
        return _digest("".join(data)), issued

    def _path(self, order: Collection[str], issued: dict[str, str], chosen: str) -> tuple[str, dict[str, str]] | None:
        """One order of neighbours (§4.8.2, 5.4); None as soon as it is worse than ``chosen``."""
        self._spend(len(order) + len(issued) // 8)
        path = ""
        unseen: list[str] = []
        for node in order:
            name = self.canonical.get(node)
            if name is None:
                if node not in issued:
                    unseen.append(node)
                name = issued.setdefault(node, f"_:b{len(issued)}")
            path += name
            if chosen and len(path) >= len(chosen) and path > chosen:
                return None
        for node in unseen:
            digest, deeper = self._far(node, issued)
            path += f"{issued[node]}<{digest}>"
            issued = deeper
            if chosen and len(path) >= len(chosen) and path > chosen:
                return None
        return path, issued

    def _spend(self, steps: int) -> None:
        self._work += steps
        if self._work > MAX_WORK:
            raise MalformedError("JSON-LD: canonicalisation takes too much work")


_MANY: Final = 9
"""Neighbours of one kind whose orders alone exceed the budget."""
