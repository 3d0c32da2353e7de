"""One node of the region as a running process, and where everything about it is."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.region.organisations import Organisation
from examples.region.processes import Child, start_child, until_ready
from node.ports import HttpClient, HttpRequest, PeerError

LOOK_SECONDS = 2.0
OK = 200


@dataclass(slots=True)
class RunningNode:
    """One node: where it is, and its process while it runs.

    Attributes:
        fhir: base URL per FHIR version of the record system behind it.
        fhir_control: where that record system is told to misbehave.
        started_ms: how long it took from its start until it answered, the last time.
    """

    organisation: Organisation
    directory: Path
    public_port: int
    internal_port: int
    log: Path
    fhir: Mapping[str, str] = field(default_factory=dict)
    fhir_control: str | None = None
    child: Child | None = None
    started_ms: int = 0

    @property
    def key(self) -> str:
        """Short name, which is also its subject."""
        return self.organisation.key

    @property
    def public(self) -> str:
        """Public base URL."""
        return f"https://{self.organisation.host}:{self.public_port}"

    @property
    def internal(self) -> str:
        """Internal base URL."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def issuer(self) -> str:
        """Its authorization server."""
        return f"{self.public}/oauth2/{self.key}"

    @property
    def config(self) -> Path:
        """Its ``hazel.yaml``."""
        return self.directory / "hazel.yaml"

    @property
    def data(self) -> Path:
        """Its databases and keys."""
        return self.directory / "data"

    @property
    def api_key(self) -> str:
        """The key to its internal API."""
        return (self.directory / "api.key").read_text(encoding="ascii").strip()

    async def start(self, client: HttpClient) -> None:
        """Start its process and wait until it answers.

        Raises:
            StartError: it ended, or does not answer.
        """
        clock = asyncio.get_running_loop()
        began = clock.time()
        self.child = await start_child(
            f"node {self.key}", [sys.executable, "-m", "node", "serve", "--config", self.config], log=self.log
        )
        await until_ready(self.child, lambda: answers(client, f"{self.internal}/status"))
        self.started_ms = round((clock.time() - began) * 1000)

    def describe(self) -> dict[str, Any]:
        """Return its part of ``region.json`` (API.md §6)."""
        return {
            "key": self.key,
            "name": self.organisation.name,
            "ura": self.organisation.ura,
            "subject": self.key,
            "public": self.public,
            "internal": self.internal,
            "api_key": self.api_key,
            "config": str(self.config),
            "data": str(self.data),
            "log": str(self.log),
            "pid": self.child.pid if self.child is not None else None,
            "fhir": dict(self.fhir),
            "fhir_control": self.fhir_control,
        }


async def answers(client: HttpClient, url: str) -> bool:
    """Say whether ``url`` answers 200."""
    try:
        answer = await client.send(HttpRequest(method="GET", url=url, timeout=LOOK_SECONDS))
    except PeerError:
        return False
    return answer.status == OK
