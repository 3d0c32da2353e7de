"""The views by name: one result, read in five ways, each with the same frame around it."""

from collections.abc import Callable, Mapping
from typing import Any

from node.exchange.views.medication import medication
from node.exchange.views.network import network
from node.exchange.views.result import Result
from node.exchange.views.timeline import timeline
from node.exchange.views.topics import discharge, essentials

VIEWS: Mapping[str, Callable[[Result], dict[str, Any]]] = {
    "timeline": timeline,
    "care-team": network,
    "medication": medication,
    "essentials": essentials,
    "discharge": discharge,
}


def write_view(name: str, result: Result) -> dict[str, Any]:
    """Return the view called ``name``, with who was asked, who was not, and what is missing.

    Raises:
        KeyError: there is no such view.
    """
    plan, end = result.plan, result.end
    return {
        "view": name,
        "exchange_id": end.exchange_id,
        "usecase": plan.usecase,
        "complete": not end.missing and end.error is None,
        "error": None if end.error is None else {"code": end.error[0], "detail": end.error[1]},
        "ms": end.ms,
        "asked": [{"ura": each.ura, "name": each.name, "fhir_version": each.fhir_version} for each in plan.holders],
        "not_asked": [{"ura": each.ura, "name": each.name, "reason": each.reason} for each in plan.not_asked],
        "missing": [result.missing(each.holder_ura, each.step, each.state) for each in end.missing],
        "same": [each.to_json() for each in end.same],
        "conflicts": [each.to_json() for each in end.conflicts],
        **VIEWS[name](result),
        "audit": list(end.audit),
    }
