"""Talking to the running node: its internal API, found and unlocked through the configuration.

The address comes from ``internal`` in ``hazel.yaml``, the key from ``api.key`` beside it. A problem document becomes a
:class:`CommandError` with its remedy; a node that does not answer a :class:`NotRunningError` (exit code 3). Bodies are never
quoted in errors.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from node.cli.output import REFUSED, UNREACHABLE, USAGE, CommandError, pick
from node.config.load import load_config
from node.config.model import Config
from node.ports import HttpRequest, PeerError
from node.web.client import Client, open_own_client

API_KEY_FILE = "api.key"
MAX_ANSWER = 67_108_864
"""Bytes of one answer."""
MAX_STREAM = 17_179_869_184
"""Bytes of a stream that is written or shown line by line, never held."""
TIMEOUT = 60.0
"""Seconds for one call; the node's own limits are shorter."""

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_KEY = re.compile(r"[\x21-\x7e]{1,4096}\Z")
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # what a listener on all is called by
_EXIT_CODES: Mapping[int, int] = {
    HTTPStatus.BAD_REQUEST: USAGE,  # the node read the arguments and found them wrong
    HTTPStatus.BAD_GATEWAY: UNREACHABLE,
    HTTPStatus.GATEWAY_TIMEOUT: UNREACHABLE,
}


class NotRunningError(CommandError):
    """The node does not answer."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy, code=UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer.

    Attributes:
        value: parsed JSON; ``None`` for an empty body.
    """

    status: int
    headers: Mapping[str, str]
    value: Any


