"""One STU3 resource read as R4."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.exchange.r4.clinical import AFTERWARDS as AFTER_CLINICAL
from node.exchange.r4.clinical import CLINICAL
from node.exchange.r4.general import AFTERWARDS as AFTER_GENERAL
from node.exchange.r4.general import GENERAL
from node.exchange.r4.medication import AFTERWARDS as AFTER_MEDICATION
from node.exchange.r4.medication import MEDICATION
from node.exchange.r4.values import Losses, Rules, apply, same

RULES: Mapping[str, Rules] = {**GENERAL, **CLINICAL, **MEDICATION}
"""By resource type: those that the STU3 tables of the shipped use cases bring."""
_AFTERWARDS = {**AFTER_GENERAL, **AFTER_CLINICAL, **AFTER_MEDICATION}
_FRAME: Rules = {name: same(name) for name in ("implicitRules", "language", "text")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A resource in R4, as far as it goes.

    Attributes:
        resource: parsed JSON; ``None`` for a type that has no reading here.
        losses: paths of what could not be carried over, each once; never content.
    """

    resource: Mapping[str, Any] | None
    losses: tuple[str, ...]


def read_as_r4(resource: Mapping[str, Any], *, source: str | None = None) -> Reading:
    """Return ``resource``, a checked STU3 resource, as R4.

    Args:
        resource: parsed JSON.
        source: where the original stands; becomes ``meta.source``.
    """
    kind = str(resource.get("resourceType", ""))
    rules = RULES.get(kind)
    if rules is None:
        return Reading(resource=None, losses=(f"{kind} (the whole resource)",))
    losses = Losses(kind)
    given = {name: value for name, value in resource.items() if name not in ("resourceType", "meta", "contained")}
    made = apply({**_FRAME, **rules}, given, losses)
    if kind in _AFTERWARDS:
        _AFTERWARDS[kind](made, losses)
    meta = _meta(resource.get("meta"), source, losses)
    contained = _contained(resource.get("contained"), losses)
    written = {
        "resourceType": kind,
        **({"meta": meta} if meta else {}),
        **({"contained": contained} if contained else {}),
    }
    return Reading(resource={**written, **made}, losses=tuple(dict.fromkeys(losses.found)))


def _meta(meta: Any, source: str | None, losses: Losses) -> dict[str, Any]:
    """A profile of STU3 says nothing about a resource in R4, so it is not claimed."""
    found = dict(meta) if isinstance(meta, Mapping) else {}
    if found.pop("profile", None) is not None:
        losses.add("meta.profile")
    if source is not None:
        found["source"] = source
    return found


def _contained(contained: Any, losses: Losses) -> list[Mapping[str, Any]]:
    found = []
    for each in contained if isinstance(contained, list) else ():
        reading = read_as_r4(each) if isinstance(each, Mapping) else Reading(resource=None, losses=("contained",))
        losses.found += [f"{losses.path}.contained.{loss}" for loss in reading.losses]
        if reading.resource is not None:
            found.append(reading.resource)
    return found
