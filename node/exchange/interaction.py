"""What a peer asks, read from method, path, query and body: one Interaction in which nothing was dropped.

A FHIR server combines the parameters of URL and body (REAL.md, surprise 4), decodes paths, and knows operations, batches
and compartments that reach far. So everything is read here once, strictly: what could be read in two ways is refused at once,
and what was understood becomes one value that the allow-list compares whole (``allowlist.py``), chained searches, ``_has``,
``_include``, ``_format``, ``_elements``, ``_filter`` and every other parameter among its ``params``. After this the raw text of
the peer is never used again: the holder forwards a request of its own making.
"""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_to_bytes

from node.exchange.target import METHODS, Kind, read_target
from node.exchange.unlisted import NotAllowedError
from node.usecases.identifiers import BSN_MARKS, is_bsn
from node.usecases.model import FhirVersion
from node.usecases.plan import FORM_TYPE

__all__ = ["CURSOR_PARAMETER", "MAX_BODY", "Interaction", "Kind", "NotAllowedError"]

MAX_PATH = 256
"""Characters behind the base; a type, an id and a slash are 130."""
MAX_QUERY = 8_192
MAX_BODY = 16_384
"""Bytes of a form, and of a resource that is written."""
MAX_PARAMETERS = 32
MAX_VALUE = 2_048
CURSOR_PARAMETER = "_cursor"
"""Our own paging links: ``{base}/{Type}?_cursor=…`` (``cursor.py``)."""
KNOWN_OPERATIONS = frozenset(
    {
        "$lastn", "$match", "$everything", "$document", "$graphql", "$export", "$validate", "$process-message",
        "$expand", "$lookup", "$translate", "$meta", "$stats", "$transform", "$apply", "$find-matches",
    }
)  # fmt: skip
"""Those that a record may name."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:\-]{0,127}\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RAW_PIECE = re.compile(r"[!-~]*\Z")
_NINE_DIGITS = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_FORM_TYPE = re.compile(r'application/x-www-form-urlencoded(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*\Z', re.IGNORECASE)
_JSON_TYPE = re.compile(
    r'application/(?:fhir\+)?json(?:\s*;\s*(?:charset\s*=\s*"?utf-8"?|fhirVersion\s*=\s*"?[0-9.]{1,8}"?)){0,2}\s*\Z',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One FHIR request, whole.

    Attributes:
        type: resource type; empty where the request is about the system as a whole.
        id: logical id of a read or write, else empty.
        operation: ``$lastn`` and the like, else empty.
        params: names and decoded values of URL and body together, sorted; may hold a BSN.
        cursor: of a ``page``, else empty. Sealed text, not yet opened.
        content: JSON of a write, a batch or an operation as it came, not yet looked into; may hold anything.
        json: whether ``content`` calls itself FHIR JSON.
        get: whether it came by GET; a search may come by POST as well, an operation is another one then.
        member: resource type within a compartment; ``version`` of a ``vread``.
    """

    kind: Kind
    type: str = ""
    id: str = ""
    operation: str = ""
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fhir_version: FhirVersion
    cursor: str = field(default="", repr=False)
    content: bytes = field(default=b"", repr=False)
    json: bool = False
    get: bool = True
    member: str = ""
    version: str = ""

    @property
    def summary(self) -> str:
        """Short text for audit and screens, without parameters: ``search Observation``.

        An operation stands there by its name only where FHIR knows it: a name may be anything that the peer wrote.
        """
        operation = self.operation if self.operation in KNOWN_OPERATIONS else ""
        return " ".join(word for word in (self.kind, self.type, operation) if word)

    @classmethod
    def parse(
        cls,
        method: str,
        raw_path: str,
        raw_query: str,
        content_type: str | None,
        body: bytes,
        *,
        fhir_version: FhirVersion,
    ) -> Self:
        """Read a request. Total: any input gives a value or the one error.

        Args:
            method: as received.
            raw_path: behind the FHIR base, percent-encoding as received, with or without leading slash.
            raw_query: behind the question mark, as received.
            content_type: header value, ``None`` when absent.
            body: as received.
            fhir_version: of the base that was called.

        Raises:
            NotAllowedError: not understood; what is understood and never allowed, the allow-list says.
        """
        # (1) methods that FHIR gives a meaning
        if method not in METHODS:
            raise NotAllowedError("method_not_allowed", "FHIR gives this method no meaning")
        # (2) sizes before anything looks inside
        if len(raw_path) > MAX_PATH or len(raw_query) > MAX_QUERY or len(body) > MAX_BODY:
            raise NotAllowedError("too_long", "path, query or body is longer than any request here needs")
        # (3) a BSN in a URL is in logs before we see it: refused whatever the request is
        if _marks_bsn(raw_path) or _marks_bsn(raw_query):
            raise NotAllowedError("bsn_in_url", "a citizen service number stands in the URL")
        # (4) the path: plain text, no escapes, no climbing
        target = read_target(method, raw_path)
        # (5) parameters of the URL
        query = _read_pairs(raw_query)
        if any(_gives_bsn_away(name, value) for name, value in query):
            raise NotAllowedError("bsn_in_url", "a citizen service number stands in the URL")
        # (6) the body: parameters only where a form is expected, JSON only where something is written or sent to an operation
        form = _read_form(content_type, body) if target.form else ()
        content = b"" if target.form else _read_content(method, body)
        # (7) one parameter, one place; nothing said twice in the same words
        if {name for name, _ in query} & {name for name, _ in form}:
            raise NotAllowedError("parameter_twice", "a parameter stands in both URL and body")
        params = (*query, *form)
        if len(params) > MAX_PARAMETERS:
            raise NotAllowedError("too_long", f"more than {MAX_PARAMETERS} parameters")
        if len(set(params)) != len(params):
            raise NotAllowedError("parameter_twice", "a parameter is repeated with the same value")
        # (8) our own paging link
        kind, cursor = target.kind, ""
        if any(name == CURSOR_PARAMETER for name, _ in params):
            if method != "GET" or kind != "search" or len(params) != 1:
                raise NotAllowedError("parameters_not_listed", "a paging link is followed as it was given")
            kind, cursor, params = "page", params[0][1], ()
        return cls(
            kind=kind,
            type=target.type,
            id=target.id,
            operation=target.operation,
            params=tuple(sorted(params)),
            fhir_version=fhir_version,
            cursor=cursor,
            content=content,
            json=_JSON_TYPE.match((content_type or "").strip()) is not None,
            get=method == "GET",
            member=target.member,
            version=target.version,
        )


