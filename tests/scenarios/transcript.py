"""Running the demo as people do: ``python -m examples.region …`` as a process, and what is left of it."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from examples.region.processes import ROOT
from tests.scenarios.waiting import eventually


async def start_region(what: str, directory: Path) -> asyncio.subprocess.Process:
    """Start ``python -m examples.region``; its standard output is piped."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.region", what, "--directory", str(directory),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that name ``directory``, the demo's own apart."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if str(directory) in words and "-m examples.region " not in words:
                found.append(words.strip())
    return found


async def until_gone(directory: Path, seconds: float = 10.0) -> None:
    """Wait until no process names ``directory`` any more."""

    async def is_gone() -> bool:
        return not processes_of(directory)

    await eventually(is_gone, seconds=seconds)
