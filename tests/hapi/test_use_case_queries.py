"""Every query of the shipped use cases is asked of HAPI, in each form that reaches a server, and finds what it is for.

The record is that of ``citizen``, of two people. What HAPI can not answer is listed with the reason in
``examples.region.hapi.unanswered``; that list is tried in both directions.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from examples.region.hapi import load
from examples.region.hapi.client import Answer, send
from examples.region.hapi.loading import LACKING
from examples.region.hapi.unanswered import UNANSWERED
from node.usecases.listing import request_line
from node.usecases.load import load_shipped
from node.usecases.plan import build_request
from node.usecases.step import Alternative, Step
from tests.hapi.citizen import ASKED, BSN, DECOY, FOUND, FOUND_IN, INCLUDED, OF_ONE_CATEGORY, OTHER, Json, citizen

pytestmark = [pytest.mark.hapi, pytest.mark.timeout(900), pytest.mark.xdist_group("hapi")]

BOUND = {
    "bsn": BSN[ASKED],
    "patient": ASKED,
    "practitioner": f"{ASKED}-gp",
    "organization": f"{ASKED}-practice",
    "document": f"{ASKED}-letter",
}
UNFILTERED = frozenset({"patient", "subject", "beneficiary", "_include"})
Form = tuple[Step, Alternative]


def _forms() -> dict[tuple[str, str], dict[str, Form]]:
    """Return version and line -> use case -> the step in this form; forms that are never forwarded are not there."""
    found: dict[tuple[str, str], dict[str, Form]] = {}
    for loaded in load_shipped():
        for table in loaded.usecase.tables:
            for step in table.steps:
                for form in step.alternatives:
                    if form.forward == "itself":
                        same = found.setdefault((table.fhir_version, request_line(step, form)), {})
                        same.setdefault(loaded.usecase.id, (step, form))
    return found


FORMS = _forms()
WHY = {(each.fhir_version, each.line): each.why for each in UNANSWERED}
ANSWERED = sorted(FORMS.keys() - WHY.keys())


@pytest.fixture(scope="module")
def servers(hapi_server: str, hapi_stu3: str) -> Mapping[str, str]:
    """FHIR version -> base URL of a server with the records of both."""
    load(hapi_server, [*citizen(ASKED, "r4"), *citizen(OTHER, "r4")])
    load(hapi_stu3, [*citizen(ASKED, "stu3"), *citizen(OTHER, "stu3")])
    return {"r4": hapi_server, "stu3": hapi_stu3}


def _asked(base: str, form: Form) -> Answer:
    request = build_request(*form, BOUND)
    return send(request.method, f"{base}/{request.target}", form=dict(request.form) or None)


def _faults(usecase: str, form: Form, answer: Answer) -> list[str]:
    """Return what is wrong with an answer; nothing: all is there that must be, and nothing that must not."""
    step, alternative = form
    if answer.status != 200:
        return [f"{answer.status}: {json.dumps(answer.body)[:300]}"]
    matched, included = _ids(step, answer.body)
    faults = [f"{each} is not found" for each in _expected(usecase, step, alternative) - matched]
    faults += [f"{each} is found" for each in matched if each.startswith(OTHER)]
    if any(parameter.name not in UNFILTERED for parameter in alternative.params):
        faults += [f"{each} is found" for each in matched if each.endswith(DECOY)]
    if step.operation_of(alternative):  # the last of each: nothing but what was asked for, or it was not looked at
        faults += [f"{each} is found" for each in matched - _expected(usecase, step, alternative)]
    along = {
        f"{ASKED}-{name}"
        for parameter in alternative.params
        if parameter.name == "_include"
        for name in INCLUDED[parameter.fixed]
    }
    return faults + [f"{each} does not come along" for each in along - included]


def _ids(step: Step, body: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    if step.kind == "read":
        return {body["id"]}, set()
    entries: list[Json] = body.get("entry", [])
    by_mode: dict[str, set[str]] = {"match": set(), "include": set()}
    for entry in entries:
        by_mode.setdefault(entry.get("search", {}).get("mode", "match"), set()).add(entry["resource"]["id"])
    return by_mode["match"], by_mode["include"]


def _expected(usecase: str, step: Step, form: Alternative) -> set[str]:
    """Return the ids that have to be found: all of the step's, or of several the one whose category the form asks for."""
    names = FOUND_IN.get((usecase, step.id), FOUND[step.id])
    categories = {parameter.fixed for parameter in form.params if parameter.name == "category"}
    if form is not step.alternatives[0] and (one := categories & OF_ONE_CATEGORY.keys()):
        names = tuple(OF_ONE_CATEGORY[each] for each in one)
    return {f"{ASKED}-{name}" if name else ASKED for name in names}


def test_everything_that_is_asked_has_something_to_find() -> None:
    steps = {step.id for forms in FORMS.values() for step, _ in forms.values()}
    assert steps == FOUND.keys()


@pytest.mark.parametrize(("version", "line"), ANSWERED, ids=map(" ".join, ANSWERED))
def test_the_query_finds_what_it_is_for(servers: Mapping[str, str], version: str, line: str) -> None:
    for usecase, form in FORMS[version, line].items():
        faults = _faults(usecase, form, _asked(servers[version], form))
        assert not faults, f"{usecase}: {'; '.join(faults)}"


@pytest.mark.parametrize(("version", "line"), sorted(WHY), ids=map(" ".join, sorted(WHY)))
def test_what_is_listed_as_unanswered_is_unanswered(servers: Mapping[str, str], version: str, line: str) -> None:
    for usecase, form in FORMS[version, line].items():
        assert _faults(usecase, form, _asked(servers[version], form)), f"{usecase}: it works, take it off the list"


@pytest.mark.parametrize("version", ["r4", "stu3"])
def test_a_server_that_was_not_told_of_the_added_search_parameters_refuses_them(
    servers: Mapping[str, str], hapi_before: Mapping[str, Mapping[str, int]], version: str
) -> None:
    assert servers
    assert hapi_before[version] == {f"{each.resource_type}.{each.code}": 400 for each in LACKING}
