"""Who takes part in someone's care, as care teams say it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.careteam import CareTeams, Member, learn, members_of, read_care_teams
from node.exchange.response import AnswerError, BrokenAnswerError, MismatchError
from node.usecases.model import FhirVersion
from tests.node.exchange.cases import BASES, a_page, an_entry

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URA = "http://fhir.nl/fhir/NamingSystem/ura"


def _ura(value: str) -> dict[str, str]:
    return {"system": URA, "value": value}


def _team(*participants: Any, status: str = "active", subject: str = "Patient/1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": "t",
        "status": status,
        "subject": {"reference": subject},
        "participant": list(participants),
        **more,
    }


def _organization(organization_id: str, *uras: str) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": organization_id,
        "name": "De Oever",
        "identifier": [_ura(u) for u in uras],
    }


def _read(*resources: Any, version: FhirVersion = "r4") -> CareTeams:
    body = a_page(*(an_entry(resource) for resource in resources))
    return read_care_teams([body], fhir_version=version, patient_ids=frozenset({"1"}), bases=BASES, now=NOW)


def _uras(*resources: Any, version: FhirVersion = "r4") -> list[str]:
    return [member.ura for member in members_of(_read(*resources, version=version))]


def test_an_organisation_by_identifier_in_the_reference() -> None:
    team = _read(_team({"member": {"identifier": _ura("90000102"), "display": "Thuiszorg De Oever"}}))
    assert members_of(team) == (Member(ura="90000102", name="Thuiszorg De Oever"),)
    assert team.needs == frozenset()


def test_an_organisation_on_the_same_page_or_contained() -> None:
    assert _uras(_team({"member": {"reference": "Organization/o"}}), _organization("o", "90000102")) == ["90000102"]
    contained = _team({"member": {"reference": "#o"}}, contained=[_organization("o", "102")])
    assert _uras(contained) == ["00000102"]


def test_what_is_not_on_the_page_is_asked_for_and_learned() -> None:
    teams = _read(_team({"member": {"reference": "PractitionerRole/r"}}, {"member": {"reference": "Practitioner/p"}}))
    assert teams.needs == {("PractitionerRole", "r")}
    assert members_of(teams) == ()
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": {"reference": "Organization/o"}}
    teams = learn(teams, {("PractitionerRole", "r"): json.dumps(role).encode()})
    assert teams.needs == {("Organization", "o")}
    teams = learn(teams, {("Organization", "o"): json.dumps(_organization("o", "90000102")).encode()})
    assert teams.needs == frozenset()
    assert members_of(teams) == (Member(ura="90000102", name="De Oever"),)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"resourceType":"Organization","id":"other"}', b"<html>"])
def test_what_could_not_be_read_lends_nothing_and_is_not_asked_again(body: bytes) -> None:
    teams = _read(_team({"member": {"reference": "Organization/o"}}))
    teams = learn(teams, {("Organization", "o"): body})
    assert (teams.needs, members_of(teams)) == (frozenset(), ())


def test_on_behalf_of_counts() -> None:
    participant = {"member": {"reference": "Practitioner/p"}, "onBehalfOf": {"identifier": _ura("90000101")}}
    assert _uras(_team(participant)) == ["90000101"]
    assert _uras(_team(participant), version="stu3") == ["90000101"]


def test_roles_count_in_r4_only() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": {"identifier": _ura("90000101")}}
    team = _team({"member": {"reference": "PractitionerRole/r"}})
    assert _uras(team, role) == ["90000101"]
    assert _uras(team, role, version="stu3") == []
    assert _uras(team, role | {"active": False}) == []


@pytest.mark.parametrize(
    "member",
    [
        {"reference": "Patient/1", "identifier": _ura("90000101")},
        {"reference": "Practitioner/p", "identifier": _ura("90000101")},
        {"reference": "RelatedPerson/x"},
        {"identifier": {"system": "http://elsewhere", "value": "90000101"}},
        {"identifier": _ura("123456789")},
        {"identifier": _ura("9000010٢")},
        {"display": "Huisarts"},
        {},
    ],
)
def test_people_and_other_numbers_lend_nothing(member: dict[str, Any]) -> None:
    assert _uras(_team({"member": member})) == []


def test_an_organisation_with_two_numbers_is_nobody() -> None:
    assert _uras(_team({"member": {"reference": "Organization/o"}}), _organization("o", "1", "2")) == []


@pytest.mark.parametrize("status", ["proposed", "suspended", "inactive", "entered-in-error", "", "Active"])
def test_only_active_teams_count(status: str) -> None:
    assert _uras(_team({"member": {"identifier": _ura("90000101")}}, status=status)) == []


@pytest.mark.parametrize(
    ("period", "counts"),
    [
        ({"start": "2026-01-01"}, True),
        ({"end": "2026-11-22"}, True),
        ({"end": "2026-11"}, True),
        ({"end": "2026"}, True),
        ({"end": "2026-11-21T23:00:00+01:00"}, False),
        ({"end": "2026-10"}, False),
        ({"start": "2026-12-01"}, False),
        ({"end": "soon"}, False),
        ({}, True),
    ],
)
def test_only_what_is_current_counts(period: dict[str, str], counts: bool) -> None:
    member = {"identifier": _ura("90000101")}
    assert bool(_uras(_team({"member": member}, period=period))) == counts
    assert bool(_uras(_team({"member": member, "period": period}))) == counts


def test_a_team_of_someone_else_makes_all_of_it_unbelievable() -> None:
    with pytest.raises(MismatchError):
        _read(_team({"member": {"identifier": _ura("1")}}), _team(subject="Patient/2"))


def test_every_organisation_once_with_a_name_where_one_is_known() -> None:
    team = _team(
        {"member": {"identifier": _ura("1")}}, {"onBehalfOf": {"identifier": _ura("00000001"), "display": "De Gouwe"}}
    )
    assert members_of(_read(team)) == (Member(ura="00000001", name="De Gouwe"),)


def test_not_without_end() -> None:
    with pytest.raises(BrokenAnswerError):
        _read(_team(*({"member": {"reference": f"Organization/o{n}"}} for n in range(101))))


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda i: st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "subject", "participant"]),
            i | st.lists(i, max_size=2),
            max_size=4,
        ),
        max_leaves=8,
    ).map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_give_teams_or_the_one_error(body: bytes) -> None:
    try:
        read_care_teams([body], fhir_version="r4", patient_ids=frozenset({"1"}), bases=BASES, now=NOW)
    except AnswerError:
        return
