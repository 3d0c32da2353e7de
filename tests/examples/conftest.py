"""Record systems in process: real application, real SQL, no files and no ports of the machine but one on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from examples.region.data import AVAILABLE, records
from examples.region.ehr.records import Records
from examples.region.ehr.server import create_app
from examples.region.ehr.system import RecordSystem
from examples.region.organisations import FhirVersion, organisation

NOW = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)


@dataclass(slots=True)
class Ehr:
    """A running record system, spoken to in one FHIR version."""

    client: TestClient[Request, Application]
    system: RecordSystem
    fhir: FhirVersion

    @property
    def base(self) -> str:
        return f"{self.client.make_url('/')}{self.fhir}"

    async def get(self, path: str, status: int = 200) -> dict[str, Any]:
        """GET below the base; the path is taken as it is, percent-encoding included."""
        async with self.client.get(f"/{self.fhir}{path}") as answer:
            assert answer.status == status, await answer.text()
            body: dict[str, Any] = await answer.json(content_type=None)
            return body

    async def post(self, path: str, form: str, status: int = 200) -> dict[str, Any]:
        """POST a form below the base."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.client.post(f"/{self.fhir}{path}", data=form.encode(), headers=headers) as answer:
            assert answer.status == status, await answer.text()
            body: dict[str, Any] = await answer.json(content_type=None)
            return body

    async def follow(self, url: str) -> dict[str, Any]:
        """Fetch an absolute link, which must lie under the base."""
        assert url.startswith(self.base)
        return await self.get(url.removeprefix(self.base))

    async def control(self, **asked: object) -> None:
        async with self.client.post("/control", json=asked) as answer:
            assert answer.status == 200, await answer.text()


StartEhr = Callable[..., Awaitable[Ehr]]


@cache
def _loaded(key: str, fhir: FhirVersion) -> Records:
    """Records that were loaded once, to be copied: filling the index takes longer than most tests."""
    kept = Records(None)
    kept.load(fhir, records(key, fhir), "test")
    return kept


@pytest.fixture(scope="session", autouse=True)
def _close_loaded() -> Iterator[None]:
    yield
    for key, versions in AVAILABLE.items():
        for version in versions:
            _loaded(key, version).close()
    _loaded.cache_clear()


@pytest.fixture
async def start_ehr() -> AsyncIterator[StartEhr]:
    async with AsyncExitStack() as stack:

        async def start(key: str, fhir: FhirVersion, *, token: str | None = None) -> Ehr:
            kept = Records(None)
            stack.callback(kept.close)
            _loaded(key, fhir)._db.backup(kept._db)
            system = RecordSystem(organisation(key), (fhir,), kept, token=token, now=lambda: NOW)
            server = TestServer(create_app(system), handler_cancellation=True)
            client = await stack.enter_async_context(TestClient(server))
            return Ehr(client, system, fhir)

        yield start


@pytest.fixture
async def gouwe(start_ehr: StartEhr) -> Ehr:
    return await start_ehr("gouwe", "r4")


@pytest.fixture
async def oever(start_ehr: StartEhr) -> Ehr:
    return await start_ehr("oever", "stu3")


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    """``Type/id`` of the entries of one kind, in order."""
    found = [entry for entry in bundle.get("entry", []) if entry["search"]["mode"] == mode]
    return [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in found]


def next_link(bundle: dict[str, Any]) -> str | None:
    """Where the next page is."""
    links = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    return links[0] if links else None
