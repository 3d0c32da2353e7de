"""Facts of our own FHIR server: asked once, remembered for a while, never guessed."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from node.audit.seal import SealError
from node.consent.consent import Consent
from node.exchange import facts
from node.exchange.consent_fact import LocalConsents
from node.exchange.decide.question import ConsentFact
from node.exchange.facts import FactsUnavailableError, OwnRecords, OwnServer
from node.ports import HttpRequest, HttpResponse
from node.usecases.identifiers import BSN_SYSTEM
from tests.node.consent.setting import a_consent, a_kind, a_provision
from tests.node.consent.setting import an_organisation as an_actor
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import GOUWE, INNER, LINDE, OEVER, UNKNOWN_BSN, a_care_team
from tests.support.fhir_server import ScriptedFhirServer, fhir, searchset
from tests.support.world import NOON, ManualClock, SimulatedInternet

ONE = frozenset({"p1"})


class Setting:
    def __init__(self, *resources: dict[str, Any], keep: float = 60.0) -> None:
        self.clock, self.internet = ManualClock(), SimulatedInternet()
        self.server = ScriptedFhirServer(INNER, resources or (a_patient("p1"), a_care_team("p1", OEVER)))
        self.server.attach(self.internet)
        server = OwnServer(version="r4", url=INNER)
        self.records = OwnRecords(self.internet, {"r4": server}, self.clock, keep=keep, timeout=4.0)

    async def uras(self) -> list[str]:
        return [each.ura for each in await self.records.care_team("r4", ONE)]


async def unavailable(work: Any) -> str:
    with pytest.raises(FactsUnavailableError) as failed:
        await work
    return failed.value.code


async def test_the_number_travels_in_the_body_only() -> None:
    setting = Setting()
    assert await setting.records.records_of("r4", BSN) == ONE
    request = setting.internet.calls[0]
    assert (request.method, request.url) == ("POST", f"{INNER}/Patient/_search")
    assert (
        request.body
        == f"identifier={BSN_SYSTEM}|{BSN}".replace(":", "%3A").replace("/", "%2F").replace("|", "%7C").encode()
    )
    assert BSN not in str(request.headers)


async def test_a_record_is_its_citizen_s_only_with_exactly_that_one_number() -> None:
    two = a_patient("p2")
    two["identifier"].append({"system": BSN_SYSTEM, "value": OTHER_BSN})
    setting = Setting(a_patient("p1"), two, {"resourceType": "Patient", "id": "p3"})
    setting.server.instead["Patient"] = searchset(*setting.server.resources, a_patient("p4", OTHER_BSN))
    assert await setting.records.records_of("r4", BSN) == ONE
    assert await setting.records.records_of("r4", OTHER_BSN) == {"p4"}
    assert await setting.records.records_of("r4", UNKNOWN_BSN) == frozenset()


async def test_whose_a_record_is() -> None:
    setting = Setting(a_patient("p1"), {"resourceType": "Patient", "id": "p3"})
    assert await setting.records.citizen_of("r4", "p1") == BSN
    assert await setting.records.citizen_of("r4", "p3") is None
    assert await setting.records.citizen_of("r4", "nobody") is None
    setting.server.instead["Patient"] = fhir({}, 410)
    assert await setting.records.citizen_of("r4", "deleted") is None
    setting.server.instead["Patient"] = fhir(a_patient("p8"))
    assert await setting.records.citizen_of("r4", "p7") is None, "another record came back than was read"


@pytest.mark.parametrize("record", ["", "..", "p1/../p2", "p1?x=1", "p" * 65, "Patient/p1"])
async def test_what_is_no_id_is_not_asked(record: str) -> None:
    setting = Setting()
    assert await setting.records.citizen_of("r4", record) is None
    assert setting.server.calls == []


async def test_facts_are_remembered_and_then_forgotten() -> None:
    setting = Setting()
    for _ in range(3):
        await setting.records.records_of("r4", BSN)
        await setting.uras()
        await setting.records.citizen_of("r4", "nobody")
    asked = ["POST Patient/_search", "GET CareTeam?patient=p1&status=active", "GET Patient/nobody"]
    assert setting.server.calls == asked
    setting.clock.jump(59.9)
    await setting.records.records_of("r4", BSN)
    assert setting.server.calls == asked
    setting.clock.jump(0.1)
    await setting.records.records_of("r4", BSN)
    await setting.uras()
    await setting.records.citizen_of("r4", "nobody")
    assert setting.server.calls == asked * 2


async def test_a_change_at_the_server_is_seen_when_the_time_is_over() -> None:
    setting = Setting()
    assert await setting.uras() == [OEVER]
    setting.server.resources = [a_patient("p1")]
    assert await setting.uras() == [OEVER]
    setting.clock.jump(60)
    assert await setting.uras() == []


async def test_nothing_is_remembered_where_the_operator_says_so() -> None:
    setting = Setting(keep=0.0)
    await setting.records.records_of("r4", BSN)
    await setting.records.records_of("r4", BSN)
    assert len(setting.server.calls) == 2


async def test_a_failure_is_not_remembered() -> None:
    setting = Setting()
    setting.server.instead["Patient"] = "timeout"
    assert await unavailable(setting.records.records_of("r4", BSN)) == "timeout"
    del setting.server.instead["Patient"]
    assert await setting.records.records_of("r4", BSN) == ONE


async def test_what_is_too_old_does_not_stay_in_memory_because_nobody_asks() -> None:
    setting = Setting()
    await setting.records.records_of("r4", BSN)
    setting.clock.jump(30)
    await setting.records.records_of("r4", OTHER_BSN)
    setting.clock.jump(30)
    setting.records.forget_expired()
    assert all(BSN not in str(key) for key in setting.records._known)
    assert any(OTHER_BSN in str(key) for key in setting.records._known)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MAX_FACTS", 5)
    setting = Setting()
    for number in range(20):
        await setting.records.citizen_of("r4", f"p{number}")
    assert len(setting.records._known) == 5


async def test_who_asks_at_the_same_time_shares_one_call() -> None:
    setting = Setting()
    gate = asyncio.Event()

    async def slowly(request: HttpRequest) -> HttpResponse:
        await gate.wait()
        return searchset(a_patient("p1"))

    setting.server.instead["Patient"] = slowly
    several = [asyncio.ensure_future(setting.records.records_of("r4", BSN)) for _ in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    several[0].cancel()  # whoever asked first hangs up: the others get their answer
    gate.set()
    found = await asyncio.gather(*several, return_exceptions=True)
    assert found[1:] == [ONE] * 4
    assert len(setting.server.calls) <= 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("unreachable", "unreachable"),
        (fhir({}, 500), "status_500"),
        (fhir({}, 302), "status_302"),
        (fhir({}, 404), "status_404"),
        (fhir("<html>"), "not_fhir"),
        (fhir({"resourceType": "OperationOutcome"}), "not_fhir"),
        (searchset(a_patient("p5"), link=[{"relation": "next", "url": f"{INNER}?p=2"}]), "too_many_patients"),
    ],
)
async def test_a_search_that_is_not_answered_finds_nobody_and_says_so(answer: Any, code: str) -> None:
    setting = Setting()
    setting.server.instead["Patient"] = answer
    assert await unavailable(setting.records.records_of("r4", BSN)) == code


@pytest.mark.parametrize(("answer", "code"), [(fhir({}, 500), "status_500"), (fhir("x"), "not_fhir"), ("tls", "tls")])
async def test_a_read_that_is_not_answered_is_not_taken_for_nobody(answer: Any, code: str) -> None:
    setting = Setting()
    setting.server.instead["Patient"] = answer
    assert await unavailable(setting.records.citizen_of("r4", "p1")) == code


class TestCareTeam:
    async def test_all_pages_count(self) -> None:
        second = {**a_care_team("p1", LINDE), "id": "team-2"}
        setting = Setting(a_care_team("p1", OEVER), second)
        setting.server.page_size = 1
        assert await setting.uras() == [OEVER, LINDE]

    async def test_half_a_care_team_is_none(self) -> None:
        teams = [{**a_care_team("p1", f"9000{number:04}"), "id": f"t{number}"} for number in range(6)]
        setting = Setting(*teams)
        setting.server.page_size = 1
        assert await unavailable(setting.uras()) == "too_many_pages"

    async def test_a_link_that_leads_elsewhere_is_not_followed(self) -> None:
        setting = Setting()
        setting.server.instead["CareTeam"] = searchset(link=[{"relation": "next", "url": "http://elsewhere/?p=2"}])
        assert await unavailable(setting.uras()) == "foreign_link"
        assert len(setting.internet.calls) == 1

    async def test_a_team_of_somebody_else_is_not_believed(self) -> None:
        setting = Setting()
        setting.server.instead["CareTeam"] = searchset(a_care_team("p1", OEVER), a_care_team("p2", LINDE))
        assert await unavailable(setting.uras()) == "other_patient"

    async def test_members_are_read_where_the_team_only_refers_to_them(self) -> None:
        team = a_care_team("p1")
        team["participant"] = [
            {"member": {"reference": "Organization/o1"}},
            {"member": {"reference": "PractitionerRole/r1"}},
            {"member": {"reference": "Organization/gone"}},
        ]
        setting = Setting(
            team,
            an_organisation("o1", GOUWE),
            {"resourceType": "PractitionerRole", "id": "r1", "organization": {"reference": "Organization/o2"}},
            an_organisation("o2", LINDE),
        )
        assert sorted(await setting.uras()) == [GOUWE, LINDE]
        assert setting.server.searches("Organization") == [
            "GET Organization/gone",
            "GET Organization/o1",
            "GET Organization/o2",
        ]

    async def test_a_member_that_can_not_be_read_now_is_not_taken_for_nobody(self) -> None:
        team = a_care_team("p1")
        team["participant"] = [{"member": {"reference": "Organization/o1"}}]
        setting = Setting(team)
        setting.server.instead["Organization"] = fhir({}, 503)
        assert await unavailable(setting.uras()) == "status_503"


class TestConsent:
    """What citizens recorded, as the decision gets to know it."""

    @staticmethod
    async def fact(
        *provisions: dict[str, Any], category: str = "GGC002", error: Exception | None = None
    ) -> ConsentFact:
        class Book:
            async def for_patient(self, subject: str, patient: str) -> tuple[Consent, ...]:
                if error is not None:
                    raise error
                return tuple(Consent.parse(a_consent(each)) for each in provisions)

        consents = LocalConsents(Book())  # type: ignore[arg-type]  # the one method that is used
        return await consents.verdict(
            subject="gouwe", patient="k1.x", ura=OEVER, facility_type="T2", category=category, now=NOON
        )

    async def test_nothing_recorded_is_nothing(self) -> None:
        assert (await self.fact()).verdict == "none"

    async def test_a_permission_and_an_objection_are_what_they_are(self) -> None:
        permits = await self.fact(a_provision("permit", actors=[an_actor(OEVER)]))
        denies = await self.fact(a_provision("deny", actors=[a_kind("T2")]))
        assert (permits.verdict, denies.verdict) == ("permit", "deny")
        assert permits.code
        assert denies.message

    async def test_one_about_others_or_other_data_is_nothing(self) -> None:
        assert (await self.fact(a_provision("deny", actors=[an_actor(LINDE)]))).verdict == "none"
        about_medication = a_provision("deny", codes=["GGC013"])
        assert (await self.fact(about_medication, category="GGC012")).verdict == "none"
        assert (await self.fact(about_medication)).verdict == "deny", "who asks for all asks for that too"

    @pytest.mark.parametrize("error", [SealError("x"), OperationalError("select", {}, Exception("x"))])
    async def test_what_can_not_be_read_may_be_an_objection(
        self, error: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        found = await self.fact(error=error)
        assert (found.verdict, found.code) == ("deny", "consent_unreadable")
        assert [each.levelname for each in caplog.records] == ["ERROR"]


def an_organisation(organisation_id: str, ura: str) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": organisation_id,
        "name": f"organisation {ura}",
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": ura}],
    }
