"""The way out: who is asked, what is asked, and what the caller gets to see."""

import asyncio
import json
from typing import Any

import pytest

from node.exchange.asking import Limits
from node.exchange.events import NotAsked, Resource, as_ndjson
from node.usecases.model import Step, UseCase
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, a_patient
from tests.node.exchange.setting import (
    GOUWE,
    HOFSTEDE,
    LINDE,
    OEVER,
    SCOPE,
    WENDING,
    Asker,
    a_care_team,
    a_flag,
    a_practitioner,
    an_asker,
    book_with,
    resources,
    sources,
    the_end,
    the_plan,
)
from tests.support.fhir_server import searchset
from tests.support.world import everything_in

STEPS = [
    "general-practitioner",
    "practice",
    "episodes",
    "attention-flags",
    "medication",
    "medication-intolerance",
    "results",
    "consultation-notes",
    "contacts",
]

AGREEMENTS = "http%3A%2F%2Fsnomed.info%2Fsct%7C16076005"
CATEGORY = "http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7C"


@pytest.fixture
def asker() -> Asker:
    asker = an_asker()
    asker.add(GOUWE)
    return asker


async def is_refused(asker: Asker, status: int, code: str, **members: Any) -> RequestError:
    """Ask, and see that it isn't even begun."""
    with pytest.raises(RequestError) as refused:
        await asker.ask(**members)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert asker.internet.calls == []
    assert asker.audit.records == []
    return refused.value


class TestPlan:
    async def test_asked_is_who_takes_part_in_the_care(self, asker: Asker) -> None:
        plan = the_plan(await asker.ask())
        assert [(each.ura, each.name, each.fhir_version, each.found_by) for each in plan.holders] == [
            (GOUWE, "Gouwe", "r4", "care_team")
        ]
        assert plan.usecase == "ha-vvt"

    async def test_who_is_not_asked_is_said_with_the_reason(self) -> None:
        asker = an_asker(in_care=(OEVER, GOUWE, LINDE, WENDING, HOFSTEDE))
        asker.add(GOUWE)
        asker.neighbours.register(HOFSTEDE)  # a pharmacy, which this use case doesn't know
        asker.neighbours.register(WENDING, versions=())  # registered without an address
        plan = the_plan(await asker.ask())
        assert [each.ura for each in plan.holders] == [GOUWE]
        assert set(plan.not_asked) == {
            NotAsked(ura=OEVER, name="oever", reason="own_organisation"),
            NotAsked(ura=LINDE, name="linde", reason="not_registered"),
            NotAsked(ura=WENDING, name="Wending", reason="no_endpoint"),
            NotAsked(ura=HOFSTEDE, name="Hofstede", reason="not_in_use_case"),
        }

    async def test_nobody_else_hears_of_the_patient(self) -> None:
        asker = an_asker(in_care=(OEVER, GOUWE))
        for ura in (GOUWE, LINDE, WENDING):  # all of them registered, one in care
            asker.add(ura)
        await asker.ask()
        assert {call.url.split("/")[2] for call in asker.internet.calls} == {"gouwe.example"}
        assert {server for server, _, _ in asker.tokens.given} == {"https://gouwe.example/oauth2/gouwe"}

    @pytest.mark.parametrize("known", [True, False])
    async def test_a_patient_without_a_care_team_is_asked_of_nobody(self, asker: Asker, known: bool) -> None:
        asker.own.resources = [a_patient("c7")] if known else []
        events = await asker.ask()
        assert the_plan(events).holders == []
        assert the_end(events).error is None
        assert asker.internet.calls == []

    async def test_named_holders_replace_localisation(self) -> None:
        asker = an_asker(in_care=(OEVER,))
        asker.add(GOUWE)
        asker.add(LINDE)
        plan = the_plan(await asker.ask(holders=[LINDE, LINDE, "90009999", OEVER]))
        assert [(each.ura, each.found_by) for each in plan.holders] == [(LINDE, "named")]
        assert {(each.ura, each.reason) for each in plan.not_asked} == {
            ("90009999", "not_registered"),
            (OEVER, "own_organisation"),
        }
        assert asker.own.calls == [], "our own record isn't asked who takes part"

    async def test_each_holder_is_asked_in_its_own_version(self) -> None:
        asker = an_asker(in_care=(GOUWE, LINDE))
        asker.add(GOUWE)
        asker.add(LINDE, version="stu3")
        plan = the_plan(await asker.ask())
        assert {(each.ura, each.fhir_version) for each in plan.holders} == {(GOUWE, "r4"), (LINDE, "stu3")}

    async def test_a_holder_that_this_person_may_not_ask_is_not_asked(self) -> None:
        def pharmacists_only_in_stu3(usecase: UseCase) -> UseCase:
            tables = tuple(
                table if table.fhir_version == "r4" else table.model_copy(update={"user_roles": ("17.000",)})
                for table in usecase.tables
            )
            return usecase.model_copy(update={"tables": tables})

        asker = an_asker(in_care=(GOUWE, LINDE), usecases=book_with(pharmacists_only_in_stu3))
        asker.add(GOUWE)
        asker.add(LINDE, version="stu3")
        plan = the_plan(await asker.ask())
        assert [each.ura for each in plan.holders] == [GOUWE]
        assert [(each.ura, each.reason) for each in plan.not_asked] == [(LINDE, "role_not_allowed")]

    @pytest.mark.parametrize("kind", ["Patient", "CareTeam"])
    async def test_when_our_own_record_can_not_say_nothing_is_asked(self, asker: Asker, kind: str) -> None:
        asker.own.instead[kind] = "unreachable"
        error = await is_refused(asker, 502, "localisation_unavailable")
        assert error.remedy is not None
        assert "holders" in error.remedy

    async def test_without_a_record_of_our_own_holders_have_to_be_named(self, asker: Asker) -> None:
        asker.broker.planner._records._servers = {}
        error = await is_refused(asker, 400, "no_own_records")
        assert error.message.startswith("holders:")


