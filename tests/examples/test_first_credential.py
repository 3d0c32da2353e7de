"""The first example tells its whole story, by itself and without a network."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from examples.first_credential import main, story

ROOT = Path(__file__).resolve().parents[2]


def test_the_story_is_told_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the example opens a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    told: list[str] = []
    story(told.append)
    assert [line.partition(".")[0] for line in told if line[0] != " "] == ["1", "2", "3", "4", "5", "6"]
    refused = [line.strip() for line in told if line.strip().startswith("refused")]
    assert [line.rpartition(": ")[2] for line in refused] == [
        "aud does not contain the expected audience",
        "expired",
        "signature does not match",
        "credentialSubject.id of a credential is not the holder",
    ]
    assert told[-1].strip().startswith("does not fit, a credential that the practice gives itself: $.issuer has to be")


def test_it_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert "It is Huisartsenpraktijk De Gouwe" in capsys.readouterr().out


def test_it_is_started_as_its_first_lines_say() -> None:
    lines = (ROOT / "examples/first_credential.py").read_text(encoding="utf-8").splitlines()
    words = next(line.split() for line in lines if line.strip().startswith("python -m"))
    ran = subprocess.run(
        [sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
