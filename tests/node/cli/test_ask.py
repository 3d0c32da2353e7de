"""One exchange from the terminal: live, honest about what is missing, and silent about the citizen."""

import asyncio
import io
import json
import sys
import threading
from typing import Any

import pytest
from aiohttp import web

from node.exchange.events import AskedHolder, End, Event, NotAsked, Plan, Source, as_ndjson
from node.exchange.merge import Missing
from tests.node.cli.desk import BSN, Answering, Desk, Ran

PATH = "/internal/exchange/v1/gouwe/ha-vvt"

PLAN = Plan(
    exchange_id="e-1",
    usecase="ha-vvt",
    holders=[AskedHolder(ura="90000102", name="De Oever", fhir_version="stu3", found_by="care_team")],
    not_asked=[NotAsked(ura="90000103", name="De Linde", reason="not_registered")],
)
OK = Source(holder="90000102", state="ok", count=1, ms=12, step="alerts")
LATE = Source(
    holder="90000102", state="timeout", count=0, ms=4000, step="allergies", reason="deadline", detail="no answer"
)
COMPLETE = End(exchange_id="e-1", missing=[], ms=20, audit=[7, 8])
PARTIAL = End(
    exchange_id="e-1",
    missing=[Missing(holder_ura="90000102", holder_name="De Oever", step="allergies", state="timeout")],
    ms=4001,
    audit=[7],
)


def a_resource(text: str = "MRSA", *, identifier: str = "1", step: str = "alerts") -> bytes:
    event = {
        "type": "resource", "holder": "90000102", "step": step, "fhir_version": "stu3",
        "lineage": {"holder_ura": "90000102", "holder_name": "De Oever"},
        "resource": {"resourceType": "Flag", "id": identifier, "code": {"text": text}, "status": "active"},
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


def streaming(*parts: Event | bytes, abort: bool = False) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for part in parts:
            await response.write(part if isinstance(part, bytes) else as_ndjson(part))
        if abort:
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write_eof()
        return response

    return answer


async def ask(node: Desk, *words: str, stdin: str = f"{BSN}\n") -> Ran:
    return await node.hazel("ask", "ha-vvt", *words, stdin=stdin)


async def test_a_complete_answer_is_shown_with_its_origin(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, OK, a_resource(), COMPLETE)
    ran = await ask(node)
    assert (ran.code, ran.err) == (0, "")
    for line in (
        "  asking 90000102 De Oever (FHIR stu3, in the care team)",
        "  not asking 90000103 De Linde: not registered",
        "  90000102 De Oever | alerts: ok, 1, 12 ms",
        "Flag  -     MRSA [active]  De Oever",
        "complete: everybody who was asked answered everything",
        "20 ms; audit records 7, 8",
    ):
        assert line in ran.out.splitlines()


async def test_the_question_is_what_was_typed_and_the_user_is_the_configured_one(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, COMPLETE)
    await ask(node)
    assert node.asked[0].json == {
        "patient": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN},
        "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"},
        "purpose": "TREAT",
    }
    assert node.asked[0].headers["Accept"] == "application/x-ndjson"


async def test_every_option_ends_up_in_the_question(node: Desk) -> None:
    node.answers["POST", "/internal/exchange/v1/other/ha-vvt"] = streaming(PLAN, COMPLETE)
    await ask(
        node, "--subject", "other", "--holder", "90000102", "--holder", "90000103", "--step", "alerts", "--user", "U-2",
        "--role", "30.000", "--purpose", "COC", "--deadline-ms", "5000",
    )  # fmt: skip
    asked = node.asked[0].json
    assert asked["holders"] == ["90000102", "90000103"]
    assert (asked["steps"], asked["purpose"], asked["deadline_ms"]) == (["alerts"], "COC", 5000)
    assert asked["user"] == {"identifier": "U-2", "name": "U-2", "role": "30.000"}


async def test_breaking_the_glass_takes_its_reason_from_behind_the_number(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, COMPLETE)
    await ask(node, "--purpose", "BTG", stdin=f"{BSN}\nunconscious\n")
    assert node.asked[0].json["break_glass"] == {"reason": "unconscious"}
    assert (await ask(node, "--purpose", "BTG")).code == 2


async def test_the_citizen_is_never_repeated(node: Desk) -> None:
    node.refuses("POST", PATH, 400, "no")
    for given in (BSN, "999990136", "12345678", "abc", ""):
        ran = await ask(node, stdin=given)
        assert not given or given not in ran.out + ran.err
        assert ran.code == 2
    assert len(node.asked) == 1


