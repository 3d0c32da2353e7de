"""Marks of every module in this folder."""

import pytest

SECONDS = 400
"""For one test with everything that it has to wait for: on a busy machine starting a region alone takes a minute."""

SCENARIO = [
    pytest.mark.scenario,
    pytest.mark.xdist_group("region"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(SECONDS),
]

OPPOSITE = [
    pytest.mark.scenario,
    pytest.mark.xdist_group("opposite"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(SECONDS),
]
"""The same for those with one Hazel node opposite foreign ones, which need no region."""
