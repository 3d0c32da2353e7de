"""The record system as a process: quick to start, quick to stop, never left behind."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from examples.region.ehr import __main__ as program
from examples.region.ehr.parent import watch_parent
from examples.region.organisations import FhirVersion

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 20


def _start(directory: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "examples.region.ehr", "--data", str(directory), "--organisation", "wending", *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _waiting() -> subprocess.Popen[bytes]:
    """A process that does nothing until it is killed."""
    return subprocess.Popen(["/bin/sleep", "60"])


def _ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def test_it_says_where_it_is_serves_and_stops_at_once_even_when_silent(tmp_path: Path) -> None:
    ready_file = tmp_path / "ready"
    with _start(tmp_path / "data", "--ready-file", str(ready_file), "--parent-pid", str(os.getpid())) as process:
        said = _ready(process)
        assert json.loads(ready_file.read_text()) == said
        assert said["pid"] == process.pid
        with urlopen(f"{said['fhir']['r4']}/metadata", timeout=DEADLINE) as answer:
            assert json.load(answer)["fhirVersion"] == "4.0.1"
        with urlopen(said["control"], data=b'{"misbehave": "silent"}', timeout=DEADLINE) as answer:
            assert answer.status == 200
        with pytest.raises(TimeoutError):
            urlopen(f"{said['fhir']['r4']}/Patient", timeout=0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=DEADLINE) == 0
        assert not ready_file.exists()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    with _waiting() as parent, _start(tmp_path, "--parent-pid", str(parent.pid)) as process:
        _ready(process)
        parent.kill()
        parent.wait()
        assert process.wait(timeout=DEADLINE) == 0


async def test_a_parent_that_is_gone_already_is_noticed() -> None:
    with _waiting() as process:
        process.kill()
    gone = asyncio.Event()
    watch_parent(process.pid, gone.set)
    await asyncio.wait_for(gone.wait(), DEADLINE)


async def test_without_pidfd_it_looks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    gone = asyncio.Event()
    with _waiting() as process:
        stop = watch_parent(process.pid, gone.set)
        process.kill()
        process.wait()
        await asyncio.wait_for(gone.wait(), DEADLINE)
        stop()


def test_wrong_usage_is_refused_with_a_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        program.main(["--organisation", "oever", "--fhir", "r4", "--data", str(tmp_path)])
    assert stopped.value.code == 2
    assert "there is stu3" in capsys.readouterr().err


def test_unsound_data_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def unsound(_key: str, _version: FhirVersion) -> list[dict[str, Any]]:
        return [{"resourceType": "Flag", "id": "1", "meta": {"lastUpdated": "2026-01-01"}, "colour": "red"}]

    monkeypatch.setattr(program, "records", unsound)
    assert program.main(["--organisation", "wending", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "not sound" in said
    assert "Flag/1" in said


def test_a_second_start_keeps_what_was_written(tmp_path: Path) -> None:
    program.open_records(tmp_path, "wending", ("r4",)).close()
    with sqlite3.connect(tmp_path / "wending.sqlite3") as database:
        database.execute("UPDATE resource SET body = '{}' WHERE type = 'Patient'")
    database.close()
    kept = program.open_records(tmp_path, "wending", ("r4",))
    stored = kept.read("r4", "Patient", "W-88196")
    kept.close()
    assert stored is not None
    assert stored.body == "{}"


def test_changed_data_is_loaded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.open_records(tmp_path, "wending", ("r4",)).close()
    monkeypatch.setattr(program, "records", lambda _key, _version: [])
    kept = program.open_records(tmp_path, "wending", ("r4",))
    assert kept.read("r4", "Patient", "W-88196") is None
    kept.close()
