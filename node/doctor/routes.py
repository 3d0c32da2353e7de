"""``POST /internal/doctor/v1/{subject}``: the question, and the answer as JSON."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from node.doctor.walk import MAX_SCOPES, Examination, Means
from node.doctor.whom import MAX_PEER, Whom, WhomError, find
from node.oauth.explaining import UserAsked
from node.oauth.messages import MAX_SCOPE
from node.oauth.metadata import issuer_url
from node.usecases.model import UseCase
from node.web.bodies import read_model
from node.web.replies import RequestError

MAX_QUESTION = 16_384
"""Bytes."""


class DoctorQuestion(BaseModel):
    """Body of the call.

    Attributes:
        peer: issuer, address or URA number of the other side; ourselves, as the world sees us, when left out.
        scope: one wire scope; by default those of the use cases in which it takes part.
        usecase: one use case of ours, by id, instead.
        user: on whose behalf a token would be asked.
        token: whether one is.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    peer: str | None = Field(default=None, min_length=1, max_length=MAX_PEER)
    scope: str | None = Field(default=None, min_length=1, max_length=MAX_SCOPE)
    usecase: str | None = Field(default=None, min_length=1, max_length=64)
    user: UserAsked | None = None
    token: bool = True


async def examine(request: web.Request, means: Means) -> web.Response:
    """Examine whom the body names."""
    asked = await read_model(request, DoctorQuestion, max_bytes=MAX_QUESTION)
    subject = (await means.subjects.get(request.match_info["subject"])).name
    peer = asked.peer if asked.peer is not None else issuer_url(means.public_url, subject)
    try:
        whom = find(peer, means.registered.directory, means.services)
    except WhomError as error:
        raise RequestError(400, "unknown_peer", str(error), error.remedy) from error
    usecases, scopes = _wanted(asked, means, whom)
    examination = Examination(
        means=means,
        subject=subject,
        whom=whom,
        usecases=usecases,
        scopes=scopes,
        user=asked.user,
        with_token=asked.token,
    )
    await examination.run()
    body: dict[str, Any] = examination.to_json()
    return web.json_response(body, headers={"Cache-Control": "no-store"})


def _wanted(asked: DoctorQuestion, means: Means, whom: Whom) -> tuple[Sequence[UseCase], Sequence[str]]:
    """Return the use cases and scopes that are looked at: what is named, else what this peer takes part in, else all of ours."""
    if asked.usecase is not None:
        chosen = [each for each in means.usecases if each.id == asked.usecase]
        if not chosen:
            raise RequestError(
                400, "unknown_usecase", "usecase: not one of this node", "see: hazel usecase list; add it to usecases"
            )
        return chosen, [each.wire_scope for each in chosen]
    if asked.scope is not None:
        return [each for each in means.usecases if each.wire_scope == asked.scope], [asked.scope]
    services = {service for service, _ in whom.registered}
    types = {one.facility_type for _, one in whom.registered}
    fitting = [
        each
        for each in means.usecases
        if each.discovery_service in services
        and any(means.own_type in table.asker_types and types & set(table.holder_types) for table in each.tables)
    ]
    chosen = fitting or list(means.usecases)
    return chosen, [each.wire_scope for each in chosen[:MAX_SCOPES]]
