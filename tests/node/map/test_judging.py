"""One cell of the map: every step that may be missing, and which is the cheapest."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from node.map.judging import Cell, Direction, Ourselves, judge
from node.map.missing import COSTS, Code, Missing, cheapest_first
from node.usecases.conditions import Pilot
from node.usecases.load import load_shipped
from node.usecases.model import UseCase
from registry.directory import Directory
from tests.node.doctor.setting import FHIR, Neighbours
from tests.support.keys import a_did

URA, SERVICE = "00002222", "HuisartsVVTInzage"
SERVER = "https://wending.example/oauth2/wending"
USECASE = next(each.usecase for each in load_shipped() if each.usecase.id == "ha-vvt")
OURS = Ourselves(
    kind="T2",
    fhir=frozenset({"stu3"}),
    active=frozenset({"ha-vvt"}),
    services=frozenset({SERVICE}),
    registered=frozenset({SERVICE}),
    lacking={},
)


def registered(*, service: str = SERVICE, server: str = SERVER, fhir: str | None = FHIR) -> Directory:
    neighbours = Neighbours()
    neighbours.register(URA, a_did("wending"), server, service=service, kind="Z3", fhir=fhir)
    return neighbours.directory


def codes(
    direction: Direction = "ask",
    *,
    usecase: UseCase = USECASE,
    directory: Directory | None = None,
    kind: str | None = "Z3",
    **ours: Any,
) -> list[str] | None:
    cell = judge(direction, usecase, replace(OURS, **ours), URA, kind, registered() if directory is None else directory)
    return None if cell is None else [each.code for each in cell.missing]


def test_what_is_all_there_is_ready_with_the_address_that_would_be_asked() -> None:
    cell = judge("ask", USECASE, OURS, URA, "Z3", registered())
    assert isinstance(cell, Cell)
    assert (cell.missing, cell.base, cell.fhir_version) == ((), FHIR, "r4")
    assert "Patient" in cell.needed
    assert codes("answer") == []


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"active": frozenset()}, ["not_active"]),
        ({"services": frozenset()}, ["service_unknown"]),
        ({"registered": frozenset()}, ["we_not_registered"]),
        ({"lacking": {SERVICE: "no credential fits"}}, ["no_credential"]),
        ({"directory": Directory(())}, ["not_registered"]),
        ({"directory": registered(service="other")}, ["not_registered"]),
        ({"directory": registered(server="http://not.example")}, ["no_authorization_server"]),
        ({"directory": registered(fhir=None)}, ["no_fhir_base"]),
        ({"usecase": USECASE.model_copy(update={"pilot": Pilot(peers=("90000101",))})}, ["not_in_pilot"]),
        ({"kind": "J8"}, None),
        ({"kind": None}, None),
    ],
)
def test_each_step_that_is_missing_when_we_ask_is_told(changed: dict[str, Any], missing: list[str] | None) -> None:
    assert codes("ask", **changed) == missing


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"fhir": frozenset()}, ["no_own_fhir"]),
        ({"fhir": frozenset({"r4"})}, ["no_own_fhir"]),
        ({"registered": frozenset()}, ["we_not_registered"]),
        ({"directory": Directory(())}, ["not_registered"]),
        ({"directory": registered(fhir=None)}, []),
        ({"lacking": {SERVICE: "no credential fits"}}, []),
        ({"kind": "J8"}, None),
    ],
)
def test_each_step_that_is_missing_when_they_ask_is_told(changed: dict[str, Any], missing: list[str] | None) -> None:
    assert codes("answer", **changed) == missing


def test_the_cheapest_step_comes_first_and_ours_before_theirs() -> None:
    assert codes(
        "ask", directory=Directory(()), registered=frozenset(), lacking={SERVICE: "x"}, active=frozenset()
    ) == ["not_active", "we_not_registered", "no_credential", "not_registered"]
    assert set(COSTS) == set(get_args(Code))
    every = cheapest_first([Missing(code=code, detail="", remedy="") for code in reversed(COSTS)])
    assert [each.is_ours for each in every] == sorted((each.is_ours for each in every), reverse=True)
