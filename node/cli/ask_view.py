"""``hazel ask USECASE --view NAME``: the answer as one view, in lines; what is missing is said in it, section by section."""

from collections.abc import Iterator
from typing import Any

from node.cli.output import members, pick, show, word

VIEWS = ("timeline", "care-team", "medication", "essentials", "discharge")
_STATES = {
    "ok": "",
    "none_recorded": "nothing recorded, by anybody who was asked",
    "not_available": "NOT AVAILABLE",
    "not_asked": "NOT ASKED: nobody was asked about this",
}


def show_view(view: dict[str, Any]) -> None:
    """Print a view of the node."""
    for line in _lines(view):
        show(line)


def _lines(view: dict[str, Any]) -> Iterator[str]:
    asked = ", ".join(f"{word(each, 'ura')} {word(each, 'name')}" for each in members(view, "asked"))
    yield f"asked: {asked or 'NOBODY'}"
    for each in members(view, "not_asked"):
        yield f"not asked: {word(each, 'ura')} {word(each, 'name')} ({word(each, 'reason').replace('_', ' ')})"
    yield ""
    yield from _items(members(view, "items"))
    for section in members(view, "sections"):
        yield from _section(word(section, "title", "en"), section, members(section, "items"))
    network = pick(view, "network")
    if network is not None:
        yield from _section("Care team", network, [])
        for each in members(network, "members"):
            numbers = ", ".join(f"{word(one, 'number')} ({word(one, 'from')})" for one in members(each, "telephones"))
            roles = ", ".join(word(one) for one in members(each, "roles"))
            yield f"  {word(each, 'name')} | {word(each, 'kind')} | {roles or '-'} | {numbers or 'no telephone number known'}"
        if pick(network, "more") is True:
            yield "  … and MORE than are listed"
    yield from _medication(view)
    for each in members(view, "conflicts"):
        yield f"DIFFERENCE about {word(each, 'topic')} ({word(each, 'code').replace('_', ' ')}): {word(each, 'detail')}"
    missing = members(view, "missing")
    if missing or pick(view, "complete") is not True:
        yield "NOT COMPLETE; missing:" if missing else "NOT COMPLETE"
    for each in missing:
        yield f"  {word(each, 'holder')} {word(each, 'holder_name')} | {_what(each)}: not available ({_plain(each)})"
    yield f"{word(view, 'ms')} ms; audit records {word(view, 'audit')}"


def _medication(view: dict[str, Any]) -> Iterator[str]:
    for name in ("medication", "allergies"):
        section = pick(view, name)
        if section is None:
            continue
        yield from _section(name.capitalize(), section, members(section, "items"))
        for group in members(section, "groups"):
            not_at = ", ".join(word(each) for each in members(group, "not_at"))
            yield f"  {word(group, 'substance')}{f'  (not at {not_at})' if not_at else ''}"
            for line in members(group, "lines"):
                yield f"    {word(line, 'date')}  {word(line, 'kind')}: {word(line, 'dosage')} [{word(line, 'status')}]  {_holder(line)}"


def _section(title: str, section: Any, items: list[Any]) -> Iterator[str]:
    state = _STATES.get(word(section, "state"), word(section, "state"))
    yield f"{title}{f': {state}' if state else ''}"
    yield from _items(items)
    for each in members(section, "missing"):
        yield f"  {word(each, 'holder')} {word(each, 'holder_name')} | {_what(each)}: not available ({_plain(each)})"


def _items(items: list[Any]) -> Iterator[str]:
    for each in items:
        yield f"  {word(each, 'date')}  {word(each, 'type')}  {word(each, 'text')}  {_holder(each)}"


def _holder(line: Any) -> str:
    return f"{word(line, 'holder')} {word(line, 'holder_name')}"


def _what(missing: Any) -> str:
    return word(missing, "title", "en") if pick(missing, "title") is not None else "as a whole"


def _plain(missing: Any) -> str:
    return word(missing, "state").replace("_", " ")
