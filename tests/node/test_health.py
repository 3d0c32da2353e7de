"""How the node says it is: what counts as well, what as down, since when, and what to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.exc import OperationalError

from node.exchange.facts import OwnServer
from node.health import (
    HEALTH,
    Check,
    Finding,
    Health,
    State,
    check_audit,
    check_database,
    check_key,
    check_own_server,
    get_alive,
    get_health,
    get_status,
)
from node.identity.subjects import Subjects
from node.keys.errors import VaultAwayError
from node.ports import World
from node.storage.database import Database, open_database
from node.storage.schema import metadata
from node.version import VERSION
from tests.support.world import FixedEntropy, ManualClock, MemoryVault, SimulatedInternet, reply

Client = TestClient[web.Request, web.Application]
SERVER = OwnServer(version="r4", url="http://own.example/fhir")


@pytest.fixture
def world() -> World:
    return World(clock=ManualClock(), entropy=FixedEntropy(), peers=SimulatedInternet(), own=SimulatedInternet())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield opened


def saying(state: State, detail: str = "detail", remedy: str | None = None) -> Check:
    async def check() -> Finding:
        return Finding(state=state, detail=detail, remedy=remedy)

    return check


async def asked(world: World, checks: dict[str, Check], path: str = "/internal/status/v1") -> tuple[int, Any]:
    app = web.Application()
    app[HEALTH] = Health(world, checks, ["unsafe_x"])
    app.router.add_get("/internal/status/v1", get_status)
    app.router.add_get("/status", get_alive)
    app.router.add_get("/health", get_health)
    async with TestClient(TestServer(app)) as client, client.get(path) as answer:
        text = await answer.text()
        return answer.status, text if path == "/status" else json.loads(text)


@pytest.mark.parametrize(
    ("states", "worst", "status"),
    [
        ([], "ok", 200),
        (["ok", "ok"], "ok", 200),
        (["ok", "degraded"], "degraded", 200),
        (["degraded", "down", "ok"], "down", 503),
    ],
)
async def test_the_whole_is_as_well_as_its_worst_part(
    world: World, states: list[State], worst: str, status: int
) -> None:
    checks = {f"check {number}": saying(state) for number, state in enumerate(states)}
    got, document = await asked(world, checks)
    assert (got, document["state"]) == (status, worst)
    assert set(document) == {"state", "checks", "version", "unsafe"}
    assert (document["version"], document["unsafe"]) == (VERSION, ["unsafe_x"])
    assert [check["state"] for check in document["checks"]] == states


async def test_nuts_nodes_form_says_the_same(world: World) -> None:
    checks = {"a": saying("ok", "fine"), "b": saying("degraded", "away")}
    assert await asked(world, checks, "/health") == (
        200,
        {
            "status": "UNKNOWN",
            "details": {"a": {"status": "UP", "details": "fine"}, "b": {"status": "UNKNOWN", "details": "away"}},
        },
    )
    assert await asked(world, {"a": saying("down")}, "/health") == (
        503,
        {"status": "DOWN", "details": {"a": {"status": "DOWN", "details": "detail"}}},
    )
    assert await asked(world, {"a": saying("down")}, "/status") == (200, "OK")


async def test_a_state_tells_since_when_and_begins_anew_when_it_changes() -> None:
    clock = ManualClock()
    world = World(clock=clock, entropy=FixedEntropy(), peers=SimulatedInternet(), own=SimulatedInternet())
    now: list[State] = ["ok"]

    async def check() -> Finding:
        return Finding(state=now[0], detail="x", remedy="do this")

    health = Health(world, {"a": check}, [])

    async def since() -> Any:
        (found,) = (await health.report())["checks"]
        return found["since"]

    first = await since()
    assert first == "2026-11-22T12:00:00Z"
    clock.jump(timedelta(minutes=5))
    assert await since() == first
    now[0] = "degraded"
    assert await since() == "2026-11-22T12:05:00Z"
    clock.jump(timedelta(minutes=5))
    now[0] = "ok"
    assert await since() == "2026-11-22T12:10:00Z"


async def test_a_check_that_breaks_is_down_and_tells_no_more_than_its_kind(world: World) -> None:
    async def check() -> Finding:
        raise ValueError("999990135")

    status, document = await asked(world, {"a": check, "b": saying("ok")})
    assert status == 503
    assert "999990135" not in json.dumps(document)
    assert [found["state"] for found in document["checks"]] == ["down", "ok"]
    assert document["checks"][0]["remedy"]


async def test_a_check_that_hangs_does_not_hold_up_the_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.health.CHECK_LIMIT", 0.05)

    async def check() -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(5):
        status, document = await asked(world, {"slow": check, "quick": saying("ok")})
    assert status == 503
    assert {found["name"]: found["state"] for found in document["checks"]} == {"slow": "down", "quick": "ok"}


async def test_the_audit_log_is_well_when_it_can_be_written() -> None:
    class Log:
        full = False

        async def check(self) -> None:
            if self.full:
                raise OSError(28, "No space left on device")

    log = Log()
    assert (await check_audit(log)()).state == "ok"
    log.full = True
    with pytest.raises(OSError, match="No space"):
        await check_audit(log)()


async def test_the_database_is_well_when_it_answers(database: Database) -> None:
    assert (await check_database(database)()).state == "ok"
    async with open_database("sqlite+aiosqlite:////nowhere/hazel.db") as absent:
        with pytest.raises(OperationalError):
            await check_database(absent)()


async def test_the_key_is_well_when_what_it_signs_verifies(database: Database) -> None:
    vault = MemoryVault()
    subjects = Subjects(database, vault, ManualClock(), FixedEntropy(), "https://oever.example")
    await subjects.create("oever")
    assert (await check_key(subjects, "oever")()).state == "ok"
    vault.keys.clear()
    lost = await check_key(subjects, "oever")()
    assert (lost.state, lost.detail) == ("down", "the private key of our identifier is not in the vault")
    assert "hazel key rotate" in str(lost.remedy)


async def test_a_vault_that_is_away_is_told_with_its_remedy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = MemoryVault()
    subjects = Subjects(database, vault, ManualClock(), FixedEntropy(), "https://oever.example")
    await subjects.create("oever")

    async def away(_kid: object) -> None:
        raise VaultAwayError("the token does not answer", "switch it on")

    monkeypatch.setattr(vault, "key", away)
    assert await check_key(subjects, "oever")() == Finding(
        state="down", detail="the token does not answer", remedy="switch it on"
    )


async def test_our_own_server_away_or_unwell_is_degraded_with_a_remedy(world: World) -> None:
    own = world.own
    assert isinstance(own, SimulatedInternet)
    check = check_own_server(world, SERVER)
    away = await check()
    assert (away.state, bool(away.remedy)) == ("degraded", True)

    async def site(_: Any) -> Any:
        return answer

    own.sites["http://own.example"] = site
    answer = reply({"secret": "999990135"}, status=500)
    unwell = await check()
    assert (unwell.state, bool(unwell.remedy)) == ("degraded", True)
    assert "999990135" not in unwell.detail
    answer = reply({"resourceType": "CapabilityStatement"})
    assert (await check()).state == "ok"
    assert own.calls[-1].url == "http://own.example/fhir/metadata"


async def test_no_two_checks_wait_for_each_other(world: World) -> None:
    meeting = asyncio.Barrier(3)

    async def check() -> Finding:
        await meeting.wait()
        return Finding(state="ok", detail="met")

    async with asyncio.timeout(5):
        status, _ = await asked(world, dict.fromkeys(("a", "b", "c"), check))
    assert status == 200
