"""What people in care asked for, shown with real nodes: one question, one view, and how long it took.

The needs are those of the region's vision (docs/api.md has the views): a timeline of all providers, receiving without
extra time, one medication overview with its contradictions, the essentials in an emergency, what is handed over and what is
looked up, sharing without extra time, a network with telephone numbers, and a discharge or hand-over that says what is missing.
"""

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from examples.region.askers import ASKERS
from examples.region.joining import replica
from examples.region.network import Region
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE, OEVER, Organisation
from examples.region.patients import BSN_SYSTEM, TRUUS
from node.ports import HttpRequest
from tests.scenarios.conftest import Misbehave
from tests.scenarios.marks import SCENARIO
from tests.scenarios.waiting import eventually

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


async def joined(region: Region, service: str) -> None:
    """Wait until everybody knows everybody in a service beyond those of the story."""
    (wanted,) = [each.members for each in region.further if each.service == service]

    async def is_so() -> bool:
        lists = [await replica(region.vendor(key), service) for key in wanted]
        return all(len(each) == len(wanted) for each in lists)

    await eventually(is_so, seconds=30)


async def write(region: Region, path: str, resource: dict[str, Any]) -> None:
    """Write in an organisation's own record, as its own people do."""
    request = HttpRequest(
        method="PUT",
        url=path,
        headers={"Content-Type": "application/fhir+json"},
        body=json.dumps({name: value for name, value in resource.items() if name != "meta"}).encode(),
    )
    assert (await region.own.send(request)).status == 200


async def consents_about(region: Region, holder: Organisation) -> Any:
    """What Truus recorded at an organisation."""
    node = region.nodes[holder.key]
    answer = await region.own.send(
        HttpRequest(
            method="POST",
            url=f"{node.internal}/internal/consent/v1/{holder.key}/Consent/_search",
            headers={
                "Authorization": f"Bearer {node.api_key}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=f"patient-id={TRUUS.bsn}".encode(),
        )
    )
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


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
    await joined(region, "acute")
    found = await view(region, GOUWE, "acute", "essentials", purpose="ETREAT")
    assert found["ms"] < SCREEN_MS
    sections = {each["section"]: each for each in found["sections"]}
    assert set(sections) == {"medication", "allergies", "history", "treatment_limits", "what_happened"}
    asked = {each["ura"] for each in found["asked"]}
    assert {LINDE.ura, HOFSTEDE.ura, OEVER.ura} <= asked
    for name in ("medication", "history", "treatment_limits", "what_happened"):
        assert (name, sections[name]["state"]) == (name, "ok")
    await misbehave(LINDE.key).misbehave("slow", "/r4/", delay_ms=60_000)
    cut = await view(region, GOUWE, "acute", "essentials", purpose="ETREAT")
    assert cut["ms"] < SCREEN_MS + 500
    sections = {each["section"]: each for each in cut["sections"]}
    assert sections["medication"]["state"] == "ok"
    for section in sections.values():
        assert LINDE.ura in {each["holder"] for each in section["missing"]}
        assert not section["complete"]
    assert not cut["complete"]


async def test_need_6_what_is_right_is_handed_over_and_more_is_looked_up_on_request(region: Region) -> None:
    vendor, user = region.vendor(GOUWE.key), ASKERS[GOUWE.key].for_question()
    handed = await vendor.ask("medication", TRUUS.bsn, user, fresh=True)
    print(f"handed over for gouwe: {handed.ms} ms")
    assert handed.ms < SCREEN_MS
    offered = set(handed.plan["more"])
    assert offered
    assert not offered & {step for _, step in handed.states}
    more = await vendor.ask("medication", TRUUS.bsn, user, fresh=True, steps=sorted(offered))
    print(f"more, on request, for gouwe: {more.ms} ms")
    assert {step for _, step in more.states if step} == offered
    assert {state for (_, step), state in more.states.items() if step == "dispense-requests"} <= {"ok", "none_recorded"}
    gaps = {(*place, state) for place, state in more.states.items() if state not in ("ok", "none_recorded")}
    assert gaps == more.missing, "what a plain server does not have is said"


async def test_need_8_sharing_costs_no_extra_time(region: Region) -> None:
    """The practice writes in its own record as ever; home care sees it with its next question, and nobody did anything for it."""
    own = region.nodes[GOUWE.key].fhir["r4"]
    vendor, user = region.vendor(OEVER.key), ASKERS[OEVER.key].for_question()
    before = await vendor.ask("ha-vvt", TRUUS.bsn, user, fresh=True)
    known = next(line["resource"] for line in before.resources if line["resource"]["resourceType"] == "Encounter")
    path = f"{own}/Encounter/{known['id']}"
    changed = {**known, "reasonCode": [{"text": "Zojuist geschreven"}]}
    await write(region, path, changed)
    try:
        after = await vendor.ask("ha-vvt", TRUUS.bsn, user, fresh=True)
    finally:
        await write(region, path, known)
    print(f"written by gouwe, seen by oever: {after.ms} ms, nothing done by anybody")
    assert after.ms < SCREEN_MS
    assert changed["reasonCode"] in [line["resource"].get("reasonCode") for line in after.resources]
    consents = await consents_about(region, GOUWE)
    assert consents["total"] == 0, "nobody was asked anything for it either: it is given on the care team"


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


async def test_need_10_a_hand_over_from_hospital_to_home_care_is_checked_for_its_five_topics(region: Region) -> None:
    await joined(region, "360-graden")
    found = await view(region, OEVER, "360", "discharge")
    assert LINDE.ura in {each["ura"] for each in found["asked"]}
    assert found["ms"] < SCREEN_MS
    sections = {each["section"]: each for each in found["sections"]}
    assert set(sections) == {"history", "medication", "policy", "network", "comorbidity"}
    for name in ("medication", "network", "comorbidity"):
        assert LINDE.ura in {each["holder"] for each in sections[name]["items"]}
    lacking = {each["section"] for each in found["warnings"]}
    assert lacking == {name for name, each in sections.items() if each["state"] != "ok" or not each["complete"]}
    assert all(each["items"] or each["section"] in lacking for each in sections.values())
