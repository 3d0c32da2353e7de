"""Which Endpoint is used, and why not the others (LANDSCAPE §2.1.1)."""

from typing import Any

import pytest

from registry.mcsd.selecting import Outcome, select_endpoints
from tests.support.directory import an_endpoint
from tests.support.world import NOON  # 22 November 2026, 12:00 UTC

OAUTH = an_endpoint("oauth", "o", connectionType={"code": "oauth-nuts"}, address="https://linde.example/oauth2/linde")
BGZ = [{"coding": [{"system": "any-system", "code": "bgz"}]}]


def _select(*endpoints: dict[str, Any], versions: tuple[Any, ...] = ("r4", "stu3")) -> list[tuple[str, str]]:
    found = select_endpoints(endpoints, payloads=frozenset({"bgz"}), versions=versions, now=NOON)
    return [(each.id, each.outcome) for each in found]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "usable"),
        ({"payloadType": BGZ}, "usable"),
        ({"payloadType": [{"coding": [{"code": "any"}]}]}, "usable"),
        ({"payloadType": [{"coding": [{"code": "eOverdracht-notification"}]}]}, "another_payload"),
        ({"status": "off"}, "not_active"),
        ({"status": "suspended"}, "not_active"),
        ({"status": "test"}, "not_active"),
        ({"period": {"start": "2026-11-22T12:00:00Z"}}, "usable"),
        ({"period": {"start": "2026-11-22T12:00:01Z"}}, "not_now"),
        ({"period": {"end": "2026-11-22T12:00:00Z"}}, "not_now"),
        ({"period": {"end": "2026-11-22"}}, "usable"),
        ({"period": {"end": "2026-11-21"}}, "not_now"),
        ({"period": {"end": "soon"}}, "not_now"),
        ({"period": "always"}, "not_now"),
        ({"connectionType": {"code": "dicom-wado-rs"}}, "not_fhir"),
        ({"connectionType": "hl7-fhir-rest"}, "not_fhir"),
        ({"payloadMimeType": ["application/fhir+json; fhirVersion=4.0"]}, "usable"),
        ({"payloadMimeType": ["application/fhir+xml", "application/fhir+json;fhirVersion=3.0"]}, "usable"),
        ({"payloadMimeType": ["application/fhir+json; fhirVersion=5.0"]}, "another_version"),
        ({"payloadMimeType": ["application/fhir+json"]}, "usable"),
        ({"address": "http://linde.example/fhir"}, "no_address"),
        ({"address": "https://user:secret@linde.example/fhir"}, "no_address"),
        ({"address": "https://linde.example/fhir?a=b"}, "no_address"),
        ({"address": "https://[/"}, "no_address"),
        ({"address": 7}, "no_address"),
    ],
)
def test_an_endpoint_is_used_when_every_rule_holds(changes: dict[str, Any], outcome: Outcome) -> None:
    assert _select(an_endpoint("e", "o", **changes), OAUTH) == [("e", outcome)]


def test_without_an_authorization_server_in_use_there_is_no_token() -> None:
    assert _select(an_endpoint("e", "o")) == [("e", "no_authorization_server")]
    assert _select(an_endpoint("e", "o"), OAUTH | {"status": "off"}) == [("e", "no_authorization_server")]


def test_at_a_cutover_the_one_that_began_last_comes_first() -> None:
    old = an_endpoint("old", "o", period={"start": "2020", "end": "2026-11-22T12:00:00Z"})
    new = an_endpoint("new", "o", period={"start": "2026-11-22T12:00:00Z"})
    older = an_endpoint("older", "o", period={"start": "2021"})
    assert _select(old, older, new, OAUTH) == [("new", "usable"), ("older", "usable"), ("old", "not_now")]


def test_the_version_that_we_prefer_comes_first() -> None:
    stu3 = an_endpoint(
        "stu3", "o", payloadMimeType=["application/fhir+json; fhirVersion=3.0"], period={"start": "2026"}
    )
    r4 = an_endpoint("r4", "o", payloadMimeType=["application/fhir+json; fhirVersion=4.0"])
    assert [each for each, _ in _select(stu3, r4, OAUTH)] == ["r4", "stu3"]
    assert [each for each, _ in _select(stu3, r4, OAUTH, versions=("stu3", "r4"))] == ["stu3", "r4"]


def test_the_authorization_server_that_we_speak_best_is_taken() -> None:
    other = an_endpoint("x", "o", connectionType={"code": "oauth2"}, address="https://linde.example/other")
    (found,) = select_endpoints([other, an_endpoint("e", "o"), OAUTH], payloads=frozenset(), versions=("r4",), now=NOON)
    assert found.authorization_server == "https://linde.example/oauth2/linde"
