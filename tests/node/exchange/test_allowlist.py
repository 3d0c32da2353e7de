"""Only what the table lists gets through, parameter by parameter."""

from itertools import permutations
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.allowlist import AllowList, ByLogicalId, ByReference, BySearch, Permitted
from node.exchange.interaction import Interaction, NotAllowedError
from node.usecases.model import Step, Table
from node.usecases.plan import FhirRequest, encode, plan_step
from tests.node.exchange.cases import BSN, TABLES

FORM = "application/x-www-form-urlencoded"
LISTS = {name: AllowList(table) for name, table in TABLES.items()}
BINDINGS = {"bsn": (BSN,), "patient": ("1",), "practitioner": ("hp",), "organization": ("org",), "document": ("d1",)}
HOME_CARE, GP, MEDICATION = "gp-reads-home-care", "home-care-reads-gp-r4", "medication-r4"
OLD_CATEGORY = "category=http%3A%2F%2Fhl7.org%2Ffhir%2Fobservation-category%7Cvital-signs,laboratory"


def _ask(table: str, method: str, target: str, body: bytes = b"") -> Permitted:
    path, _, query = target.partition("?")
    asked = Interaction.parse(
        method, path, query, FORM if method == "POST" else None, body, fhir_version=TABLES[table].fhir_version
    )
    return LISTS[table].permit(asked)


def _code(table: str, method: str, target: str, body: bytes = b"") -> str:
    with pytest.raises(NotAllowedError) as caught:
        _ask(table, method, target, body)
    return caught.value.code


@pytest.mark.parametrize("name", list(TABLES))
def test_what_the_asker_sends_the_holder_lets_through_unchanged(name: str) -> None:
    for step in TABLES[name].steps:
        for request in plan_step(step, BINDINGS):
            permitted = _ask(name, request.method, f"/{request.target}", request.body or b"")
            assert permitted.step is step
            assert permitted.request == request


@pytest.mark.parametrize("name", list(TABLES))
def test_every_accepted_form_gets_through(name: str) -> None:
    for step in TABLES[name].steps:
        for alternative in step.alternatives if step.kind == "search" else ():
            pairs = [
                parameter.fill({key: values[0] for key, values in BINDINGS.items()}) for parameter in alternative.params
            ]
            operation = step.operation_of(alternative)
            for order in list(permutations(pairs))[:6]:
                if operation:  # asked by GET only
                    permitted = _ask(name, "GET", f"/{step.resource_type}/{operation}?{encode(order)}")
                else:
                    permitted = _ask(name, "POST", f"/{step.resource_type}/_search", encode(order).encode())
                assert permitted.step is step


def test_the_match_says_whom_it_looks_for() -> None:
    permitted = _ask(
        HOME_CARE,
        "POST",
        "/Patient/_search",
        encode([("identifier", f"http://fhir.nl/fhir/NamingSystem/bsn|{BSN}")]).encode(),
    )
    assert permitted.patient == BySearch(bsn=BSN)
    assert BSN not in repr(permitted)


@pytest.mark.parametrize("value", ["1", "Patient/1", "Patient%2F1"])
def test_a_patient_is_named_by_id_or_reference(value: str) -> None:
    permitted = _ask(GP, "GET", f"/Encounter?patient={value}")
    assert permitted.patient == ByLogicalId(id="1")
    assert permitted.request == FhirRequest(method="GET", path="Encounter", query=(("patient", "1"),))


def test_the_form_that_specifications_print_is_forwarded_as_one_that_works() -> None:
    permitted = _ask(GP, "GET", f"/Observation?{OLD_CATEGORY}&patient=1")
    assert permitted.request.query[1][1].startswith(
        "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs,"
    )
    assert _ask(GP, "GET", "/EpisodeOfCare?patient=1&_include=condition:diagnosis").request.query[1] == (
        "_include",
        "EpisodeOfCare:condition",
    )


def test_a_form_without_include_is_not_given_one() -> None:
    assert _ask(GP, "GET", "/EpisodeOfCare?patient=1").request.query == (("patient", "1"),)


def test_subject_is_accepted_where_it_is_listed() -> None:
    query = "subject=Patient/1&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication"
    assert _ask(MEDICATION, "GET", f"/MedicationRequest?{query}").patient == ByLogicalId(id="1")
    assert _code(GP, "GET", "/Encounter?subject=Patient/1") == "parameters_not_listed"


