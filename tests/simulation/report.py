"""The numbers as Markdown for docs/scale.md, and as a plot without any library."""

import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from tests.simulation.region import POLL, VALIDITY
from tests.simulation.stories import Away, Day, Fork

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs/scale.md"
PLOT: Final = ROOT / "docs/scale.svg"
BEGIN: Final = "<!-- simulation -->"
END: Final = "<!-- end of simulation -->"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; the values are sorted."""
    return values[min(int(len(values) * share), len(values) - 1)]


def as_markdown(day: Day, away: Away, forks: Sequence[Fork], today: date) -> str:
    """What stands between the markers."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    rows = [
        ("members / mirrors", f"{day.members:,} / {day.mirrors}"),
        ("one registration", f"{day.registration_bytes:,} bytes"),
        ("valid, polled every", f"{VALIDITY.days} days, {POLL.seconds // 60} minutes"),
        ("registrations accepted per day", f"{day.renewals:,}"),
        ("known to a follower: median / 99 % / last", _delays(day)),
        ("follower: received per day", f"{day.follower_mb:.1f} MB"),
        ("follower: CPU per day", f"{day.follower_cpu:.1f} s"),
        ("mirror: CPU per day", f"{day.mirror_cpu:.1f} s (with what it serves here)"),
        (
            "host: CPU per day",
            f"{day.host_cpu:.1f} s (with what it serves to the {day.mirrors} mirrors and the few followers here)",
        ),
        ("new follower: reads everything", f"{day.first_mb:.1f} MB, {day.first_cpu:.1f} s CPU"),
        ("leaves in the log after a day and a half", f"{day.log_leaves:,}"),
        ("host away for a day: members that lapsed", f"{away.lapsed:,} of {away.members:,}"),
        ("renewals that waited meanwhile", f"{away.queued:,}"),
        ("after its return, all known everywhere within", f"{away.caught_up:.0f} minutes"),
    ]
    for fork in forks:
        asked = f"{fork.quorum} witnesses asked for" if fork.quorum else "no witnesses asked for"
        seen = ", ".join(f"{each:.0f}" for each in fork.seen_after) or "never"
        rows.append((f"forking host, {asked}: minutes until each that it lied to saw it", seen))
        rows.append(
            (
                "the same: false tree believed meanwhile / cosigned",
                f"{fork.believed} / {'yes' if fork.cosigned else 'no'}",
            )
        )
    table = "\n".join(f"| {what} | {value} |" for what, value in rows)
    return f"Measured on {today.isoformat()} ({machine}).\n\n| What | Result |\n| --- | --- |\n{table}\n"


def _delays(day: Day) -> str:
    found = [percentile(day.delays, share) for share in (0.5, 0.99)]
    return " / ".join(f"{each:.1f}" for each in (*found, day.delays[-1])) + " minutes"


def as_plot(day: Day) -> str:
    """How many registrations a follower knows, by minutes since they were accepted: SVG."""
    width, height, left, bottom, top = 640, 320, 60, 270, 30
    most = max(POLL.seconds / 60 * 1.2, day.delays[-1])
    points = [(percentile(day.delays, at / 100), at / 100) for at in range(101)]
    path = " ".join(f"{left + each / most * 540:.1f},{bottom - share * 230:.1f}" for each, share in points)
    ticks = "".join(
        f'<text x="{left + at / most * 540:.0f}" y="{bottom + 18}" text-anchor="middle">{at}</text>'
        for at in range(0, int(most) + 1, 2)
    )
    shares = "".join(
        f'<text x="{left - 8}" y="{bottom - share * 230 / 100 + 4:.0f}" text-anchor="end">{share} %</text>'
        f'<line x1="{left}" x2="600" y1="{bottom - share * 230 / 100:.0f}" y2="{bottom - share * 230 / 100:.0f}" stroke="#ddd"/>'
        for share in (0, 25, 50, 75, 100)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="{top - 10}" font-size="14">Registrations a follower knows, {day.members:,} members</text>'
        f'{shares}<polyline points="{path}" fill="none" stroke="#0a5" stroke-width="2"/>{ticks}'
        f'<text x="330" y="{bottom + 40}" text-anchor="middle">minutes since the host accepted it</text></svg>\n'
    )


def write(day: Day, away: Away, forks: Sequence[Fork], today: date) -> None:
    """Put the results in the page and beside it."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{as_markdown(day, away, forks, today)}{END}{after}", encoding="utf-8")
    PLOT.write_text(as_plot(day), encoding="utf-8")
