"""The five views, and what holders say differently: over HTTP, from the same question as the stream."""

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fhir.resources.R4B.bundle import Bundle

from examples.region.data import records
from node.exchange import answering, routes, under_way
from node.exchange.events import AskedHolder, End, Plan, Source
from node.exchange.merge import Fetched, Lineage, Missing
from node.exchange.response import CheckedResource
from node.exchange.views.choose import VIEWS, write_view
from node.exchange.views.conflicts import MAX_CONFLICTS, _grouped, find_conflicts
from node.exchange.views.network import MAX_SAID
from node.exchange.views.result import Result, read_entries
from node.exchange.views.telephones import find_telephones
from node.usecases.identifiers import BSN_SYSTEM
from node.usecases.model import UseCase
from node.web.boundary import boundary
from tests.node.exchange.cases import BSN, a_patient
from tests.node.exchange.setting import GOUWE, LINDE, NURSE, Asker, a_flag, an_asker, shipped
from tests.support.world import NOON

ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"


def a_medicine(name: str, atc: str, text: str = "1x daags 1", status: str = "active", **more: Any) -> dict[str, Any]:
    """A medication agreement."""
    return {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": status,
        "intent": "order",
        "category": [{"coding": [{"system": SNOMED, "code": "16076005"}]}],
        "medicationCodeableConcept": {"coding": [{"system": ATC, "code": atc}], "text": name},
        "subject": {"reference": "Patient/p1"},
        "dosageInstruction": [{"text": text}],
        **more,
    }


def an_allergy(code: str, **more: Any) -> dict[str, Any]:
    """An allergy to medication."""
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"a{code}",
        "category": ["medication"],
        "clinicalStatus": {"coding": [{"code": "active", "system": "c"}]},
        "code": {"coding": [{"system": SNOMED, "code": code}], "text": code},
        "patient": {"reference": "Patient/p1"},
        **more,
    }


def a_directive(code: str, verdict: str) -> dict[str, Any]:
    """A treatment directive."""
    return {
        "resourceType": "Consent",
        "id": f"d{code}",
        "status": "active",
        "patient": {"reference": "Patient/p1"},
        "provision": {"type": verdict, "code": [{"coding": [{"system": SNOMED, "code": code}]}]},
    }


def any_usecase() -> UseCase:
    """A use case, where it does not matter which."""
    found = shipped().by_id("ha-vvt")
    assert found is not None
    return found


def came(holder: str, *resources: dict[str, Any], step: str = "medication", version: Any = "r4") -> list[Fetched]:
    """Resources as they came from a holder."""

    return [
        Fetched(
            step=step,
            fhir_version=version,
            resource=CheckedResource(
                type=each["resourceType"],
                id=each["id"],
                raw=msgspec.Raw(json.dumps(each).encode()),
                mode="match",
                rules=None,
                shape=None,
            ),
            lineage=Lineage(
                holder_ura=holder, holder_name=holder, endpoint=f"https://{holder}.example", fetched_at=NOON
            ),
        )
        for each in resources
    ]


def differences(here: list[dict[str, Any]], there: list[dict[str, Any]]) -> list[tuple[str, str]]:
    usecase = shipped().by_id("ha-vvt")
    assert usecase is not None
    entries = read_entries(usecase, [*came(GOUWE, *here), *came(LINDE, *there)])
    return [(each.topic, each.code) for each in find_conflicts(entries)]


