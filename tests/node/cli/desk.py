"""Somebody at a terminal, and a node that answers like the internal API: word for word what it is told to."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.cli.main import main

BSN = "999990135"  # a test number that passes the elfproef
KEY = "a-key-of-the-node"

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONFIG = """\
organisation:
  name: Huisartsenpraktijk De Gouwe
  city: Gouda
  ura: "90000101"
  subject: gouwe
  facility_type: Z3
url: https://gouwe.example
public:
  address: 127.0.0.1:8443
internal:
  address: {internal}
usecases: [ha-vvt]
cli_user:
  identifier: U-1001
  name: J. Jansen
  role: "01.015"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the node saw it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Desk:
    """A directory with a configuration, a terminal, and a node behind it that says what it was told to say."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], Answering] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.directory / "hazel.yaml"

    def write_config(self, internal: str = "127.0.0.1:9", more: str = "") -> None:
        self.config.write_text(CONFIG.format(internal=internal) + more, encoding="utf-8")
        (self.directory / "api.key").write_text(f"{KEY}\n", encoding="ascii")

    def type(self, text: str) -> None:
        """Pipe ``text`` into the next command."""
        self.monkeypatch.setattr("sys.stdin", io.StringIO(text))

    def run(self, *words: str | Path, stdin: str = "") -> Ran:
        """Run ``hazel`` with ``words``; for commands that need no node."""
        self.type(stdin)
        self.monkeypatch.setenv("HAZEL_CONFIG", str(self.config))
        code = main([str(word) for word in words])
        said = self.capsys.readouterr()
        return Ran(code=code, out=said.out, err=said.err)

    async def hazel(self, *words: str | Path, stdin: str = "") -> Ran:
        """Run ``hazel`` while the node answers."""
        return await asyncio.to_thread(self.run, *words, stdin=stdin)

    def says(
        self, method: str, path: str, value: Any = None, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Let the node answer ``value`` as JSON, or bytes as they are."""
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()

        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, content_type=content_type)

        self.answers[method, path] = answer

    def refuses(self, method: str, path: str, status: int, detail: str, remedy: str | None = None) -> None:
        """Let the node answer with a problem document."""
        problem = {"title": "No", "status": status, "detail": detail, "code": "no"}
        if remedy is not None:
            problem["remedy"] = remedy
        self.says(method, path, problem, status=status, content_type="application/problem+json")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            Asked(
                method=request.method,
                path=request.raw_path.partition("?")[0],
                query=request.raw_path.partition("?")[2],
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        answer = self.answers.get((request.method, request.raw_path.partition("?")[0]))
        if answer is None:
            return web.json_response({"status": 404, "detail": "no such route"}, status=404)
        return await answer(request)


class Running:
    """The node while it listens."""

    def __init__(self, desk: Desk) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", desk.answer)
        self.server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> TestServer:
        await self.server.start_server()
        return self.server

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()
