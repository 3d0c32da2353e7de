"""One HAPI FHIR server per FHIR version and test run, started by whoever asks first; the package's docstring says how to use it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from examples.region.data import records
from examples.region.hapi import CACHE, HapiInstall, HapiUnavailableError, ensure_hapi, load, start_hapi
from examples.region.hapi.client import send
from examples.region.hapi.loading import LACKING
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


@contextmanager
def _shared_server(
    install: HapiInstall, shared: Path, fhir: Literal["r4", "stu3"], first: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Start the server of a FHIR version, or join the one that another worker started; the last one out stops it."""
    address = shared / f"base_url_{fhir}"
    with ExitStack() as stack:
        users = stack.enter_context((shared / f"users_{fhir}").open("a"))
        with only_one(shared):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                server = stack.enter_context(
                    start_hapi(install, fhir=fhir, log=shared / f"{fhir}.log", deadline=PATIENCE)
                )
                (shared / f"before_{fhir}").write_text(json.dumps(_refused_before(server.base_url)))
                load(server.base_url, first)
                address.write_text(server.base_url)
                # Undone from the bottom up: no other worker uses it, none will find it, it stops.
                stack.callback(address.unlink)
                stack.callback(fcntl.flock, users, fcntl.LOCK_EX)
        yield address.read_text()


def _refused_before(base_url: str) -> dict[str, int]:
    """Return what a plain server answers to the search parameters that ``load`` is about to add."""
    return {
        f"{each.resource_type}.{each.code}": send("GET", f"{base_url}/{each.resource_type}?{each.code}=none").status
        for each in LACKING
    }


@pytest.fixture(scope="session")
def hapi_server(hapi_install: HapiInstall, hapi_shared: Path) -> Iterator[str]:
    """Base URL of an R4 server that holds the two patients of ``family``."""
    with _shared_server(hapi_install, hapi_shared, "r4", FAMILY) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def hapi_stu3(hapi_install: HapiInstall, hapi_shared: Path) -> Iterator[str]:
    """Base URL of an STU3 server, empty but for the search parameters that use cases need."""
    with _shared_server(hapi_install, hapi_shared, "stu3", []) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def hapi_before(hapi_server: str, hapi_stu3: str, hapi_shared: Path) -> Mapping[str, Mapping[str, int]]:
    """FHIR version -> ``Type.parameter`` -> status, asked before ``load`` added that search parameter."""
    assert hapi_server
    assert hapi_stu3
    return {fhir: json.loads((hapi_shared / f"before_{fhir}").read_text()) for fhir in ("r4", "stu3")}


@pytest.fixture(scope="session")
def hapi_r4(hapi_server: str, hapi_shared: Path) -> str:
    """Base URL of the same server, with what De Gouwe of the demo region holds in R4 as well."""
    with only_one(hapi_shared):  # workers may all load it: the second time changes nothing
        load(hapi_server, records("gouwe", "r4"))
    return hapi_server
