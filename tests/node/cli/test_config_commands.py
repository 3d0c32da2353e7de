"""Looking at the configuration without a node."""

import json
import re
from pathlib import Path

import pytest

from node.cli.configuration import masked
from node.config.load import load_config, parse_config
from node.config.text_yaml import read_text_yaml
from tests.node.cli.desk import Desk

DEFINITION = {
    "id": "HuisartsVVTInzage",
    "endpoint": "https://rso.example/discovery/HuisartsVVTInzage",
    "presentation_max_validity": 3600,
    "did_methods": ["web"],
    "presentation_definition": {"id": "x", "input_descriptors": []},
}


@pytest.fixture
def complete(desk: Desk) -> Desk:
    """Everything that the configuration names is there."""
    (desk.directory / "data").mkdir()
    (desk.directory / "discovery").mkdir()
    (desk.directory / "vault.key").write_text("key")
    definition = DEFINITION | {"presentation_definition": a_definition()}
    (desk.directory / "discovery" / "ha-vvt.json").write_text(json.dumps(definition))
    return desk


def a_definition() -> dict[str, object]:
    return {
        "id": "registration",
        "input_descriptors": [{"id": "one", "constraints": {"fields": [{"path": ["$.type"], "filter": {"type": "string"}}]}}],
    }  # fmt: skip


def test_a_configuration_in_order_is_said_to_be(complete: Desk) -> None:
    ran = complete.run("config", "check")
    assert (ran.code, ran.out) == (0, f"{complete.config} is in order\n")


def test_what_weakens_security_is_told(complete: Desk) -> None:
    complete.write_config(more="unsafe_open_internal_api: true\n")
    assert "UNSAFE: unsafe_open_internal_api" in complete.run("config", "check").err
    assert complete.run("config", "check", "--json").json["unsafe"] == ["unsafe_open_internal_api"]


def test_a_misspelt_setting_comes_with_a_suggestion(complete: Desk) -> None:
    complete.write_config(more="usecase: [x]\n")
    ran = complete.run("config", "check")
    assert ran.code == 1
    assert "usecase: there is no such setting" in ran.out
    assert "did you mean usecases?" in ran.out
    (problem,) = complete.run("config", "check", "--json").json["problems"]
    assert (problem["path"], problem["remedy"]) == ("usecase", "did you mean usecases?")


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("trust: {ca_file: ca.pem}\n", "trust.ca_file"),
        ("fhir: {r4: {url: 'http://127.0.0.1/fhir', authorization_file: token}}\n", "fhir.r4.authorization_file"),
        ("discovery: {join: [nope]}\n", "discovery.join"),
        ("discovery: {host: [nope]}\n", "discovery.host"),
        ("data: elsewhere\n", "data"),
        ("vault_key: elsewhere\n", "vault_key"),
    ],
)
def test_every_name_that_leads_nowhere_is_found(complete: Desk, more: str, path: str) -> None:
    complete.write_config(more=more)
    ran = complete.run("config", "check", "--json")
    assert ran.code == 1
    assert [problem["path"] for problem in ran.json["problems"]] == [path]


def test_a_use_case_that_is_not_there_is_found_with_its_remedy(complete: Desk) -> None:
    text = complete.config.read_text().replace("usecases: [ha-vvt]", "usecases: [ha-vtt]")
    complete.config.write_text(text)
    (problem,) = complete.run("config", "check", "--json").json["problems"]
    assert problem["path"] == "usecases"
    assert re.search("shipped: .*ha-vvt", problem["remedy"])


def test_a_use_case_without_the_definition_of_its_service_is_found(complete: Desk) -> None:
    (complete.directory / "discovery" / "ha-vvt.json").unlink()
    (problem,) = complete.run("config", "check", "--json").json["problems"]
    assert "HuisartsVVTInzage" in problem["message"]


def test_a_broken_definition_file_is_named(complete: Desk) -> None:
    (complete.directory / "discovery" / "ha-vvt.json").write_text("{")
    (problem,) = complete.run("config", "check", "--json").json["problems"]
    assert problem["path"] == "discovery.definitions"
    assert "ha-vvt.json" in problem["message"]


def test_a_missing_api_key_is_found(complete: Desk) -> None:
    (complete.directory / "api.key").unlink()
    assert "api.key" in complete.run("config", "check").out


def test_what_is_shown_reads_back_as_the_same_configuration(complete: Desk, tmp_path: Path) -> None:
    complete.write_config(more="fhir: {r4: {url: 'http://127.0.0.1/fhir'}}\ntrust: {ca_file: ca.pem}\n")
    ran = complete.run("config", "show")
    assert ran.code == 0
    assert parse_config(read_text_yaml(ran.out), tmp_path / "elsewhere") == load_config(complete.config)
    assert complete.run("config", "show", "--json").json["organisation"]["name"] == "Huisartsenpraktijk De Gouwe"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://hazel:s3cret@db.example/hazel",
        "postgresql+asyncpg://:s3cret@db.example/hazel",
        "postgresql+asyncpg://db.example/hazel?user=hazel&password=s3cret&ssl=require",
    ],
)
def test_the_password_of_a_database_is_masked(desk: Desk, url: str) -> None:
    desk.write_config(more=f'database: "{url}"\n')
    shown = desk.run("config", "show").out
    assert "s3cret" not in shown
    assert "db.example/hazel" in shown
    assert "s3cret" not in str(masked(load_config(desk.config)))


def test_the_page_about_the_configuration_can_be_read_without_a_node(desk: Desk) -> None:
    desk.config.unlink()
    ran = desk.run("config", "docs")
    assert ran.code == 0
    assert "`unsafe_loopback_peers`" in ran.out