class TestConflicts:
    """What two holders say differently is marked; what they say alike, or one of them twice, is not."""

    @pytest.mark.parametrize(
        ("here", "there", "found"),
        [
            ([("aceno", "B01AA07")], [("apixaban", "B01AF02")], ["other_substance"]),
            ([("aceno", "B01AA07"), ("apixaban", "B01AF02")], [("apixaban", "B01AF02")], []),
            ([("aceno", "B01AA07"), ("apixaban", "B01AF02")], [], []),
            ([("metformine", "A10BA02")], [("apixaban", "B01AF02")], []),
            ([("metformine", "A10BA02", "1x")], [("metformine", "A10BA02", "2x")], ["other_dosage"]),
            ([("metformine", "A10BA02", "1x")], [("metformine", "A10BA02", "1X")], []),
            ([("m", "A10BA02", "1x")], [("m", "A10BA02", "1x", "stopped")], ["other_status"]),
            ([("aceno", "B01AA07", "1x", "stopped")], [("apixaban", "B01AF02")], []),
            ([("aceno", "B01AA07", "1x", "entered-in-error")], [("apixaban", "B01AF02")], []),
        ],
    )
    def test_medication(self, here: list[Any], there: list[Any], found: list[str]) -> None:
        said = differences([a_medicine(*each) for each in here], [a_medicine(*each) for each in there])
        assert said == [("medication", code) for code in found]

    def test_one_treatment_is_one_thing_whatever_it_is_called(self) -> None:
        extension = {
            "url": "http://nictiz.nl/fhir/StructureDefinition/ext-PharmaceuticalTreatment.Identifier",
            "valueIdentifier": {"system": "urn:mbh", "value": "1"},
        }
        here = a_medicine("a", "A10BA02", "1x", extension=[extension])
        there = a_medicine("b", "C03CA01", "2x", extension=[extension])
        assert differences([here], [there]) == [("medication", "other_dosage")]

    @pytest.mark.parametrize(
        ("here", "there", "found"),
        [
            ([an_allergy("716186003")], [an_allergy("764146007")], ["none_known"]),
            ([an_allergy("764146007", criticality="high")], [an_allergy("764146007", criticality="low")], ["other_criticality"]),
            ([an_allergy("764146007")], [an_allergy("764146007", verificationStatus="refuted")], ["other_status"]),
            ([an_allergy("764146007")], [an_allergy("764146007")], []),
            ([an_allergy("716186003")], [an_allergy("716186003")], []),
        ],
    )  # fmt: skip
    def test_allergies(self, here: list[Any], there: list[Any], found: list[str]) -> None:
        assert differences(here, there) == [("allergies", code) for code in found]

    def test_treatment_limits(self) -> None:
        assert differences([a_directive("89666000", "permit")], [a_directive("89666000", "deny")]) == [
            ("treatment-limits", "other_decision")
        ]
        assert differences([a_directive("89666000", "deny")], [a_directive("89666000", "deny")]) == []
        assert differences([a_directive("89666000", "deny")], [a_directive("305351004", "permit")]) == []

    def test_too_many_to_compare_is_said(self) -> None:
        many = [a_medicine(f"m{number}", f"A{number:06}") for number in range(401)]
        assert differences(many, many) == [("medication", "not_compared")]


@pytest.fixture
async def vendor() -> AsyncIterator["Vendor"]:
    asker = an_asker(in_care=(GOUWE, LINDE))
    gp = {
        "resourceType": "Practitioner",
        "id": "d1",
        "name": [{"family": "De Wit"}],
        "identifier": [{"system": "agb", "value": "1"}],
    }
    phone = [{"system": "phone", "value": "0182-123456"}]
    patient = a_patient("p1", BSN, generalPractitioner=[{"reference": "Practitioner/d1"}])
    asker.add(
        GOUWE,
        patient,
        gp,
        a_flag("f1", period={"start": "2026-01-02"}),
        a_medicine("acenocoumarol", "B01AA07", identifier=[{"system": "urn:mbh", "value": "7"}]),
        an_allergy("764146007"),
    )
    asker.add(
        LINDE,
        patient,
        {**gp, "telecom": phone},
        a_flag("f2", period={"start": "2026-03-04"}),
        a_medicine("apixaban", "B01AF02", identifier=[{"system": "urn:mbh", "value": "7"}]),
    )
    app = web.Application(middlewares=[boundary([])])
    app.add_routes(routes.internal_routes())
    app[routes.BROKERS] = {"oever": asker.broker}
    app[routes.USECASES] = asker.usecases
    app[routes.WORLD] = asker.world
    async with TestClient(TestServer(app)) as client:
        yield Vendor(asker, client)


class Vendor:
    """A vendor's system that wants views."""

    def __init__(self, asker: Asker, client: TestClient[web.Request, web.Application]) -> None:
        self.asker = asker
        self.client = client

    async def send(self, parameters: str, accept: str = "*/*", **members: Any) -> Any:
        """Ask."""
        question = {
            "patient": {"system": BSN_SYSTEM, "value": BSN},
            "user": {"identifier": "U-1001", "name": "J. Jansen", "role": NURSE},
            "purpose": "TREAT",
            **members,
        }
        url = f"/internal/exchange/v1/oever/ha-vvt{parameters}"
        return await self.client.post(url, json=question, headers={"Accept": accept})

    async def view(self, name: str, **members: Any) -> dict[str, Any]:
        """Ask for a view."""
        answer = await self.send(f"?view={name}", **members)
        assert (answer.status, answer.content_type) == (200, "application/json")
        found: dict[str, Any] = json.loads(await answer.read())
        assert found["view"] == name
        return found


