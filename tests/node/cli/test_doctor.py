"""``hazel doctor`` at a terminal: what is asked of the node, what is printed, how it exits."""

from typing import Any

import pytest

from tests.node.cli.desk import Desk

PATH = "/internal/doctor/v1/gouwe"
PEER = "https://linde.example/oauth2/linde"


def a_step(step: str, outcome: str, **more: Any) -> dict[str, Any]:
    remedy = None if outcome in ("ok", "skipped") else f"mend {step}"
    return {
        "step": step,
        "about": "",
        "outcome": outcome,
        "code": "x",
        "detail": "seen",
        "remedy": remedy,
        "ms": 3,
    } | more


def a_report(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "peer": PEER,
        "organisation": {"ura": "90000102", "name": "Apotheek De \x1b[31mLinde", "city": "Gouda"},
        "others": [],
        "kind": {"software": "nuts-node", "version": "v6.2.10", "dialect": "6.2"},
        "outcome": "ok",
        "steps": list(steps),
        "differences": [{"topic": "clock", "effect": "it grants no difference"}],
    } | more


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([a_step("dns", "ok"), a_step("token", "ok")], 0),
        ([a_step("dns", "warning"), a_step("token", "skipped")], 0),
        ([a_step("dns", "ok"), a_step("token", "failed")], 1),
        ([a_step("dns", "failed"), a_step("tls", "skipped")], 3),
        ([a_step("tls", "failed"), a_step("metadata", "skipped")], 3),
        ([a_step("tls", "failed"), a_step("fhir", "failed")], 1),
    ],
)
async def test_the_exit_code_says_how_far_it_goes(node: Desk, steps: list[dict[str, Any]], code: int) -> None:
    node.says("POST", PATH, a_report(*steps))
    assert (await node.hazel("doctor", PEER)).code == code


async def test_each_step_is_a_line_and_each_remedy_is_listed(node: Desk) -> None:
    node.says("POST", PATH, a_report(a_step("dns", "ok"), a_step("token", "failed", about="Scope")))
    ran = await node.hazel("doctor", PEER)
    assert "token (Scope): mend token" in ran.out
    assert "FAILED" in ran.out
    assert "clock: it grants no difference" in ran.out
    assert "\x1b" not in ran.out


async def test_what_is_asked_is_what_was_typed_and_the_user_of_the_configuration(node: Desk) -> None:
    node.says("POST", PATH, a_report())
    await node.hazel("doctor")
    await node.hazel("doctor", PEER, "--scope", "S", "--no-token", "--user", "U-2", "--role", "30.000")
    first, second = [asked.json for asked in node.asked]
    assert first == {"token": True, "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"}}
    assert second == {
        "peer": PEER, "scope": "S", "token": False, "user": {"identifier": "U-2", "name": "U-2", "role": "30.000"},
    }  # fmt: skip


async def test_a_use_case_and_a_scope_together_are_wrong_usage(node: Desk) -> None:
    assert (await node.hazel("doctor", PEER, "--scope", "S", "--usecase", "ha-vvt")).code == 2
    node.says("POST", PATH, {"detail": "this is no https address and no URA number", "remedy": "give one"}, status=400)
    ran = await node.hazel("doctor", "linde")
    assert (ran.code, "give one" in ran.err) == (2, True)


async def test_json_is_the_nodes_own(node: Desk) -> None:
    node.says("POST", PATH, a_report(a_step("dns", "ok")))
    assert (await node.hazel("doctor", PEER, "--json")).json == a_report(a_step("dns", "ok"))
