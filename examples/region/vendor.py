"""What an organisation's own software does: it calls the internal API of its node, with the node's API key.

Nothing here knows how nodes work inside: this is the vendor's side of API.md, as any programming language would write it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from examples.region.answer import Answer
from examples.region.patients import BSN_SYSTEM
from examples.region.running_node import RunningNode
from node.ports import HttpRequest
from node.web.client import Client

MAX_ANSWER = 64 * 1024 * 1024
SECONDS = 65.0
"""A question may take a minute."""

Line = Mapping[str, Any]


class UnexpectedStatusError(Exception):
    """The node answered with another status than a success.

    Attributes:
        status: of HTTP.
        code: stable reason of its problem document, empty without one.
    """

    def __init__(self, what: str, status: int, body: bytes) -> None:
        try:
            problem = json.loads(body)
        except ValueError:
            problem = {}
        self.status = status
        self.code = str(problem.get("code", "")) if isinstance(problem, dict) else ""
        detail = f": {problem['detail']}" if isinstance(problem, dict) and "detail" in problem else ""
        super().__init__(f"{what} was answered with {status}{detail}")


@dataclass(frozen=True, slots=True)
class Vendor:
    """The software of one organisation."""

    node: RunningNode
    client: Client

    async def get(self, path: str, **query: str) -> Any:
        """``GET`` below ``/internal`` and return the JSON.

        Raises:
            UnexpectedStatusError, PeerError: no success.
        """
        return await self._call("GET", path + (f"?{urlencode(query)}" if query else ""), None)

    async def post(self, path: str, body: Any, *, media_type: str = "application/json") -> Any:
        """``POST`` JSON below ``/internal`` and return the JSON.

        Raises:
            UnexpectedStatusError, PeerError: no success.
        """
        return await self._call("POST", path, json.dumps(body).encode(), media_type)

    async def ask(
        self,
        usecase: str,
        bsn: str,
        user: Mapping[str, str],
        *,
        on_line: Callable[[Line], None] | None = None,
        **members: Any,
    ) -> Answer:
        """Ask other organisations about a citizen and return everything that came (API.md §2).

        Args:
            usecase: its id.
            bsn: the citizen.
            user: who asks.
            on_line: told every line as it arrives.
            members: of the question: ``holders``, ``steps``, ``deadline_ms``; ``purpose`` is ``TREAT`` unless given.

        Raises:
            UnexpectedStatusError: the question was refused.
            PeerError: the node did not answer.
        """
        path = f"/exchange/v1/{self.node.key}/{usecase}"
        question = {
            "patient": {"system": BSN_SYSTEM, "value": bsn},
            "user": dict(user),
            "purpose": "TREAT",
            "fresh": True,  # what is shown here happens now, not a moment ago
            **members,
        }
        lines: list[Line] = []
        request = self._request("POST", path, json.dumps(question).encode(), "application/json")
        async for raw in self.client.lines(request):
            line = json.loads(raw)
            if "type" not in line:
                raise UnexpectedStatusError(f"POST {path}", int(line.get("status", 0)), raw)
            lines.append(line)
            if on_line is not None:
                on_line(line)
        return Answer.of(lines)

    async def report(self, bsn: str) -> Any:
        """Return a citizen's access report at this organisation."""
        return await self.post(f"/audit/v1/{self.node.key}/report", {"patient": {"system": BSN_SYSTEM, "value": bsn}})

    async def registered(self, service: str) -> list[Mapping[str, Any]]:
        """Return who is registered in a discovery service, by this node's own replica."""
        found: list[Mapping[str, Any]] = await self.get(f"/discovery/v1/{quote(service)}")
        return found

    async def did(self) -> str:
        """Return the organisation's identifier."""
        dids = await self.get(f"/vdr/v2/subject/{self.node.key}")
        return str(dids[0])

    async def _call(self, method: str, path: str, body: bytes | None, media_type: str | None = None) -> Any:
        answer = await self.client.send(self._request(method, path, body, media_type or "application/json"))
        if not 200 <= answer.status < 300:  # noqa: PLR2004  # the successes of HTTP
            raise UnexpectedStatusError(f"{method} {path.partition('?')[0]}", answer.status, answer.body)
        return json.loads(answer.body) if answer.body else None

    def _request(self, method: str, path: str, body: bytes | None, media_type: str) -> HttpRequest:
        headers = {"Authorization": f"Bearer {self.node.api_key}", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = media_type
        return HttpRequest(
            method=method,
            url=f"{self.node.internal}/internal{path}",
            headers=headers,
            body=body,
            max_bytes=MAX_ANSWER,
            timeout=SECONDS,
        )