async def test_a_partial_answer_is_done_and_says_what_is_missing(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, OK, LATE, a_resource(), PARTIAL)
    ran = await ask(node)
    assert ran.code == 0
    assert "  90000102 De Oever | allergies: timeout, 4000 ms (deadline; no answer)" in ran.out
    assert "NOT COMPLETE; missing:\n  90000102 De Oever | allergies: timeout\n" in ran.out
    assert "complete: everybody" not in ran.out


async def test_sources_are_shown_while_others_are_still_busy(node: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "alerts: ok" in text:
                shown.set()
            return super().write(text)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(as_ndjson(PLAN) + as_ndjson(OK))
        assert await asyncio.to_thread(shown.wait, 20)  # nothing more before the terminal has it
        await response.write(as_ndjson(COMPLETE))
        return response

    monkeypatch.setattr(sys, "stdout", Watched())
    node.answers["POST", PATH] = answer
    assert (await ask(node)).code == 0


async def test_nobody_to_ask_is_not_shown_as_nothing_there(node: Desk) -> None:
    nobody = Plan(exchange_id="e-1", usecase="ha-vvt", holders=[], not_asked=PLAN.not_asked)
    node.answers["POST", PATH] = streaming(nobody, End(exchange_id="e-1", missing=[], ms=3, audit=[]))
    ran = await ask(node)
    assert ran.code == 0
    assert "NOBODY is asked" in ran.out
    assert "this says nothing about what there is" in ran.out
    assert "complete" not in ran.out


async def test_a_question_that_broke_off_failed(node: Desk) -> None:
    broken = End(
        exchange_id="e-1", missing=[], ms=3, audit=[], error=("audit_unavailable", "the log can not be written")
    )
    node.answers["POST", PATH] = streaming(PLAN, OK, broken)
    ran = await ask(node)
    assert ran.code == 1
    assert "the log can not be written (audit_unavailable)" in ran.err
    assert "INCOMPLETE" in ran.out
    assert (await ask(node, "--json")).code == 1


@pytest.mark.parametrize("abort", [False, True])
@pytest.mark.parametrize("words", [(), ("--json",)])
async def test_a_stream_without_its_end_is_incomplete_and_says_so(
    node: Desk, words: tuple[str, ...], *, abort: bool
) -> None:
    node.answers["POST", PATH] = streaming(PLAN, OK, a_resource(), abort=abort)
    ran = await ask(node, *words)
    assert ran.code == 1
    assert "INCOMPLETE" in ran.err
    assert "MRSA" in ran.out


@pytest.mark.parametrize("line", [b"<html>\n", b"{\n", b"[1]\n", b'{"no": "type"}\n', b'"text"\n', b"\xff\xfe\n"])
async def test_a_line_that_is_no_event_ends_belief_in_the_rest(node: Desk, line: bytes) -> None:
    node.answers["POST", PATH] = streaming(PLAN, line, COMPLETE)
    ran = await ask(node)
    assert ran.code == 1
    assert "INCOMPLETE" in ran.err
    assert "complete: everybody" not in ran.out


async def test_lines_of_a_kind_we_do_not_know_and_empty_lines_are_passed_over(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, b"\n", b'{"type":"progress"}\n', COMPLETE, b"after the end\n")
    assert (await ask(node)).code == 0


async def test_a_refusal_before_the_stream_is_told_with_its_remedy(node: Desk) -> None:
    node.refuses("POST", PATH, 403, "people in this role may not use this use case", "see: hazel usecase show ha-vvt")
    ran = await ask(node)
    assert (ran.code, ran.out) == (1, "")
    assert "people in this role" in ran.err
    assert "hazel usecase show" in ran.err


async def test_a_key_that_is_not_known_is_told(node: Desk) -> None:
    node.refuses("POST", PATH, 401, "an API key is needed")
    assert "is not a key of this node" in (await ask(node)).err


def test_a_node_that_does_not_run_ends_with_3(desk: Desk) -> None:
    ran = desk.run("ask", "ha-vvt", stdin=BSN)
    assert (ran.code, "hazel serve" in ran.err) == (3, True)


async def test_json_is_the_stream_as_it_came(node: Desk) -> None:
    lines = [as_ndjson(PLAN), as_ndjson(OK), a_resource("Aïcha"), as_ndjson(PARTIAL)]
    node.answers["POST", PATH] = streaming(*lines)
    ran = await ask(node, "--json")
    assert ran.code == 0
    assert ran.out.encode() == b"".join(lines)


async def test_what_two_steps_brought_is_shown_once(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(
        PLAN, a_resource(), a_resource(step="other"), a_resource(identifier="2"), COMPLETE
    )
    assert (await ask(node)).out.count("MRSA") == 2


async def test_a_record_can_not_command_the_terminal(node: Desk) -> None:
    node.answers["POST", PATH] = streaming(PLAN, a_resource("\x1b[2J\x1b]0;owned\x07\u202e"), COMPLETE)
    ran = await ask(node)
    assert not set("\x1b\x07\u202e") & set(ran.out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "U-2"), "--role"),
        (("--purpose", "FUN"), "invalid choice"),
        (("--deadline-ms", "soon"), "--deadline-ms"),
    ],
)
async def test_wrong_usage_asks_nobody(node: Desk, words: tuple[str, ...], said: str) -> None:
    ran = await ask(node, *words)
    assert (ran.code, said in ran.err) == (2, True)
    assert node.asked == []


