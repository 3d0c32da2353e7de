from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from registry.directory import Directory
from registry.entry import Registered
from registry.localisation import Asked, Member, NotAsked, localise
from tests.support.keys import a_did
from tests.support.registry import NOW, VALIDITY

PARAMETERS = {
    "authServerURL": "https://oever.example/oauth2/oever",
    "fhir_base_url_r4": "https://oever.example/fhir/oever/r4/",
    "organization_facility_type": "Z3",
}


def registered(name: str = "oever", *, ura: str = "00001111", service: str = "care", **changes: Any) -> Registered:
    entry = Registered(
        service=service,
        timestamp=1,
        holder=a_did(name),
        presentation_id="p",
        compact="c",
        issued_at=NOW,
        expires_at=NOW + VALIDITY,
        claims={"organization_ura": ura, "organization_name": f"De {name}", "organization_city": "Gouda"},
        proven=frozenset({"organization_ura", "organization_name", "organization_city"}),
        parameters=PARAMETERS,
    )
    return replace(entry, **changes)


def test_an_organisation_is_found_by_its_number() -> None:
    directory = Directory([registered(), registered(service="lab"), registered("gouwe", ura="00002222")])
    found = directory.find("00001111")
    assert found is not None
    assert (found.ura, found.name, found.city, found.holder) == ("00001111", "De oever", "Gouda", a_did("oever"))
    assert found.authorization_server == "https://oever.example/oauth2/oever"
    assert found.fhir_bases == {"r4": "https://oever.example/fhir/oever/r4"}
    assert (found.facility_type, found.services) == ("Z3", ("care", "lab"))
    assert directory.find("1111", "lab") == found  # zeros in front are the same number
    assert directory.find("00001111", "other") is None
    assert directory.find("00009999") is None
    assert [each.ura for each in directory.organisations("care")] == ["00001111", "00002222"]


def test_a_number_that_no_certificate_proves_is_not_believed() -> None:
    for entry in (registered(proven=frozenset()), registered(ura=""), registered(claims={})):
        assert Directory([entry]).find("00001111") is None
    stated = Directory([registered(proven=frozenset({"organization_ura"}))]).find("00001111")
    assert stated is not None
    assert (stated.name, stated.city) == ("", "")


@pytest.mark.parametrize(
    "address",
    [
        None,
        1,
        "",
        "http://oever.example/fhir",
        "https://user@oever.example/fhir",
        "https://:pw@oever.example/fhir",
        "https://oever.example/fhir?x=y",
        "https://oever.example/fhir?",
        "https://oever.example/fhir#x",
        "https://oever.example:port/fhir",
        "https:///fhir",
        "https://[oever/fhir",
        "https://oever.example/a b",
        "https://oever.example/é",
        "https://oever.example/\n",
        "https://oever.example/" + "x" * 2_048,
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_not_a_plain_https_url_counts_as_none(address: object) -> None:
    parameters = {"authServerURL": address, "fhir_base_url_r4": address}
    found = Directory([registered(parameters=parameters)]).find("00001111")
    assert found is not None
    assert (found.authorization_server, found.fhir_bases, found.facility_type) == (None, {}, None)


def test_the_newest_registration_with_an_endpoint_is_chosen_and_the_others_say_why_not() -> None:
    day = timedelta(days=1)
    directory = Directory(
        [
            registered("oever", issued_at=NOW - day),
            registered("gouwe", issued_at=NOW),
            registered("linde", service="lab"),
            registered("wending", issued_at=NOW + day, parameters={}),
            registered("hofstede", issued_at=NOW + day, parameters={"authServerURL": "https://x.example"}),
            registered("ministry", ura="00002222"),
        ]
    )
    choice = directory.choose("00001111", "care", ["stu3", "r4"])
    assert choice.endpoint is not None
    assert choice.endpoint.organisation.holder == a_did("gouwe")
    assert (choice.endpoint.service, choice.endpoint.fhir_version) == ("care", "r4")
    assert choice.endpoint.fhir_base == "https://oever.example/fhir/oever/r4"
    assert choice.endpoint.authorization_server == "https://oever.example/oauth2/oever"
    assert choice.considered[0].outcome == "chosen"
    assert {each.holder: each.outcome for each in choice.considered} == {
        a_did("gouwe"): "chosen",
        a_did("oever"): "older",
        a_did("linde"): "not_in_service",
        a_did("wending"): "no_authorization_server",
        a_did("hofstede"): "no_fhir_base",
    }
    assert all(each.reason for each in choice.considered)


def test_the_version_asked_for_first_wins() -> None:
    both = PARAMETERS | {"fhir_base_url_stu3": "https://oever.example/fhir/oever/stu3"}
    directory = Directory([registered(parameters=both)])
    for versions in (["r4", "stu3"], ["stu3", "r4"]):
        endpoint = directory.choose("00001111", "care", versions).endpoint  # type: ignore[arg-type]  # two literals
        assert endpoint is not None
        assert endpoint.fhir_version == versions[0]


def test_nobody_registered_is_no_choice_at_all() -> None:
    assert Directory([]).choose("00001111", "care", ["r4"]).considered == ()


def test_everybody_in_the_care_team_is_asked_or_told_why_not() -> None:
    directory = Directory(
        [
            registered("oever"),
            registered("gouwe", ura="00002222", parameters={}),
            registered("linde", ura="00003333", service="lab"),
            registered("wending", ura="00004444", proven=frozenset({"organization_ura"})),
        ]
    )
    members = [
        Member(ura="1111", name="Oever"),
        Member(ura="00001111", name="Oever again"),
        Member(ura="00002222", name="Gouwe"),
        Member(ura="00003333", name="Linde"),
        Member(ura="00004444", name="Wending"),
        Member(ura="00005555", name="Ourselves"),
        Member(ura=None, name="A pharmacy"),
        Member(ura="", name="Another"),
    ]
    found = localise(members, directory, service="care", versions=["r4"], own_ura="5555")
    assert [(each.ura, each.name, each.found_by) for each in found.asked] == [
        ("00001111", "De oever", "care_team"),
        ("00004444", "Wending", "care_team"),
    ]
    assert isinstance(found.asked[0], Asked)
    assert found.asked[0].endpoint.fhir_base == "https://oever.example/fhir/oever/r4"
    assert found.not_asked == (
        NotAsked(ura="00002222", name="De gouwe", reason="no_endpoint"),
        NotAsked(ura="00003333", name="Linde", reason="not_registered"),
        NotAsked(ura="00005555", name="Ourselves", reason="own_organisation"),
        NotAsked(ura=None, name="A pharmacy", reason="no_ura"),
        NotAsked(ura=None, name="Another", reason="no_ura"),
    )


def test_holders_that_the_caller_names_are_marked_so() -> None:
    directory = Directory([registered()])
    found = localise(
        [Member(ura="00001111", name="")],
        directory,
        service="care",
        versions=["r4"],
        own_ura="5555",
        found_by="named",
    )
    assert found.asked[0].found_by == "named"
