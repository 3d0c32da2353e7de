"""A whole node with each kind of vault: made, opened, seen when it is away, and moved from files into a token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.app import Node, NodeError, open_node
from node.config.load import ConfigError, load_config, parse_config
from node.config.model import Config, Pkcs11
from node.ports import World
from node.web.replies import RequestError
from tests.node.bad_input.setting import SUBJECT, RestingClock, found
from tests.support.softhsm import softhsm_token
from tests.support.world import FixedEntropy, SimulatedInternet


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Node]:
    world = World(
        clock=RestingClock(), entropy=FixedEntropy("world"), peers=SimulatedInternet(), own=SimulatedInternet()
    )
    async with open_node(config, world) as node:
        yield node


@asynccontextmanager
async def operator(node: Node, folder: Path) -> AsyncIterator[TestClient[Any, Any]]:
    key = (folder / "api.key").read_text().strip()
    async with TestClient(TestServer(node.internal), headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


async def key_check(client: TestClient[Any, Any]) -> dict[str, Any]:
    async with client.get("/internal/status/v1") as answer:
        checks: list[dict[str, Any]] = (await answer.json())["checks"]
        return next(check for check in checks if check["name"] == "key")


@pytest.mark.softhsm
async def test_a_node_whose_keys_are_in_a_token_signs_and_tells_when_the_token_is_away(tmp_path: Path) -> None:
    place = softhsm_token(tmp_path)
    folder = tmp_path / "node"
    pkcs11 = {"module": str(place.module), "token": place.token, "pin_file": str(place.pin_file)}
    await found(folder, pkcs11=pkcs11)
    config = load_config(folder / "hazel.yaml")
    async with opened(config) as node, operator(node, folder) as client:
        assert (await key_check(client))["state"] == "ok"
        async with client.post(f"/internal/keys/v1/{SUBJECT}/rotate") as answer:
            assert answer.status == 200
        assert (await key_check(client))["state"] == "ok"
    # no private key of an identifier lies in a file: three secrets and nothing else
    assert len(list((folder / "data" / "keys").iterdir())) == 3
    # away: the node starts, says what to do, and refuses to sign instead of failing
    assert config.pkcs11 is not None
    away = config.model_copy(update={"pkcs11": config.pkcs11.model_copy(update={"token": "unplugged"})})
    async with opened(away) as node, operator(node, folder) as client:
        check = await key_check(client)
        assert check["state"] == "down"
        assert "unplugged" in check["detail"]
        assert "docs/operate.md" in check["remedy"]
        async with client.post(f"/internal/keys/v1/{SUBJECT}/rotate") as answer:
            problem = await answer.json()
            assert (answer.status, problem["code"]) == (503, "vault_away")
            assert "unplugged" not in str(problem)


@pytest.mark.softhsm
async def test_keys_move_from_files_into_a_token_by_rotating(tmp_path: Path) -> None:
    place = softhsm_token(tmp_path)
    folder = tmp_path / "node"
    await found(folder)
    config = load_config(folder / "hazel.yaml").model_copy(
        update={"pkcs11": Pkcs11(module=place.module, token=place.token, pin_file=place.pin_file)}
    )
    async with opened(config) as node, operator(node, folder) as client:
        check = await key_check(client)
        assert check["state"] == "down"
        assert "hazel key rotate" in check["remedy"]
        async with client.post(f"/internal/keys/v1/{SUBJECT}/rotate") as answer:
            assert answer.status == 200
        assert (await key_check(client))["state"] == "ok"
        async with client.get(f"/internal/keys/v1/{SUBJECT}") as answer:
            assert [key["state"] for key in await answer.json()] == ["signs", "verifies"]


async def test_plain_keys_are_chosen_when_a_node_is_made_and_told_as_unsafe(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    await found(folder, plain_keys=True)
    assert not (folder / "vault.key").exists()
    config = load_config(folder / "hazel.yaml")
    async with opened(config) as node, operator(node, folder) as client:
        assert node.config.unsafe == ("unsafe_plain_keys",)
        assert (await key_check(client))["state"] == "ok"
    with pytest.raises(NodeError, match=r"vault\.key can not be read"):
        async with opened(config.model_copy(update={"unsafe_plain_keys": False})):
            pytest.fail("opened without a vault key")


async def test_keys_that_are_sealed_are_not_looked_for_in_the_open(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    await found(folder)
    config = load_config(folder / "hazel.yaml").model_copy(update={"unsafe_plain_keys": True})
    with pytest.raises(NodeError, match="is encrypted") as refused:
        async with opened(config):
            pytest.fail("opened")
    assert refused.value.remedy == "take unsafe_plain_keys out"


async def test_an_organisation_gets_identifiers_of_several_kinds_when_that_is_configured(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    await found(folder)
    config = load_config(folder / "hazel.yaml").model_copy(update={"did_methods": ("jwk", "web")})
    async with (
        opened(config) as node,
        operator(node, folder) as client,
        client.post("/internal/vdr/v2/subject", json={"subject": "second"}) as answer,
    ):
        assert [one["id"].split(":")[1] for one in (await answer.json())["documents"]] == ["jwk", "web"]


async def test_the_organisation_that_the_node_is_made_for_stays(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    await found(folder)
    async with opened(load_config(folder / "hazel.yaml")) as node, operator(node, folder) as client:
        async with client.delete(f"/internal/vdr/v2/subject/{SUBJECT}") as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, "own_subject")
        async with client.post("/internal/vdr/v2/subject", json={"subject": "second"}) as answer:
            assert answer.status == 200
        async with client.delete("/internal/vdr/v2/subject/second") as answer:
            assert answer.status == 204


@pytest.mark.parametrize("methods", [[], ["jwk"], ["web", "web"], ["nuts", "web"]])
def test_methods_name_web_and_nothing_twice(tmp_path: Path, methods: list[str]) -> None:
    settings: dict[str, Any] = {
        "organisation": {"name": "n", "city": "c", "ura": "00001111", "subject": "oever"},
        "url": "https://oever.example",
        "public": {"address": "127.0.0.1:0"},
    }
    assert parse_config(settings, tmp_path).did_methods == ("web",)
    with pytest.raises(ConfigError, match="did_methods"):
        parse_config({**settings, "did_methods": methods}, tmp_path)


def test_what_a_caller_reads_of_a_vault_names_no_file_of_ours() -> None:
    from node.identity.boundary import as_request_error
    from node.keys.errors import VaultError

    refusal = as_request_error(VaultError("/srv/hazel/data/keys/1.key was changed", "look"))
    assert isinstance(refusal, RequestError)
    assert (refusal.status, refusal.code) == (503, "vault_away")
    assert "/srv" not in f"{refusal.message} {refusal.remedy}"