def _read_form(content_type: str | None, body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a posted form."""
    if content_type is None and not body:
        return ()
    if content_type is None or _FORM_TYPE.match(content_type.strip()) is None:
        raise NotAllowedError("content_type_not_allowed", f"a search is posted as {FORM_TYPE}")
    if not body.isascii():
        raise NotAllowedError("malformed_parameters", "a form is ASCII with percent-encoding")
    return _read_pairs(body.decode("ascii"))


def _read_content(method: str, body: bytes) -> bytes:
    """Return the body of a write, a batch or an operation; nothing else has one."""
    if body and method not in ("POST", "PUT", "PATCH"):
        raise NotAllowedError("body_not_allowed", f"a {method} has no body")
    return body


def _read_pairs(raw: str) -> tuple[tuple[str, str], ...]:
    """Return the decoded names and values of a query or form, in order, none left out."""
    if not raw:
        return ()
    pieces = raw.split("&")
    if len(pieces) > MAX_PARAMETERS:
        raise NotAllowedError("too_long", f"more than {MAX_PARAMETERS} parameters")
    pairs = []
    for piece in pieces:
        raw_name, equals, raw_value = piece.partition("=")
        name, value = _decode(raw_name), _decode(raw_value)
        if not equals or _NAME.match(name) is None:
            raise NotAllowedError("malformed_parameters", "a parameter is not name=value")
        if not value or len(value) > MAX_VALUE:
            raise NotAllowedError("malformed_parameters", "a parameter is empty or too long")
        pairs.append((name, value))
    return tuple(pairs)


def _decode(raw: str) -> str:
    """Percent-decode once, strictly: whole escapes, UTF-8, no control characters and no invisible ones."""
    if _RAW_PIECE.match(raw) is None or _BAD_ESCAPE.search(raw) is not None:
        raise NotAllowedError("malformed_parameters", "a parameter is not percent-encoded properly")
    if "%" not in raw and "+" not in raw:
        return raw
    try:
        text = unquote_to_bytes(raw.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise NotAllowedError("malformed_parameters", "a parameter is not UTF-8") from None
    if not text.isprintable():
        raise NotAllowedError("malformed_parameters", "a parameter holds a control character")
    return text


def _marks_bsn(text: str) -> bool:
    """Tell whether ``text`` names the system that citizen service numbers are of."""
    lowered = text.lower()
    return any(mark in lowered for mark in BSN_MARKS)


def _gives_bsn_away(name: str, value: str) -> bool:
    """Tell whether a decoded parameter names the BSN's system, also encoded twice, or is an identifier that is a BSN."""
    if _marks_bsn(value) or ("%" in value and _marks_bsn(unquote_to_bytes(value).decode(errors="replace"))):
        return True
    return "identifier" in name.lower() and any(is_bsn(found) for found in _NINE_DIGITS.findall(value))