@pytest.mark.parametrize("name", sorted(VIEWS))
async def test_every_view_says_who_was_asked_what_is_missing_and_what_is_contradicted(
    vendor: Vendor, name: str
) -> None:
    vendor.asker.peers[LINDE].instead["AllergyIntolerance"] = "timeout"
    view = await vendor.view(name)
    assert [each["ura"] for each in view["asked"]] == [GOUWE, LINDE]
    (missing,) = view["missing"]
    assert (missing["holder"], missing["step"], missing["state"]) == (LINDE, "medication-intolerance", "timeout")
    assert missing["text"] == {"nl": "niet beschikbaar", "en": "not available"}
    assert not view["complete"]
    assert [(each["topic"], each["code"]) for each in view["conflicts"]] == [("medication", "other_substance")]
    assert [each["identifier"] for each in view["same"]] == ["urn:mbh|7"]
    assert view["audit"]


async def test_the_timeline_has_a_source_and_a_date_on_each_line(vendor: Vendor) -> None:
    view = await vendor.view("timeline")
    dated = [(each["date"], each["holder"]) for each in view["items"] if each["date"]]
    assert dated == [("2026-03-04", LINDE), ("2026-01-02", GOUWE)]
    assert all(each["holder_name"] and each["reference"] for each in view["items"])
    assert "Practitioner" not in {each["type"] for each in view["items"]}


async def test_the_network_has_everybody_once_with_a_telephone_number(vendor: Vendor) -> None:
    view = (await vendor.view("care-team"))["network"]
    (gp,) = [each for each in view["members"] if each["name"] == "De Wit"]
    assert gp["said_by"] == [GOUWE, LINDE]
    assert gp["telephones"] == [{"number": "0182-123456", "from": "source"}]
    assert {each["ura"] for each in view["members"] if each["kind"] == "organisation"} == {GOUWE, LINDE}


async def test_medication_stands_side_by_side(vendor: Vendor) -> None:
    view = await vendor.view("medication")
    names = {each["substance"]: each for each in view["medication"]["groups"]}
    assert {name: group["not_at"] for name, group in names.items()} == {
        "acenocoumarol": [LINDE],
        "apixaban": [GOUWE],
    }
    assert {each["code"] for group in names.values() for each in group["conflicts"]} == {"other_substance"}
    (line,) = names["apixaban"]["lines"]
    assert (line["dosage"], line["status"], line["holder"]) == ("1x daags 1", "active", LINDE)
    assert view["allergies"]["state"] == "ok"


async def test_an_allergy_list_that_could_not_be_had_is_not_empty_but_not_available(vendor: Vendor) -> None:
    for ura in (GOUWE, LINDE):
        vendor.asker.peers[ura].instead["AllergyIntolerance"] = "timeout"
    section = (await vendor.view("medication"))["allergies"]
    assert (section["state"], section["items"], section["complete"]) == ("not_available", [], False)
    essential = {each["section"]: each for each in (await vendor.view("essentials"))["sections"]}["allergies"]
    assert {each["state"] for each in essential["missing"]} == {"timeout"}
    answer = await vendor.send("", "application/fhir+json")
    issues = json.loads(await answer.read())["entry"][-1]["resource"]["issue"]
    assert "Gouwe (90000101), medication-intolerance: not available (timeout)" in [
        each["details"]["text"] for each in issues
    ]


async def test_nothing_there_is_something_else_than_nobody_asked(vendor: Vendor) -> None:
    for ura in (GOUWE, LINDE):
        server = vendor.asker.peers[ura]
        server.resources = [each for each in server.resources if each["resourceType"] != "AllergyIntolerance"]
    states = {
        each["section"]: each["state"]
        for each in (await vendor.view("essentials", steps=["medication-intolerance", "medication"]))["sections"]
    }
    assert states == {
        "medication": "ok",
        "allergies": "none_recorded",
        "history": "not_asked",
        "treatment_limits": "not_asked",
        "what_happened": "not_asked",
    }


