"""Where the keys come from that check a log while the node does not run."""

import shutil
from pathlib import Path

from credentials.keys import KeyId
from node.cli.audit_verify import _own_keys
from node.config.load import load_config
from node.config.template import Chosen
from node.founding import found_node
from node.world import SystemClock, SystemEntropy


async def a_node(directory: Path) -> str:
    chosen = Chosen(
        organisation={"name": "De Gouwe", "city": "Gouda", "ura": "90000101", "subject": "gouwe"},
        url="https://gouwe.example",
        public={"address": "127.0.0.1:8443"},
        internal="127.0.0.1:8081",
    )
    return (await found_node(directory, chosen, clock=SystemClock(), entropy=SystemEntropy())).did


async def test_our_own_keys_are_read_from_the_nodes_database(tmp_path: Path) -> None:
    did = await a_node(tmp_path / "node")
    keys = await _own_keys(load_config(tmp_path / "node" / "hazel.yaml"))
    assert [KeyId(kid.partition("#")[0]) for kid in keys] == [did]


async def test_without_the_vault_key_there_are_none_and_nothing_breaks(tmp_path: Path) -> None:
    await a_node(tmp_path / "node")
    config = load_config(tmp_path / "node" / "hazel.yaml")
    config.vault_key.unlink()
    assert await _own_keys(config) == {}
    shutil.rmtree(config.data)
    assert await _own_keys(config) == {}
