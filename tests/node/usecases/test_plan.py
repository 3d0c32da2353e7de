"""What the asker sends: word for word the table, with checked values."""

import pytest

from node.usecases.listing import public_listing, show
from node.usecases.load import load_shipped
from node.usecases.model import FhirVersion, Table
from node.usecases.parameters import Parameter
from node.usecases.plan import choose_table, plan_step

USECASES = {loaded.usecase.id: loaded for loaded in load_shipped()}
BSN = "999990135"


def _table(usecase: str, asker: str, holder: str, *versions: FhirVersion) -> Table:
    found = choose_table(USECASES[usecase].usecase, asker_type=asker, holder_type=holder, offered=versions)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("asker", "holder", "offered", "table"),
    [
        ("Z3", "T2", ("stu3",), "gp-reads-home-care"),
        ("Z3", "T2", ("r4",), None),
        ("T2", "Z3", ("stu3", "r4"), "home-care-reads-gp-r4"),
        ("T2", "Z3", ("stu3",), "home-care-reads-gp-stu3"),
        ("Z3", "Z3", ("r4", "stu3"), None),
        ("V6", "Z3", ("r4",), None),
    ],
)
def test_the_kinds_of_both_organisations_and_the_version_pick_the_table(
    asker: str, holder: str, offered: tuple[FhirVersion, ...], table: str | None
) -> None:
    found = choose_table(USECASES["ha-vvt"].usecase, asker_type=asker, holder_type=holder, offered=offered)
    assert (found.id if found else None) == table


def test_a_bsn_is_asked_in_the_body_only() -> None:
    (request,) = plan_step(_table("ha-vvt", "Z3", "T2", "stu3").match, {"bsn": (BSN,)})
    assert (request.method, request.target) == ("POST", "Patient/_search")
    assert request.body == f"identifier=http%3A%2F%2Ffhir.nl%2Ffhir%2FNamingSystem%2Fbsn%7C{BSN}".encode()
    assert BSN not in repr(request)


def test_gp_reads_home_care_as_the_specification_prints() -> None:
    table = _table("ha-vvt", "Z3", "T2", "stu3")
    profile = "http://nictiz.nl/fhir/StructureDefinition/zib-"
    asked = {step.id: plan_step(step, {"bsn": (BSN,), "patient": ("p-1",)})[0] for step in table.steps}
    assert list(asked) == [
        "patient",
        "alerts",
        "allergies",
        "blood-pressure",
        "body-weight",
        "body-height",
        "body-temperature",
        "respiration",
        "nursing-reports",
        "advance-directives",
        "living-situation",
    ]
    assert asked["blood-pressure"].query == (
        ("patient", "p-1"),
        ("_profile", f"{profile}BloodPressure"),
        ("_sort", "-date"),
        ("_count", "5"),
    )
    assert asked["living-situation"].query == (("patient", "p-1"), ("_profile", f"{profile}LivingSituation"))
    assert asked["nursing-reports"].query[-1] == ("_count", "10")


def test_every_record_of_one_citizen_is_asked_for() -> None:
    step = _table("ha-vvt", "T2", "Z3", "r4").step("contacts")
    assert step is not None
    assert [r.target for r in plan_step(step, {"patient": ("a", "b")})] == [
        "Encounter?patient=a",
        "Encounter?patient=b",
    ]
    assert plan_step(step, {"patient": ()}) == ()


def test_a_read_by_reference_is_built_from_what_a_page_bound() -> None:
    step = _table("ha-vvt", "T2", "Z3", "r4").step("general-practitioner")
    assert step is not None
    assert [r.target for r in plan_step(step, {"practitioner": ("huisarts-1",)})] == ["Practitioner/huisarts-1"]


@pytest.mark.parametrize("value", ["..", "a/b", "1&_revinclude=x", "", "a,b", "x" * 65, "٣", "1\n"])
def test_a_value_that_is_no_id_is_never_sent(value: str) -> None:
    step = _table("medication", "Z3", "V6", "r4").step("medication-use")
    assert step is not None
    with pytest.raises(ValueError, match="not a logical id"):
        plan_step(step, {"patient": (value,)})


@pytest.mark.parametrize("value", ["999990136", "99999013", "999990135\n", "٩٩٩٩٩٠١٣٥", "000000000", ""])
def test_a_number_that_is_no_bsn_is_never_sent_and_never_repeated(value: str) -> None:
    with pytest.raises(ValueError, match="not a BSN") as caught:
        plan_step(_table("medication", "Z3", "V6", "r4").match, {"bsn": (value,)})
    assert not value or value not in str(caught.value)


def test_not_without_end() -> None:
    step = _table("medication", "Z3", "V6", "r4").step("dispenses")
    assert step is not None
    with pytest.raises(ValueError, match="records"):
        plan_step(step, {"patient": tuple(f"p{n}" for n in range(17))})


def test_r4_categories_each_have_their_own_system() -> None:
    step = _table("ha-vvt", "T2", "Z3", "r4").step("results")
    assert step is not None
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    assert plan_step(step, {"patient": ("1",)})[0].query[1] == ("category", f"{system}|vital-signs,{system}|laboratory")


def test_the_listing_shows_queries_and_allow_list() -> None:
    shown = show(USECASES["ha-vvt"])
    step = next(s for t in shown["tables"] for s in t["steps"] if s["id"] == "episodes")
    assert step["asks"] == "GET EpisodeOfCare?patient={patient}&_include=EpisodeOfCare:condition"
    assert step["lets_through"] == [
        step["asks"],
        "GET EpisodeOfCare?patient={patient}",
        "GET EpisodeOfCare?patient={patient}&_include=condition:diagnosis",
    ]
    scopes = {u["wire_scope"] for u in public_listing(USECASES.values())["use_cases"]}
    assert {"HuisartsVVTInzage", "medicatieoverdracht-gf", "pzp-gf", "360-graden", "bgz"} <= scopes


@pytest.mark.parametrize(
    "text", ["patient", "=x", "a b=c", "x={A}", "x={a}b", "x={a}{b}", "x=a,{b}", "x=", "x=\x00", "x=}"]
)
def test_a_parameter_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Parameter.parse(text)
