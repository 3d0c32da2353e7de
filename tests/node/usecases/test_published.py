"""Each shipped use case answers the queries of its specification, in the printed form, and no wider ones."""

from urllib.parse import quote

import pytest

from node.exchange.allowlist import AllowList, ByLogicalId, ByReference
from node.exchange.interaction import Interaction, NotAllowedError
from node.usecases.load import load_shipped
from node.usecases.model import Table, UseCase
from node.usecases.plan import FhirRequest, plan_step
from tests.node.usecases.published import FORWARDED, NOT_LET_THROUGH, PUBLISHED

USECASES: dict[str, UseCase] = {loaded.usecase.id: loaded.usecase for loaded in load_shipped()}
ROWS = [(usecase, table, *row) for (usecase, table), rows in PUBLISHED.items() for row in rows]
BOUND = {
    "bsn": ("999990135",),
    "patient": ("p1",),
    "practitioner": ("x1",),
    "organization": ("x1",),
    "document": ("x1",),
}


def _table(usecase: str, table: str) -> Table:
    found = USECASES[usecase].table(table)
    assert found is not None
    return found


def _asked(table: Table, query: str) -> Interaction:
    path, _, parameters = query.replace("{p}", "p1").partition("?")
    encoded = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, _, value in (each.partition("=") for each in parameters.split("&") if each)
    )
    return Interaction.parse("GET", f"/{path}", encoded, None, b"", fhir_version=table.fhir_version)


def _line(request: FhirRequest) -> str:
    return "?".join(each for each in (request.path, "&".join(f"{n}={v}" for n, v in request.query)) if each)


@pytest.mark.parametrize(("usecase", "table_id", "step", "query"), ROWS)
def test_the_published_query_gets_through_as_its_step(usecase: str, table_id: str, step: str, query: str) -> None:
    table = _table(usecase, table_id)
    permitted = AllowList(table).permit(_asked(table, query))
    assert permitted.step.id == step
    assert isinstance(permitted.patient, ByReference) or permitted.patient == ByLogicalId(id="p1")
    if query in FORWARDED:
        assert _line(permitted.request) == FORWARDED[query].replace("{p}", "p1")


@pytest.mark.parametrize(("usecase", "query"), [(u, q) for u, queries in NOT_LET_THROUGH.items() for q in queries])
def test_what_is_wider_or_left_out_is_refused(usecase: str, query: str) -> None:
    for table in USECASES[usecase].tables:
        with pytest.raises(NotAllowedError):
            AllowList(table).permit(_asked(table, query))


def test_every_use_case_has_rows_that_are_refused() -> None:
    assert set(NOT_LET_THROUGH) == set(USECASES)


@pytest.mark.parametrize("usecase", USECASES)
def test_what_is_asked_names_the_patient_once_and_never_by_number_in_a_url(usecase: str) -> None:
    for table in USECASES[usecase].tables:
        for step in table.steps:
            for request in plan_step(step, BOUND):
                assert "999990135" not in request.target
                values = [value for _, value in (*request.query, *request.form)]
                named = [value for value in values if value in ("p1", "Patient/p1") or "999990135" in value]
                assert len(named) == (0 if step.kind == "read" else 1)


@pytest.mark.parametrize("usecase", USECASES)
def test_no_category_is_asked_with_a_system_for_its_first_value_only(usecase: str) -> None:
    # A server takes "system|a,b" as a of that system or b of any: other things come back, or nothing (REAL.md).
    for table in USECASES[usecase].tables:
        for step in table.steps:
            for parameter in step.send:
                first, *others = parameter.fixed.split(",")
                if "|" in first:
                    assert all("|" in each for each in others), f"{table.id} {step.id}"


@pytest.mark.parametrize("usecase", USECASES)
def test_the_code_systems_are_those_of_the_fhir_version(usecase: str) -> None:
    for table in USECASES[usecase].tables:
        wrong = (
            ("http://hl7.org/fhir/observation-category", "http://hl7.org/fhir/v3/ActCode")
            if table.fhir_version == "r4"
            else ("CodeSystem/observation-category", "CodeSystem/v3-ActCode")
        )
        for step in table.steps:
            for parameter in step.send:
                assert not any(system in parameter.fixed for system in wrong), f"{table.id} {step.id}"


PURPOSES = {
    "acute": ("ETREAT", "BTG", "TREAT"),
    "anw": ("TREAT", "ETREAT", "BTG"),
    "care-team": ("TREAT", "COC"),
    "patient-access": ("PATRQT",),
}


@pytest.mark.parametrize("usecase", USECASES)
def test_purposes_are_those_that_were_agreed(usecase: str) -> None:
    assert USECASES[usecase].purposes == PURPOSES.get(usecase, ("TREAT",))
    assert (USECASES[usecase].break_the_glass == "offered") == (usecase in ("acute", "anw"))


@pytest.mark.parametrize("usecase", USECASES)
def test_medication_and_results_have_their_own_data_category(usecase: str) -> None:
    # Whoever objects to sharing medication objects to it wherever it is asked.
    found = USECASES[usecase]
    for table in found.tables:
        for step in table.steps:
            if step.resource_type.startswith("Medication") and usecase != "ha-vvt":
                assert found.category_of(step) == "GGC013", f"{table.id} {step.id}"


def test_permission_alone_suffices_where_the_field_demands_it() -> None:
    assert {name for name, found in USECASES.items() if found.legal_bases == ("consent",)} == {"pzp", "patient-access"}
    assert "care_team" not in USECASES["ggz"].legal_bases


def test_the_time_budget_of_360_and_of_an_emergency() -> None:
    assert (USECASES["360"].step_deadline_ms, USECASES["360"].deadline_ms) == (4_000, 30_000)
    assert USECASES["acute"].deadline_ms == 4_000
