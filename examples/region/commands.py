"""``hazel`` as an operator types it: a real process, its output and its exit code."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.region.processes import ROOT

SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended.

    Attributes:
        command: as it would be typed.
        out: standard output; ``err`` standard error.
    """

    command: str
    code: int
    out: str
    err: str

    def data(self) -> Any:
        """Read the JSON that it printed.

        Raises:
            ValueError: it printed something else.
        """
        return json.loads(self.out)


async def hazel(*words: str | Path, config: Path | None = None, typed: str = "") -> Outcome:
    """Run ``hazel`` with ``words``; what it reads is ``typed``."""
    arguments = [str(word) for word in words]
    if config is not None:
        arguments += ["--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), SECONDS)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return Outcome(
        command=f"hazel {' '.join(str(word) for word in words)}",
        code=process.returncode if process.returncode is not None else -1,
        out=out.decode(errors="replace"),
        err=err.decode(errors="replace"),
    )
