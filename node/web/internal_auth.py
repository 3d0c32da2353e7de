"""Who may use the internal API: an API key, limited to subjects and operations.

A key is 256 random bits, shown once and stored hashed (``api_keys``). An *operation* is the first path segment below
``/internal`` (``exchange``, ``audit``, ``vcr``, …); a *subject* is the ``{subject}`` of the path. A key that is limited to
subjects can not use paths without one: what they show or change is the node's as a whole. Where nuts-node names the organisation in
the body, or by one of its DIDs, the handler is marked `names_subject` and calls :func:`check_acts_for` as soon as it knows whom.
``/status``, ``/health`` and ``/metrics`` are open, as nuts-node's are. ``unsafe_open_internal_api`` lets everybody in who reaches the
listener.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy import insert, select

from credentials.encoding import b64url_encode
from node.ports import Entropy
from node.storage.database import Database
from node.storage.schema import api_keys
from node.web.replies import RequestError

EVERYTHING = ("*",)
KEY_BYTES = 32

_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{43})", re.IGNORECASE | re.ASCII)  # 32 bytes, base64url: what we give out


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCaller:
    """Who calls: the key's name and what it may do; ``("*",)`` is everything."""

    name: str
    subjects: tuple[str, ...]
    operations: tuple[str, ...]

    def may(self, operation: str, subject: str | None) -> bool:
        """Say whether this caller may do ``operation`` for ``subject`` (``None``: for the node as a whole)."""
        return self.may_do(operation) and (
            self.subjects == EVERYTHING or (subject is not None and subject in self.subjects)
        )

    def may_do(self, operation: str) -> bool:
        """Say whether this caller may do ``operation`` for somebody."""
        return self.operations == EVERYTHING or operation in self.operations


CALLER = web.RequestKey("caller", ApiCaller)

_NAMES_SUBJECT: set[Callable[..., object]] = set()


def names_subject(handler: Handler) -> Handler:
    """Mark a handler whose path names no organisation, and which calls :func:`check_acts_for` itself."""
    _NAMES_SUBJECT.add(handler)
    return handler


def may_act_for(request: web.Request, subject: str | None) -> bool:
    """Say whether the caller may act for ``subject`` (``None``: for the node as a whole)."""
    caller = request.get(CALLER)
    return caller is None or caller.may(_operation(request), subject)


def check_acts_for(request: web.Request, subject: str | None) -> None:
    """Refuse a caller who may not act for ``subject`` (``None``: for the node as a whole).

    Raises:
        RequestError: 403.
    """
    if not may_act_for(request, subject):
        raise _not_permitted()


def caller_name(request: web.Request) -> str:
    """Return the name of the API key that was used, for records."""
    caller = request.get(CALLER)
    return caller.name if caller is not None else "internal"


class ApiKeys:
    """The keys we gave out; read through a small cache, since keys are only ever added by the operator's command."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, ApiCaller] = {}

    async def create(
        self, name: str, *, entropy: Entropy, now: datetime, subjects: tuple[str, ...], operations: tuple[str, ...]
    ) -> str:
        """Make a key and return it; only its hash is kept."""
        key = b64url_encode(entropy.token(KEY_BYTES))
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(api_keys).values(
                    key_sha256=_digest(key),
                    name=name,
                    subjects_json=json.dumps(subjects),
                    operations_json=json.dumps(operations),
                    created_at=int(now.timestamp() * 1000),
                )
            )
        return key

    async def caller(self, key: str) -> ApiCaller | None:
        """Return whose ``key`` this is; ``None`` for an unknown one."""
        digest = _digest(key)
        known = self._known.get(digest)
        if known is not None:
            return known
        async with self._database.reading() as connection:
            row = (
                await connection.execute(
                    select(api_keys.c.name, api_keys.c.subjects_json, api_keys.c.operations_json).where(
                        api_keys.c.key_sha256 == digest
                    )
                )
            ).first()
        if row is None:
            return None
        caller = ApiCaller(
            name=row.name,
            subjects=tuple(json.loads(row.subjects_json)),
            operations=tuple(json.loads(row.operations_json)),
        )
        self._known[digest] = caller
        return caller


def internal_auth(keys: ApiKeys, *, open_to_all: bool) -> Middleware:
    """Make the middleware that guards everything under ``/internal``."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/internal/"):
            return await handler(request)
        if open_to_all:
            caller: ApiCaller | None = ApiCaller(name="everybody", subjects=EVERYTHING, operations=EVERYTHING)
        else:
            given = request.headers.getall(hdrs.AUTHORIZATION, [])
            key = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
            caller = await keys.caller(key[1]) if key is not None else None
        if caller is None:
            raise RequestError(
                401, "unauthorized", "an API key is needed", "send Authorization: Bearer with the key in api.key",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        operation, subject = _operation(request), request.match_info.get("subject")
        names_it = subject is None and request.match_info.handler in _NAMES_SUBJECT
        if not (caller.may_do(operation) if names_it else caller.may(operation, subject)):
            raise _not_permitted()
        request[CALLER] = caller
        return await handler(request)

    return middleware


def _operation(request: web.Request) -> str:
    return request.path.split("/")[2]


def _not_permitted() -> RequestError:
    return RequestError(403, "not_permitted", "this API key may not do that")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
