"""The review queue at the terminal."""

from urllib.parse import parse_qsl

from tests.node.cli.desk import Desk

QUEUE = "/internal/emergencies/v1/gouwe"
EMERGENCY = {
    "id": "7d6b", "opened_at": "2026-11-22T12:00:00Z", "ends_at": "2026-11-22T12:15:00Z", "patient": "k1.x",
    "usecase": "acute", "reason": "unconscious", "requester": {"ura": "90000102", "name": "Oever"},
    "user": {"identifier": "U-1001", "name": "Jansen", "role": "30.000"}, "audit": 12, "review": None,
}  # fmt: skip


async def test_what_waits_is_listed_with_who_and_why(node: Desk) -> None:
    node.says("GET", QUEUE, {"emergencies": [EMERGENCY]})
    ran = await node.hazel("emergency", "list")
    line = ran.out.splitlines()[1]
    assert all(each in line for each in ("90000102", "Oever", "Jansen", "acute", "unconscious", "12", "7d6b"))
    assert dict(parse_qsl(node.asked[-1].query)) == {"state": "open"}
    await node.hazel("emergency", "list", "--reviewed")
    assert dict(parse_qsl(node.asked[-1].query)) == {"state": "reviewed"}
    assert (await node.hazel("emergency", "list", "--json")).json == {"emergencies": [EMERGENCY]}


async def test_nothing_waits(node: Desk) -> None:
    node.says("GET", QUEUE, {"emergencies": []})
    assert "nothing waits" in (await node.hazel("emergency", "list")).err


async def test_a_verdict_is_sent_with_who_gives_it(node: Desk) -> None:
    node.says("POST", f"{QUEUE}/7d6b/review", EMERGENCY)
    ran = await node.hazel("emergency", "review", "7d6b", "not_justified", "--reviewer", "P. de Boer", "--note", "why")
    assert (ran.code, "not_justified" in ran.err) == (0, True)
    assert node.asked[-1].json == {"verdict": "not_justified", "reviewer": "P. de Boer", "note": "why"}
    for words in (("7d6b", "maybe", "--reviewer", "x"), ("7d6b", "justified"), ()):
        assert (await node.hazel("emergency", "review", *words)).code == 2
