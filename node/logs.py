"""The operator's log: event names with allow-listed fields, as text or JSON lines on standard error.

Never a body, token, presentation, citizen number or query string, at any level: a field that is not listed here is dropped, so
a careless ``extra`` can not leak. Of other libraries' records only name and level are written, for the same reason, and below
WARNING they are left out.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO
from urllib.parse import urlsplit

from node.audit.pseudonym import redact_bsn

FIELDS = (
    "subject", "service", "peer", "origin", "code", "error", "usecase", "step", "status", "count", "ms", "reference",
    "exchange", "address", "port", "rule", "state", "seq", "work", "kid", "did", "remedy", "reason", "cause", "scope", "lane",
    "grant_id", "of_these", "oauth_error", "server",
)  # fmt: skip
"""Members of a record that may be written."""

_ADDRESSES = frozenset({"server", "origin"})
"""Of these only scheme, host and port are written: the rest of an address may say whom it is about."""

_OURS_ALONE = frozenset({"reference", "grant_id", "exchange"})
"""Made by chance here; in all others a citizen number is struck out, should one get there."""

_UNREADABLE = "an unreadable address"
_MAX_VALUE = 300


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {name: _field(name, record.__dict__[name]) for name in FIELDS if name in record.__dict__}
        # another library's words may hold what it was given
        event = (
            _plain(redact_bsn(record.getMessage()))
            if _is_ours(record)
            else f"{record.name}: {record.levelname.lower()}"
        )
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = record.exc_info[0].__name__
        if self._as_json:
            return json.dumps(
                {"at": at, "level": record.levelname.lower(), "event": event, **fields}, ensure_ascii=True
            )
        tail = "".join(f" {name}={value}" for name, value in fields.items())
        return f"{at} {record.levelname.lower():7} {event}{tail}"


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Let a line that can not be written be lost: what logging would print instead quotes it."""


def log_handler(stream: TextIO, form: Literal["text", "json"]) -> logging.Handler:
    """Return what writes log lines to ``stream``."""
    handler = _Handler(stream)
    handler.setFormatter(_Formatter(as_json=form == "json"))
    handler.addFilter(lambda record: _is_ours(record) or record.levelno >= logging.WARNING)
    return handler


def set_up_logs(level: Literal["debug", "info", "warning", "error"], form: Literal["text", "json"]) -> None:
    """Send the log of this process to standard error."""
    root = logging.getLogger()
    root.handlers[:] = [log_handler(sys.stderr, form)]
    root.setLevel(level.upper())


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == "node" or record.name.startswith("node.")


def _field(name: str, value: object) -> str | int:
    if isinstance(value, int):
        return value
    text = _origin(value) if name in _ADDRESSES else str(value)
    return _plain(text if name in _OURS_ALONE else redact_bsn(text))


def _origin(address: object) -> str:
    try:
        parts = urlsplit(str(address))
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE
    if not host:
        return _UNREADABLE
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _plain(text: str) -> str:
    """Return ``text`` on one line; what could steer a terminal or start a new line is shown as a question mark."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[: _MAX_VALUE + 1])
    return shown if len(shown) <= _MAX_VALUE else f"{shown[:_MAX_VALUE]}…"
