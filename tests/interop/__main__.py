"""``NUTS_NODE=path/to/binary python -m tests.interop``: walk all steps and write ``docs/interop.md``.

Exit codes: 0 every step held, 1 one did not or a node did not start, 2 there is no binary.
"""

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from examples.region.processes import StartError
from tests.interop.results import FOLDER, MARKS, PAGE, keep, kept_results, page, result_of
from tests.interop.step import Outcome
from tests.interop.vendor import UnexpectedReplyError
from tests.interop.walk import STEPS, walk
from tests.interop.world import open_world

VARIABLE = "NUTS_NODE"
MISSING = f"""{VARIABLE} is not set: this needs the program of a nuts-node (v6.2 or newer) for this machine.
Take one from the releases of nuts-foundation/nuts-node, and say where it is:
  make interop {VARIABLE}=path/to/binary"""


def main() -> int:
    """Run, and say how it ended."""
    named = os.environ.get(VARIABLE, "").strip()
    if not named:
        print(MISSING, file=sys.stderr)
        return 2
    binary = Path(named).expanduser().absolute()
    if not os.access(binary, os.X_OK) or binary.is_dir():
        print(f"{VARIABLE} is not a program that can be run: {named}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="hazel-interop-") as folder:
        try:
            return asyncio.run(_run(binary, Path(folder)))
        except (StartError, UnexpectedReplyError) as error:
            print(error, file=sys.stderr)
            return 1


async def _run(binary: Path, folder: Path) -> int:
    titles = {step.id: step.title for step in STEPS}

    def tell(outcome: Outcome) -> None:
        line = f"{MARKS[outcome.state]} {outcome.step:31}{outcome.acting:10} {titles[outcome.step]}"
        print(f"{line}  [{outcome.said}]", flush=True)

    async with open_world(binary, folder) as world:
        print(f"Hazel {world.hazel.version} opposite nuts-node {world.nuts.version}\n", flush=True)
        outcomes = await walk(world, tell)
    result = result_of(outcomes, hazel=world.hazel.version, nuts_node=world.nuts.version, now=datetime.now(UTC))
    FOLDER.mkdir(exist_ok=True)
    keep(result)
    PAGE.write_text(page(kept_results(), STEPS), encoding="utf-8")
    print(f"\n{result.count} opposite nuts-node {world.nuts.version}; written to docs/interop.md")
    return 0 if result.held else 1


if __name__ == "__main__":
    sys.exit(main())
