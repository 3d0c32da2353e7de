"""``python -m tests.simulation N``: run the stories with N members, and write docs/scale.md where N is 1,000 or more."""

import asyncio
import sys
from datetime import UTC, datetime

from tests.simulation.region import Region
from tests.simulation.report import as_markdown, write
from tests.simulation.stories import a_day, a_fork, a_host_away

WORTH_WRITING = 1_000
SMALLER = 1_000
"""Members in the stories of which only the clock matters."""


async def _run(members: int) -> None:
    today = datetime.now(tz=UTC).date()
    print(f"an ordinary day, {members:,} members …", flush=True)
    day = await a_day(Region(members, followers=4 if members <= SMALLER else 2))
    print("a host away for a day …", flush=True)
    away = await a_host_away(Region(min(members, SMALLER), mirrors=2, followers=2, seed=2))
    print("a host that tells two stories …", flush=True)
    forks = [
        await a_fork(Region(min(members, 100), mirrors=3, followers=10, quorum=quorum, seed=3), quorum=quorum)
        for quorum in (0, 3)
    ]
    print(as_markdown(day, away, forks, today))
    if members >= WORTH_WRITING:
        write(day, away, forks, today)
        print("written: docs/scale.md, docs/scale.svg")


def main() -> int:
    """Read N, and run."""
    try:
        members = int(sys.argv[1])
    except (IndexError, ValueError):
        members = 0
    if not 2 <= members <= 100_000:
        print("how many members? for example: make simulate N=1000", file=sys.stderr)
        return 2
    asyncio.run(_run(members))
    return 0


if __name__ == "__main__":
    sys.exit(main())
