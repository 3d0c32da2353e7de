"""Selecting one of several fitting credentials by what a field yields (``credential_selection`` of nuts-node)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.query import NoMatch, check_selection, match_wallet
from credentials.query.selection import MAX_SELECTED_LENGTH, MAX_SELECTION
from credentials.vc.credential import SignedCredential
from tests.support.query import definition, descriptor, field, ld_credential, of_type

PATIENT = field("$.credentialSubject.patient", id="patient_id", filter={"type": "string"})
ASKED = definition(descriptor("enrollment", of_type("PatientEnrollmentCredential"), PATIENT))


def enrollment(patient: object, identifier: str = "") -> SignedCredential:
    return ld_credential("PatientEnrollmentCredential", {"patient": patient}, identifier=identifier or str(patient))


WALLET = [enrollment("1"), enrollment("2"), enrollment("3")]


@pytest.mark.spec("WIRE §2.15")
def test_the_credential_whose_field_has_the_text_is_taken_and_without_a_selection_the_first() -> None:
    assert match_wallet(ASKED, WALLET, selection={"patient_id": "2"}).credentials == (WALLET[1],)
    assert match_wallet(ASKED, WALLET).credentials == (WALLET[0],)


@pytest.mark.spec("WIRE §2.15")
def test_a_selection_that_leaves_none_or_several_is_no_match() -> None:
    with pytest.raises(NoMatch, match="no credential fits input descriptor enrollment"):
        match_wallet(ASKED, WALLET, selection={"patient_id": "4"})
    with pytest.raises(NoMatch, match="leaves several credentials for input descriptor enrollment"):
        match_wallet(ASKED, [*WALLET, enrollment("2", "again")], selection={"patient_id": "2"})


@pytest.mark.parametrize(
    ("value", "text", "is_meant"),
    [
        ("x", "x", True),
        (7, "7", True),
        (7.0, "7", True),
        (7.25, "7.25", True),
        (1e21, "1000000000000000000000", True),
        (1e-7, "0.0000001", True),
        (100.0, "100", True),
        (True, "true", True),
        (False, "false", True),
        (True, "1", False),
        (["x"], "x", False),
        ({"x": 1}, "x", False),
        (None, "", False),
    ],
)
def test_values_are_compared_as_nuts_node_writes_them(value: object, text: str, *, is_meant: bool) -> None:
    asked = definition(descriptor("a", field("$.credentialSubject.patient", id="v", optional=True)))
    if is_meant:
        assert match_wallet(asked, [enrollment(value, "1")], selection={"v": text}).credentials
    else:
        with pytest.raises(NoMatch):
            match_wallet(asked, [enrollment(value, "1")], selection={"v": text})


def test_what_a_pattern_captures_is_what_is_compared() -> None:
    asked = definition(
        descriptor(
            "a", field("$.credentialSubject.patient", id="v", filter={"type": "string", "pattern": "^urn:(.+)$"})
        )
    )
    assert match_wallet(asked, [enrollment("urn:1"), enrollment("urn:2")], selection={"v": "2"}).claims == {"v": "2"}


def test_every_key_of_a_descriptor_has_to_be_met_and_others_are_not_narrowed() -> None:
    name = field("$.credentialSubject.name", id="name", optional=True)
    asked = definition(
        descriptor("enrollment", of_type("PatientEnrollmentCredential"), PATIENT, field("$.id", id="number")),
        descriptor("other", of_type("X"), name),
    )
    wallet = [*WALLET, enrollment("2", "again"), ld_credential("X", {})]
    match = match_wallet(asked, wallet, selection={"patient_id": "2", "number": "again"})
    assert match.credentials == tuple(wallet[3:])
    with pytest.raises(NoMatch):
        match_wallet(asked, wallet, selection={"patient_id": "1", "number": "again"})


def test_requirements_may_do_without_a_descriptor_that_the_selection_leaves_empty() -> None:
    asked = definition(
        descriptor("enrollment", of_type("PatientEnrollmentCredential"), PATIENT, group=["A"]),
        descriptor("x", of_type("X"), group=["A"]),
        submission_requirements=[{"rule": "pick", "count": 1, "from": "A"}],
    )
    other = ld_credential("X", {})
    assert match_wallet(asked, [*WALLET, other], selection={"patient_id": "9"}).credentials == (other,)


def both(**more: Any) -> Any:
    """Two descriptors that the same credentials fit; only the second one can be narrowed."""
    return definition(
        descriptor("any", of_type("PatientEnrollmentCredential")),
        descriptor("one", of_type("PatientEnrollmentCredential"), PATIENT),
        **more,
    )


def test_the_selected_credential_is_put_where_the_verifier_finds_it_first() -> None:
    match = match_wallet(both(), WALLET, selection={"patient_id": "2"})
    assert match.credentials == (WALLET[1],), "the first in wallet order would have been the verifier's choice for both"
    assert match_wallet(both(), match.credentials).selected == match.selected


def test_nothing_is_sent_when_the_verifier_would_choose_another_credential() -> None:
    second = field("$.credentialSubject.patient", id="other_patient", filter={"type": "string"})
    asked = definition(
        descriptor("one", of_type("PatientEnrollmentCredential"), PATIENT),
        descriptor("two", of_type("PatientEnrollmentCredential"), second),
    )
    with pytest.raises(NoMatch, match="would not find the selected"):
        match_wallet(asked, WALLET, selection={"patient_id": "1", "other_patient": "2"})
    same = match_wallet(asked, WALLET, selection={"patient_id": "2", "other_patient": "2"})
    assert same.credentials == (WALLET[1],)


OTHER = definition(descriptor("x", field("$.issuer", id="delegating")))


def test_a_key_has_to_be_known_to_one_of_the_definitions_answered_and_each_takes_its_own() -> None:
    selection = {"patient_id": "2", "delegating": "did:web:x"}
    check_selection(selection, [ASKED, OTHER])
    assert match_wallet(ASKED, WALLET, selection=selection).credentials == (WALLET[1],)
    with pytest.raises(MalformedError, match="there are: patient_id"):
        check_selection(selection, [ASKED])


@pytest.mark.parametrize(
    "selection",
    [
        {"patientid": "2"},
        {str(number): "x" for number in range(MAX_SELECTION + 1)},
        {"patient_id": "x" * (MAX_SELECTED_LENGTH + 1)},
    ],
)
def test_a_selection_that_narrows_nothing_or_is_too_large_is_refused(selection: dict[str, str]) -> None:
    with pytest.raises(MalformedError, match="credential selection"):
        check_selection(selection, [ASKED, OTHER])
    with pytest.raises(MalformedError, match="none"):
        check_selection({"x": "y"}, [definition()])


@given(
    st.lists(st.sampled_from("123"), min_size=1, max_size=5),
    st.lists(st.sampled_from(["any", "one", "two"]), min_size=1, max_size=3, unique=True),
    st.fixed_dictionaries({}, optional={"one": st.sampled_from("123"), "two": st.sampled_from("123")}),
)
def test_what_a_selection_leaves_is_what_the_verifier_finds(
    patients: list[str], names: list[str], selection: dict[str, str]
) -> None:
    wallet = [enrollment(patient, f"{place}") for place, patient in enumerate(patients)]
    fields = {name: field("$.credentialSubject.patient", id=name) for name in names}
    asked = definition(*(descriptor(name, each) for name, each in fields.items()))
    try:
        match = match_wallet(asked, wallet, selection=selection)
    except NoMatch:
        return
    assert all(match.claims[name] == value for name, value in selection.items() if name in names)
    assert match_wallet(asked, match.credentials).selected == match.selected