@pytest.mark.parametrize("size", ["1", "100"])
def test_a_page_size_and_json_may_be_asked(size: str) -> None:
    permitted = _ask(GP, "GET", f"/Encounter?patient=1&_count={size}&_format=application/fhir+json")
    assert permitted.page_size == int(size)
    assert permitted.request.query == (("patient", "1"), ("_count", size))


@pytest.mark.parametrize("size", ["0", "101", "-1", "05", "1e1", "\u0661"])
def test_other_page_sizes_are_refused(size: str) -> None:
    assert _code(GP, "GET", f"/Encounter?patient=1&_count={quote(size)}") == "parameters_not_listed"


@pytest.mark.parametrize("count", ["", "&_count=6", "&_count=5&_count=10"])
def test_a_count_that_the_table_fixes_is_that_count(count: str) -> None:
    profile = "_profile=http://nictiz.nl/fhir/StructureDefinition/zib-BodyWeight&_sort=-date"
    assert _code(HOME_CARE, "GET", f"/Observation?patient=1&{profile}{count}") == "parameters_not_listed"


@pytest.mark.parametrize("value", ["xml", "html", "application/fhir+xml", "json&_format=xml"])
def test_only_json(value: str) -> None:
    assert _code(GP, "GET", f"/Encounter?patient=1&_format={value}") == "format_not_allowed"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "patient=1&_revinclude=Observation:encounter",
        "patient=1&_include=*",
        "patient=1&_has:Observation:patient:code=x",
        "patient=1&_filter=x",
        "patient=1&_content=x",
        "patient=1&_elements=id",
        "patient=1&_summary=count",
        "patient=1&status=finished",
        "patient=1,2",
        "patient=1&patient=2",
        "patient=Patient/1,Patient/2",
        "patient=https://elsewhere/Patient/1",
        "patient=Practitioner/1",
        "patient=1%7C2",
        "patient:missing=true",
        "patient:Patient=1",
        "patient.name=Jansen",
        "patient=..",
        "Patient=1",
        "_id=1",
    ],
)
def test_nothing_else_gets_past(query: str) -> None:
    assert _code(GP, "GET", f"/Encounter?{query}") == "parameters_not_listed"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/Condition?patient=1", "type_not_listed"),
        ("/Binary/1", "read_not_listed"),
        ("/Observation/o1", "read_not_listed"),
        ("/Patient/1", "read_not_listed"),
        ("/metadata", "not_listed"),
        ("/Encounter?_cursor=x", "not_listed"),
    ],
)
def test_types_and_reads_outside_the_table_are_refused(target: str, code: str) -> None:
    assert _code(GP, "GET", target) == code


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "", "system_search_not_allowed"),
        ("GET", "/?_type=Encounter&patient=1", "system_search_not_allowed"),
        ("POST", "", "batch_not_allowed"),
        ("GET", "/Encounter/$lastn?patient=1", "operation_not_allowed"),
        ("POST", "/Patient/$match", "operation_not_allowed"),
        ("GET", "/Patient/1/$everything", "operation_not_allowed"),
        ("GET", "/Composition/1/$document", "operation_not_allowed"),
        ("POST", "/$graphql", "operation_not_allowed"),
        ("GET", "/$graphql?query={Patient{id}}", "operation_not_allowed"),
        ("GET", "/Patient/1/_history", "history_not_allowed"),
        ("GET", "/Practitioner/hp/_history/1", "history_not_allowed"),
        ("GET", "/_history", "history_not_allowed"),
        ("GET", "/Patient/1/Encounter", "compartment_not_allowed"),
        ("GET", "/Patient/1/*", "compartment_not_allowed"),
        ("HEAD", "/Encounter?patient=1", "method_not_allowed"),
        ("OPTIONS", "/Encounter", "method_not_allowed"),
        ("POST", "/Encounter", "write_not_allowed"),
        ("PUT", "/Encounter/1", "write_not_allowed"),
        ("PUT", "/Encounter?patient=1", "write_not_allowed"),
        ("PATCH", "/Encounter/1", "write_not_allowed"),
        ("DELETE", "/Encounter/1", "write_not_allowed"),
        ("DELETE", "/Encounter?patient=1", "write_not_allowed"),
        ("GET", "/Encounter?_query=ANW-zorg&patient=1", "parameters_not_listed"),
        ("POST", "/Encounter/_search?patient=1&_has:Observation:encounter:code=x", "parameters_not_listed"),
    ],
)
def test_every_other_kind_of_request_is_refused_in_its_own_name(method: str, target: str, code: str) -> None:
    assert _code(GP, method, target) == code


