"""The replica of most tests in this room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.node.directory.setting import Setting, a_setting


@pytest_asyncio.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with a_setting(tmp_path) as opened:
        yield opened
