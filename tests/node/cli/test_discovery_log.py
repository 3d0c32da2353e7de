"""``hazel discovery status`` shows both heads; ``hazel discovery promote`` gives the new definition."""

import json
from pathlib import Path
from typing import Any

from tests.node.cli.desk import Desk

DISCOVERY = "/internal/discovery/v1"
STATE: dict[str, Any] = {
    "service": "svc",
    "role": "follower",
    "trust": "checked against its log; no witnesses are asked for",
    "ours": {"log_key": "a+00+b", "mirror": "https://gouwe.example/discovery/svc", "witness": "c+00+d"},
    "stopped": None,
    "head": {"size": 7, "root": "OURS" + "A" * 39 + "="},
    "fork": True,
    "log": {
        "sources": [
            {"source": "https://rso.example", "head": {"size": 7, "root": "THEIRS" + "A" * 37 + "="}, "witnesses": []},
            {"source": "https://mirror.example", "head": None, "witnesses": [], "error": "unreachable"},
        ],
        "alarms": [{"kind": "fork", "source": "https://rso.example", "detail": "it has another tree"}],
    },
    "refused": [{"number": 4, "code": "revoked", "reason": "a credential was revoked"}],
}


def prepared(node: Desk, state: dict[str, Any]) -> None:
    node.says("GET", DISCOVERY, [{"id": "svc"}])
    queued = {"activated": True, "error": "unreachable", "queued": True, "expires_in_ms": 7_500_000}
    node.says("GET", f"{DISCOVERY}/svc/gouwe", {**queued, "due_at": "2026-11-22T12:30:00Z"})
    node.says("GET", "/internal/registries/v1/svc", state)


async def test_both_heads_alarms_refusals_and_what_is_queued_are_shown(node: Desk) -> None:
    prepared(node, STATE)
    ran = await node.hazel("discovery", "status")
    assert ran.code == 0
    for part in (
        "svc: follower, checked against its log",
        "OURSAAAAAAAA",
        "THEIRSAAAAAA",
        "https://mirror.example",
        "ALARM fork: it has another tree (https://rso.example)",
        "told two stories",
        "entry 4 refused, revoked: a credential was revoked",
        "queued, tried again at 2026-11-22T12:30:00Z; ours expires in 2 h 5 min",
    ):
        assert part in ran.out
    assert "our witness" not in ran.out


async def test_one_service_is_shown_with_what_a_definition_says_to_name_us(node: Desk) -> None:
    prepared(node, {**STATE, "stopped": "care.json: endpoint is wrong; mend it"})
    ran = await node.hazel("discovery", "status", "--service", "svc")
    assert "our witness  c+00+d" in ran.out
    assert "STOPPED: care.json" in ran.out
    assert (await node.hazel("discovery", "status", "--service", "other")).code == 1


async def test_promoting_gives_the_new_definition(node: Desk, tmp_path: Path) -> None:
    path = "/internal/registries/v1/svc/promote"
    done = {"definition": {"id": "svc"}, "file": "/d/svc.json", "log_size": 7, "next_number": 9, "missing": 1}
    node.says("POST", path, done)
    ran = await node.hazel("discovery", "promote", "svc")
    assert json.loads(ran.out) == {"id": "svc"}
    assert "goes on at number 9" in ran.err
    assert "register again" in ran.err
    ran = await node.hazel("discovery", "promote", "svc", "--incomplete", "--out", tmp_path / "new.json")
    assert json.loads((tmp_path / "new.json").read_text()) == {"id": "svc"}
    assert node.asked[-1].json == {"incomplete": True}
    ran = await node.hazel("discovery", "promote", "svc", "--out", tmp_path / "none" / "new.json")
    assert ran.code == 1
    assert "/d/svc.json" in ran.err
    node.refuses("POST", path, 409, "this node has no whole copy of that service", "name it among the mirrors")
    ran = await node.hazel("discovery", "promote", "svc")
    assert ran.code == 1
    assert "mirrors" in ran.err