def test_a_read_by_reference_must_have_been_named() -> None:
    assert _ask(GP, "GET", "/Practitioner/hp").patient == ByReference(type="Practitioner", id="hp")
    assert _code(GP, "GET", "/Practitioner/hp?_include=x") == "parameters_not_listed"


def test_the_patient_match_takes_a_real_bsn_and_nothing_beside_it() -> None:
    system = "http://fhir.nl/fhir/NamingSystem/bsn"
    for value in (f"{system}|999990136", f"{system}|", f"{system}|{BSN},{system}|999990147", BSN, f"|{BSN}", "x|1"):
        assert (
            _code(HOME_CARE, "POST", "/Patient/_search", encode([("identifier", value)]).encode())
            == "parameters_not_listed"
        )
    pairs = [("identifier", f"{system}|{BSN}"), ("_revinclude", "Observation:patient")]
    assert _code(HOME_CARE, "POST", "/Patient/_search", encode(pairs).encode()) == "parameters_not_listed"
    assert (
        _code(HOME_CARE, "POST", "/Patient/_search?_revinclude=Flag:patient", encode(pairs[:1]).encode())
        == "parameters_not_listed"
    )


def test_another_version_is_another_table() -> None:
    asked = Interaction.parse("GET", "/Encounter", "patient=1", None, b"", fhir_version="stu3")
    with pytest.raises(NotAllowedError, match="another FHIR version"):
        LISTS[GP].permit(asked)


def _with(**more: Any) -> AllowList:
    """The list of a table to which a file added something."""
    value = TABLES[GP].model_dump(exclude={"steps"}, mode="python") | {"steps": TABLES[GP].steps} | more
    return AllowList(Table.model_validate(value))


def _write(method: str, path: str, content_type: str = "application/fhir+json", **more: Any) -> Interaction:
    return Interaction.parse(method, path, more.get("query", ""), content_type, b"{}", fhir_version="r4")


WRITES = [
    {"id": "note", "title": {"nl": "Notitie", "en": "Note"}, "request": "POST Observation"},
    {"id": "answer", "title": {"nl": "Antwoord", "en": "Answer"}, "request": "PUT Encounter/{encounter}"},
]


def _writing() -> AllowList:
    steps = [
        step.model_copy(update={"binds": {"encounter": ("Encounter.id",)}}) if step.id == "contacts" else step
        for step in TABLES[GP].steps
    ]
    return _with(steps=tuple(steps), writes=WRITES)


def test_a_named_write_has_a_door_of_its_own() -> None:
    allow = _writing()
    assert allow.permit_write(_write("POST", "/Observation")).write.id == "note"
    changed = allow.permit_write(_write("PUT", "/Encounter/e1"))
    assert (changed.write.id, changed.id) == ("answer", "e1")
    for method, path in (("POST", "/Observation"), ("PUT", "/Encounter/e1")):
        with pytest.raises(NotAllowedError) as caught:
            allow.permit(_write(method, path))
        assert caught.value.code == "write_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "more", "code"),
    [
        ("PUT", "/Observation/o1", {}, "write_not_allowed"),
        ("PUT", "/Encounter", {}, "write_not_allowed"),
        ("POST", "/Encounter", {}, "write_not_allowed"),
        ("PATCH", "/Encounter/e1", {}, "write_not_allowed"),
        ("DELETE", "/Encounter/e1", {"empty": True}, "write_not_allowed"),
        ("POST", "/Flag", {}, "write_not_allowed"),
        ("POST", "/", {}, "batch_not_allowed"),
        ("POST", "/Observation/$lastn", {}, "operation_not_allowed"),
        ("GET", "/Observation", {"empty": True}, "not_listed"),
        ("PUT", "/Encounter/e1", {"query": "_format=xml"}, "format_not_allowed"),
        ("PUT", "/Encounter/e1", {"query": "status=finished"}, "parameters_not_listed"),
        ("POST", "/Observation", {"content_type": "application/fhir+xml"}, "content_type_not_allowed"),
    ],
)
def test_no_other_write_gets_through_it(method: str, path: str, more: dict[str, Any], code: str) -> None:
    body = b"" if more.get("empty") else b"{}"
    asked = Interaction.parse(
        method, path, more.get("query", ""), more.get("content_type", "application/json"), body, fhir_version="r4"
    )
    with pytest.raises(NotAllowedError) as caught:
        _writing().permit_write(asked)
    assert caught.value.code == code


