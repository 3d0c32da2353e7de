"""One HAPI FHIR server per test run, started by whoever asks first; the package's docstring says how to use it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from examples.region.data import records
from examples.region.hapi import CACHE, HapiInstall, HapiUnavailableError, ensure_hapi, load, start_hapi
from tests.hapi.family import FAMILY

PATIENCE = 300.0  # seconds to start while other tests have the processor: 87 were seen


@contextmanager
def only_one(shared: Path) -> Iterator[None]:
    """Let one worker of this test run in at a time; the system lets the next in when one dies."""
    with (shared / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def hapi_install() -> HapiInstall:
    """HAPI FHIR in the cache of this repository, fetched when it is not there yet."""
    try:
        return ensure_hapi(CACHE)
    except HapiUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def hapi_shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this test run see."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "hapi"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def hapi_server(hapi_install: HapiInstall, hapi_shared: Path) -> Iterator[str]:
    """Base URL of an R4 server that holds the two patients of ``family``."""
    address = hapi_shared / "base_url"
    with ExitStack() as stack:
        users = stack.enter_context((hapi_shared / "users").open("a"))
        with only_one(hapi_shared):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                server = stack.enter_context(
                    start_hapi(hapi_install, fhir="r4", log=hapi_shared / "r4.log", deadline=PATIENCE)
                )
                load(server.base_url, FAMILY)
                address.write_text(server.base_url)
                # Undone from the bottom up: no other worker uses it, none will find it, it stops.
                stack.callback(address.unlink)
                stack.callback(fcntl.flock, users, fcntl.LOCK_EX)
        yield address.read_text()


@pytest.fixture(scope="session")
def hapi_r4(hapi_server: str, hapi_shared: Path) -> str:
    """Base URL of the same server, with what De Gouwe of the demo region holds in R4 as well."""
    with only_one(hapi_shared):  # workers may all load it: the second time changes nothing
        load(hapi_server, records("gouwe", "r4"))
    return hapi_server
