"""How the node is: every check with its state, since when, and what to do (``GET /internal/status/v1``, ``hazel status``).

Ready means able to exchange: the audit log can be written (without it no data leaves), the key can sign, the database answers. Our
own FHIR server or a discovery host that is away makes it ``degraded``: what still works goes on (ARCHITECTURE §8).
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from aiohttp import web
from sqlalchemy import text

from node.exchange.facts import OwnServer
from node.identity.subjects import Subjects
from node.keys.errors import VaultError
from node.keys.signing import sign_with
from node.ports import HttpRequest, PeerError, World
from node.registries.definition_files import DefinitionFiles
from node.registries.participation import Participation
from node.storage.database import Database
from node.version import VERSION

State = Literal["ok", "degraded", "down"]

CHECK_SECONDS = 3.0
"""For an answer of our own FHIR server."""

CHECK_LIMIT = 5.0
"""Seconds for any check; they run side by side."""

STALE_ROUNDS = 3
"""Rounds of following that may be missed before a list counts as stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    state: State
    detail: str
    remedy: str | None = None


Check = Callable[[], Awaitable[Finding]]


class Health:
    """Runs the checks when asked, and remembers since when each state lasts."""

    def __init__(self, world: World, checks: Mapping[str, Check], unsafe: Sequence[str]) -> None:
        self._world = world
        self._checks = checks
        self._unsafe = list(unsafe)
        self._since: dict[str, tuple[State, datetime]] = {}

    async def report(self) -> dict[str, Any]:
        """Return the document of API.md §4."""
        checks = []
        worst: State = "ok"
        findings = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
        for name, finding in zip(self._checks, findings, strict=True):
            since = self._since.get(name)
            if since is None or since[0] != finding.state:
                since = self._since[name] = (finding.state, self._world.clock.now())
            checks.append(
                {
                    "name": name,
                    "state": finding.state,
                    "since": since[1].isoformat(timespec="seconds").replace("+00:00", "Z"),
                    "detail": finding.detail,
                    "remedy": finding.remedy,
                }
            )
            worst = max(worst, finding.state, key=("ok", "degraded", "down").index)
        return {"state": worst, "checks": checks, "version": VERSION, "unsafe": self._unsafe}

    async def _run(self, check: Check) -> Finding:
        try:
            async with asyncio.timeout(CHECK_LIMIT):
                return await check()
        except Exception as error:  # noqa: BLE001  # a check that breaks is a finding
            return Finding(state="down", detail=f"the check failed: {type(error).__name__}", remedy="see the log")


HEALTH = web.AppKey("HEALTH", Health)


async def get_status(request: web.Request) -> web.Response:
    """``GET /internal/status/v1``: how the node is; 503 when it can not exchange."""
    report = await request.app[HEALTH].report()
    return web.json_response(report, status=503 if report["state"] == "down" else 200)


async def get_alive(_request: web.Request) -> web.Response:
    """``GET /status``: the process answers (nuts-node's form)."""
    return web.Response(text="OK")


async def get_health(request: web.Request) -> web.Response:
    """``GET /health``: nuts-node's form of the same checks."""
    report = await request.app[HEALTH].report()
    states = {"ok": "UP", "degraded": "UNKNOWN", "down": "DOWN"}
    details = {
        check["name"]: {"status": states[check["state"]], "details": check["detail"]} for check in report["checks"]
    }
    body = {"status": states[report["state"]], "details": details}
    return web.json_response(body, status=503 if report["state"] == "down" else 200)


class Checkable(Protocol):
    """What can tell whether it can be written."""

    async def check(self) -> None:
        """Raise when it can not."""
        ...


def check_audit(audit: Checkable) -> Check:
    """The audit log takes a write: an empty transaction, so that a full disk or a dead writer is seen before data is asked."""

    async def check() -> Finding:
        await audit.check()
        return Finding(state="ok", detail="the audit log can be written")

    return check


def check_database(database: Database) -> Check:
    """The database answers."""

    async def check() -> Finding:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))
        return Finding(state="ok", detail="the database answers")

    return check


def check_key(subjects: Subjects, subject: str) -> Check:
    """Our key signs, and what it signs verifies."""

    async def check() -> Finding:
        message = b"hazel self-test"
        try:
            _, key = await subjects.signer(subject)
            signature = await sign_with(key, lambda key: key.sign(message))
        except VaultError as error:
            return Finding(state="down", detail=str(error), remedy=error.remedy or "see docs/operate.md, Keys")
        key.public.verify(signature, message, key.alg)
        return Finding(state="ok", detail="the signing key works")

    return check


def check_own_server(world: World, server: OwnServer) -> Check:
    """Our own FHIR server answers."""

    async def check() -> Finding:
        try:
            answer = await world.own.send(
                HttpRequest(
                    method="GET",
                    url=f"{server.url}/metadata",
                    headers={"Accept": "application/fhir+json"},
                    max_bytes=8_388_608,
                    timeout=CHECK_SECONDS,
                )
            )
        except PeerError as error:
            return Finding(
                state="degraded",
                detail=f"our FHIR server does not answer: {error.code}",
                remedy="start it, or mend its address",
            )
        if answer.status != 200:  # noqa: PLR2004  # OK
            return Finding(
                state="degraded", detail=f"our FHIR server answers {answer.status}", remedy="look at its own log"
            )
        return Finding(state="ok", detail="our FHIR server answers")

    return check


def check_discovery(participation: Participation, world: World, service: str, *, hosted: Container[str]) -> Check:
    """The list of a discovery service is fresh."""

    async def check() -> Finding:
        followed = participation.followed(service)
        if service in hosted:
            return Finding(state="ok", detail=f"hosted here, {followed.members} members")
        if followed.refreshed_at is None:
            return Finding(
                state="degraded",
                detail=f"the list was never read{f': {followed.error}' if followed.error else ''}",
                remedy="is the host of the service reachable? its address is in the definition file",
            )
        if followed.log is not None and followed.log.alarms:
            alarm = followed.log.alarms[0]
            return Finding(
                state="degraded",
                detail=f"{alarm.kind}: {alarm.detail} ({alarm.source})",
                remedy=f"see both sides with: hazel discovery status --service {service}; tell who runs the service",
            )
        age = world.clock.now() - followed.refreshed_at
        if age > participation.pause * STALE_ROUNDS:
            return Finding(
                state="degraded",
                detail=f"the list is {int(age.total_seconds())} s old: {followed.error or 'no news'}",
                remedy="known members stay usable until their registrations expire; is the host reachable?",
            )
        return Finding(state="ok", detail=f"{followed.members} members, {int(age.total_seconds())} s old")

    return check


def check_definitions(files: DefinitionFiles) -> Check:
    """The definition files of discovery services are right."""

    async def check() -> Finding:
        wrong = [*files.stopped.values(), *files.strange.values()]
        if wrong:
            detail, _, remedy = wrong[0].rpartition("; ")
            return Finding(state="degraded", detail=detail or remedy, remedy=remedy)
        return Finding(state="ok", detail=f"{len(files.services)} services")

    return check