def test_an_operation_that_searches_gets_through_where_it_is_named_and_only_by_get_on_its_type() -> None:
    step = {
        "id": "last-pressure",
        "title": {"nl": "Laatste bloeddruk", "en": "Last blood pressure"},
        "request": "GET Observation/$lastn",
        "send": ["patient={patient}", "code=http://loinc.org|85354-9"],
        "types": {"matched": ["Observation"]},
    }
    allow = _with(steps=(*TABLES[GP].steps, Step.model_validate(step)))
    query = "patient=1&code=http://loinc.org%7C85354-9"
    permitted = allow.permit(_get("/Observation/$lastn", query))
    assert (permitted.step.id, permitted.request.path) == ("last-pressure", "Observation/$lastn")
    for path, asked in (
        ("/Observation/$lastn", "patient=1"),
        ("/Observation/$lastn", f"{query}&max=3"),
        ("/Observation", query),
        ("/Observation/1/$lastn", query),
        ("/Condition/$lastn", query),
        ("/Observation/$stats", query),
    ):
        with pytest.raises(NotAllowedError):
            allow.permit(_get(path, asked))
    with pytest.raises(NotAllowedError):
        allow.permit(Interaction.parse("POST", "/Observation/$lastn", query, None, b"", fhir_version="r4"))


def _get(path: str, query: str) -> Interaction:
    return Interaction.parse("GET", path, query, None, b"", fhir_version="r4")


# A naive model of the same rule: the normalised parameters are, as a sorted list, one of the sorted lists in the table.

SYSTEM = "http://snomed.info/sct"
PIECES = st.sampled_from(
    [
        ("patient", "1"),
        ("patient", "Patient/1"),
        ("patient", "2"),
        ("patient", "1,2"),
        ("subject", "Patient/1"),
        ("subject", "1"),
        ("category", f"{SYSTEM}|16076005"),
        ("category", f"{SYSTEM}|422037009"),
        ("category", "medication"),
        ("category", "http://hl7.org/fhir/observation-category|vital-signs,laboratory"),
        ("category", "laboratory,http://hl7.org/fhir/observation-category|vital-signs"),
        ("type", "http://loinc.org|67781-5"),
        ("_include", "MedicationRequest:medication"),
        ("_include", "EpisodeOfCare:condition"),
        ("_include", "*"),
        ("_revinclude", "Observation:patient"),
        ("_count", "10"),
        ("_count", "1000"),
        ("_format", "json"),
    ]
)


def _naive(pairs: list[tuple[str, str]]) -> list[str]:
    lines = []
    for name, value in pairs:
        text = value.removeprefix("Patient/") if name == "patient" else value
        text = "1" if (name, text) == ("patient", "2") else text
        lines.append(f"{name}={','.join(sorted(text.split(',')))}")
    return sorted(lines)


FORMS = [
    (
        table,
        step.resource_type,
        [
            (name, value)
            for name, _, value in (p.to_text().replace("{patient}", "1").partition("=") for p in alternative.params)
        ],
    )
    for table in (GP, MEDICATION)
    for step in TABLES[table].steps
    if step.kind == "search" and not step.is_match
    for alternative in step.alternatives
]


@given(st.sampled_from(FORMS), st.lists(PIECES, max_size=2, unique=True), st.integers(-1, 3), st.randoms())
def test_generated_requests_get_past_only_if_they_are_listed(
    form: tuple[str, str, list[tuple[str, str]]], added: list[tuple[str, str]], dropped: int, chance: Random
) -> None:
    table, resource_type, listed = form
    pairs = [pair for number, pair in enumerate(listed) if number != dropped]
    pairs = list(dict.fromkeys([*pairs, *added]))
    chance.shuffle(pairs)
    core = [pair for pair in pairs if pair not in {("_count", "10"), ("_format", "json")}]
    expected = any(_naive(core) == _naive(form) for t, r, form in FORMS if (t, r) == (table, resource_type))
    try:
        permitted = _ask(table, "GET", f"/{resource_type}?{encode(pairs)}")
    except NotAllowedError:
        assert not expected
        return
    assert expected
    assert isinstance(permitted.patient, ByLogicalId)
    sent = [pair for pair in permitted.request.query if pair[0] != "_count"]
    assert any(_naive(sent) == _naive(form) for t, r, form in FORMS if (t, r) == (table, resource_type))
