"""The generated pages say what the program does."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from node.cli.config_docs import config_markdown
from node.cli.main import THINGS
from node.config.model import Config
from tools.generate_docs import DOCS, cli_markdown, pages


@pytest.mark.parametrize("name", ["cli.md", "config.md", "use-cases.md"])
def test_the_page_is_what_would_be_generated_now(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


def test_every_command_is_described() -> None:
    page = cli_markdown()
    for thing in THINGS:
        assert f"## hazel {thing}\n" in page
    for command in ("audit verify", "config check", "consent who-may", "discovery join", "usecase show"):
        assert f"### hazel {command}\n" in page


def test_no_page_depends_on_the_width_of_the_terminal_or_on_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(pages())
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("HAZEL_CONFIG", "/somewhere/else.yaml")
    assert dict(pages()) == before


def _names(model: type[BaseModel]) -> Iterator[str]:
    yield from model.model_fields


def test_every_setting_is_described() -> None:
    page = config_markdown()
    for name in _names(Config):
        assert f"| `{name}` |" in page
    for dotted in ("public.tls_key", "fhir.<version>.url", "limits.step_ms", "cli_user.role", "trust.uzi"):
        assert f"| `{dotted}` |" in page
