"""A question's events in the shape that was asked for: a stream, one Bundle, or a view; each in R4 on request (``as=r4``)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import msgspec
from aiohttp import web

from node.exchange.events import End, Event, Plan, Resource, Source, as_ndjson, as_sse
from node.exchange.merge import Fetched, MixedVersionsError, collection_bundle
from node.exchange.outcome import FHIR_JSON
from node.ports import World
from node.usecases.model import UseCase
from node.web.replies import RequestError

Telephones = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""Telephone numbers of organisations, by URA."""
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
READER_SECONDS = 60.0
"""For one line of a stream to be taken by the caller."""
STREAM_SECONDS = 900.0
"""For a whole stream: nothing that came waits longer in memory than what was shown may stay there (session.py)."""
MAX_WHOLE_BYTES = 64 * 1_048_576
"""Of resources in an answer that is given in one piece; larger ones are for a stream."""


@dataclass(slots=True, kw_only=True)
class Whole:
    """An answer to the end."""

    plan: Plan
    sources: list[Source] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    end: End


async def stream(request: web.Request, events: AsyncGenerator[Event], shape: str, *, as_r4: bool) -> web.StreamResponse:
    """Write events as they happen; ends with :class:`End`, or is incomplete."""
    write = as_sse if shape == SSE else as_ndjson
    first = await anext(events)  # what can not be asked is refused here, before the 200
    response = web.StreamResponse(headers={"Content-Type": shape, "Cache-Control": "no-store"})
    await response.prepare(request)
    try:
        async with asyncio.timeout(STREAM_SECONDS):
            await _write(response, write(first))
            async for event in events:
                await _write(response, write(_read(event) if as_r4 else event))
            await response.write_eof()
    except TimeoutError as error:
        raise ConnectionResetError("the caller reads too slowly") from error
    return response


async def bundle(events: AsyncGenerator[Event], world: World, *, as_r4: bool) -> web.Response:
    """Return everything as one Bundle."""
    whole = await gather(events)
    _refuse_broken(whole.end)
    try:
        body = await asyncio.to_thread(
            collection_bundle,
            whole.fetched,
            whole.end.missing,
            bundle_id=world.entropy.uuid(),
            now=world.clock.now(),
            conflicts=whole.end.conflicts,
            not_asked=[(each.name, each.ura, each.reason) for each in whole.plan.not_asked],
            asked_nobody=not whole.plan.holders,
            read=_reading if as_r4 else None,
        )
    except MixedVersionsError as mixed:
        raise RequestError(
            406,
            "mixed_versions",
            str(mixed),
            "ask for a common reading with ?as=r4, or for a stream, which holds each resource in its own version",
        ) from mixed
    return web.Response(body=body, headers={"Content-Type": f"{FHIR_JSON}; charset=utf-8", "Cache-Control": "no-store"})


async def view(
    events: AsyncGenerator[Event], usecase: UseCase, name: str, telephones: Telephones | None = None
) -> web.Response:
    """Return the view called ``name``; what is missing is said in it.

    Args:
        events: of the question.
        usecase: that was asked.
        name: of the view.
        telephones: of organisations by URA, from the care services directory.
    """
    # Loaded with the first view: a node whose callers want streams does without.
    from node.exchange.views.choose import write_view
    from node.exchange.views.network import organisations
    from node.exchange.views.result import Result, read_entries

    whole = await gather(events)
    _refuse_broken(whole.end)

    def read() -> Result:
        return Result(
            usecase=usecase,
            plan=whole.plan,
            sources=whole.sources,
            entries=read_entries(usecase, whole.fetched),
            end=whole.end,
            same=whole.end.same,
            conflicts=whole.end.conflicts,
        )

    result = await asyncio.to_thread(read)
    if telephones is not None and name == "care-team":
        result = replace(result, telephones=await telephones(organisations(result)))
    body = await asyncio.to_thread(lambda: msgspec.json.encode(write_view(name, result)))
    return web.Response(body=body, headers={"Content-Type": "application/json", "Cache-Control": "no-store"})


async def gather(events: AsyncGenerator[Event]) -> Whole:
    """Wait for the end and return everything."""
    plan = await anext(events)
    if not isinstance(plan, Plan):  # the audit log was away before there was one
        assert isinstance(plan, End)
        _refuse_broken(plan)
        raise RequestError(500, "internal_error", "something went wrong on this side")
    sources: list[Source] = []
    fetched: list[Fetched] = []
    size = 0
    async for event in events:
        if isinstance(event, Resource):
            size += event.size
            if size > MAX_WHOLE_BYTES:
                raise RequestError(
                    502, "too_large", "what came is too much for one piece", "ask for a stream, or name `steps`"
                )
            fetched.append(event.fetched)
        elif isinstance(event, Source):
            sources.append(event)
        elif isinstance(event, End):
            return Whole(plan=plan, sources=sources, fetched=fetched, end=event)
    raise RequestError(500, "internal_error", "something went wrong on this side")


def _refuse_broken(end: End) -> None:
    """Refuse to show as an answer what broke off on our side."""
    if end.error is not None:
        raise RequestError(503 if end.error[0] == "audit_unavailable" else 500, *end.error)


def _reading(one: Fetched) -> tuple[bytes | None, tuple[str, ...]]:
    # Loaded with the first STU3 resource that somebody wants in R4.
    from node.exchange.r4.reading import read_as_r4

    try:
        reading = read_as_r4(msgspec.json.decode(one.resource.raw), source=one.full_url)
        return (None if reading.resource is None else msgspec.json.encode(reading.resource)), reading.losses
    except (
        RecursionError
    ):  # nested deeper than anybody writes: the original stands beside it, the rest of the answer goes on
        return None, (f"{one.resource.type} (the whole resource)",)


def _read(event: Event) -> Event:
    if not isinstance(event, Resource) or event.fetched.fhir_version == "r4":
        return event
    line, losses = _reading(event.fetched)
    return Resource(fetched=event.fetched, reading=line, losses=losses)


async def _write(response: web.StreamResponse, line: bytes) -> None:
    """Write one line; a caller that stopped reading without hanging up holds memory of ours only so long."""
    try:
        async with asyncio.timeout(READER_SECONDS):
            await response.write(line)
    except TimeoutError as error:
        raise ConnectionResetError("the caller does not read") from error
