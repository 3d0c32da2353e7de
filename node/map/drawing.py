"""Everybody by every use case: puts the map together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from node.doctor.capability import Capability
from node.doctor.fhir import NoCapabilityError
from node.exchange.ports import Registered
from node.map.judging import Cell, Direction, Ourselves, judge
from node.map.missing import Missing, cheapest_first
from node.map.statements import Statements
from node.oauth.explaining import UserAsked, WalletQuestion
from node.usecases.load import load_shipped
from node.usecases.model import UseCase
from registry.directory import Directory, Organisation

DIRECTIONS: Final[tuple[Direction, ...]] = ("ask", "answer")
MAX_ROWS: Final = 1_000
"""Organisations in one answer; the others are counted."""

ROWS_AT_ONCE: Final = 50
"""After which others have a turn."""

_Found = Mapping[str, Capability | NoCapabilityError]
_Row = dict[str, dict[Direction, Cell | None]]


class Explains(Protocol):
    """Compares our wallet with what a scope asks."""

    async def explain(self, subject: str, asked: WalletQuestion) -> dict[str, Any]:
        """Return ``satisfied`` and the definitions, as :class:`node.oauth.explaining.WalletExplainer` does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a map is made from.

    Attributes:
        active: the use cases of this node.
        services: discovery services that it follows or hosts.
        fhir: versions in which our own FHIR servers answer.
    """

    registered: Registered
    explainer: Explains
    statements: Statements
    active: Sequence[UseCase]
    services: frozenset[str]
    own_ura: str
    own_type: str
    fhir: frozenset[str]


async def draw(
    means: Means, subject: str, *, usecase: str | None, ura: str | None, inactive: bool, look: bool
) -> dict[str, Any] | None:
    """Return the map as the API says it; ``None`` when there is no use case called ``usecase``.

    Args:
        means: what it is made from.
        subject: our organisation.
        usecase: one column only.
        ura: one row only.
        inactive: shipped use cases that are not active here too.
        look: whether FHIR servers are asked what they have.
    """
    usecases = [*means.active, *(await _inactive(means) if inactive else ())]
    if usecase is not None:
        usecases = [each for each in usecases if each.id == usecase]
        if not usecases:
            return None
    ours = await _ourselves(means, subject)
    directory = means.registered.directory
    everybody = [each for each in _everybody(directory, means.services) if each.ura != means.own_ura]
    if ura is not None:
        everybody = [each for each in everybody if each.ura.zfill(8) == ura]
    shown = everybody[:MAX_ROWS]
    rows: list[_Row] = []
    for number, one in enumerate(shown):
        rows.append(_row(one, usecases, ours, directory))
        if number % ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)
    bases = {cell.base for row in rows for pair in row.values() for cell in pair.values() if cell and not cell.missing}
    said = await means.statements.of(sorted(filter(None, bases))) if look else {}
    return {
        "own": {
            "ura": means.own_ura,
            "facility_type": means.own_type,
            "registered": sorted(ours.registered),
            "lacking": dict(ours.lacking),
        },
        "usecases": [
            {
                "id": each.id,
                "title": each.title.nl,
                "scope": each.wire_scope,
                "service": each.discovery_service,
                "active": each.id in ours.active,
            }
            for each in usecases
        ],
        "organisations": [
            {
                "ura": one.ura,
                "name": one.name,
                "city": one.city,
                "facility_type": one.facility_type,
                "cells": {name: _told(pair, said, one.ura) for name, pair in row.items()},
            }
            for one, row in zip(shown, rows, strict=True)
        ],
        "more": len(everybody) - len(shown),
    }


def _everybody(directory: Directory, services: frozenset[str]) -> Sequence[Organisation]:
    """Return every organisation once, by URA."""
    found: dict[str, Organisation] = {}
    for service in sorted(services):
        for one in directory.organisations(service):
            found.setdefault(one.ura, one)
    return [found[ura] for ura in sorted(found)]


def _row(one: Organisation, usecases: Sequence[UseCase], ours: Ourselves, directory: Directory) -> _Row:
    row: _Row = {}
    for usecase in usecases:
        there = (
            directory.find(one.ura, usecase.discovery_service) or one
        )  # what it says of itself for this use case counts
        row[usecase.id] = {
            direction: judge(direction, usecase, ours, one.ura, there.facility_type, directory)
            for direction in DIRECTIONS
        }
    return row


def _told(pair: Mapping[Direction, Cell | None], said: _Found, ura: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for direction, cell in pair.items():
        if cell is None:
            told[direction] = None
            continue
        seen, statement = _compared(cell, said, ura)
        told[direction] = seen.to_json(statement)
    return told


def _compared(cell: Cell, said: _Found, ura: str) -> tuple[Cell, str | None]:
    """Return the cell with what their FHIR server says of itself, and what that was in a word."""
    if cell.base is None:
        return cell, None
    match said.get(cell.base):
        case None:
            return cell, "not_looked"
        case NoCapabilityError(code="closed"):
            return cell, "closed"
        case NoCapabilityError(code=code):
            gone = Missing(
                code="fhir_away",
                detail=f"their FHIR server does not say what it has: {code}",
                remedy=f"hazel doctor {ura}",
            )
            return replace(cell, missing=(*cell.missing, gone)), "away"
        case Capability() as capability:
            lacks = (
                sorted(cell.needed - capability.types)
                if capability.version == cell.fhir_version
                else ["this FHIR version"]
            )
            if not lacks:
                return cell, "said"
            missing = Missing(
                code="fhir_lacks",
                detail=f"their FHIR server does not say that it has {', '.join(lacks)}",
                remedy="ask them: those steps would come back as not_offered",
            )
            return replace(cell, missing=tuple(cheapest_first([*cell.missing, missing]))), "said"


async def _ourselves(means: Means, subject: str) -> Ourselves:
    directory = means.registered.directory
    lacking: dict[str, str] = {}
    for usecase in means.active:
        lack = await _lacking(means, subject, usecase)
        if lack is not None:
            lacking[usecase.wire_scope] = lack
    return Ourselves(
        kind=means.own_type,
        fhir=means.fhir,
        active=frozenset(each.id for each in means.active),
        services=means.services,
        registered=frozenset(each for each in means.services if directory.find(means.own_ura, each) is not None),
        lacking=lacking,
    )


async def _lacking(means: Means, subject: str, usecase: UseCase) -> str | None:
    """Return what our wallet lacks for a use case by our own definitions; who asks in the end is somebody in one of its roles."""
    somebody = UserAsked(identifier="somebody", name="somebody", role=usecase.user_roles[0])
    told = await means.explainer.explain(subject, WalletQuestion(scope=usecase.wire_scope, user=somebody))
    if told["satisfied"]:
        return None
    return str(next(one["message"] for each in told["definitions"] for one in each["holders"] if not one["satisfied"]))


async def _inactive(means: Means) -> Sequence[UseCase]:
    active = {each.id for each in means.active}
    shipped = await asyncio.to_thread(load_shipped)
    return [each.usecase for each in shipped if each.usecase.id not in active]
