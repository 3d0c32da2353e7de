"""The questions of docs/use-cases.md are asked: one node asks another, in front of HAPI, and gets what is there.

``care-planning.yaml`` is a use case that is not shipped; its file is all there is of it. The page tells how it was added.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from examples.region.hapi import load
from node.exchange.question import Question
from node.usecases.load import LoadedUseCase, load_shipped, read_local
from tests.hapi.citizen import ASKED, FOUND, FOUND_IN, OTHER, citizen
from tests.hapi.two_nodes import Pair, TwoNodes, two_nodes

pytestmark = [
    pytest.mark.hapi,
    pytest.mark.timeout(900),  # the first test of a run waits for HAPI to start
    pytest.mark.xdist_group("hapi"),
    pytest.mark.asyncio(loop_scope="module"),
]

PAGE = Path(__file__).parents[2] / "docs" / "use-cases.md"
NEW = Path(__file__).with_name("care-planning.yaml")
HOLDER = "90000105"
BETWEEN_HOSPITALS = ("medication", "bgz", "acute", "care-team", "360", "zorginzage", "lab")
OF_HOME_CARE = {"ha-vvt": "gp-reads-home-care", "bglz": "bglz-r4"}
"""Use case -> the table by which a general practitioner asks home care, which has a server of either version."""
LOADED = {each.usecase.id: each for each in (*load_shipped(), read_local(NEW))}


def _example(usecase: str) -> dict[str, Any]:
    """Return the question that the page shows for a use case."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {usecase}\n")[2].partition("\n## ")[0]
    found = re.search(r"```json\n(.*?)\n```", section, re.DOTALL)
    assert found is not None, usecase
    question: dict[str, Any] = json.loads(found[1])
    Question.model_validate(question)
    return question


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hospitals(hapi_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoNodes]:
    load(hapi_server, [*citizen(ASKED, "r4"), *citizen(OTHER, "r4")])
    pinned = f"{NEW.stem}@sha256:{hashlib.sha256(NEW.read_bytes()).hexdigest()}"
    pair = Pair(
        usecases=(*BETWEEN_HOSPITALS, pinned),
        services=tuple(LOADED[each].usecase.discovery_service for each in (*BETWEEN_HOSPITALS, NEW.stem)),
        holder_type="V6",
        own_files=NEW.parent,
    )
    async with two_nodes(Path(tmp_path_factory.mktemp("hospitals")), hapi_server, pair) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home_care(
    hapi_server: str, hapi_stu3: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TwoNodes]:
    load(hapi_server, [*citizen(ASKED, "r4"), *citizen(OTHER, "r4")])
    load(hapi_stu3, [*citizen(ASKED, "stu3"), *citizen(OTHER, "stu3")])
    pair = Pair(
        usecases=tuple(OF_HOME_CARE),
        services=tuple(LOADED[each].usecase.discovery_service for each in OF_HOME_CARE),
        asker_type="Z3",
        holder_type="T2",
    )
    bases = {"r4": hapi_server, "stu3": hapi_stu3}
    async with two_nodes(Path(tmp_path_factory.mktemp("home care")), bases, pair) as running:
        yield running


async def _asked(nodes: TwoNodes, usecase: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await nodes.call(f"/exchange/v1/linde/{usecase}", {**question, "holders": [HOLDER]})
    assert answer.status == 200, answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


def _missing(loaded: LoadedUseCase, table_id: str, lines: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return what did not come, by step, of what is handed over at once."""
    table = loaded.usecase.table(table_id)
    assert table is not None
    missing: dict[str, set[str]] = {}
    for step in (step for step in table.steps[1:] if step.tier == "handed_over"):
        names = FOUND_IN.get((loaded.usecase.id, step.id), FOUND[step.id])
        came = {line["resource"]["id"] for line in lines if line["type"] == "resource" and line["step"] == step.id}
        missing[step.id] = {f"{ASKED}-{name}" if name else ASKED for name in names} - came
    return {step: ids for step, ids in missing.items() if ids}


@pytest.mark.parametrize("usecase", BETWEEN_HOSPITALS)
async def test_the_question_on_the_page_is_answered_by_another_node(hospitals: TwoNodes, usecase: str) -> None:
    lines = await _asked(hospitals, usecase, _example(usecase))
    assert lines[-1]["type"] == "end"
    assert lines[-1]["complete"], [line for line in lines if line["type"] == "source"]
    assert _missing(LOADED[usecase], f"{usecase}-r4", lines) == {}
    assert OTHER not in json.dumps(lines)


async def test_a_use_case_that_is_only_a_file_is_answered_by_another_node(hospitals: TwoNodes) -> None:
    question = _example("care-team")
    question["user"]["role"] = LOADED[NEW.stem].usecase.user_roles[0]
    lines = await _asked(hospitals, NEW.stem, question)
    assert lines[-1]["complete"], lines
    assert _missing(LOADED[NEW.stem], f"{NEW.stem}-r4", lines) == {}
    came = {line["resource"]["id"] for line in lines if line["type"] == "resource"}
    assert {f"{ASKED}-goal", f"{ASKED}-care-team"} <= came
    assert OTHER not in json.dumps(lines)


@pytest.mark.parametrize(("usecase", "table"), OF_HOME_CARE.items())
async def test_home_care_answers_a_general_practitioner_in_either_version(
    home_care: TwoNodes, usecase: str, table: str
) -> None:
    lines = await _asked(home_care, usecase, _example(usecase))
    assert lines[-1]["complete"], [line for line in lines if line["type"] == "source"]
    assert _missing(LOADED[usecase], table, lines) == {}
    assert OTHER not in json.dumps(lines)
