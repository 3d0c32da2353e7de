"""What a peer asks, read from method, path, query and form body: one Interaction in which nothing was dropped.

A FHIR server combines the parameters of URL and body (REAL.md, surprise 4), decodes paths, and knows operations, batches
and compartments that reach far. So everything is read here once, strictly, and what is not understood is refused; after
this the raw text of the peer is never used again: the holder forwards a request of its own making (``allowlist.py``).
"""

import re
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import unquote_to_bytes

from node.usecases.identifiers import BSN_MARKS, is_bsn, is_fhir_id, is_resource_type
from node.usecases.model import FhirVersion
from node.usecases.plan import FORM_TYPE

MAX_PATH = 256
"""Characters behind the base; a type, an id and a slash are 130."""
MAX_QUERY = 8_192
MAX_BODY = 16_384
MAX_PARAMETERS = 32
MAX_VALUE = 2_048
CURSOR_PARAMETER = "_cursor"
"""Our own paging links: ``{base}/{Type}?_cursor=…`` (``cursor.py``)."""

Kind = Literal["search", "read", "page", "capabilities"]

_PLAIN_PATH = re.compile(r"[A-Za-z0-9._$\-/]*\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:\-]{0,127}\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RAW_PIECE = re.compile(r"[!-~]*\Z")
_NINE_DIGITS = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_FORM_TYPE = re.compile(r'application/x-www-form-urlencoded(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*\Z', re.IGNORECASE)


class NotAllowedError(Exception):
    """A request that nobody may make here.

    Attributes:
        code: stable reason, for our operator; a peer learns only that it was refused.
        message: a sentence without the peer's text: that may hold a BSN or clinical words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One FHIR request, whole.

    Attributes:
        type: resource type; empty for ``capabilities``.
        id: logical id of a read, else empty.
        params: names and decoded values of URL and body together, sorted; may hold a BSN.
        cursor: of a ``page``, else empty. Sealed text, not yet opened.
    """

    kind: Kind
    type: str = ""
    id: str = ""
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fhir_version: FhirVersion
    cursor: str = field(default="", repr=False)

    @property
    def summary(self) -> str:
        """Short text for audit and screens, without parameters: ``search Observation``."""
        return f"{self.kind} {self.type}".strip()

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
            NotAllowedError: not understood, or never allowed.
        """
        # (1) methods: reading only; HEAD and OPTIONS answer questions too
        if method not in ("GET", "POST"):
            raise NotAllowedError("method_not_allowed", "only GET and POST are understood here")
        # (2) sizes before anything looks inside
        if len(raw_path) > MAX_PATH or len(raw_query) > MAX_QUERY or len(body) > MAX_BODY:
            raise NotAllowedError("too_long", "path, query or body is longer than any request here needs")
        # (3) a BSN in a URL is in logs before we see it: refused whatever the request is
        if _marks_bsn(raw_path) or _marks_bsn(raw_query):
            raise NotAllowedError("bsn_in_url", "a citizen service number stands in the URL")
        # (4) the path: plain text, no escapes, no climbing
        kind, resource_type, resource_id = _read_path(method, raw_path)
        # (5) parameters of the URL
        query = _read_pairs(raw_query)
        if any(_gives_bsn_away(name, value) for name, value in query):
            raise NotAllowedError("bsn_in_url", "a citizen service number stands in the URL")
        # (6) parameters of the body, only where a form is expected
        form = _read_form(method, content_type, body)
        # (7) one parameter, one place; nothing said twice in the same words
        if {name for name, _ in query} & {name for name, _ in form}:
            raise NotAllowedError("parameter_twice", "a parameter stands in both URL and body")
        params = (*query, *form)
        if len(params) > MAX_PARAMETERS:
            raise NotAllowedError("too_long", f"more than {MAX_PARAMETERS} parameters")
        if len(set(params)) != len(params):
            raise NotAllowedError("parameter_twice", "a parameter is repeated with the same value")
        # (8) our own paging link
        cursor = ""
        if any(name == CURSOR_PARAMETER for name, _ in params):
            if method != "GET" or kind != "search" or len(params) != 1:
                raise NotAllowedError("parameters_not_listed", "a paging link is followed as it was given")
            kind, cursor, params = "page", params[0][1], ()
        if kind == "read" and any(name != "_format" for name, _ in params):
            raise NotAllowedError("parameters_not_listed", "a read takes no parameters")
        return cls(
            kind=kind,
            type=resource_type,
            id=resource_id,
            params=tuple(sorted(params)),
            fhir_version=fhir_version,
            cursor=cursor,
        )


def _read_path(method: str, raw_path: str) -> tuple[Kind, str, str]:
    """Return kind, type and id for a path behind the base."""
    if _PLAIN_PATH.match(raw_path) is None:
        raise NotAllowedError("path_not_plain", "the path holds escapes or characters that no FHIR path needs")
    parts = raw_path.removeprefix("/").split("/")
    if any(part in (".", "..") for part in parts):
        raise NotAllowedError("path_not_plain", "the path climbs")
    if parts == [""]:
        if method == "POST":
            raise NotAllowedError("batch_not_allowed", "batches and transactions are not taken apart here")
        raise NotAllowedError("system_search_not_allowed", "a search names its resource type")
    if "" in parts:
        raise NotAllowedError("path_not_plain", "the path holds an empty part")
    if any(part.startswith("$") for part in parts):
        raise NotAllowedError("operation_not_allowed", "this operation is not listed")
    if "_history" in parts:
        raise NotAllowedError("history_not_allowed", "older versions are not given")
    if parts == ["metadata"] and method == "GET":
        return "capabilities", "", ""
    if not is_resource_type(parts[0]):
        raise NotAllowedError("not_listed", "the path does not start with a resource type")
    if method == "POST":
        if len(parts) == 2 and parts[1] == "_search":  # noqa: PLR2004  # type and _search
            return "search", parts[0], ""
        raise NotAllowedError("write_not_allowed", "nothing is written here")
    if len(parts) == 1:
        return "search", parts[0], ""
    if len(parts) == 2 and is_fhir_id(parts[1]):  # noqa: PLR2004  # type and id
        return "read", parts[0], parts[1]
    raise NotAllowedError("not_listed", "the path is longer than a type and an id")


def _read_form(method: str, content_type: str | None, body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the body; a GET has none."""
    if method == "GET":
        if body:
            raise NotAllowedError("body_not_allowed", "a GET has no body")
        return ()
    if content_type is None and not body:
        return ()
    if content_type is None or _FORM_TYPE.match(content_type.strip()) is None:
        raise NotAllowedError("content_type_not_allowed", f"a search is posted as {FORM_TYPE}")
    if not body.isascii():
        raise NotAllowedError("malformed_parameters", "a form is ASCII with percent-encoding")
    return _read_pairs(body.decode("ascii"))


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
