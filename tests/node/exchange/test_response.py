"""A page belongs to this patient and this step, wholly or not at all."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.references import Bases
from node.exchange.response import (
    MAX_PAGE_BYTES,
    AnswerError,
    BrokenAnswerError,
    CheckedPage,
    MismatchError,
    Origin,
    check_page,
)
from node.exchange.shapes import decoder_for
from node.usecases.model import FhirVersion, Step
from tests.node.exchange.cases import (
    BASE,
    BASES,
    BSN,
    OTHER_BSN,
    TABLES,
    a_page,
    a_patient,
    a_step,
    an_entry,
    an_observation,
)

GP, HOME_CARE, MEDICATION = "home-care-reads-gp-r4", "gp-reads-home-care", "medication-r4"
RESULTS, MATCH = a_step(GP, "results"), a_step(GP, "patient")
BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"


def _check(body: bytes, step: Step = RESULTS, version: FhirVersion = "r4", **more: Any) -> CheckedPage:
    arguments: dict[str, Any] = {"patient_ids": frozenset({"1"}), "bases": BASES, "bsn": BSN, "origin": "own_server"}
    return check_page(body, step=step, fhir_version=version, **(arguments | more))


def _mismatch(body: bytes, step: Step = RESULTS, version: FhirVersion = "r4", **more: Any) -> str:
    with pytest.raises(MismatchError) as caught:
        _check(body, step, version, **more)
    return caught.value.code


def _broken(body: bytes, step: Step = RESULTS, **more: Any) -> str:
    with pytest.raises(BrokenAnswerError) as caught:
        _check(body, step, **more)
    return caught.value.code


def test_every_type_of_every_shipped_step_can_be_checked() -> None:
    for table in TABLES.values():
        for step in table.steps:
            decoder_for(table.fhir_version, frozenset({*step.types.matched, *step.types.included}))


def test_a_page_of_our_patient_passes_with_its_bytes() -> None:
    body = a_page(
        an_entry(an_observation(meta={"lastUpdated": "2026-11-01T10:00:00Z"}, performer=[{"display": "J. Jansen"}])),
        an_entry(an_observation("o2", f"{BASE}/Patient/1"), mode=None),
        an_entry(an_observation("o3", "Patient/1/_history/4"), fullUrl=f"{BASE}/Observation/o3"),
        total=3,
    )
    page = _check(body)
    assert (page.kind, page.count, page.total, page.next_link) == ("searchset", 3, 3, None)
    assert [resource.id for resource in page.resources] == ["o1", "o2", "o3"]
    assert (page.resources[0].last_updated, page.resources[0].recorder) == ("2026-11-01T10:00:00Z", "J. Jansen")
    assert bytes(page.resources[0].raw) in body


def test_an_empty_page_passes() -> None:
    assert _check(a_page()).resources == ()


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/2",
        "Patient/11",
        "https://elsewhere/fhir/Patient/1",
        f"{BASE}x/Patient/1",
        f"{BASE}/../other/Patient/1",
        "patient/1",
        " Patient/1",
        "Patient/1 ",
        "Patient/1?x",
        "Patient/1#x",
        "Patient/../Patient/1",
        "Group/1",
        "urn:uuid:1",
        "#1",
        "1",
        "",
        {"display": "Truus"},
        {"identifier": {"system": BSN_SYSTEM, "value": OTHER_BSN}},
        {"identifier": {"value": BSN}},
        {"reference": "Patient/1", "identifier": {"system": BSN_SYSTEM, "value": OTHER_BSN}},
    ],
)
def test_one_resource_of_someone_else_withholds_the_page(subject: Any) -> None:
    body = a_page(an_entry(an_observation("o1")), an_entry(an_observation("o2", subject)))
    assert _mismatch(body) == "other_patient"


def test_a_resource_that_says_nobody_is_withheld() -> None:
    nobody = an_observation()
    del nobody["subject"]
    assert _mismatch(a_page(an_entry(nobody))) == "no_patient"
    assert _mismatch(a_page(an_entry(an_observation() | {"subject": None}))) == "no_patient"


def test_a_subject_by_bsn_alone_is_ours_when_it_is_that_bsn() -> None:
    body = a_page(an_entry(an_observation(subject={"identifier": {"system": BSN_SYSTEM, "value": BSN}})))
    assert _check(body).count == 1
    assert _mismatch(body, bsn=None) == "other_patient"


def test_another_patient_as_performer_is_not_let_through() -> None:
    page = a_page(an_entry(an_observation(performer=[{"reference": "Practitioner/1"}, {"reference": "Patient/2"}])))
    assert _mismatch(page) == "other_patient"
    ours = a_page(
        an_entry(an_observation(performer=[{"reference": f"{BASE}/Patient/1"}, {"reference": "RelatedPerson/2"}]))
    )
    assert _check(ours).count == 1


NESTED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "MedicationDispense": ("dispenses", {"performer": [{"actor": {"reference": "Patient/2"}}]}),
    "MedicationStatement": ("medication-use", {"informationSource": {"reference": "Patient/2"}}),
    "MedicationRequest": ("medication-agreements", {"requester": {"reference": "Patient/2"}}),
}


@pytest.mark.parametrize("name", list(NESTED))
def test_patients_in_nested_fields_are_seen(name: str) -> None:
    step_id, more = NESTED[name]
    resource = {"resourceType": name, "id": "m", "subject": {"reference": "Patient/1"}}
    step = a_step(MEDICATION, step_id)
    assert _check(a_page(an_entry(resource)), step).count == 1
    assert _mismatch(a_page(an_entry(resource | more)), step) == "other_patient"


def test_stu3_consent_actors_are_seen() -> None:
    step = a_step(HOME_CARE, "advance-directives")
    consent = {"resourceType": "Consent", "id": "c", "patient": {"reference": "Patient/1"}}
    assert _check(a_page(an_entry(consent)), step, "stu3").count == 1
    bad = consent | {"except": [{"actor": [{"reference": {"reference": "Patient/2"}}]}]}
    assert _mismatch(a_page(an_entry(bad)), step, "stu3") == "other_patient"


def test_a_type_that_was_not_asked_for_is_withheld() -> None:
    flag = {"resourceType": "Flag", "id": "f", "subject": {"reference": "Patient/1"}}
    assert _mismatch(a_page(an_entry(flag))) == "type_not_listed"
    assert _mismatch(a_page(an_entry({"resourceType": "Binary", "id": "b", "data": "x"}))) == "type_not_listed"
    assert _mismatch(a_page(an_entry(an_observation(), mode="include"))) == "type_not_listed"
    assert _mismatch(a_page(an_entry(an_observation(), mode="surprise"))) == "type_not_listed"


def test_included_resources_are_listed_and_checked_too() -> None:
    step = a_step(GP, "episodes")
    episode = an_entry({"resourceType": "EpisodeOfCare", "id": "e", "patient": {"reference": "Patient/1"}})
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/1"}}
    assert _check(a_page(episode, an_entry(condition, "include")), step).count == 1
    other = condition | {"subject": {"reference": "Patient/2"}}
    assert _mismatch(a_page(episode, an_entry(other, "include")), step) == "other_patient"
    assert _mismatch(a_page(episode, an_entry(condition, "match")), step) == "type_not_listed"


NOTED = [{"authorReference": {"reference": "Patient/2", "display": "Truus"}, "text": "x"}]


@pytest.mark.parametrize(
    "more",
    [
        {"note": NOTED},
        {"extension": [{"url": "urn:x", "valueReference": {"reference": "Patient/2"}}]},
        {"component": [{"extension": [{"url": "urn:x", "valueReference": {"reference": f"{BASE}/Patient/2"}}]}]},
        {"extension": [{"url": "urn:x", "valueReference": {"reference": "https://elsewhere.example/fhir/Patient/1"}}]},
        {"hasMember": [{"reference": f"Patient?identifier={BSN_SYSTEM}|{OTHER_BSN}"}]},
        {"contained": [{"resourceType": "Practitioner", "id": "h", "extension": [{"valueReference": {"reference": "Patient/2"}}]}]},
    ],
)  # fmt: skip
def test_a_reference_to_somebody_else_withholds_the_page_wherever_it_stands(more: Any) -> None:
    body = a_page(an_entry(an_observation(**more)))
    assert _mismatch(body) == "other_patient"
    assert _mismatch(body.replace(b"Patient/", b"Patient\\/")) == "other_patient"


@pytest.mark.parametrize("system", [BSN_SYSTEM, "urn:oid:2.16.840.1.113883.2.4.6.3"])
@pytest.mark.parametrize("kind", [{}, {"type": {"coding": [{"code": "NI"}]}, "assigner": {"display": "x"}}])
def test_a_reference_by_number_to_somebody_else_withholds_the_page_wherever_it_stands(
    system: str, kind: dict[str, Any]
) -> None:
    def naming(bsn: str) -> bytes:
        noted = [{"authorReference": {"identifier": {**kind, "system": system, "value": bsn}}, "text": "x"}]
        return a_page(an_entry(an_observation(note=noted)))

    assert _mismatch(naming(OTHER_BSN)) == "other_patient"
    assert _mismatch(naming(OTHER_BSN).replace(b"/bsn", b"\\/bsn")) == "other_patient"
    assert _check(naming(BSN)).count == 1
    assert _check(naming(BSN), bsn=None).count == 1, "the asker knows no number after the match"


def test_references_to_our_patient_and_to_others_than_patients_may_stand_anywhere() -> None:
    ours = [
        {"url": "urn:x", "valueReference": {"reference": reference}}
        for reference in (
            "Patient/1",
            f"{BASE}/Patient/1",
            "Patient/1/_history/2",
            "Practitioner/2",
            "#p",
            "urn:uuid:1",
        )
    ]
    body = a_page(an_entry(an_observation(extension=ours)))
    assert _check(body).count == 1
    assert _check(body.replace(b"Patient/1", b"Patient\\/1")).count == 1
    linked = a_patient(link=[{"other": {"reference": "Patient/7"}, "type": "refer"}])
    assert _check(a_page(an_entry(linked)), MATCH, patient_ids=frozenset()).count == 1
    itself = a_patient(extension=[{"url": "urn:x", "valueReference": {"reference": "Patient/1"}}])
    assert _check(a_page(an_entry(itself)), MATCH, patient_ids=frozenset()).count == 1


@pytest.mark.parametrize(
    "resource",
    [
        an_observation(nested={"resourceType": "Patient", "id": "2", "name": [{"text": "Truus"}]}),
        an_observation(extension=[{"url": "urn:x", "valueAny": an_observation("o2", "Patient/1")}]),
        an_observation(contained=[{"resourceType": "Practitioner", "id": "h", "inner": {"resourceType": "Patient"}}]),
    ],
)
def test_a_resource_where_none_may_stand_withholds_the_page(resource: Any) -> None:
    assert _mismatch(a_page(an_entry(resource))) == "nested_resource"


def test_an_outcome_holds_no_other_resource() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [], "contained": [a_patient("2", OTHER_BSN)]}
    assert _mismatch(a_page(an_entry(an_observation()), an_entry(outcome, "outcome"))) == "nested_resource"


def test_what_is_contained_and_words_that_look_like_a_resource_are_no_nested_ones() -> None:
    medicine = {"resourceType": "Practitioner", "id": "h", "contained": [{"resourceType": "Organization", "id": "i"}]}
    said: dict[str, Any] = {"code": {"text": "resourceType"}, "valueString": '"resourceType": "Patient"'}
    assert _check(a_page(an_entry(an_observation(contained=[medicine], **said)))).count == 1


def test_an_outcome_is_tolerated_only_as_outcome() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": []}
    page = _check(a_page(an_entry(an_observation()), an_entry(outcome, "outcome")))
    assert [resource.mode for resource in page.resources] == ["match", "outcome"]
    assert page.count == 1
    assert _mismatch(a_page(an_entry(outcome, "match"))) == "type_not_listed"
    assert _mismatch(a_page(an_entry(an_observation(), "outcome"))) == "type_not_listed"


@pytest.mark.parametrize(
    ("contained", "good"),
    [
        ({"resourceType": "Practitioner", "id": "p"}, True),
        ({"resourceType": "Specimen", "id": "s"}, True),
        ({"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/1"}}, True),
        ({"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/2"}}, False),
        ({"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/2"}}, False),
        ({"resourceType": "Observation", "id": "o"}, False),
        ({"resourceType": "Patient", "id": "p", "identifier": [{"system": BSN_SYSTEM, "value": BSN}]}, True),
        ({"resourceType": "Patient", "id": "p", "identifier": [{"system": BSN_SYSTEM, "value": OTHER_BSN}]}, False),
        ({"resourceType": "Patient", "id": "p"}, False),
        ({"resourceType": "Basket", "id": "b"}, False),
        (
            {
                "resourceType": "Device",
                "id": "d",
                "contained": [{"resourceType": "RelatedPerson", "id": "r", "patient": {"reference": "Patient/2"}}],
            },
            False,
        ),
    ],
)
def test_contained_resources_are_checked_recursively(contained: dict[str, Any], good: bool) -> None:
    body = a_page(an_entry(an_observation(contained=[contained])))
    if good:
        assert _check(body).count == 1
    else:
        assert _mismatch(body) in ("other_patient", "no_patient", "type_not_listed")


def test_a_subject_may_be_a_contained_patient_who_is_ours() -> None:
    ours = a_patient("p")
    assert _check(a_page(an_entry(an_observation(subject="#p", contained=[ours])))).count == 1
    assert _mismatch(a_page(an_entry(an_observation(subject="#q", contained=[ours])))) == "other_patient"
    practitioner = {"resourceType": "Practitioner", "id": "p"}
    assert _mismatch(a_page(an_entry(an_observation(subject="#p", contained=[practitioner])))) == "other_patient"


def test_contained_without_end_is_broken() -> None:
    nested: dict[str, Any] = {"resourceType": "Practitioner", "id": "p"}
    for _ in range(5):
        nested = {"resourceType": "Practitioner", "id": "p", "contained": [nested]}
    assert _broken(a_page(an_entry(an_observation(contained=[nested])))) == "too_large"


def test_the_match_binds_the_ids_of_exactly_this_citizen() -> None:
    practice = {"resourceType": "Organization", "id": "org"}
    patient = a_patient(
        "p-9",
        generalPractitioner=[
            {"reference": "Practitioner/hp"},
            {"reference": "Organization/o2"},
            {"reference": "PractitionerRole/r"},
        ],
        managingOrganization={"reference": f"{BASE}/Organization/org"},
    )
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/hp2"}}
    body = a_page(an_entry(patient), an_entry(practice, "include"), an_entry(role, "include"))
    page = _check(body, MATCH, patient_ids=frozenset())
    assert page.bound == {"patient": ("p-9",), "practitioner": ("hp", "hp2"), "organization": ("o2", "org")}


@pytest.mark.parametrize(
    "identifiers",
    [
        [],
        [{"system": BSN_SYSTEM, "value": OTHER_BSN}],
        [{"system": BSN_SYSTEM, "value": BSN}, {"system": BSN_SYSTEM, "value": OTHER_BSN}],
        [{"system": "urn:oid:2.16.840.1.113883.2.4.6.3", "value": OTHER_BSN}, {"system": BSN_SYSTEM, "value": BSN}],
        [{"system": BSN_SYSTEM}, {"system": BSN_SYSTEM, "value": BSN}],
        [{"system": "http://elsewhere", "value": BSN}],
    ],
)
def test_a_patient_without_exactly_that_one_bsn_withholds_the_page(identifiers: list[Any]) -> None:
    body = a_page(an_entry(a_patient() | {"identifier": identifiers}))
    assert _mismatch(body, MATCH, patient_ids=frozenset()) == "other_patient"


def test_the_same_bsn_under_both_systems_is_one() -> None:
    both = [{"system": BSN_SYSTEM, "value": BSN}, {"system": "urn:oid:2.16.840.1.113883.2.4.6.3", "value": BSN}]
    page = _check(a_page(an_entry(a_patient() | {"identifier": both})), MATCH, patient_ids=frozenset())
    assert page.bound["patient"] == ("1",)


def test_a_read_is_the_resource_that_was_read() -> None:
    step = a_step(GP, "general-practitioner")
    body = json.dumps({"resourceType": "Practitioner", "id": "hp"}).encode()
    page = _check(body, step, read_id="hp")
    assert (page.kind, page.resources[0].id) == ("resource", "hp")
    assert _mismatch(body, step, read_id="other") == "other_resource"
    assert _mismatch(json.dumps(a_patient("hp")).encode(), step, read_id="hp") == "type_not_listed"
    assert _mismatch(a_page(), step, read_id="hp") == "type_not_listed"


def test_more_than_was_asked_for_is_not_passed_on() -> None:
    step = a_step(HOME_CARE, "blood-pressure")
    five = [an_entry(an_observation(f"o{n}")) for n in range(5)]
    assert _check(a_page(*five), step, "stu3").count == 5
    assert _mismatch(a_page(*five, an_entry(an_observation("o6"))), step, "stu3") == "too_many"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        a_page(an_entry(an_observation()))[:-5],
        a_page() + b"x",
        b"\xef\xbb\xbf" + a_page(),
        a_page(an_entry(an_observation(note=[{"text": "\udc80"}]))).replace(b"\\udc80", b"\xff"),
        b"[]",
        b"null",
        b"{}",
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"Bundle","type":"batch-response"}',
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","type":"searchset","entry":[{}]}',
        b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":null}]}',
        b'{"resourceType":"Bundle","type":"searchset","entry":{"resource":{}}}',
        b'{"resourceType":"Bundle","type":"searchset","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"resourceType":"Bundle","type":"searchset","total":NaN}',
        a_page(an_entry(an_observation() | {"id": "../x"})),
        a_page(an_entry(an_observation() | {"id": ""})),
        a_page(an_entry(an_observation() | {"subject": "Patient/1"})),
        a_page(an_entry(an_observation() | {"subject": [{"reference": "Patient/1"}]})),
    ],
)
@pytest.mark.parametrize("origin", ["own_server", "peer"])
def test_what_is_no_page_is_broken(body: bytes, origin: Origin) -> None:
    _broken(body, origin=origin)


def test_limits_hold() -> None:
    assert _broken(b" " * (MAX_PAGE_BYTES + 1)) == "too_large"
    assert _broken(a_page(*(an_entry(an_observation(f"o{n}")) for n in range(501)))) == "too_large"


@pytest.mark.parametrize(
    ("url", "relative"),
    [
        (f"{BASE}?_getpages=abc&_offset=10", "?_getpages=abc&_offset=10"),
        (f"{BASE}/Observation?page=2", "Observation?page=2"),
        ("Observation?page=2", "Observation?page=2"),
        ("https://elsewhere/fhir?_getpages=abc", None),
        (f"{BASE}.evil.example?x=1", None),
        (f"{BASE}/../admin?x=1", None),
        (f"{BASE}/%2e%2e/admin?x=1", None),
        ("//elsewhere/x?y=1", None),
        ("/admin?x=1", None),
        ("javascript:alert(1)?x=1", None),
        (f"{BASE}@elsewhere/?x=1", None),
        (f"{BASE}/Observation", None),
        (f"{BASE}?x=\n1", None),
    ],
)
def test_the_next_page_is_on_the_same_server(url: str, relative: str | None) -> None:
    body = a_page(an_entry(an_observation()), link=[{"relation": "self", "url": "x"}, {"relation": "next", "url": url}])
    if relative is None:
        assert _broken(body) == "foreign_link"
    else:
        assert _check(body).next_link == relative


def test_steps_of_one_page_have_no_next_and_a_match_must_not_have_one() -> None:
    link = [{"relation": "next", "url": f"{BASE}?_getpages=1"}]
    assert (
        _check(a_page(an_entry(an_observation()), link=link), a_step(HOME_CARE, "body-weight"), "stu3").next_link
        is None
    )
    assert _broken(a_page(an_entry(a_patient()), link=link), MATCH) == "too_many"


def test_a_full_url_names_the_resource_it_stands_with() -> None:
    assert _mismatch(a_page(an_entry(an_observation(), fullUrl=f"{BASE}/Observation/other"))) == "other_resource"
    assert _check(a_page(an_entry(an_observation(), fullUrl="urn:uuid:7"))).count == 1


@pytest.mark.parametrize(
    "subject",
    [
        b'"subject":{"reference":"Patient/2"},"subject":{"reference":"Patient/1"}',
        b'"subject":{"reference":"Patient/2","reference":"Patient/1"}',
        b'"subject":{"reference":"Patient/1"},"\\u0073ubject":{"reference":"Patient/1"}',
        b'"subject":{"reference":"Patient/1"},"code":{"text":"a","text":"\\":"}',
        b'"subject" : {"reference" : "Patient/1"} , "valueDecimal" : 1.10, "valueDecimal" : 2.0',
    ],
)
def test_a_peers_page_with_double_members_is_refused(subject: bytes) -> None:
    body = (
        b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Observation","id":"o",'
        + subject
        + b"}}]}"
    )
    assert _broken(body, origin="peer") == "duplicate_member"


def test_a_peers_page_is_taken_however_it_is_written() -> None:
    resource = an_observation(
        note=[{"text": 'é "quoted": \\ \u2028 \\": x'}], valueDecimal=1.10, big=12345678901234567890
    )
    for indent in (None, 2):
        for ascii_only in (True, False):
            page = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]}
            body = json.dumps(page, indent=indent, ensure_ascii=ascii_only).encode()
            assert _check(body, origin="peer").count == 1


def test_the_check_refuses_to_be_called_wrongly() -> None:
    with pytest.raises(ValueError, match="match needs the BSN"):
        _check(a_page(), MATCH, bsn=None)
    with pytest.raises(ValueError, match="read the id"):
        _check(a_page(), RESULTS, read_id="x")
    with pytest.raises(ValueError, match="absolute"):
        Bases.of(["fhir"])


def test_messages_hold_no_content() -> None:
    body = a_page(an_entry(an_observation(subject={"reference": f"Patient/{OTHER_BSN}", "display": "Truus"})))
    with pytest.raises(MismatchError) as caught:
        _check(body)
    assert OTHER_BSN not in str(caught.value)
    assert "Truus" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6)
            | st.sampled_from(["id", "subject", "reference", "identifier", "resourceType", "contained", "meta"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.binary(max_size=80) | st.builds(lambda value: json.dumps(value).encode(), JSON),
    st.sampled_from(["own_server", "peer"]),
)
def test_any_bytes_give_a_page_or_the_one_error(body: bytes, origin: Origin) -> None:
    try:
        _check(body, origin=origin)
    except AnswerError:
        return


@given(JSON, JSON, st.sampled_from(["subject", "performer", "contained", "identifier", "meta", "id", "focus"]))
def test_any_resource_passes_only_as_our_patients(value: Any, extra: Any, name: str) -> None:
    resource = an_observation() | {"extra": extra, name: value}
    try:
        page = _check(a_page(an_entry(resource)))
    except AnswerError:
        return
    assert page.count == 1
    assert resource["subject"]["reference"] == "Patient/1"


def test_a_link_to_somebody_with_another_bsn_withholds_the_page() -> None:
    linked = {"reference": "Patient/merged", "identifier": {"system": BSN_SYSTEM, "value": "999990147"}}
    patient = a_patient() | {"link": [{"other": linked, "type": "seealso"}]}
    assert _mismatch(a_page(an_entry(patient)), MATCH) == "other_patient"


def test_a_link_to_another_record_of_the_same_person_is_theirs() -> None:
    linked = {"reference": "Patient/merged", "identifier": {"system": BSN_SYSTEM, "value": BSN}}
    patient = a_patient() | {"link": [{"other": linked, "type": "seealso"}]}
    _check(a_page(an_entry(patient)), MATCH)
