"""``hazel map`` at a terminal."""

from typing import Any

from tests.node.cli.desk import Desk

PATH = "/internal/map/v1/gouwe"
JOIN = {"code": "we_not_registered", "whose": "ours", "detail": "we are not in S", "remedy": "hazel discovery join S"}
ASK = {"code": "not_registered", "whose": "theirs", "detail": "they are not in S", "remedy": "ask them"}


def a_cell(*missing: dict[str, str], statement: str | None = "said") -> dict[str, Any]:
    return {
        "state": "missing" if missing else "ready",
        "next": missing[0] if missing else None,
        "missing": list(missing),
        "endpoint": None,
        "fhir_version": None,
        "statement": statement,
    }


def a_row(ura: str, ask: Any, answer: Any) -> dict[str, Any]:
    cells = {"ha-vvt": {"ask": ask, "answer": answer}}
    return {"ura": ura, "name": f"Zorg {ura}", "city": "Gouda", "facility_type": "Z3", "cells": cells}


def a_map(*rows: dict[str, Any], more: int = 0) -> dict[str, Any]:
    return {"own": {}, "usecases": [{"id": "ha-vvt"}], "organisations": list(rows), "more": more}


async def test_each_cell_says_what_works_or_the_cheapest_step(node: Desk) -> None:
    rows = (
        a_row("1", a_cell(), a_cell()),
        a_row("2", a_cell(statement="closed"), None),
        a_row("3", a_cell(JOIN, ASK), None),
        a_row("4", None, None),
    )
    node.says("GET", PATH, a_map(*rows, more=7))
    ran = await node.hazel("map")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["URA", "NAME", "KIND", "ha-vvt"]
    assert [line[4:] for line in lines[1:5]] == [["ask", "answer"], ["ask?"], ["(ask:", "we_not_registered)"], ["."]]
    assert "and 7 more" in ran.out
    assert "1 x we: hazel discovery join S" in ran.out
    assert "ask them" not in ran.out, "only the cheapest step of each"
    assert ran.code == 0


async def test_of_one_organisation_every_step_is_listed(node: Desk) -> None:
    node.says("GET", PATH, a_map(a_row("90000102", a_cell(JOIN, ASK), None)))
    ran = await node.hazel("map", "--ura", "90000102", "--all", "--no-look", "--usecase", "ha-vvt")
    assert "1 x Zorg 90000102: ask them" in ran.out
    assert node.asked[0].query == "inactive=true&look=false&usecase=ha-vvt&ura=90000102"


async def test_an_empty_map_says_where_to_look(node: Desk) -> None:
    node.says("GET", PATH, a_map())
    assert "hazel discovery status" in (await node.hazel("map")).out
    assert (await node.hazel("map", "--json")).json == a_map()