class TestWrongQuestions:
    async def test_a_purpose_that_the_use_case_does_not_name(self, asker: Asker) -> None:
        error = await is_refused(asker, 403, "purpose_not_allowed", purpose="ETREAT")
        assert error.message.startswith("purpose:")
        assert error.remedy == "one of TREAT"

    async def test_breaking_the_glass_where_it_is_not_offered(self, asker: Asker) -> None:
        await is_refused(asker, 403, "purpose_not_allowed", purpose="BTG", break_glass={"reason": "unconscious"})

    @pytest.mark.parametrize("role", ["99.999", "01.015"])
    async def test_a_role_that_may_not_ask(self, asker: Asker, role: str) -> None:
        """01.015 is a GP: in the use case, but not in the tables by which home care asks."""
        user = {"identifier": "U-1", "name": "J.", "role": role}
        error = await is_refused(asker, 403, "role_not_allowed", user=user)
        assert error.message.startswith("user.role:")

    async def test_a_step_that_is_not_there(self, asker: Asker) -> None:
        error = await is_refused(asker, 400, "unknown_step", steps=["attention-flags", "horoscope"])
        assert error.message.startswith("steps:")
        assert "attention-flags" in (error.remedy or "")

    async def test_a_step_of_the_other_direction_only(self, asker: Asker) -> None:
        await is_refused(asker, 400, "unknown_step", steps=["blood-pressure"])

    async def test_a_use_case_in_which_our_kind_of_organisation_asks_nothing(self, asker: Asker) -> None:
        with pytest.raises(RequestError) as refused:
            await asker.ask("medication")
        assert (refused.value.status, refused.value.code) == (403, "organisation_not_allowed")


