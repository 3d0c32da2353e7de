"""A record system that does what it is told to do wrong, and what its organisation's node recorded about it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from examples.region.network import Region
from node.ports import HttpRequest


class RecordSystem:
    """The record system behind one node."""

    def __init__(self, region: Region, key: str) -> None:
        self._region = region
        self._node = region.nodes[key]

    async def misbehave(self, kind: str, path: str, *, delay_ms: int = 3_000) -> None:
        """Misbehave from now on for requests whose path begins with ``path``."""
        await self._control({"misbehave": kind, "paths": [path], "delay_ms": delay_ms})

    async def behave(self) -> None:
        """Do nothing wrong any more."""
        await self._control({"misbehave": "none"})

    async def requests(self) -> int:
        """How many FHIR requests it was sent."""
        answer = await self._send("GET", None)
        return int(answer["requests"])

    async def recent(self, count: int) -> list[str]:
        """Method and path of the latest ``count`` FHIR requests, oldest first."""
        answer = await self._send("GET", None)
        return [str(each) for each in answer["recent"]][-count:] if count else []

    async def newest_events(self, count: int) -> list[Mapping[str, Any]]:
        """The newest audit events of its node, newest first."""
        bundle = await self._region.vendor(self._node.key).get(f"/audit/v1/{self._node.key}", _count=str(count))
        return [entry["resource"] for entry in bundle.get("entry", ())]

    async def outcomes(self, count: int = 5) -> list[str]:
        """How the newest accesses ended, newest first."""
        return [str(event["outcomeDesc"]) for event in await self.newest_events(count)]

    def log_size(self) -> int:
        """How much its node has logged."""
        return self._node.log.stat().st_size

    def logged_since(self, size: int) -> str:
        """What its node logged since the log had this size."""
        return self._node.log.read_bytes()[size:].decode()

    async def _control(self, body: Mapping[str, object]) -> None:
        await self._send("POST", json.dumps(body).encode())

    async def _send(self, method: str, body: bytes | None) -> Mapping[str, Any]:
        assert self._node.fhir_control is not None
        answer = await self._region.own.send(HttpRequest(method=method, url=self._node.fhir_control, body=body))
        assert answer.status == 200, answer.body
        said: Mapping[str, Any] = json.loads(answer.body)
        return said


def identities(resources: Sequence[Mapping[str, Any]]) -> set[str]:
    """Type and id of everything in an answer."""
    return {f"{line['resource']['resourceType']}/{line['resource']['id']}" for line in resources}
