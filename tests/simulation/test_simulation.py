"""The simulation runs: a host that lies is seen by whom it lied to, and witnesses keep it from being believed."""

import pytest

from tests.simulation.__main__ import main
from tests.simulation.region import Region
from tests.simulation.report import as_plot, percentile
from tests.simulation.stories import Day, a_fork


async def test_a_fork_is_seen_within_two_rounds_and_with_witnesses_not_believed() -> None:
    fork = await a_fork(Region(3, mirrors=2, followers=2, quorum=2), quorum=2)
    assert len(fork.seen_after) == 1
    assert 0 <= fork.seen_after[0] <= 20
    assert (fork.believed, fork.cosigned) == (0, False)


async def test_without_witnesses_a_fork_is_believed_until_it_is_compared_with_a_mirror() -> None:
    fork = await a_fork(Region(3, mirrors=1, followers=2), quorum=0)
    assert (fork.believed, fork.cosigned, len(fork.seen_after)) == (1, False, 1)


def test_a_plot_is_a_picture() -> None:
    day = Day(
        members=3, mirrors=1, registration_bytes=9, renewals=3, delays=(1.0, 5.0, 9.0), follower_mb=1, follower_cpu=1,
        mirror_cpu=1, host_cpu=1, first_mb=1, first_cpu=1, log_leaves=4,
    )  # fmt: skip
    assert as_plot(day).startswith("<svg")
    assert percentile(day.delays, 0.5) == 5.0


@pytest.mark.parametrize("words", [[], ["many"], ["1"], ["1000000"]])
def test_how_many_members_has_to_be_said(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["simulation", *words])
    assert main() == 2
