"""Holders that misbehave: each ends as its own state and reason, and the rest goes on."""

from typing import Any

import pytest

from node.oauth.errors import RefusalCode
from node.ports import HttpRequest, HttpResponse
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import (
    GOUWE,
    LINDE,
    Asker,
    a_flag,
    an_asker,
    resources,
    sources,
    the_end,
)
from tests.support.fhir_server import fhir, searchset, truncated
from tests.support.world import everything_in

STEP = "attention-flags"


@pytest.fixture
def asker() -> Asker:
    """Gouwe will misbehave; linde stays as it should be."""
    asker = an_asker(in_care=(GOUWE, LINDE))
    asker.add(GOUWE)
    asker.add(LINDE)
    return asker


async def ends_as(asker: Asker, state: str, reason: str | None, *, step: str | None = STEP) -> list[Any]:
    """Ask for one step, and see how it ended at gouwe while linde answered."""
    events = await asker.ask(steps=[STEP], fresh=True)
    found = sources(events)
    assert (found[GOUWE, step].state, found[GOUWE, step].reason) == (state, reason)
    assert found[GOUWE, step].detail, "people get a sentence"
    assert found[LINDE, STEP].state == "ok"
    assert f"{LINDE} Flag/f1" in resources(events)
    end = the_end(events)
    assert [(each.holder_ura, each.step, each.state) for each in end.missing] == [(GOUWE, step, state)]
    assert end.error is None
    asked = [number for number, record in enumerate(asker.audit.records, 1) if record.peer_ura == GOUWE]
    assert set(asked) <= set(asker.audit.outcomes), "every promise has its outcome"
    return events


DUPLICATE = b'{"resourceType":"Bundle","type":"searchset","entry":[{"search":{"mode":"match"},"resource":'
DUPLICATE += b'{"resourceType":"Flag","id":"f1","status":"active","code":{"text":"a"},'
DUPLICATE += b'"subject":{"reference":"Patient/p9"},"subject":{"reference":"Patient/p1"}}}]}'

