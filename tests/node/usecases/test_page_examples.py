"""The questions that docs/use-cases.md shows are ones that the API takes and the use case admits."""

import argparse
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from node.cli.ask import add_parser
from node.exchange.question import Question
from node.usecases.load import load_shipped
from tools.use_cases_page import use_cases_page

USECASES = {loaded.usecase.id: loaded.usecase for loaded in load_shipped()}
USABLE = sorted(name for name, found in USECASES.items() if found.source.not_yet is None)


def _sections() -> Mapping[str, str]:
    """Return the page by use case."""
    parts = re.split(r"^## (.+)\n", use_cases_page(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


SECTIONS = _sections()


def _questions(usecase: str) -> list[Any]:
    return [json.loads(found) for found in re.findall(r"```json\n(.*?)\n```", SECTIONS[usecase], re.DOTALL)]


@pytest.mark.parametrize("usecase", USABLE)
def test_the_question_on_the_page_is_one_that_the_api_takes(usecase: str) -> None:
    (body,) = _questions(usecase)
    question = Question.model_validate(body)
    found = USECASES[usecase]
    assert question.user.role in found.roles_of(found.tables[0])
    assert question.purpose in found.purposes
    assert f"`POST /internal/exchange/v1/SUBJECT/{usecase}`" in SECTIONS[usecase]


@pytest.mark.parametrize("usecase", USABLE)
def test_the_command_on_the_page_asks_the_same(usecase: str) -> None:
    (line,) = re.findall(r"^\$ hazel ask (.+) < citizen-number\.txt$", SECTIONS[usecase], re.MULTILINE)
    parser = argparse.ArgumentParser()
    add_parser(parser)
    said = parser.parse_args(line.split())
    question = Question.model_validate(_questions(usecase)[0])
    assert (said.usecase, said.user, said.role, said.purpose) == (
        usecase,
        question.user.identifier,
        question.user.role,
        question.purpose,
    )


def test_what_can_not_be_used_yet_says_so_and_has_no_example() -> None:
    assert sorted(USECASES.keys() - set(USABLE)) == ["patient-access"]
    assert "**Not usable yet.**" in SECTIONS["patient-access"]
    assert _questions("patient-access") == []
    assert "hazel ask patient-access" not in SECTIONS["patient-access"]
