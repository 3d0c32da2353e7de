"""Why was, or would, a request be allowed or refused?"""

import json
from typing import Any

import pytest

from tests.node.cli.desk import Desk

PATH = "/internal/explain/v1/gouwe"
EXPLAINED: dict[str, Any] = {
    "decision": "deny",
    "code": "objection_recorded",
    "record": {"seq": 5, "at": 1_795_356_374_063, "usecase": "medication"},
    "rules": [
        {"rule": "use_case", "outcome": "permit", "code": "listed", "message": "It is listed.", "evidence": {}},
        {"rule": "objection", "outcome": "deny", "code": "objection_recorded", "message": "The citizen objects.",
         "evidence": {"consent": "c-1", "category": "GGC013"}},
        {"rule": "legal_basis", "outcome": "not_applicable", "code": "x", "message": "y", "evidence": {}},
    ],
}  # fmt: skip
DESCRIBED = {"requester_ura": "90000102", "scope": "x", "path": "Patient/1"}


async def test_every_rule_is_shown_in_the_order_of_evaluation(node: Desk) -> None:
    node.says("POST", PATH, EXPLAINED)
    ran = await node.hazel("explain", "5")
    assert ran.code == 0
    assert node.asked[0].json == {"audit": 5}
    assert "decision  deny" in ran.out
    assert "2026-11-22T14:06:14+00:00" in ran.out
    rules = [line.split()[0] for line in ran.out.splitlines() if "  " in line]
    assert rules[-3:] == ["use_case", "objection", "legal_basis"]
    assert "consent c-1; category GGC013" in ran.out
    assert "not applicable" in ran.out
    assert (await node.hazel("explain", "5", "--json")).json == EXPLAINED


async def test_a_reference_of_a_refusal_is_looked_up(node: Desk) -> None:
    node.says("POST", PATH, {"decision": "deny", "rules": []})
    ran = await node.hazel("explain", "0F40D852CAA3C053")
    assert node.asked[0].json == {"reference": "0f40d852caa3c053"}
    assert "no rules were recorded" in ran.out


@pytest.mark.parametrize("place", ["file", "-"])
async def test_a_described_request_comes_from_a_file_or_standard_input(node: Desk, place: str) -> None:
    node.says("POST", PATH, EXPLAINED)
    file = node.directory / "request.json"
    file.write_text(json.dumps(DESCRIBED))
    named = str(file) if place == "file" else "-"
    assert (await node.hazel("explain", "--request", named, stdin=json.dumps(DESCRIBED))).code == 0
    assert node.asked[0].json == DESCRIBED


async def test_a_record_that_is_not_there_is_refused(node: Desk) -> None:
    node.refuses("POST", PATH, 404, "there is no such record", "hazel audit list")
    assert (await node.hazel("explain", "99")).code == 1


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        ((), "", 2),
        (("1", "--request", "-"), "{}", 2),
        (("--request", "-"), "{", 1),
        (("--request", "-"), "[]", 1),
        (("--request", "-"), "[" * 100_000, 1),
        (("--request", "/nowhere/at/all"), "", 1),
    ],
)
def test_what_can_not_be_asked_is_refused_here(desk: Desk, words: tuple[str, ...], stdin: str, code: int) -> None:
    ran = desk.run("explain", *words, stdin=stdin)
    assert ran.code == code
    assert "Traceback" not in ran.err
