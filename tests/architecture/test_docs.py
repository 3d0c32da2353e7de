"""What the documents name exists: tests, files, commands, make targets, links."""

import ast
import importlib
import re
from datetime import timedelta
from pathlib import Path

import pytest

from node.cli.main import THINGS
from node.usecases.load import load_shipped

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_the_threats_name_exists() -> None:
    text = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+test_[a-z_]+\.py)(?:::(test_[a-z0-9_]+))?`", text)
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / "tests" / file).is_file() or (name and name not in _functions(ROOT / "tests" / file))
    ]
    assert missing == []


def test_the_limits_in_the_threats_are_those_of_the_code() -> None:
    text = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| ([0-9,]+) \| `((?:[a-z_0-9]+\.)+)([A-Z_0-9]+)` \|$", text, re.MULTILINE)
    assert len(rows) > 40
    wrong = []
    for limit, module, name in rows:
        value = getattr(importlib.import_module(module.rstrip(".")), name)
        seconds = value.total_seconds() if isinstance(value, timedelta) else value
        if seconds != int(limit.replace(",", "")):
            wrong.append(f"{module}{name} is {seconds:,}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_text_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = [name for name in re.findall(r"`make ([a-z]+)", text) if name not in targets]
    unknown += [name for name in re.findall(r"`(?:\.venv/bin/)?hazel ([a-z]+)", text) if name not in THINGS]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_scope_in_an_example_is_one_of_a_shipped_use_case(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    scopes = {loaded.usecase.wire_scope for loaded in load_shipped()}
    named = re.findall(r"^\$ .*hazel credential explain (\S+)", text, re.MULTILINE)
    assert set(named) <= scopes
    assert named or page.name != "credentials.md"


def test_the_readme_shows_what_the_demo_really_says() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    transcript = text.partition("<!-- transcript -->")[2].partition("<!-- end of transcript -->")[0]
    titles = re.findall(r"^ *(\d+)  \S", transcript, re.MULTILINE)
    assert titles == [str(number) for number in range(1, 11)]
    assert "All 10 lines hold" in transcript
