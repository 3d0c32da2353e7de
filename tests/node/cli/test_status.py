"""How is the node?"""

from typing import Any

import pytest

from tests.node.cli.desk import Desk

PATH = "/internal/status/v1"


def a_status(state: str, **more: Any) -> dict[str, Any]:
    check = {
        "name": "audit",
        "state": state,
        "since": "2026-11-22T12:00:00Z",
        "detail": "the disk is \x1b[31mfull",
        "remedy": None if state == "ok" else "make room",
    }
    return {"state": state, "checks": [check], "version": "0.1.0", "unsafe": [], **more}


@pytest.mark.parametrize(("state", "status", "code"), [("ok", 200, 0), ("degraded", 200, 0), ("down", 503, 1)])
async def test_the_exit_code_says_whether_the_node_can_exchange(node: Desk, state: str, status: int, code: int) -> None:
    node.says("GET", PATH, a_status(state), status=status)
    ran = await node.hazel("status")
    assert ran.code == code
    assert ran.out.startswith(f"hazel 0.1.0: {state}\n")
    assert "\x1b" not in ran.out
    assert ("audit: make room" in ran.out) is (state != "ok")


async def test_what_weakens_security_is_shown(node: Desk) -> None:
    node.says("GET", PATH, a_status("ok", unsafe=["unsafe_loopback_peers"]))
    assert "UNSAFE: unsafe_loopback_peers" in (await node.hazel("status")).out


async def test_json_is_the_nodes_own(node: Desk) -> None:
    node.says("GET", PATH, a_status("down"), status=503)
    ran = await node.hazel("status", "--json")
    assert (ran.code, ran.json) == (1, a_status("down"))


async def test_something_else_at_that_address_is_not_taken_for_a_node(node: Desk) -> None:
    node.says("GET", PATH, b"upstream is away", status=503, content_type="text/plain")
    assert (await node.hazel("status")).code == 1
    node.says("GET", PATH, {"hello": "world"})
    assert "does not say how it is" in (await node.hazel("status")).err