async def test_a_holder_that_is_away_is_missing_in_every_section(vendor: Vendor) -> None:
    vendor.asker.internet.broken["https://linde.example"] = "unreachable"
    for section in (await vendor.view("essentials"))["sections"]:
        assert (LINDE, None, "unreachable") in [
            (each["holder"], each["step"], each["state"]) for each in section["missing"]
        ]
        assert not section["complete"]


async def test_a_discharge_warns_of_each_topic_that_is_not_there(vendor: Vendor) -> None:
    view = await vendor.view("discharge", steps=["medication", "episodes"])
    assert [each["section"] for each in view["sections"]] == [
        "history",
        "medication",
        "policy",
        "network",
        "comorbidity",
    ]
    assert {each["section"]: each["state"] for each in view["warnings"]} == {
        "history": "not_asked",
        "policy": "not_asked",
        "network": "not_asked",
        "comorbidity": "none_recorded",
    }


async def test_conflicts_and_doubles_stand_at_the_end_of_a_stream_and_in_the_bundle(vendor: Vendor) -> None:
    lines = [json.loads(each) for each in (await (await vendor.send("")).read()).splitlines()]
    assert [each["code"] for each in lines[-1]["conflicts"]] == ["other_substance"]
    assert len(lines[-1]["conflicts"][0]["references"]) == 2
    bundle = json.loads(await (await vendor.send("", "application/fhir+json")).read())
    issues = bundle["entry"][-1]["resource"]["issue"]
    assert [each["code"] for each in issues] == ["duplicate", "conflict"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("?view=all", "unknown_view"),
        ("?view=timeline&view=medication", "repeated_parameter"),
        ("?as=r5", "unknown_version"),
        ("?views=timeline", "unknown_parameter"),
    ],
)
async def test_wrong_parameters_are_refused_before_anybody_is_asked(vendor: Vendor, parameters: str, code: str) -> None:
    answer = await vendor.send(parameters)
    assert (answer.status, json.loads(await answer.read())["code"]) == (400, code)
    assert vendor.asker.internet.calls == []


async def test_a_view_of_what_broke_off_is_an_error_and_no_empty_view(vendor: Vendor) -> None:
    vendor.asker.audit.available = False
    assert (await vendor.send("?view=essentials")).status == 503


async def test_a_mix_of_versions_is_one_sound_bundle_in_r4_with_the_originals(vendor: Vendor) -> None:
    flag = {**a_flag("s1"), "category": {"text": "alert"}, "code": {"text": "MRSA"}, "invented": "x"}
    vendor.asker.add(LINDE, a_patient("p1", BSN), flag, version="stu3")
    members = {"steps": ["attention-flags", "patient"]}
    assert (await vendor.send("", "application/fhir+json", **members)).status == 406
    bundle = json.loads(await (await vendor.send("?as=r4", "application/fhir+json", **members)).read())
    Bundle.model_validate(bundle)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    (read,) = [each["resource"] for each in bundle["entry"] if each["fullUrl"].endswith("linde/stu3/Flag/s1")]
    assert read["category"] == [{"text": "alert"}]
    issues = bundle["entry"][-1]["resource"]["issue"]
    assert "Not carried over from STU3: Flag.invented" in [each["details"]["text"] for each in issues]

    originals = [
        json.loads(base64.b64decode(each["resource"]["data"]))
        for each in bundle["entry"]
        if each["resource"]["resourceType"] == "Binary"
    ]
    assert flag in originals


async def test_a_stream_in_r4_keeps_the_original_on_the_line(vendor: Vendor) -> None:
    flag = {**a_flag("s1"), "category": {"text": "alert"}}
    vendor.asker.add(LINDE, a_patient("p1", BSN), flag, version="stu3")
    answer = await vendor.send("?as=r4", steps=["attention-flags"])
    lines = [json.loads(each) for each in (await answer.read()).splitlines()]
    found = {each["resource"]["id"]: each for each in lines if each["type"] == "resource"}
    assert found["s1"]["resource"]["category"] == [{"text": "alert"}]
    assert (found["s1"]["original"], found["s1"]["losses"], found["s1"]["fhir_version"]) == (flag, [], "r4")
    assert "original" not in found["f1"]