class TestAnswers:
    async def test_every_step_has_one_line_and_what_was_found_comes_before_the_end(self, asker: Asker) -> None:
        events = await asker.ask()
        found = sources(events)
        assert set(found) == {(GOUWE, step) for step in STEPS}
        assert {step: found[GOUWE, step].state for step in STEPS if found[GOUWE, step].state != "none_recorded"} == {
            "attention-flags": "ok",
            "general-practitioner": "ok",
        }
        assert resources(events) == [f"{GOUWE} Practitioner/d1", f"{GOUWE} Flag/f1"]
        end = the_end(events)
        assert (end.missing, end.error) == ((), None)
        assert json.loads(as_ndjson(end))["complete"] is True

    async def test_a_resource_comes_with_its_origin(self, asker: Asker) -> None:
        asker.peers[GOUWE].instead["Flag"] = searchset(a_flag(meta={"lastUpdated": "2026-11-01T10:00:00Z"}))
        line = next(
            json.loads(as_ndjson(each))
            for each in await asker.ask(steps=["attention-flags"])
            if isinstance(each, Resource)
        )
        assert line == {
            "type": "resource",
            "holder": GOUWE,
            "step": "attention-flags",
            "fhir_version": "r4",
            "resource": a_flag(meta={"lastUpdated": "2026-11-01T10:00:00Z"}),
            "lineage": {
                "holder_ura": GOUWE,
                "holder_name": "Gouwe",
                "endpoint": "https://gouwe.example/fhir/gouwe/r4",
                "fetched_at": "2026-11-22T12:00:00.000Z",
                "last_updated": "2026-11-01T10:00:00Z",
                "recorder": None,
            },
        }

    async def test_steps_narrow_what_is_asked(self, asker: Asker) -> None:
        events = await asker.ask(steps=["attention-flags"])
        assert set(sources(events)) == {(GOUWE, "attention-flags")}
        assert asker.peers[GOUWE].calls == ["POST Patient/_search", "GET Flag?patient=p1"]

    async def test_the_match_itself_is_shown_to_who_asks_for_it(self, asker: Asker) -> None:
        assert resources(await asker.ask(), "patient") == []
        events = await asker.ask(steps=["patient"])
        assert resources(events) == [f"{GOUWE} Patient/p1"]
        assert sources(events)[GOUWE, "patient"].count == 1

    async def test_all_pages_are_read(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [*asker.peers[GOUWE].resources, a_flag("f2"), a_flag("f3")]
        asker.peers[GOUWE].page_size = 2
        events = await asker.ask(steps=["attention-flags"])
        assert resources(events) == [f"{GOUWE} Flag/{each}" for each in ("f1", "f2", "f3")]
        assert sources(events)[GOUWE, "attention-flags"].count == 3

    async def test_a_patient_with_two_records_is_asked_about_both(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [a_patient("p1"), a_patient("p2"), a_flag("f1", "p1"), a_flag("f2", "p2")]
        events = await asker.ask(steps=["attention-flags"])
        assert sorted(resources(events)) == [f"{GOUWE} Flag/f1", f"{GOUWE} Flag/f2"]
        assert sources(events)[GOUWE, "attention-flags"].count == 2

    async def test_more_records_than_a_citizen_can_have_are_not_asked_about(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [a_patient(f"p{number}") for number in range(17)]
        found = sources(await asker.ask(steps=["attention-flags"]))[GOUWE, "attention-flags"]
        assert (found.state, found.reason) == ("failed", "too_many_records")

    async def test_what_a_page_named_is_read_by_reference(self, asker: Asker) -> None:
        await asker.ask(steps=["general-practitioner"])
        assert asker.peers[GOUWE].calls == ["POST Patient/_search", "GET Practitioner/d1"]

    async def test_where_nothing_was_named_nothing_is_asked(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [a_patient("p1")]
        found = sources(await asker.ask(steps=["general-practitioner"]))
        assert found[GOUWE, "general-practitioner"].state == "none_recorded"
        assert asker.peers[GOUWE].calls == ["POST Patient/_search"]

    async def test_a_step_that_needs_another_one_is_not_said_to_be_empty(self) -> None:
        """No shipped table has such a chain; one that does says what it could not ask."""
        flags = {
            "id": "flag-authors",
            "title": {"nl": "x", "en": "x"},
            "request": "GET Device/{author}",
            "types": {"matched": ["Device"]},
        }

        def chained(usecase: UseCase) -> UseCase:
            def change(step: Step) -> Step:
                return (
                    step.model_copy(update={"binds": {"author": ("Flag.id",)}})
                    if step.id == "attention-flags"
                    else step
                )

            tables = tuple(
                table.model_copy(update={"steps": (*map(change, table.steps), Step.model_validate(flags))})
                for table in usecase.tables
            )
            return usecase.model_copy(update={"tables": tables})

        asker = an_asker(usecases=book_with(chained))
        asker.add(GOUWE)
        asker.peers[GOUWE].instead["Flag"] = "timeout"
        events = await asker.ask(steps=["attention-flags", "flag-authors"])
        assert sources(events)[GOUWE, "flag-authors"].state == "not_asked"
        assert sources(events)[GOUWE, "flag-authors"].reason == "needs_other_step"
        events = await asker.ask(steps=["flag-authors"])
        assert sources(events)[GOUWE, "flag-authors"].state == "not_asked"
        assert [each.state for each in the_end(events).missing] == ["not_asked"]

    async def test_a_step_that_this_holder_s_table_lacks_is_not_offered(self) -> None:
        def only_r4(usecase: UseCase) -> UseCase:
            tables = tuple(
                table
                if table.fhir_version == "r4"
                else table.model_copy(update={"steps": tuple(x for x in table.steps if x.id != "contacts")})
                for table in usecase.tables
            )
            return usecase.model_copy(update={"tables": tables})

        asker = an_asker(in_care=(GOUWE, LINDE), usecases=book_with(only_r4))
        asker.add(GOUWE)
        asker.add(LINDE, version="stu3")
        found = sources(await asker.ask(steps=["contacts"]))
        assert found[GOUWE, "contacts"].state == "none_recorded"
        assert (found[LINDE, "contacts"].state, found[LINDE, "contacts"].reason) == ("not_offered", "not_in_table")

    async def test_one_holder_does_not_wait_for_another(self) -> None:
        asker = an_asker(in_care=(GOUWE, LINDE))
        asker.add(GOUWE)
        asker.add(LINDE)
        asker.peers[LINDE].instead["Patient"] = "timeout"
        events = await asker.ask(steps=["attention-flags"])
        assert resources(events) == [f"{GOUWE} Flag/f1"]
        found = sources(events)
        assert found[LINDE, None].state == "timeout"
        assert [(each.holder_ura, each.step, each.state) for each in the_end(events).missing] == [
            (LINDE, None, "timeout")
        ]


class TestOnTheWire:
    async def test_every_request_is_the_table_s_own(self, asker: Asker) -> None:
        await asker.ask()
        assert sorted(asker.peers[GOUWE].calls) == sorted(
            [
                "POST Patient/_search",
                "GET Practitioner/d1",
                "GET EpisodeOfCare?patient=p1&_include=EpisodeOfCare%3Acondition",
                "GET Flag?patient=p1",
                f"GET MedicationRequest?patient=p1&category={AGREEMENTS}&_include=MedicationRequest%3Amedication",
                "GET AllergyIntolerance?patient=p1&category=medication",
                f"GET Observation?patient=p1&category={CATEGORY}vital-signs%2C{CATEGORY}laboratory",
                "GET Composition?patient=p1&type=http%3A%2F%2Floinc.org%7C67781-5",
                "GET Encounter?patient=p1",
            ]
        )

    async def test_the_number_travels_in_a_body_only(self, asker: Asker) -> None:
        await asker.ask()
        assert [call for call in asker.internet.calls if BSN in call.url + str(call.headers)] == []
        assert [call.method for call in asker.internet.calls if BSN in (call.body or b"").decode()] == ["POST"]

    async def test_headers_say_purpose_and_prove_possession_anew_each_time(self, asker: Asker) -> None:
        await asker.ask()
        calls = asker.internet.calls
        assert {call.headers["Purpose-Of-Use"] for call in calls} == {"TREAT"}
        assert {call.headers["Accept"] for call in calls} == {"application/fhir+json"}
        assert all(call.headers["Authorization"] == "DPoP token-1" for call in calls)
        assert len({call.headers["DPoP"] for call in calls}) == len(calls)
        assert all("Break-The-Glass" not in call.headers for call in calls)
        assert {(call.timeout, call.max_bytes) for call in calls} == {(4.0, 8_388_608)}

    async def test_one_token_serves_all_steps(self, asker: Asker) -> None:
        await asker.ask()
        assert asker.tokens.given == [("https://gouwe.example/oauth2/gouwe", SCOPE, False)]

    async def test_a_broken_glass_is_told_with_its_reason(self) -> None:
        def offer(usecase: UseCase) -> UseCase:
            return usecase.model_copy(update={"break_the_glass": "offered", "purposes": ("TREAT", "BTG")})

        asker = an_asker(usecases=book_with(offer))
        asker.add(GOUWE)
        await asker.ask(purpose="BTG", break_glass={"reason": "unconscious"}, steps=["attention-flags"])
        assert {call.headers["Break-The-Glass"] for call in asker.internet.calls} == {"dW5jb25zY2lvdXM"}
        assert {each.reason for each in asker.audit.records} == {"unconscious"}


class TestRecord:
    async def test_every_query_is_promised_before_it_is_sent_and_ended_after(self, asker: Asker) -> None:
        sent = asker.internet.sites["https://gouwe.example"]

        async def noted(request: Any) -> Any:
            asker.steps.append(f"sent {request.url.rpartition('/')[2]}")
            return await sent(request)

        asker.internet.sites["https://gouwe.example"] = noted
        events = await asker.ask(steps=["attention-flags"])
        assert asker.steps == [
            "audit request",
            "sent _search",
            "audit outcome ok",
            "audit request",
            "sent Flag?patient=p1",
            "audit outcome ok",
        ]
        assert the_end(events).audit == (1, 2)

    async def test_every_page_is_a_query_of_its_own(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [*asker.peers[GOUWE].resources, a_flag("f2")]
        asker.peers[GOUWE].page_size = 1
        await asker.ask(steps=["attention-flags"])
        assert [each.step for each in asker.audit.records] == ["patient", "attention-flags", "attention-flags"]

    async def test_it_says_who_asked_whom_for_what_and_why(self, asker: Asker) -> None:
        await asker.ask(steps=["attention-flags"])
        record = asker.audit.records[1]
        assert (record.kind, record.direction, record.decision) == ("request", "outbound", "permit")
        assert (record.peer_ura, record.peer_name, record.user_id, record.user_role) == (
            GOUWE,
            "Gouwe",
            "U-1001",
            "30.000",
        )
        assert (record.usecase, record.step, record.purpose) == ("ha-vvt", "attention-flags", "TREAT")
        assert (record.interaction, record.query) == ("search Flag", "GET Flag?patient=p1")
        assert record.patient is not None
        assert record.exchange_id is not None
        outcome = asker.audit.outcomes[2]
        assert (outcome.state, outcome.status, outcome.count) == ("ok", 200, 1)

    async def test_nothing_is_logged_that_says_who_the_patient_is(
        self, asker: Asker, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        await asker.ask()
        asker.peers[GOUWE].instead |= {
            "Flag": searchset(a_flag("f9", "p9")),
            "EpisodeOfCare": searchset(a_flag()),
            "Observation": "timeout",
            "Encounter": searchset(a_patient("p1")),
        }
        await asker.ask()
        asker.own.instead["CareTeam"] = "timeout"
        asker.clock.jump(61)
        with pytest.raises(RequestError):
            await asker.ask()
        written = caplog.text + everything_in([vars(each) for each in caplog.records])
        for secret in (BSN, "clinical", "p9", "token-1"):
            assert secret not in written


async def test_how_much_is_asked_at_once_is_limited_per_organisation() -> None:
    asker = an_asker(
        in_care=(GOUWE, LINDE), limits=Limits(step=4.0, question=30.0, queries_per_peer=2, page_bytes=8_388_608)
    )
    busy: dict[str, int] = {}
    most: dict[str, int] = {}

    def watch(ura: str) -> None:
        server = asker.add(ura, a_patient("p1"), a_practitioner(), a_care_team("p1"))

        async def watched(request: Any) -> Any:
            busy[ura] = busy.get(ura, 0) + 1
            most[ura] = max(most.get(ura, 0), busy[ura])
            for _ in range(3):
                await asyncio.sleep(0)
            busy[ura] -= 1
            return await server.answer(request)

        asker.internet.sites[server.origin] = watched

    watch(GOUWE)
    watch(LINDE)
    await asyncio.gather(asker.ask(), asker.ask())  # two people ask at the same time: it is still one organisation
    assert most == {GOUWE: 2, LINDE: 2}
