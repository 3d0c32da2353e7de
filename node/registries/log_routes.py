"""The log of a discovery service over HTTP (C2SP tlog-tiles), and what the operator may see and do about it.

Checkpoints are never cached for long, tiles for ever: they can't change.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from credentials.encoding import b64_encode
from credentials.errors import MalformedError
from node.registries.hosted import HostedServices
from node.registries.participation import Followed
from node.registries.taking_over import TakingOver
from node.web.bodies import read_model
from node.web.replies import RequestError
from registry.errors import RejectedError
from registry.service import ServiceDefinition
from registry.transparency.heads import Head, LogReport
from registry.transparency.hosting import LogHost

LOG_HOST = web.AppKey("LOG_HOST", LogHost)
HOSTED = web.AppKey("HOSTED", HostedServices)
TAKING_OVER = web.AppKey("TAKING_OVER", TakingOver)

FOR_EVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=5"
MAX_PROMOTION = 1_024


class Promotion(BaseModel):
    """Body of a promotion."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    incomplete: bool = False


async def checkpoint(request: web.Request, service: ServiceDefinition) -> web.Response:
    """``GET /discovery/{service}/log/checkpoint``: a signed note."""
    try:
        body = await request.app[LOG_HOST].checkpoint(service)
    except RejectedError as error:
        raise RequestError(404, error.code, str(error)) from error
    headers = {"Cache-Control": FOR_NOW}
    return web.Response(body=body, content_type="text/plain", charset="utf-8", headers=headers)


async def tile(request: web.Request, service: ServiceDefinition) -> web.Response:
    """``GET /discovery/{service}/log/tile/…``: hashes or leaves."""
    try:
        body = await request.app[LOG_HOST].tile(service, request.match_info["tile"])
    except (RejectedError, MalformedError) as error:
        raise RequestError(404, "unknown_tile", "this log has no such tile") from error
    headers = {"Cache-Control": FOR_EVER}
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


def keys_of(logs: LogHost, service: ServiceDefinition) -> Mapping[str, Any]:
    """What a definition says that names this node as host, mirror or witness."""
    return {
        "log_key": str(logs.keys.log(service).verifier),
        "witness": str(logs.keys.witness().verifier),
        "mirror": logs.keys.own_url(service.id),
    }


async def state_of(
    request: web.Request, service: ServiceDefinition, followed: Followed, stopped: str | None
) -> Mapping[str, Any]:
    """Everything the operator may want to know about a service's log."""
    logs = request.app[LOG_HOST]
    tree = await request.app[LOG_HOST].tree(service)
    hosted = service.id in request.app[HOSTED]
    return {
        "service": service.id,
        "role": "host" if hosted else "mirror" if logs.keys.is_mirror(service) else "follower",
        "trust": trust_of(logs, service, hosted=hosted),
        "definition": {
            "endpoint": service.endpoint,
            "mirrors": list(service.mirrors),
            "log_key": None if service.log_key is None else str(service.log_key),
            "witnesses": len(service.witnesses),
            "witness_quorum": service.witness_quorum,
        },
        "ours": keys_of(logs, service),
        "stopped": stopped,
        "head": None if tree is None else _head(tree.frontier.size, tree.frontier.root),
        "fork": tree is not None and bool(tree.evidence),
        "evidence": tree.evidence if tree is not None and tree.evidence else None,
        "log": None if followed.log is None else report_of(followed.log),
        "refused": [
            {"number": each.timestamp, "code": each.error.code, "reason": str(each.error)} for each in followed.refusals
        ],
        "pending": followed.pending,
    }


def trust_of(logs: LogHost, service: ServiceDefinition, *, hosted: bool) -> str:
    """What the word of the host is worth, in one sentence."""
    if hosted:
        if service.log_key is not None and not logs.keys.is_host_key(service):
            return "the definition names another log_key than this node's: followers do not believe this host"
        return (
            "hosted here"
            if service.log_key is not None
            else "hosted here; the definition names no log_key, so nobody checks"
        )
    if service.log_key is None:
        return "on the word of its host: the definition names no log_key, so what a host leaves out or goes back on is not seen"
    if not service.witness_quorum:
        return "checked against its log; no witnesses are asked for"
    return f"checked against its log, which {service.witness_quorum} witnesses have to have seen"


def report_of(report: LogReport) -> Mapping[str, Any]:
    """How following the log went, with what every source says."""
    return {
        "head": _head(report.size, report.root),
        "witnesses": report.witnesses,
        "missing": list(report.missing),
        "sources": [_source(each) for each in report.heads],
        "alarms": [{"kind": each.kind, "source": each.source, "detail": each.detail} for each in report.alarms],
        "checked_at": report.checked_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


async def post_promotion(request: web.Request, service: ServiceDefinition) -> web.Response:
    """``POST /internal/registries/v1/{service}/promote``: take the service over from a host that is lost."""
    wanted = await read_model(request, Promotion, max_bytes=MAX_PROMOTION) if request.body_exists else Promotion()
    done = await request.app[TAKING_OVER].take_over(service, incomplete=wanted.incomplete)
    return web.json_response(
        {
            "definition": dict(done.definition),
            "file": str(done.file),
            "log_size": done.size,
            "next_number": done.number,
            "missing": done.missing,
        }
    )


def _source(head: Head) -> Mapping[str, Any]:
    if head.signed is None:
        return {"source": head.source, "head": None, "witnesses": [], "error": head.error}
    seen = sorted(key.name for key in head.signed.witnessed)
    shown = _head(head.signed.checkpoint.size, head.signed.checkpoint.root)
    return {"source": head.source, "head": shown, "witnesses": seen, "error": None}


def _head(size: int, root: bytes) -> Mapping[str, Any]:
    return {"size": size, "root": b64_encode(root)}