async def test_a_use_case_that_is_not_there_is_told_before_the_citizen_is_asked_for(node: Desk) -> None:
    ran = await node.hazel("ask", "nope", stdin="")
    assert (ran.code, "hazel usecase list" in ran.err) == (1, True)


async def test_somebody_has_to_ask(node: Desk) -> None:
    text = node.config.read_text()
    node.config.write_text(text[: text.index("cli_user:")])
    ran = await ask(node)
    assert (ran.code, "cli_user" in ran.err) == (2, True)
    assert (await ask(node, "--role", "01.015")).code == 2


async def test_at_a_terminal_the_number_is_asked_for_without_showing_it(
    node: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    prompts: list[str] = []

    def hidden(prompt: str, stream: Any = None) -> str:
        prompts.append(prompt)
        return BSN

    node.answers["POST", PATH] = streaming(PLAN, COMPLETE)
    monkeypatch.setattr("io.StringIO", Terminal)
    monkeypatch.setattr("getpass.getpass", hidden)
    ran = await ask(node, stdin="")
    assert (ran.code, len(prompts)) == (0, 1)
    assert (await ask(node, "--purpose", "BTG", stdin="unconscious\n")).code == 0
    assert node.asked[-1].json["break_glass"] == {"reason": "unconscious"}


async def test_a_view_is_shown_with_what_is_missing_in_it(node: Desk) -> None:
    missing = {
        "holder": "90000102",
        "holder_name": "De Oever",
        "step": "allergies",
        "title": {"nl": "A", "en": "Allergies"},
        "state": "timeout",
    }
    view = {
        "view": "essentials",
        "complete": False,
        "asked": [{"ura": "90000102", "name": "De Oever"}],
        "not_asked": [{"ura": "90000103", "name": "De Linde", "reason": "not_registered"}],
        "missing": [missing],
        "conflicts": [{"topic": "medication", "code": "other_substance", "detail": "a; b"}],
        "sections": [
            {"section": "allergies", "title": {"en": "Allergies"}, "state": "not_available", "missing": [missing], "items": []},
            {"section": "history", "title": {"en": "History"}, "state": "none_recorded", "missing": [], "items": []},
        ],
        "ms": 12,
        "audit": [7],
    }  # fmt: skip

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(view)

    node.answers["POST", PATH] = answer
    ran = await ask(node, "--view", "essentials")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "asked: 90000102 De Oever",
        "not asked: 90000103 De Linde (not registered)",
        "",
        "Allergies: NOT AVAILABLE",
        "  90000102 De Oever | Allergies: not available (timeout)",
        "History: nothing recorded, by anybody who was asked",
        "DIFFERENCE about medication (other substance): a; b",
        "NOT COMPLETE; missing:",
        "  90000102 De Oever | Allergies: not available (timeout)",
        "12 ms; audit records 7",
    ]
    assert json.loads((await ask(node, "--view", "essentials", "--json")).out) == view


async def test_a_view_that_is_refused_says_why(node: Desk) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        problem = {"status": 403, "code": "role_not_allowed", "detail": "user.role: no", "title": "Forbidden"}
        return web.json_response(problem, status=403, content_type="application/problem+json")

    node.answers["POST", PATH] = answer
    ran = await ask(node, "--view", "timeline")
    assert ran.code == 1
    assert "user.role: no" in ran.err