ANSWERS = [
    ("timeout", "timeout", "timeout"),
    ("unreachable", "unreachable", "unreachable"),
    ("unreachable", "tls", "tls"),
    ("unreachable", "refused_address", "refused_address"),
    ("failed", "broken", "broken"),
    ("failed", "too_large", "too_large"),
    ("not_available", "refused", fhir({"resourceType": "OperationOutcome"}, 403)),
    ("failed", "throttled", fhir({}, 429)),
    ("failed", "status_503", fhir({}, 503)),
    ("failed", "status_500", fhir({"text": "clinical"}, 500)),
    ("failed", "status_502", fhir({}, 502)),
    ("timeout", "holder_timeout", fhir({}, 504)),
    ("failed", "status_302", HttpResponse(status=302, headers={"location": "https://evil.example/"}, body=b"")),
    ("failed", "status_204", fhir(b"", 204)),
    ("not_offered", "status_400", fhir({}, 400)),
    ("not_offered", "status_404", fhir({}, 404)),
    ("not_offered", "status_501", fhir({}, 501)),
    ("failed", "not_json", fhir("<html>clinical</html>", content_type="text/html")),
    ("failed", "not_json", fhir(b"")),
    ("failed", "not_json", truncated(searchset(a_flag()))),
    ("failed", "not_json", fhir(b'{"x":"\xff"}')),
    ("failed", "not_json", fhir(b"[" * 100_000)),
    ("failed", "duplicate_member", fhir(DUPLICATE)),
    ("failed", "too_large", searchset(*(a_flag(f"f{number}") for number in range(501)))),
    ("failed", "not_a_searchset", fhir({"resourceType": "Bundle", "type": "transaction-response"})),
    ("failed", "no_id", searchset({**a_flag(), "id": ""})),
    ("failed", "other_fhir_version", fhir(searchset(a_flag()).body, content_type="application/fhir+json; fhirVersion=3.0")),
    ("failed", "foreign_link", searchset(a_flag(), link=[{"relation": "next", "url": "https://evil.example/x?p=2"}])),
    ("failed", "foreign_link", searchset(a_flag(), link=[{"relation": "next", "url": "http://gouwe.example/fhir/gouwe/r4?p=2"}])),
    ("failed", "foreign_link", searchset(a_flag(), link=[{"relation": "next", "url": "/internal/status/v1?x=1"}])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "reason", "answer"), [pytest.param(*row, id=f"{n} {row[1]}") for n, row in enumerate(ANSWERS)]
)
async def test_a_step_that_goes_wrong(
    asker: Asker, state: str, reason: str, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asker.peers[GOUWE].instead["Flag"] = answer
    events = await ends_as(asker, state, reason)
    assert [each for each in resources(events) if each.startswith(GOUWE)] == []
    assert "clinical" not in everything_in([vars(each) for each in caplog.records])
    outcomes = [
        asker.audit.outcomes[number].state
        for number, record in enumerate(asker.audit.records, 1)
        if (record.peer_ura, record.step) == (GOUWE, STEP)
    ]
    assert outcomes == [state]
    assert "ALARM" not in caplog.text


ANOTHERS = [
    ("other_patient", searchset(a_flag("f1"), a_flag("f2", "p9"))),
    ("other_patient", searchset(a_flag("f2", "p9"), a_flag("f1"))),
    ("other_patient", searchset(a_flag("f1", subject={"reference": "https://linde.example/fhir/linde/r4/Patient/p1"}))),
    ("type_not_listed", searchset(a_flag("f1"), a_patient("p1"))),
    ("type_not_listed", searchset(a_flag("f1"), included=[a_patient("p9", OTHER_BSN)])),
    ("type_not_listed", searchset({"resourceType": "ProcedureRequest", "id": "x", "subject": {"reference": "Patient/p1"}})),
    ("other_patient", searchset(a_flag("f1", contained=[a_patient("c", OTHER_BSN)]))),
    ("no_patient", searchset({"resourceType": "Flag", "id": "f1", "status": "active", "code": {}})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "answer"), [pytest.param(*row, id=f"{n} {row[0]}") for n, row in enumerate(ANOTHERS)]
)
async def test_an_answer_that_does_not_belong_is_dropped_whole_and_raises_an_alarm(
    asker: Asker, reason: str, answer: HttpResponse, caplog: pytest.LogCaptureFixture
) -> None:
    asker.peers[GOUWE].instead["Flag"] = answer
    events = await ends_as(asker, "mismatch", reason)
    assert [each for each in resources(events) if each.startswith(GOUWE)] == []
    alarms = [vars(each) for each in caplog.records if each.getMessage().startswith("ALARM")]
    assert [(each["peer"], each["step"], each["code"]) for each in alarms] == [(GOUWE, STEP, reason)]


async def test_pages_before_the_wrong_one_stay(asker: Asker) -> None:
    server = asker.peers[GOUWE]
    server.resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
    server.page_size = 1
    server.instead["paging"] = searchset(a_flag("f2", "p9"))
    events = await ends_as(asker, "mismatch", "other_patient")
    assert [each for each in resources(events) if each.startswith(GOUWE)] == [f"{GOUWE} Flag/f1"]
    assert sources(events)[GOUWE, STEP].count == 1


async def test_a_paging_link_that_is_gone_is_a_failure_and_not_a_step_that_is_not_there(asker: Asker) -> None:
    server = asker.peers[GOUWE]
    server.resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
    server.page_size = 1
    server.instead["paging"] = fhir({}, 404)
    await ends_as(asker, "failed", "status_404")


async def test_pages_without_end_are_cut_off(asker: Asker) -> None:
    server = asker.peers[GOUWE]

    async def more(_: HttpRequest) -> HttpResponse:
        number = len(server.calls)
        return searchset(a_flag(), link=[{"relation": "next", "url": f"{server.base}?_getpages={number}"}])

    server.instead |= {"Flag": more, "paging": more}
    events = await ends_as(asker, "failed", "too_many_pages")
    assert len(server.searches("Flag")) + len(server.searches("")) == 20
    assert sources(events)[GOUWE, STEP].count == 20


async def test_pages_that_go_round_in_a_circle_are_not_passed_on_again_and_again(asker: Asker) -> None:
    server = asker.peers[GOUWE]

    async def more(_: HttpRequest) -> HttpResponse:
        return searchset(a_flag(), link=[{"relation": "next", "url": f"{server.base}?_getpages=0"}])

    server.instead |= {"Flag": more, "paging": more}
    await ends_as(asker, "failed", "paging_loop")
    assert len(server.searches("Flag")) + len(server.searches("")) == 2


async def test_a_resource_that_a_page_named_and_that_is_gone_is_nothing_recorded(asker: Asker) -> None:
    asker.peers[GOUWE].instead["Practitioner"] = fhir({}, 410)
    events = await asker.ask(steps=["general-practitioner"])
    assert sources(events)[GOUWE, "general-practitioner"].state == "none_recorded"


async def test_another_resource_than_was_read_is_a_mismatch(asker: Asker) -> None:
    asker.peers[GOUWE].instead["Practitioner"] = fhir({"resourceType": "Practitioner", "id": "d9"})
    events = await asker.ask(steps=["general-practitioner"])
    found = sources(events)[GOUWE, "general-practitioner"]
    assert (found.state, found.reason) == ("mismatch", "other_resource")


class TestMatch:
    """Without a patient nothing more is asked, and nobody learns why."""

    @pytest.mark.parametrize(
        ("state", "reason", "answer"),
        [
            ("not_available", "no_match", searchset(total=0)),
            ("not_available", "refused", fhir({}, 403)),
            ("not_offered", "status_404", fhir({}, 404)),
            ("mismatch", "other_patient", searchset(a_patient("p9", OTHER_BSN))),
            ("mismatch", "other_patient", searchset(a_patient("p1"), a_patient("p9", OTHER_BSN))),
            (
                "failed",
                "too_many",
                searchset(
                    a_patient("p1"), link=[{"relation": "next", "url": "https://gouwe.example/fhir/gouwe/r4?p=2"}]
                ),
            ),
            ("timeout", "timeout", "timeout"),
        ],
    )
    async def test_it_ends_there(self, asker: Asker, state: str, reason: str, answer: Any) -> None:
        asker.peers[GOUWE].instead["Patient"] = answer
        await ends_as(asker, state, reason, step=None)
        assert asker.peers[GOUWE].calls == ["POST Patient/_search"]


class TestTokens:
    @pytest.mark.parametrize(
        ("code", "state", "reason"),
        [
            ("refused", "not_available", "refused"),
            ("no_match", "not_available", "token_no_match"),
            ("unreachable", "unreachable", "token_unreachable"),
            ("timeout", "timeout", "token_timeout"),
            ("failed", "failed", "token_failed"),
        ],
    )
    async def test_without_a_token_nothing_is_asked(
        self, asker: Asker, code: RefusalCode, state: str, reason: str
    ) -> None:
        asker.tokens.refused["https://gouwe.example/oauth2/gouwe"] = code
        await ends_as(asker, state, reason, step=None)
        assert asker.peers[GOUWE].calls == []

    async def test_a_token_that_is_no_longer_taken_is_renewed_once(self, asker: Asker) -> None:
        server = asker.peers[GOUWE]

        async def forgetful(request: HttpRequest) -> HttpResponse:
            if request.headers["Authorization"] == "DPoP token-1":
                return fhir({}, 401)
            return await server.answer(request)

        asker.internet.sites[server.origin] = forgetful
        asker.neighbours.registrations.pop(("HuisartsVVTInzage", LINDE))
        events = await asker.ask()
        assert resources(events) == [f"{GOUWE} Practitioner/d1", f"{GOUWE} Flag/f1"]
        assert [fresh for _, _, fresh in asker.tokens.given] == [False, True]
        assert len(asker.audit.of_kind("request")) == len(server.calls), "sending it again is the same query"

    async def test_steps_side_by_side_renew_it_together(self, asker: Asker) -> None:
        server = asker.peers[GOUWE]

        async def restored(request: HttpRequest) -> HttpResponse:
            """The holder is restored from a backup after the match, and knows none of its tokens."""
            if request.headers["Authorization"] == "DPoP token-1" and request.method == "GET":
                return fhir({}, 401)
            return await server.answer(request)

        asker.internet.sites[server.origin] = restored
        asker.neighbours.registrations.pop(("HuisartsVVTInzage", LINDE))
        events = await asker.ask()
        assert {each.state for each in sources(events).values()} == {"ok", "none_recorded"}
        assert [fresh for _, _, fresh in asker.tokens.given] == [False, True]

    async def test_a_holder_that_takes_no_token_at_all_is_not_asked_for_ever(self, asker: Asker) -> None:
        asker.peers[GOUWE].instead["Patient"] = fhir({}, 401)
        await ends_as(asker, "not_available", "refused", step=None)
        assert [server for server, _, fresh in asker.tokens.given if fresh] == ["https://gouwe.example/oauth2/gouwe"]
        assert len(asker.peers[GOUWE].calls) == 2

    async def test_when_the_fresh_one_is_refused_that_is_the_reason(self, asker: Asker) -> None:
        async def ended(_: HttpRequest) -> HttpResponse:
            asker.tokens.refused["https://gouwe.example/oauth2/gouwe"] = "refused"
            return fhir({}, 401)

        asker.peers[GOUWE].instead["Flag"] = ended
        await ends_as(asker, "not_available", "refused")


async def test_what_we_stumble_over_at_one_holder_stays_there(asker: Asker, caplog: pytest.LogCaptureFixture) -> None:
    async def stumble(_: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError(BSN)

    asker.peers[GOUWE].instead["Flag"] = stumble
    await ends_as(asker, "failed", "internal_error")
    assert BSN not in everything_in([vars(each) for each in caplog.records if each.levelname != "DEBUG"])
    asker.peers[GOUWE].instead["Patient"] = stumble
    await ends_as(asker, "failed", "internal_error", step=None)
