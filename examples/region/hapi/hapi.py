"""Run HAPI FHIR as one child process on 127.0.0.1, with its data in memory.

    >>> with start_hapi(ensure_hapi(), fhir="r4", log=Path("hapi.log")) as hapi:
    ...     print(hapi.base_url)
    http://127.0.0.1:41873/fhir

Every start is a new, empty server: about 25 s of processor time and 600 MB until it answers. Leaving the block, or
``stop()``, ends it by its process id. The child reads a pipe from us and ends when that does, so it also goes when we are
killed. Two servers beside each other (an R4 and an STU3 organisation) are two calls.

Rules kept here: loopback only; a server is handed out when ``/metadata`` answers, not before; one deadline for all waits.
"""

import selectors
import subprocess
import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from examples.region.hapi.client import send
from examples.region.hapi.install import HapiFailedError, HapiInstall, Progress

FhirVersion = Literal["r4", "stu3"]

MAIN_CLASS = "hazel.region.HapiServer"
START_DEADLINE = 120.0  # seconds until /metadata must have answered; 27 on two cores that do little else
STOP_TIMEOUT = 10.0  # seconds to end politely
# The last two start it sooner and smaller: a simple collector, and no second compiler for a short life.
JAVA_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class RunningHapi:
    """A server that answers; made by ``start_hapi``. As a context manager it stops at the end of the block.

    Attributes:
        base_url: FHIR base without a slash at the end, ``http://127.0.0.1:<port>/fhir``.
        pid: of the Java process.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/fhir"
        self.pid = process.pid
        self._process = process

    def stop(self) -> None:
        """End the process and wait until it is gone. Again is harmless."""
        _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start_hapi(
    install: HapiInstall,
    *,
    fhir: FhirVersion = "r4",
    port: int = 0,
    log: Path,
    deadline: float = START_DEADLINE,
    progress: Progress = print,
) -> RunningHapi:
    """Start an empty server and wait until it answers.

    Args:
        install: from ``ensure_hapi``.
        fhir: the version it speaks.
        port: 0 for any free one.
        log: file for the server's own output, overwritten; it can quote what is stored, so store nothing real.
        deadline: seconds until it must have answered.
        progress: told in one line that this takes long, and in one that it is done.

    Raises:
        HapiFailedError: it ended, or did not answer within the deadline; the message names the log.
    """
    began = time.monotonic()
    progress(f"HAPI FHIR ({fhir}): starting, about half a minute")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # the command is ours
            [install.java, *JAVA_OPTIONS, "-cp", install.classpath, MAIN_CLASS, fhir, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    try:
        server = RunningHapi(process, _announced_port(process, began + deadline, log))
        # The first answer is the slowest, since the statement is built for it; later ones come from memory.
        left = max(1.0, began + deadline - time.monotonic())
        _expect_metadata(server, left, log)
    except BaseException:  # an interrupt too must not leave it behind
        _end(process)
        raise
    progress(f"HAPI FHIR ({fhir}): ready on {server.base_url} after {time.monotonic() - began:.0f} s")
    return server


def _announced_port(process: subprocess.Popen[bytes], deadline: float, log: Path) -> int:
    """Wait for the one line that the server prints when it accepts requests: its port."""
    announcements = _pipe(process.stdout)
    with selectors.DefaultSelector() as selector:
        selector.register(announcements, selectors.EVENT_READ)
        if not selector.select(deadline - time.monotonic()):
            raise HapiFailedError(f"HAPI FHIR did not start in time; see {log}")
    line = announcements.readline()
    if not line:
        raise HapiFailedError(f"HAPI FHIR ended while starting; see {log}")
    return int(line)


def _expect_metadata(server: RunningHapi, timeout: float, log: Path) -> None:
    if send("GET", f"{server.base_url}/metadata", timeout=timeout).status != HTTPStatus.OK:
        raise HapiFailedError(f"HAPI FHIR has no capability statement; see {log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # does nothing to a process that has ended
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _pipe(process.stdin).close()
    _pipe(process.stdout).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # asked for in Popen
    return pipe