class NodeApi:
    """The internal API of one node. Open one with :func:`open_api`."""

    def __init__(self, config: Config, file: Path, client: Client, origin: str, key: str | None) -> None:
        self.config = config
        self._file = file
        self._client = client
        self._origin = origin
        self._key = key

    def subject(self, given: str | None) -> str:
        """Return the path segment of the organisation acted for."""
        return segment(given if given is not None else self.config.organisation.subject)

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """``GET`` ``path``; names and values of ``query`` are encoded here."""
        return await self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    async def post(self, path: str, value: Any = None, *, accept: str = JSON) -> Answer:
        """``POST`` a JSON body, or none when ``value`` is ``None``."""
        body = None if value is None else json.dumps(value).encode()
        return await self.call("POST", path, body=body, accept=accept)

    async def post_form(self, path: str, pairs: Sequence[tuple[str, str]]) -> Answer:
        """``POST`` a form: what must not stand in an address goes here."""
        return await self.call("POST", path, body=urlencode(pairs).encode(), content_type=FORM)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str = JSON,
        accept: str = f"{JSON}, application/fhir+json",
        headers: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
    ) -> Answer:
        """Call the node.

        Args:
            method: HTTP method.
            path: path and query, encoded.
            body: sent as ``content_type``.
            content_type: of the body.
            accept: what may come back.
            headers: sent along.
            allowed: statuses of 400 and up that are an answer all the same.

        Raises:
            NotRunningError: no answer.
            CommandError: the node says no, or its answer can not be read.
        """
        request = self._request(method, path, body, content_type, accept, TIMEOUT, MAX_ANSWER, headers)
        try:
            response = await self._client.send(request)
        except PeerError as error:
            raise self.unreachable(error) from error
        if response.status >= HTTPStatus.BAD_REQUEST and response.status not in allowed:
            raise self.problem(response.status, response.body)
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES and response.status not in allowed:
            raise CommandError(f"the node answered with status {response.status}", "is that address a Hazel node?")
        try:
            value = json.loads(response.body) if response.body.strip() else None
        except (ValueError, RecursionError) as error:
            raise CommandError("the node's answer can not be read", "is that address a Hazel node?") from error
        return Answer(status=response.status, headers=response.headers, value=value)

    def lines(
        self, method: str, path: str, *, body: bytes | None = None, accept: str, timeout: float
    ) -> AsyncIterator[bytes]:
        """Call the node and return the lines of its answer as they arrive. A refusal comes as one line: a problem document.

        Raises:
            PeerError: no answer, or it broke off.
        """
        return self._client.lines(self._request(method, path, body, JSON, accept, timeout, MAX_STREAM, None))

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        content_type: str,
        accept: str,
        timeout: float,
        max_bytes: int,
        headers: Mapping[str, str] | None,
    ) -> HttpRequest:
        return HttpRequest(
            method=method,
            url=f"{self._origin}{path}",
            headers={
                "Accept": accept,
                **({"Content-Type": content_type} if body is not None else {}),
                **({"Authorization": f"Bearer {self._key}"} if self._key is not None else {}),
                **(headers or {}),
            },
            body=body,
            max_bytes=max_bytes,
            timeout=timeout,
        )

    def unreachable(self, error: PeerError) -> CommandError:
        """Say that the node did not answer, and what to do."""
        match error.code:
            case "unreachable":
                return NotRunningError(
                    f"the node does not answer at {self._origin}", f"start it with: hazel serve --config {self._file}"
                )
            case "timeout":
                return NotRunningError(
                    f"the node at {self._origin} did not answer in time", "look at its log, or ask: hazel status"
                )
            case _:
                return NotRunningError(
                    f"{error.origin}: {error.code}", "is the address of internal in the configuration the node's own?"
                )

    def problem_on(self, line: bytes) -> CommandError | None:
        """Return what the node said no to, when the first line of a stream is a problem document; else ``None``."""
        try:
            status = pick(json.loads(line), "status")
        except (ValueError, RecursionError):
            return None
        is_problem = isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST
        return self.problem(status, line) if is_problem else None

    def problem(self, status: int, body: bytes) -> CommandError:
        """Say what the node said no to (RFC 9457), and what to do."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        message = next(
            (text for name in ("detail", "title") if isinstance(text := pick(document, name), str) and text),
            f"the node answered with status {status}",
        )
        remedy = pick(document, "remedy")
        if status == HTTPStatus.UNAUTHORIZED:
            place = self._file.with_name(API_KEY_FILE)
            remedy = f"{place} is not a key of this node" if self._key is not None else f"there is no {place}"
        return CommandError(
            message,
            remedy if isinstance(remedy, str) else None,
            code=_EXIT_CODES.get(status, REFUSED),
        )


@asynccontextmanager
async def open_api(file: Path) -> AsyncIterator[NodeApi]:
    """Open the internal API of the node whose configuration is ``file``.

    Raises:
        ConfigError: the configuration can not be used.
        CommandError: the key beside it can not be read.
    """
    config = load_config(file)
    origin = internal_origin(config)
    key = _read_key(file.with_name(API_KEY_FILE))
    own = config.internal.tls_certificate
    async with open_own_client([origin], ca_file=str(own) if own is not None else None) as client:
        yield NodeApi(config, file, client, origin, key)


def with_node(file: Path, work: Callable[[NodeApi], Awaitable[int]]) -> int:
    """Run ``work`` with the node's API open; return its exit code."""

    async def run() -> int:
        async with open_api(file) as api:
            return await work(api)

    return asyncio.run(run())


def internal_origin(config: Config) -> str:
    """Return where the internal API is called: the address it listens on, or loopback when that is every address."""
    host, port = config.internal.host_port
    host = _EVERY_ADDRESS.get(host, host)
    scheme = "https" if config.internal.tls_certificate is not None else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def segment(text: str) -> str:
    """Return ``text`` as one path segment.

    Raises:
        CommandError: it can not be one.
    """
    if not text or set(text) == {"."}:
        raise CommandError("a name can not be empty or only dots", code=2)
    return quote(text, safe="")


def _read_key(file: Path) -> str | None:
    """Read the API key; ``None`` when there is none, which an open internal API does not mind."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(
            f"{file} can not be read: {error.strerror}", "run the command as the user the node belongs to"
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} does not hold a key", "copy it from the node's directory again") from error
    if _KEY.match(text) is None:
        raise CommandError(f"{file} does not hold a key", "copy it from the node's directory again")
    return text
