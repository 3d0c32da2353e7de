"""``python -m examples.region demo|up [--directory DIR] [--hapi]``: the region and its story.

``demo`` tells the story and stops everything; ``up`` keeps the region until Ctrl-C. Exit codes: 0 every line of the story held (and,
for ``up``, it was stopped by hand), 1 a line did not hold or something did not start, 2 wrong usage.
"""

import argparse
import asyncio
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.region.display import Display
from examples.region.guide import show_commands, show_places
from examples.region.network import open_region
from examples.region.processes import StartError
from examples.region.stage import Stage, StopWatch
from examples.region.story import BUDGET_SECONDS, LINES, tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the story is told, or until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m examples.region", description="The demo region and its story.")
    parser.add_argument(
        "what", choices=("demo", "up"), help="tell the story and stop, or keep the region up until Ctrl-C"
    )
    parser.add_argument(
        "--directory", type=Path, help="where it lives (default: .region at the root of the repository)"
    )
    parser.add_argument(
        "--hapi", action="store_true", help="real FHIR servers (HAPI, needs Java) for hospital and pharmacy"
    )
    chosen = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # where a terminal has no check marks, the words still say it
    display = Display(sys.stdout)
    try:
        return asyncio.run(_run(chosen, display))
    except StartError as error:
        display.failed(str(error))
        return 1


async def _run(chosen: argparse.Namespace, display: Display) -> int:
    """Do the work as a task that signals can end; what was started is stopped all the same."""
    work = asyncio.ensure_future(_tell(chosen, display))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        display.failed("stopped by hand before the story was told; everything that was started has been stopped")
        return 1


async def _tell(chosen: argparse.Namespace, display: Display) -> int:
    stays = chosen.what == "up"
    display.heading("Streek Rijn en Gouwe: six organisations, each with a node of its own")
    async with open_region(chosen.directory, display.progress, hapi=chosen.hapi, describe=not stays) as region:
        display.progress(f"set up in {region.set_up_ms / 1000:.1f} s")
        watch = StopWatch()
        told = await tell(Stage(region, display))
        seconds = watch.ms / 1000
        false = [each for each in told if not each.is_true]
        if false:
            display.heading("The story does not hold")
            for each in false:
                display.failed(f"{each.line.number}. {each.line.title}: {each.outcome}")
            display.note(f"logs: {region.logs}")
        else:
            display.heading(
                f"All {len(LINES)} lines hold; the story took {seconds:.1f} s (at most {BUDGET_SECONDS:.0f} s on two cores)"
            )
        show_places(display, region)
        if stays:
            region.tell_others()
            show_commands(display, region)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                display.text()
        display.progress("stopping")
    display.progress("stopped everything that was started")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
