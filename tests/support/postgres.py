"""A PostgreSQL to test against: the one in ``HAZEL_TEST_POSTGRES``, else a throw-away cluster, else a skip that says what to install.

The cluster lives in a temporary directory, listens on a Unix socket and a loopback port, is started once per process and goes with
it. ``initdb`` refuses root, so root becomes the user ``postgres`` for it. :func:`postgres_database` gives a fresh database each time.
"""

import asyncio
import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

VARIABLE = "HAZEL_TEST_POSTGRES"
"""A URL ``postgresql://user:password@host:port/database`` of a server where we may create databases."""

_USER = "postgres"
_DEADLINE = 60.0


def _binaries() -> Path | None:
    """Return the directory with the newest ``initdb``."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def _as_user(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    if shutil.which("runuser"):
        return ["runuser", "-u", _USER, "--", *command]
    return ["su", _USER, "-s", "/bin/sh", "-c", " ".join(f"'{part}'" for part in command)]


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(
        _as_user(command), cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DEADLINE, check=False
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL does not start here: {done.stderr.decode(errors='replace')[-300:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server, starting one where needed; wrap this in a fixture of session scope."""
    given = os.environ.get(VARIABLE)
    yield given.replace("postgresql+asyncpg://", "postgresql://") if given else _cluster()


@lru_cache(maxsize=1)
def _cluster() -> str:
    """Start the throw-away cluster of this process and return its URL."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip(f"no PostgreSQL: apt-get install postgresql, or set {VARIABLE}")
    directory = Path(tempfile.mkdtemp(prefix="hazel-pg-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    if os.geteuid() == 0:
        shutil.chown(directory, _USER, _USER)
    data, port = directory / "data", _free_port()
    initdb = [
        f"{binaries}/initdb",
        "-D",
        f"{data}",
        "-U",
        _USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]
    _run(initdb, directory)
    # fsync only matters when the machine stops, and then this cluster is gone anyway
    options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c shared_buffers=16MB -c max_connections=60 -c fsync=off"
    pg_ctl = [f"{binaries}/pg_ctl", "-D", f"{data}", "-w", "-t", "30"]
    _run([*pg_ctl, "-l", f"{directory}/log", "-o", options, "start"], directory)
    stop = _as_user([*pg_ctl, "-m", "immediate", "stop"])
    atexit.register(subprocess.run, stop, cwd=directory, capture_output=True, check=False)  # before the directory goes
    return f"postgresql://{_USER}@127.0.0.1:{port}/postgres"


@asynccontextmanager
async def postgres_database(server: str) -> AsyncIterator[str]:
    """Yield the URL of a fresh, empty database on ``server``; dropped afterwards."""
    asyncpg = pytest.importorskip("asyncpg", reason="no asyncpg: pip install 'hazel-node[postgres]'")
    name = f"hazel_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        parts = urlsplit(server)
        yield urlunsplit(parts._replace(path=f"/{name}"))
        async with asyncio.timeout(_DEADLINE):
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()