async def test_a_resource_that_is_nested_too_deep_to_be_read_takes_nothing_else_with_it(vendor: Vendor) -> None:
    extension: dict[str, Any] = {"url": "x", "valueString": "y"}
    for _ in range(400):
        extension = {"url": "x", "extension": [extension]}
    deep = {**a_flag("deep"), "extension": [extension]}
    vendor.asker.add(LINDE, a_patient("p1", BSN), deep, a_flag("s1"), version="stu3")
    answer = await vendor.send("?as=r4", steps=["attention-flags"])
    lines = [json.loads(each) for each in (await answer.read()).splitlines()]
    assert lines[-1]["type"] == "end"
    read = {each["original"]["id"]: each for each in lines if "original" in each}
    assert (read["deep"]["resource"], read["deep"]["losses"]) == (None, ["Flag (the whole resource)"])
    assert read["s1"]["resource"]["id"] == "s1"
    bundle = json.loads(await (await vendor.send("?as=r4", "application/fhir+json", steps=["attention-flags"])).read())
    assert any(entry["fullUrl"].endswith("stu3/Flag/s1") for entry in bundle["entry"])


async def test_a_bundle_says_who_takes_part_and_was_not_asked(vendor: Vendor) -> None:
    bundle = json.loads(await (await vendor.send("", "application/fhir+json", holders=[GOUWE, "90000999"])).read())
    said = [issue["details"]["text"] for issue in bundle["entry"][-1]["resource"]["issue"]]
    assert "90000999: not asked (not_registered)" in said
    Bundle.model_validate(bundle)


async def test_a_bundle_for_which_nobody_was_asked_says_that(vendor: Vendor) -> None:
    bundle = json.loads(await (await vendor.send("", "application/fhir+json", holders=["90000999"])).read())
    issues = bundle["entry"][-1]["resource"]["issue"]
    assert issues[0]["details"]["text"] == "Nobody was asked: this says nothing about what there is."
    assert issues[0]["severity"] == "warning"


