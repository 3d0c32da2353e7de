"""The operator's log: what may be written is written, and nothing else, whoever is careless."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.logs import FIELDS, log_handler, set_up_logs

SECRET = "999990135"


@contextmanager
def logging_to(form: Literal["text", "json"] = "text") -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root, handler = logging.getLogger(), log_handler(stream, form)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def test_a_line_has_a_time_a_level_an_event_and_its_fields() -> None:
    with logging_to() as text, logging_to("json") as lines:
        logging.getLogger("node.x").warning("something happened", extra={"peer": "00002222", "ms": 12})
    assert text.getvalue().endswith(" warning something happened peer=00002222 ms=12\n")
    line = json.loads(lines.getvalue())
    assert line.pop("at").endswith("+00:00")
    assert line == {"level": "warning", "event": "something happened", "peer": "00002222", "ms": 12}


@pytest.mark.parametrize(
    "name", ["body", "token", "query", "patient", "bsn", "url", "path", "user", "headers", "args_"]
)
def test_a_field_that_is_not_listed_is_dropped_at_every_level(name: str) -> None:
    assert name not in FIELDS
    with logging_to() as text, logging_to("json") as lines:
        for level in (logging.DEBUG, logging.INFO, logging.CRITICAL):
            logging.getLogger("node.x").log(level, "event", extra={name: SECRET})
    assert SECRET not in text.getvalue() + lines.getvalue()
    assert text.getvalue().count("event") == 3


@pytest.mark.parametrize("name", ["aiohttp.server", "sqlalchemy.engine", "asyncio", "nodes", "nodeenv.x", "", "Node.x"])
def test_what_other_libraries_say_is_not_repeated(name: str) -> None:
    with logging_to() as text, logging_to("json") as lines:
        logger = logging.getLogger(name or None)
        logger.error("could not store %s", SECRET)
        logger.warning(SECRET, extra={"unlisted": SECRET})
        logger.info(SECRET)
        logger.debug(SECRET)
    told = text.getvalue() + lines.getvalue()
    assert SECRET not in told
    assert text.getvalue().count("\n") == 2  # below a warning they are left out
    assert f"{name or 'root'}: error" in text.getvalue()


def test_an_exception_is_told_by_its_kind_alone() -> None:
    error = ValueError(SECRET)
    with logging_to() as text, logging_to("json") as lines:
        for name in ("node.x", "aiohttp.server"):
            logging.getLogger(name).error("it broke", exc_info=error, stack_info=True)
    told = text.getvalue() + lines.getvalue()
    assert SECRET not in told
    assert "Traceback" not in told
    assert text.getvalue().count("error=ValueError") == 2


def test_of_an_address_only_the_origin_is_written() -> None:
    with logging_to("json") as lines:
        for address in (
            f"https://u:{SECRET}@x.example:8443/{SECRET}?{SECRET}#{SECRET}",
            f"https://[{SECRET}",
            SECRET,
            None,
        ):
            logging.getLogger("node.x").info("event", extra={"server": address, "origin": address})
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["server"] for line in told] == ["https://x.example:8443", *["an unreadable address"] * 3]
    assert SECRET not in lines.getvalue()


def test_a_citizen_number_that_got_into_a_listed_field_is_struck_out() -> None:
    with logging_to() as text, logging_to("json") as lines:
        did = f"did:web:x.example:iam:{SECRET}"
        logging.getLogger("node.x").info(
            "event %s", SECRET, extra={"did": did, "reason": SECRET, "reference": "ab" * 8}
        )
    assert SECRET not in text.getvalue() + lines.getvalue()
    assert "did=did:web:x.example:iam:[bsn]" in text.getvalue()
    assert "abababababababab" in text.getvalue()


def test_a_line_that_can_not_be_written_is_lost_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    stream = io.StringIO()
    handler = log_handler(stream, "text")
    handler.handle(logging.makeLogRecord({"name": "node.x", "msg": "%d", "args": (SECRET,)}))
    handler.handle(logging.makeLogRecord({"name": "node.x", "msg": "event", "reason": Unwritable()}))
    handler.handle(logging.makeLogRecord({"name": "node.x", "msg": "the next one"}))
    assert SECRET not in stream.getvalue() + "".join(capsys.readouterr())
    assert "the next one" in stream.getvalue()


@given(value=st.text(max_size=500))
def test_one_record_is_one_line_whatever_stands_in_it(value: str) -> None:
    with logging_to() as text, logging_to("json") as lines:
        logging.getLogger("node.x").info("event", extra={"reason": value})
    assert len(text.getvalue().splitlines()) == 1
    assert len(lines.getvalue().splitlines()) == 1
    assert "\x1b" not in text.getvalue()
    assert len(json.loads(lines.getvalue())["reason"]) <= 301


def test_set_up_replaces_what_was_there_and_takes_the_level() -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        set_up_logs("warning", "json")
        assert [type(handler).__name__ for handler in root.handlers] == ["_Handler"]
        assert root.level == logging.WARNING
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_the_code_logs_fixed_words_and_listed_fields_only() -> None:
    """Events are literals: what varies goes into ``extra``, where it is filtered. Fields that are dropped are not given."""
    wrong: list[str] = []
    for file in sorted(Path("node").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        fixed = _fixed_names(tree)
        for call in _logging_calls(tree):
            where = f"{file}:{call.lineno}"
            if len(call.args) != 1 or not _is_fixed(call.args[0], fixed):
                wrong.append(f"{where}: the event is not one fixed text")
            for keyword in call.keywords:
                if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
                    names = {key.value for key in keyword.value.keys if isinstance(key, ast.Constant)}
                    wrong += [f"{where}: {name!r} is dropped" for name in names if name not in FIELDS]
    assert not wrong, "\n".join(wrong)


def _logging_calls(tree: ast.AST) -> Iterator[ast.Call]:
    levels = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    for found in ast.walk(tree):
        match found:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=level)) if level in levels:
                yield found
            case _:
                pass


def _fixed_names(tree: ast.AST) -> frozenset[str]:
    """Names that are given a fixed text, and nothing else, in this module."""
    given: dict[str, list[ast.expr]] = {}
    for found in ast.walk(tree):
        match found:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                given.setdefault(name, []).append(value)
            case _:
                pass
    return frozenset(name for name, values in given.items() if all(_is_fixed(value) for value in values))


def _is_fixed(text: ast.expr, names: frozenset[str] = frozenset()) -> bool:
    match text:
        case ast.Constant(value=str()):
            return True
        case ast.Name(id=name):
            return name in names
        case ast.IfExp(body=body, orelse=orelse):
            return _is_fixed(body) and _is_fixed(orelse)
        case _:
            return False
