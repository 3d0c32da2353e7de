"""One node per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.vendor.setting import VendorNode, a_vendor_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[VendorNode]:
    async with a_vendor_node(tmp_path) as opened:
        yield opened
