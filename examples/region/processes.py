"""Starting and ending the region's processes.

Only processes that were started here are ended, by their id. A child dies with its parent, also when the parent is killed
(``PR_SET_PDEATHSIG``), so that a crashed demo leaves nothing running and the next one starts clean.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.03
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: a forked child must not


class StartError(Exception):
    """A process did not start; the message names it and its log."""


@dataclass(slots=True)
class Child:
    """A process of ours.

    Attributes:
        name: for people.
        log: file with everything it said.
    """

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        """Its id."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    async def stop(self) -> int:
        """Ask it to stop, insist after :data:`STOP_SECONDS`, and return its exit code (negative: the signal that ended it)."""
        if self.is_running:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()

    async def kill(self) -> None:
        """End it without warning (``kill -9``)."""
        if self.is_running:
            self.process.kill()
            await self.process.wait()


async def start_child(
    name: str, arguments: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> Child:
    """Start ``arguments`` at the root of the repository, with its output at the end of ``log``.

    Raises:
        StartError: there is no such program.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *map(str, arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=environment,
                preexec_fn=_die_with(os.getpid()) if _LIBC is not None else None,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop the children in order
            )
        except OSError as error:
            raise StartError(f"{name} can not be started: {error.strerror}") from error
    return Child(name, process, log)


async def run_to_end(name: str, arguments: Sequence[str | Path], *, log: Path) -> None:
    """Run ``arguments`` until it ends.

    Raises:
        StartError: it did not end well.
    """
    child = await start_child(name, arguments, log=log)
    try:
        code = await child.process.wait()
    except asyncio.CancelledError:
        await child.kill()
        raise
    if code != 0:
        raise StartError(f"{name} failed: {last_words(log)} (all of it: {log})")


async def until_ready(child: Child, is_ready: Callable[[], Awaitable[bool]], *, seconds: float = READY_SECONDS) -> None:
    """Wait until ``is_ready`` says so.

    Raises:
        StartError: it ended, or took more than ``seconds``.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while not await is_ready():
        if not child.is_running:
            raise StartError(f"{child.name} ended at once: {last_words(child.log)} (all of it: {child.log})")
        if asyncio.get_running_loop().time() > deadline:
            raise StartError(f"{child.name} was not ready after {seconds:.0f} s (its log: {child.log})")
        await asyncio.sleep(_POLL_SECONDS)


def last_words(log: Path) -> str:
    """Return the last line of ``log`` that is not a continuation, with what continues it."""
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    if not lines:
        return "it said nothing"
    start = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip() and not lines[n][0].isspace()), 0)
    return " ".join(line.strip() for line in lines[start:])


def _die_with(parent: int) -> Callable[[], None]:
    """Return what a forked child does first: ask the kernel to be ended when ``parent`` ends, also if that was just now."""

    def ask() -> None:
        assert _LIBC is not None  # only asked where it is
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask
