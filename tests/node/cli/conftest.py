"""A desk with a node that answers, and one with a node that does not run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.cli.desk import Desk, Running


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """No node runs: its port is closed."""
    desk = Desk(tmp_path, monkeypatch, capsys)
    desk.write_config()
    return desk


@pytest.fixture
async def node(desk: Desk) -> AsyncIterator[Desk]:
    """A node that answers."""
    async with Running(desk) as server:
        desk.write_config(f"127.0.0.1:{server.port}")
        yield desk