async def test_what_is_too_much_for_one_piece_is_refused(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MAX_WHOLE_BYTES", 10)
    for parameters, accept in (("", "application/fhir+json"), ("?view=timeline", "application/json")):
        answer = await vendor.send(parameters, accept)
        assert (answer.status, json.loads(await answer.read())["code"]) == (502, "too_large")
    assert (await vendor.send("", "application/x-ndjson")).status == 200


def test_thousands_of_differences_are_not_listed_and_that_is_said() -> None:
    ours = [a_medicine(f"a{number}", f"N02BA{number:02}") for number in range(50)]
    theirs = [a_medicine(f"b{number}", f"N02BB{number:02}") for number in range(50)]
    usecase = shipped().by_id("medication")
    assert usecase is not None
    found = find_conflicts(read_entries(usecase, [*came(GOUWE, *ours), *came(LINDE, *theirs)]))
    assert len(found) == MAX_CONFLICTS + 1
    assert found[-1].code == "more"


async def test_what_was_too_much_to_be_compared_is_said(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "COMPARED", frozenset({"Flag"}))
    monkeypatch.setattr(under_way, "MAX_COMPARED_BYTES", 10)
    answer = await vendor.send("", "application/x-ndjson")
    end = json.loads((await answer.read()).splitlines()[-1])
    assert [each["code"] for each in end["conflicts"]] == ["not_compared"]


@pytest.mark.parametrize("name", sorted(VIEWS))
@pytest.mark.parametrize("version", ["r4", "stu3"])
def test_everything_of_the_region_can_be_viewed(name: str, version: Any) -> None:
    usecase = shipped().by_id("ha-vvt")
    assert usecase is not None
    keys = ("gouwe", "linde") if version == "r4" else ("gouwe", "oever")
    fetched = [one for key in keys for one in came(key, *records(key, version), version=version)]
    entries = read_entries(usecase, fetched)
    assert len(entries) == len(fetched)
    end = End(
        exchange_id="e",
        missing=[Missing(holder_ura="gouwe", holder_name="De Gouwe", step=None, state="timeout")],
        ms=1,
        audit=[1],
        conflicts=find_conflicts(entries),
    )
    plan = Plan(
        exchange_id="e",
        usecase="ha-vvt",
        holders=[AskedHolder(ura=key, name=key, fhir_version=version, found_by="named") for key in keys],
        not_asked=[],
    )
    source = Source(holder="gouwe", state="timeout", count=0, ms=1)
    result = Result(usecase=usecase, plan=plan, sources=[source], entries=entries, end=end)
    assert json.dumps(write_view(name, result))


@pytest.mark.parametrize("shape", [None, 1, "x", [], [1], {}, [{}], {"coding": 3}, [[[]]], {"reference": 1}])
def test_strange_shapes_of_strangers_do_not_break_a_view(shape: Any) -> None:
    usecase = shipped().by_id("ha-vvt")
    assert usecase is not None
    names = ("code", "status", "category", "medicationReference", "medicationCodeableConcept", "extension", "contained",
             "dosageInstruction", "participant", "telecom", "identifier", "name", "provision", "criticality", "role",
             "relationship", "clinicalStatus", "modifierExtension", "practitioner")  # fmt: skip
    kinds = (
        "MedicationRequest",
        "AllergyIntolerance",
        "Consent",
        "CareTeam",
        "PractitionerRole",
        "Organization",
        "RelatedPerson",
    )
    fetched = [
        one
        for holder in (GOUWE, LINDE)
        for kind in kinds
        for one in came(holder, {"resourceType": kind, "id": f"{kind}1", **dict.fromkeys(names, shape)})
    ]
    entries = read_entries(usecase, fetched)
    plan = Plan(exchange_id="e", usecase="ha-vvt", holders=[], not_asked=[])
    end = End(exchange_id="e", missing=[], ms=1, audit=[], conflicts=find_conflicts(entries))
    for name in VIEWS:
        assert json.dumps(write_view(name, Result(usecase=usecase, plan=plan, sources=[], entries=entries, end=end)))


async def test_a_number_that_nobody_sent_comes_from_the_directory_and_says_so(vendor: Vendor) -> None:
    asked: list[list[str]] = []

    class Finder:
        async def search(self, search: Any) -> Any:
            asked.append([f"{search.type}"])
            shown = type("Shown", (), {"text": json.dumps({"telecom": [{"system": "phone", "value": "0182-1"}]})})
            return type("Found", (), {"matches": (shown,) if len(asked) == 1 else ()})

    async def telephones(uras: Any) -> Any:
        return await find_telephones(Finder(), uras)

    assert vendor.client.app is not None
    vendor.client.app._state[routes.TELEPHONES] = telephones
    members = (await vendor.view("care-team"))["network"]["members"]
    numbers = {each["ura"]: each["telephones"] for each in members if each["ura"]}
    assert numbers == {GOUWE: [{"number": "0182-1", "from": "directory"}], LINDE: []}


def test_what_shares_a_key_through_others_is_one_group_in_order_of_appearance() -> None:
    keys = {"a": {1}, "b": {3}, "c": {9}, "d": {2, 3}, "e": {1, 2}, "f": {3}, "g": set[int]()}
    entries = read_entries(any_usecase(), came(GOUWE, *(a_medicine(name, "") for name in keys)))
    groups = _grouped(entries, lambda entry: set(keys[entry.local[-1]]))
    assert ["".join(entry.local[-1] for entry in group) for group in groups] == ["abdef", "c", "g"]


def test_thousands_of_strangers_are_grouped_without_comparing_each_with_each() -> None:
    (entry,) = read_entries(any_usecase(), came(GOUWE, a_medicine("a", "")))
    numbers = iter(range(30_000))
    began = time.process_time()
    assert len(_grouped([entry] * 30_000, lambda _: {next(numbers)})) == 30_000
    assert time.process_time() - began < 5, "comparing each with each takes minutes"


def test_a_care_team_of_thousands_is_cut_off_and_said_to_be() -> None:
    team = {
        "resourceType": "CareTeam",
        "id": "t",
        "subject": {"reference": "Patient/p1"},
        "participant": [{"member": {"display": f"Somebody {number}"}} for number in range(MAX_SAID + 1)],
    }
    end = End(exchange_id="e", missing=[], ms=1, audit=[1])
    plan = Plan(exchange_id="e", usecase="ha-vvt", holders=[], not_asked=[])
    entries = read_entries(any_usecase(), came(GOUWE, team))
    result = Result(usecase=any_usecase(), plan=plan, sources=[], entries=entries, end=end)
    found = write_view("care-team", result)["network"]
    assert (len(found["members"]), found["more"], found["complete"]) == (MAX_SAID, True, False)
