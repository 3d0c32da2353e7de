"""What people in care asked for, shown with real nodes: one question, one view, and how long it took.

The needs are those of the region's vision (docs/api.md has the views): a timeline of all providers, receiving without
extra time, one medication overview with its contradictions, the essentials in an emergency, a network with telephone numbers,
and a discharge that says what is missing.
"""

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from examples.region.askers import ASKERS
from examples.region.network import Region
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE, OEVER, Organisation
from examples.region.patients import BSN_SYSTEM, TRUUS
from node.ports import HttpRequest
from tests.scenarios.conftest import Misbehave
from tests.scenarios.marks import SCENARIO

pytestmark = [*SCENARIO, pytest.mark.usefixtures("told")]  # the story counts who looked at what: it is told before

SCREEN_MS = 4_000
"""As long as somebody waits for a screen; what a single query may take (LANDSCAPE §4.5)."""


def question(asker: Organisation, **members: Any) -> dict[str, Any]:
    """A question of somebody about Truus."""
    return {
        "patient": {"system": BSN_SYSTEM, "value": TRUUS.bsn},
        "user": ASKERS[asker.key].for_question(),
        "purpose": "TREAT",
        "fresh": True,
        **members,
    }


async def view(region: Region, asker: Organisation, usecase: str, name: str, **members: Any) -> dict[str, Any]:
    """Ask for a view."""
    path = f"/exchange/v1/{asker.key}/{usecase}?view={name}"
    found: dict[str, Any] = await region.vendor(asker.key).post(path, question(asker, **members))
    assert found["view"] == name
    print(f"{name} of {usecase} for {asker.key}: {found['ms']} ms")  # the measured time, shown with -s
    return found


async def bundle(region: Region, asker: Organisation, usecase: str, parameters: str = "") -> Any:
    """Ask for one Bundle."""
    vendor = region.vendor(asker.key)
    answer = await vendor.client.send(
        HttpRequest(
            method="POST",
            url=f"{vendor.node.internal}/internal/exchange/v1/{asker.key}/{usecase}{parameters}",
            headers={
                "Authorization": f"Bearer {vendor.node.api_key}",
                "Content-Type": "application/json",
                "Accept": "application/fhir+json",
            },
            body=json.dumps(question(asker)).encode(),
            max_bytes=64_000_000,
            timeout=60.0,
        )
    )
    assert answer.status == 200, answer.body[:300]
    return json.loads(answer.body)


async def test_need_1_a_timeline_has_all_providers_with_source_and_date(region: Region) -> None:
    found = await view(region, GOUWE, "medication", "timeline")
    assert {each["holder"] for each in found["items"]} == {LINDE.ura, HOFSTEDE.ura}
    dates = [each["date"] for each in found["items"] if each["date"]]
    assert dates == sorted(dates, reverse=True)
    assert all(each["holder_name"] for each in found["items"])
    contacts = await view(region, OEVER, "ha-vvt", "timeline")
    assert {"Encounter", "EpisodeOfCare"} <= {each["type"] for each in contacts["items"]}


async def test_need_2_receiving_takes_no_extra_time_and_can_be_imported(region: Region) -> None:
    found = await view(region, OEVER, "ha-vvt", "timeline")
    assert found["complete"]
    assert found["ms"] < SCREEN_MS
    Bundle.model_validate(await bundle(region, OEVER, "ha-vvt"))
    in_r4 = await bundle(region, GOUWE, "ha-vvt", "?as=r4")  # home care has STU3 only
    Bundle.model_validate(in_r4)
    kinds = {each["resource"]["resourceType"] for each in in_r4["entry"]}
    assert {"Flag", "Observation", "Binary", "Provenance"} <= kinds


async def test_need_3_medication_of_all_stands_side_by_side_with_its_contradictions(region: Region) -> None:
    found = await view(region, LINDE, "medication", "medication")
    groups = found["medication"]["groups"]
    assert {ura for group in groups for ura in group["holders"]} == {GOUWE.ura, HOFSTEDE.ura}
    contradicted = [each for each in found["conflicts"] if each["code"] == "other_substance"]
    assert any("cenocoumarol" in each["detail"] and "pixaban" in each["detail"] for each in contradicted)


async def test_need_5_essentials_come_in_time_and_say_what_is_missing(region: Region, misbehave: Misbehave) -> None:
    await misbehave(LINDE.key).misbehave("slow", "/r4/")
    found = await view(region, GOUWE, "medication", "essentials", deadline_ms=SCREEN_MS)
    assert found["ms"] < SCREEN_MS + 500
    sections = {each["section"]: each for each in found["sections"]}
    assert sections["medication"]["state"] == "ok"
    assert {each["holder"] for each in sections["medication"]["missing"]} == {LINDE.ura}
    assert sections["allergies"]["state"] == "not_asked", "this use case has no allergies: that is said, not left blank"


async def test_need_9_the_network_has_telephone_numbers(region: Region) -> None:
    found = await view(region, OEVER, "ha-vvt", "care-team")
    members = found["network"]["members"]
    assert any(each["kind"] == "professional" for each in members)
    (practice,) = [each for each in members if each["ura"] == GOUWE.ura]
    assert practice["telephones"]


async def test_need_10_a_district_nurse_sees_what_a_discharge_lacks(region: Region) -> None:
    found = await view(region, OEVER, "ha-vvt", "discharge")
    sections = {each["section"]: each for each in found["sections"]}
    assert set(sections) == {"history", "medication", "policy", "network", "comorbidity"}
    assert sections["medication"]["items"]
    assert sections["comorbidity"]["items"]
    assert all(each["state"] != "ok" or not sections[each["section"]]["complete"] for each in found["warnings"])
