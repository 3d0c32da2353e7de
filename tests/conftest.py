"""Which tests stay together on one worker (``pytest -n 2 --dist loadgroup``), and that no test is about time.

pytest-xdist 3.8 keeps tests with the same ``xdist_group`` mark together by writing the group behind a test's id, which pytest 9.2 no
longer takes over: the marks have no effect. Until the two agree again, folders whose tests share something expensive are named here.
"""

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]  # ships no types
from xdist.scheduler import LoadGroupScheduling, Scheduling  # type: ignore[import-untyped]  # the same

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("hazel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hazel")

TOGETHER = {"tests/scenarios/": "region", "tests/hapi/": "hapi"}
"""Folder to the name of its group: one running region, one HAPI server."""


class FolderScheduling(LoadGroupScheduling):  # type: ignore[misc]  # the same
    """Spreads tests one by one, except those of the folders above."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for folder, group in TOGETHER.items() if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Use it where groups are asked for."""
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
