"""``hazel usecase list | show | check | diff | schema | sign``: use case files. Works without a running node, and without a node."""

import argparse
from typing import Any

from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import (
    DONE,
    NOTHING,
    CommandError,
    members,
    show,
    show_json,
    show_pairs,
    show_table,
    word,
)
from node.cli.usecase_changes import add_file_verbs, config_of
from node.cli.usecase_files import known_usecases
from node.usecases.listing import public_listing
from node.usecases.listing import show as listing_of
from node.usecases.load import usecase_id


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_json_option(add_verb(verbs, "list", "the use cases there are, and which of them are on here", _list))
    shown = add_verb(verbs, "show", "one use case: what is asked, and what is let through", _show)
    shown.add_argument("usecase", metavar="ID")
    add_json_option(shown)
    add_file_verbs(verbs)


def _list(arguments: argparse.Namespace) -> int:
    config = config_of(arguments)
    active = [usecase_id(each) for each in config.usecases] if config is not None else []
    listed: list[dict[str, Any]] = public_listing(known_usecases(config).values())["use_cases"]
    for one in listed:
        one["active"] = one["id"] in active
    if arguments.json:
        show_json({"use_cases": listed})
    else:
        show_table(
            ("ID", "VERSION", "ON", "WIRE SCOPE", "PURPOSES", "TITLE"),
            [
                [
                    *(word(one, name) for name in ("id", "version", "active", "wire_scope", "purposes")),
                    word(one, "title", "en"),
                ]
                for one in listed
            ],
        )
    return DONE


def _show(arguments: argparse.Namespace) -> int:
    known = known_usecases(config_of(arguments))
    loaded = known.get(arguments.usecase)
    if loaded is None:
        raise CommandError(f"there is no use case {arguments.usecase}", f"there are: {', '.join(known)}")
    listing = listing_of(loaded)
    if arguments.json:
        show_json(listing)
    else:
        _show_listing(listing)
    return DONE


def _show_listing(listing: dict[str, Any]) -> None:
    show(f"{word(listing, 'id')} {word(listing, 'version')}: {word(listing, 'title', 'en')}")
    names = (
        "wire_scope", "scope_policy", "discovery_service", "purposes", "user_roles", "evidence", "assurance", "legal_bases",
        "break_the_glass", "existence", "data_category", "on_request", "deadline_ms", "step_deadline_ms", "audit_code", "pilot",
        "imports", "write_back", "trust_anchors", "digest",
    )  # fmt: skip
    source = f"{word(listing, 'source', 'specification')} ({word(listing, 'source', 'date')})"
    if (not_yet := word(listing, "source", "not_yet")) != NOTHING:
        show(f"not usable yet: {not_yet}")
    show_pairs([*((name.replace("_", " "), word(listing, name)) for name in names), ("source", source)])
    for table in members(listing, "tables"):
        show("")
        show(
            f"{word(table, 'id')}: {word(table, 'title', 'en')} "
            f"({word(table, 'asker_types')} asks {word(table, 'holder_types')}, FHIR {word(table, 'fhir_version')})"
        )
        for step in members(table, "steps"):
            tier = "" if word(step, "tier") == "handed_over" else f" [{word(step, 'tier')}]"
            show(f"  {word(step, 'id')}: {word(step, 'title', 'en')}{tier}")
            asks = word(step, "asks")
            show(f"    asks, and lets through  {asks}")
            for line in members(step, "lets_through"):
                if line != asks:
                    show(f"    lets through too        {word(line)}")
            included = word(step, "types", "included")
            back = word(step, "types", "matched") + (f", with {included}" if included != NOTHING else "")
            show(f"    may come back           {back}")
            if (note := word(step, "note")) != NOTHING:
                show(f"    note                    {note}")
        for write in members(table, "writes"):
            show(f"  {word(write, 'id')}: {word(write, 'title', 'en')}")
            show(f"    may be written          {word(write, 'request')}")
