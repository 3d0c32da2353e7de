"""Definition files while the node runs: what changes is loaded, and what is wrong stops its own service only."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from node.registries.definition_files import DefinitionFiles
from node.registries.definitions import load_definitions
from node.registries.hosted import HostedServices
from registry.service import ServiceDefinition
from tests.support.registry import a_service


def put(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    before = file.stat().st_mtime_ns
    os.utime(file, ns=(before + 1, before + 1))
    return file


def a_definition(identifier: str = "care", **changes: Any) -> dict[str, Any]:
    return {**a_service().raw, "id": identifier, **changes}


def opened(directory: Path, *needed: str) -> DefinitionFiles:
    return DefinitionFiles(directory, load_definitions(directory), frozenset(needed))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    put(tmp_path, "care.json", a_definition())
    put(tmp_path, "other.json", a_definition("other"))
    return tmp_path


def test_nothing_is_read_again_while_nothing_changes(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = opened(directory)

    def parse(_: bytes) -> ServiceDefinition:
        raise AssertionError

    monkeypatch.setattr(ServiceDefinition, "parse", parse)
    assert not files.look()


def test_a_changed_file_counts_from_then_on_for_everybody_who_holds_the_mapping(directory: Path) -> None:
    files = opened(directory)
    services = files.services
    put(directory, "care.json", a_definition(presentation_max_validity=77))
    assert files.look()
    assert services["care"].presentation_max_validity.total_seconds() == 77
    assert files.stopped == {}


def test_a_new_file_is_a_new_service_and_one_that_goes_takes_its_service_along(directory: Path) -> None:
    files = opened(directory, "care")
    put(directory, "third.json", a_definition("third"))
    (directory / "other.json").unlink()
    files.look()
    assert set(files.services) == {"care", "third"}


def test_a_wrong_file_stops_its_service_only_and_says_file_member_and_remedy(directory: Path) -> None:
    files = opened(directory)
    file = put(directory, "care.json", a_definition(endpoint="ftp://x"))
    files.look()
    assert set(files.stopped) == {"care"}
    for part in (str(file), "endpoint", "put the file back"):
        assert part in files.stopped["care"]
    assert set(files.services) == {"care", "other"}  # who is registered there stays known
    put(directory, "care.json", a_definition())
    files.look()
    assert files.stopped == {}


def test_a_file_that_a_service_needs_and_that_is_gone_stops_it(directory: Path) -> None:
    files = opened(directory, "care")
    (directory / "care.json").unlink()
    files.look()
    assert "gone" in files.stopped["care"]
    put(directory, "renamed.json", a_definition())
    files.look()
    assert files.stopped == {}
    assert files.file_of("care") == directory / "renamed.json"


def test_a_new_file_that_is_wrong_stops_nobody_and_is_told(directory: Path) -> None:
    files = opened(directory)
    put(directory, "new.json", b"{")
    files.look()
    assert files.stopped == {}
    assert "new.json" in files.strange["new.json"]
    put(directory, "twin.json", a_definition("care"))
    files.look()
    assert files.stopped == {}
    assert "another file" in files.strange["twin.json"]


def test_a_definition_is_written_whole_and_half_written_ones_are_not_read(directory: Path) -> None:
    files = opened(directory)
    put(directory, ".care.json.new", b"{")
    files.write("care", json.dumps(a_definition(presentation_max_validity=5)).encode())
    files.look()
    assert files.services["care"].presentation_max_validity.total_seconds() == 5
    assert files.strange == {}
    assert sorted(each.name for each in directory.iterdir()) == ["care.json", "other.json"]


def test_hosted_services_are_the_definitions_as_they_are_now(directory: Path) -> None:
    files = opened(directory)
    hosted = HostedServices(files.services, ["care", "unknown"])
    assert dict(hosted) == {"care": files.services["care"]}
    hosted.add("other")
    assert len(hosted) == 2
    assert "third" not in hosted
    put(directory, "care.json", a_definition(presentation_max_validity=9))
    files.look()
    assert hosted["care"].presentation_max_validity.total_seconds() == 9
