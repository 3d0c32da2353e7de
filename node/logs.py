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

FIELDS = (
    "subject", "service", "peer", "origin", "code", "error", "usecase", "step", "status", "count", "ms", "reference",
    "exchange", "address", "port", "rule", "state", "seq", "work", "kid", "did", "remedy", "reason",
)  # fmt: skip
"""Members of a record that may be written."""

_MAX_VALUE = 300


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {name: _plain(record.__dict__[name]) for name in FIELDS if name in record.__dict__}
        # another library's words may hold what it was given
        event = _plain(record.getMessage()) if _is_ours(record) else f"{record.name}: {record.levelname.lower()}"
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


def _plain(value: object) -> str | int:
    """Return ``value`` on one line; what could steer a terminal or start a new line is shown as a question mark."""
    if isinstance(value, int):
        return value
    text = "".join(sign if sign.isprintable() else "?" for sign in str(value)[: _MAX_VALUE + 1])
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"
