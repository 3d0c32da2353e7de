"""A nuts-node's policy directory at a running node: what a scope asks, and who decides about further scopes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node.app import Node, NodeError, open_node
from node.config.load import load_config
from node.oauth.routes import DEFINITIONS
from node.ports import World
from tests.node.bad_input.setting import RestingClock, found
from tests.support.world import FixedEntropy, SimulatedInternet


def a_definition(identifier: str, field: str = "organization_ura") -> dict[str, Any]:
    fields = [{"id": field, "path": ["$.credentialSubject.ura"], "filter": {"type": "string"}}]
    return {"id": identifier, "input_descriptors": [{"id": "one", "constraints": {"fields": fields}}]}


@asynccontextmanager
async def opened(folder: Path, policies: dict[str, Any], **changes: Any) -> AsyncIterator[Node]:
    await found(folder / "node")
    (folder / "policies").mkdir()
    (folder / "policies" / "policy.json").write_text(json.dumps(policies))
    config = load_config(folder / "node" / "hazel.yaml")
    config = config.model_copy(update={"usecase_directory": folder / "policies", **changes})
    world = World(
        clock=RestingClock(), entropy=FixedEntropy("world"), peers=SimulatedInternet(), own=SimulatedInternet()
    )
    async with open_node(config, world) as node:
        yield node


async def test_scopes_of_a_policy_file_are_asked_as_the_file_says(tmp_path: Path) -> None:
    policies = {
        "plain": {"organization": a_definition("a")},
        "open": {
            "organization": a_definition("b"),
            "service_provider": a_definition("c"),
            "scope_policy": "passthrough",
        },
        "asked": {"organization": a_definition("d"), "user": a_definition("e"), "scope_policy": "dynamic"},
    }
    async with opened(tmp_path, policies, decision_point="http://127.0.0.1:1") as node:
        definitions = node.public[DEFINITIONS]
        assert [definitions.asked(f"{scope} more").policy for scope in ("open", "asked")] == ["passthrough", "dynamic"]
        assert set(definitions.required("open")) == {"organization", "service_provider"}
        assert definitions.asked("plain").policy == "profile-only"


async def test_a_node_does_not_start_when_a_scope_needs_a_decision_point_and_none_is_named(tmp_path: Path) -> None:
    policies = {"asked": {"organization": a_definition("d"), "scope_policy": "dynamic"}}
    with pytest.raises(NodeError, match="asked leaves it to a decision point") as caught:
        async with opened(tmp_path, policies):
            pytest.fail("opened")
    assert "decision_point" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"organization": a_definition("a"), "user": a_definition("a")}, "two presentation definitions have one id"),
        ({"organization": a_definition("a", field="active")}, "field id active is reserved"),
    ],
)
async def test_a_node_does_not_start_on_definitions_that_can_not_be_asked(
    tmp_path: Path, policy: dict[str, Any], message: str
) -> None:
    with pytest.raises(NodeError, match=message) as caught:
        async with opened(tmp_path, {"scope": policy}):
            pytest.fail("opened")
    assert caught.value.remedy
