"""Definition files of discovery services: a directory of them, or one clear error."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.region.discovery import write_definitions
from node.registries import definitions
from node.registries.definitions import DefinitionError, load_definitions
from tests.support.registry import a_service


def a_definition(**changes: Any) -> dict[str, Any]:
    return {**a_service().raw, **changes}


def put(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def test_every_json_file_is_a_service_under_its_id(tmp_path: Path) -> None:
    write_definitions(tmp_path, host_url="https://host.example", uzi_root="A" * 43)
    put(tmp_path, "README.md", b"not one")
    (tmp_path / "sub").mkdir()
    services = load_definitions(tmp_path)
    assert set(services) == {"HuisartsVVTInzage", "medicatieoverdracht-gf"}
    assert services["HuisartsVVTInzage"].endpoint == "https://host.example/discovery/HuisartsVVTInzage"


def test_no_directory_is_no_services(tmp_path: Path) -> None:
    assert load_definitions(tmp_path / "absent") == {}
    assert load_definitions(tmp_path) == {}


def test_members_that_nobody_knows_are_kept_since_the_file_is_handed_on(tmp_path: Path) -> None:
    put(tmp_path, "a.json", a_definition(colour="blue"))
    assert load_definitions(tmp_path)["care"].raw["colour"] == "blue"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "not an object"),
        (b'{"id": "a", "id": "b"}', "duplicate member"),
        (b"[" * 10_000, "nested deeper"),
        (b" " * 200_000, "larger than"),
        (a_definition(id="a/b"), "id"),
        (a_definition(id=""), "id"),
        (a_definition(id=7), "id"),
        (a_definition(endpoint="ftp://x"), "endpoint"),
        (a_definition(endpoint="https://x/?y"), "endpoint"),
        (a_definition(presentation_max_validity=0), "presentation_max_validity"),
        (a_definition(presentation_max_validity="1"), "presentation_max_validity"),
        (a_definition(did_methods="web"), "did_methods"),
        (a_definition(presentation_definition={}), "input_descriptors is missing"),
        (a_definition(presentation_definition=None), "presentation_definition"),
    ],
)
def test_a_file_that_is_no_definition_is_named_with_the_member_and_what_to_do(
    tmp_path: Path, content: Any, what: str
) -> None:
    put(tmp_path, "good.json", a_definition(id="good"))
    file = put(tmp_path, "wrong.json", content)
    with pytest.raises(DefinitionError, match=what) as caught:
        load_definitions(tmp_path)
    assert str(file) in str(caught.value)
    assert caught.value.remedy


def test_one_service_has_one_file(tmp_path: Path) -> None:
    put(tmp_path, "a.json", a_definition())
    put(tmp_path, "b.json", a_definition())
    with pytest.raises(DefinitionError, match=r"b\.json: another file is about care"):
        load_definitions(tmp_path)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(DefinitionError, match=r"a\.json can not be read"):
        load_definitions(tmp_path)
    (tmp_path / "a.json").rmdir()
    (tmp_path / "a.json").symlink_to(tmp_path / "absent")
    with pytest.raises(DefinitionError, match=r"a\.json can not be read"):
        load_definitions(tmp_path)


def test_a_directory_with_too_many_files_is_refused_rather_than_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "MAX_FILES", 1)
    put(tmp_path, "a.json", a_definition())
    put(tmp_path, "b.json", a_definition(id="other"))
    with pytest.raises(DefinitionError, match="more than 1 file"):
        load_definitions(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_file_is_a_definition_or_one_error(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "any.json", content)
    with suppress(DefinitionError):
        load_definitions(tmp_path)
