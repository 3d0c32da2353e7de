"""From an expanded document to RDF statements (JSON-LD 1.1 API §8), leaving nothing out unnoticed.

A JSON-LD processor drops what has no meaning in RDF, such as a node with a relative id and all that is said of it. A
signature over the rest says nothing about it, so such documents are refused. Two things are left out on purpose, as
nuts-node does (WIRE §2.5.3): what is said of an unsigned credential in a presentation whose id is a bare UUID (its
subject is still covered), and a JWT in a JSON-LD presentation (which has a signature of its own).

Statements are N-Quads in parts: subject, predicate, object and graph, each as it is written; the graph of most is empty.
"""

import re
from typing import Any, Final

from credentials.encoding import canonical_json
from credentials.errors import MalformedError

Statement = tuple[str, str, str, str]

MAX_BLANK_NODES: Final = 512
"""Most nodes without an id in one document; each credential in a presentation has a handful."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TYPE: Final = f"<{_RDF}type>"
_JSON: Final = f"{_RDF}JSON"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_VERIFIABLE_CREDENTIAL: Final = "https://www.w3.org/2018/credentials#verifiableCredential"
_PROOF: Final = "https://w3id.org/security#proof"

# RFC 3987 is wider in letters and narrower in details; this is what N-Quads can write without escapes.
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>\"{}|^`\\]*+")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_UNUSUAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NEEDS_ESCAPE: Final = re.compile(r'[\\"\n\r\t\x00-\x1f\x7f]')


def statements(expanded: list[Any], *, lenient: bool = True) -> frozenset[Statement]:
    """Say an expanded document as statements.

    Args:
        expanded: as `credentials.jsonld.expansion.expand` returns it.
        lenient: leave out the two things named above; otherwise they are refused as well.

    Raises:
        MalformedError: something in the document would not be covered by a signature, is described in two places, or cannot
            be written as N-Quads.
    """
    writer = _Writer(lenient=lenient)
    for node in expanded:
        writer.node(node, "")
    if not writer.said:
        raise MalformedError("JSON-LD: the document says nothing that could be signed")
    return frozenset(writer.said)


def iri(text: object) -> str:
    """An absolute IRI as N-Quads writes it.

    Raises:
        MalformedError: it is relative, or has characters that would end it early.
    """
    if not isinstance(text, str) or _IRI.fullmatch(text) is None:
        raise MalformedError("JSON-LD: an id, type or link is not an absolute IRI; no signature would cover it")
    return f"<{text}>"


def literal(text: str, datatype: str = "") -> str:
    """A literal as N-Quads writes it; ``datatype`` is an IRI, or empty for text.

    Raises:
        MalformedError: it has control characters, which implementations write in different ways.
    """
    if _NEEDS_ESCAPE.search(text) is not None:
        if _UNUSUAL.search(text) is not None:
            raise MalformedError("JSON-LD: a text has control characters")
        text = text.translate(_ESCAPES)
    return f'"{text}"^^{iri(datatype)}' if datatype else f'"{text}"'


class _Writer:
    """Collects the statements of one document."""

    __slots__ = ("blank_nodes", "described", "lenient", "said")

    def __init__(self, *, lenient: bool) -> None:
        self.said: set[Statement] = set()
        self.described: set[tuple[str, str]] = set()
        self.blank_nodes = 0
        self.lenient = lenient

    def node(self, found: Any, graph: str, *, carried: bool = False) -> str:
        """Say what is said of one node; returns how others refer to it, or nothing where they cannot.

        Args:
            found: an expanded node object.
            graph: the graph it stands in.
            carried: whether it is a credential in a presentation.
        """
        if not isinstance(found, dict) or "@value" in found:
            raise MalformedError("JSON-LD: a value stands where an object belongs")
        name = self._name(found, carried=carried)
        if name and len(found) > ("@id" in found):
            # (1) described once: a reader of JSON sees one place, and the signature cannot tell which
            if (graph, name) in self.described:
                raise MalformedError("JSON-LD: one thing is described in two places")
            self.described.add((graph, name))
        for predicate, values in found.items():
            match predicate:
                case "@id":
                    continue
                case "@type":
                    for each in values:
                        self._say(name, _TYPE, iri(each), graph)
                case _ if predicate.startswith("@"):
                    raise MalformedError("JSON-LD: this use of keywords is not accepted")
                case _:
                    # (2) everything else is a link or a literal under an absolute IRI
                    written = iri(predicate)
                    for each in values:
                        self._say(name, written, self._object(each, predicate, graph), graph)
        return name

    def _object(self, found: Any, predicate: str, graph: str) -> str:
        if not isinstance(found, dict):
            raise MalformedError("JSON-LD: a value is not accepted here")
        if "@value" in found:
            return _value(found)
        if "@graph" in found:
            return self._graph(found, predicate)
        return self.node(found, graph)

    def _graph(self, found: dict[str, Any], predicate: str) -> str:
        """A credential or proof: a graph of its own, without a name."""
        if len(found) > 1:
            raise MalformedError("JSON-LD: this use of graphs is not accepted")
        name = self._blank()
        for each in found["@graph"]:
            self.node(each, name, carried=predicate == _VERIFIABLE_CREDENTIAL)
        return name

    def _name(self, found: dict[str, Any], *, carried: bool) -> str:
        if "@id" not in found:
            return self._blank()
        if self.lenient and carried and _PROOF not in found and ":" not in found["@id"]:
            return ""  # a JWT, or an unsigned credential under a bare UUID
        return iri(found["@id"])

    def _blank(self) -> str:
        self.blank_nodes += 1
        if self.blank_nodes > MAX_BLANK_NODES:
            raise MalformedError(f"JSON-LD: more than {MAX_BLANK_NODES} nodes without an id")
        return f"_:b{self.blank_nodes}"

    def _say(self, subject: str, predicate: str, found: str, graph: str) -> None:
        if subject and found:
            self.said.add((subject, predicate, found, graph))


def _value(found: dict[str, Any]) -> str:
    """A literal (JSON-LD 1.1 API §8.2.2)."""
    datatype = found.get("@type", "")
    if found.keys() - {"@value", "@type"}:
        raise MalformedError("JSON-LD: languages and directions are not accepted")
    match found["@value"]:
        case value if datatype == "@json":
            try:
                return literal(canonical_json(value).decode(), _JSON)
            except (TypeError, ValueError):
                raise MalformedError("JSON-LD: a JSON literal has a number with a fraction") from None
        case bool() as value:
            return literal("true" if value else "false", datatype or f"{_XSD}boolean")
        case int() as value:
            return literal(str(value), datatype or f"{_XSD}integer")
        case float() as value:
            return literal(_double(value), datatype or f"{_XSD}double")
        case str() as value:
            return literal(value, datatype)
        case _:
            raise MalformedError("JSON-LD: a value is not accepted here")


def _double(value: float) -> str:
    """The canonical form of an xsd:double: one digit before the point, no zeros at the end."""
    mantissa, exponent = f"{value:.15E}".split("E")
    digits = mantissa.rstrip("0")
    return f"{digits}0E{int(exponent)}" if digits.endswith(".") else f"{digits}E{int(exponent)}"
