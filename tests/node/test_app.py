"""Opening a node: it comes back as itself, and says what to do when it can not be opened."""

import base64
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from node.app import Node, NodeError, open_node
from node.config.load import load_config
from node.config.model import Config, Pki
from node.health import HEALTH
from node.identity.routes import SUBJECTS
from node.ports import World
from node.runtime import serve_node
from node.web.server import listen
from tests.node.bad_input.dialects import Dialect, check_refusal
from tests.node.bad_input.setting import SERVICE, SUBJECT, RestingClock, found
from tests.node.bad_input.wire import send
from tests.support.keys import ed25519_private_key
from tests.support.world import FixedEntropy, SimulatedInternet

Change = Callable[[Path], object]
Setting = Callable[[Config], dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "node"
    await found(folder)
    return folder


@pytest.fixture
def folder(founded: Path, tmp_path: Path) -> Path:
    """A node's directory to spoil."""
    shutil.copytree(founded, tmp_path / "node")
    return tmp_path / "node"


def a_world() -> World:
    return World(
        clock=RestingClock(), entropy=FixedEntropy("world"), peers=SimulatedInternet(), own=SimulatedInternet()
    )


@asynccontextmanager
async def opened(folder: Path, **changes: Any) -> AsyncIterator[Node]:
    config = load_config(folder / "hazel.yaml").model_copy(update=changes)
    async with open_node(config, a_world()) as node:
        yield node


async def did_of(node: Node) -> str:
    return (await node.public[SUBJECTS].get(SUBJECT)).dids[0]


async def test_a_node_is_the_same_after_it_was_closed(folder: Path) -> None:
    async with opened(folder) as node:
        first = await did_of(node)
    async with opened(folder) as node:
        assert await did_of(node) == first


async def test_an_open_node_touches_no_network_by_itself(folder: Path) -> None:
    async with opened(folder) as node:
        assert isinstance(node.world.peers, SimulatedInternet)
        assert isinstance(node.world.own, SimulatedInternet)
        assert node.world.peers.calls == node.world.own.calls == []


async def test_both_listeners_answer_while_it_serves_and_not_after(folder: Path) -> None:
    async with opened(folder) as node, serve_node(node) as addresses:
        ports = [int(address.rpartition(":")[2]) for address in (addresses.public, addresses.internal)]
        for port in ports:
            assert (await send(port, "GET", "/status")).body == b"OK"
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await send(port, "GET", "/status")


async def test_a_path_in_the_public_address_is_in_every_public_path_and_keeps_its_dialects(tmp_path: Path) -> None:
    await found(tmp_path / "node", url="https://oever.example/base")
    async with opened(tmp_path / "node") as node, listen(node.public, ("127.0.0.1", 0)) as port:
        for target, status, dialect in [
            ("/.well-known/oauth-authorization-server/base/oauth2/nobody", 404, "oauth"),
            ("/base/oauth2/nobody/oauth-client", 400, "oauth"),
            ("/base/fhir/nobody/r4/Patient", 404, "fhir"),
            ("/base/discovery/nothing", 404, "problem"),
            ("/oauth2/oever/oauth-client", 404, "problem"),
            ("/fhir/oever/r4/Patient", 404, "problem"),
        ]:
            answer = await send(port, "GET", target)
            check_refusal(answer, cast(Dialect, dialect))
            assert answer.status == status
        for target in (
            "/.well-known/oauth-authorization-server/base/oauth2/oever",
            "/base/oauth2/oever/oauth-client",
            "/base/fhir/oever/r4/metadata",
            f"/base/discovery/{SERVICE}",
            "/status",
        ):
            assert (await send(port, "GET", target)).status == 200


async def test_the_real_world_is_opened_and_closed_where_none_is_given(folder: Path) -> None:
    async with open_node(load_config(folder / "hazel.yaml")) as node:
        assert not isinstance(node.world.peers, SimulatedInternet)


async def test_what_is_unsafe_is_told_by_name(folder: Path) -> None:
    async with opened(folder) as node:
        assert node.config.unsafe == ()
    async with opened(folder, unsafe_loopback_peers=True, unsafe_open_internal_api=True) as node:
        assert node.config.unsafe == ("unsafe_loopback_peers", "unsafe_open_internal_api")


async def test_one_data_directory_has_one_writer(folder: Path) -> None:
    async with opened(folder):
        with pytest.raises(NodeError, match="another process") as caught:
            async with opened(folder):
                pytest.fail("opened twice")
        assert caught.value.remedy


async def test_an_error_of_the_caller_is_not_mistaken_for_one_of_opening(folder: Path) -> None:
    with pytest.raises(KeyError):
        async with opened(folder):
            raise KeyError("mine")


def _without(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def _holding(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content)


def _without_keys(folder: Path) -> None:
    for file in (folder / "data" / "keys").iterdir():
        file.unlink()


def _of_a_newer_version(folder: Path) -> None:
    connection = sqlite3.connect(folder / "data" / "hazel.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def _definition_twice(folder: Path) -> None:
    file = next((folder / "discovery").iterdir())
    shutil.copy(file, file.with_name("zzz.json"))


SPOILED: dict[str, tuple[Change, str]] = {
    "no vault key": (_without("vault.key"), "vault.key can not be read"),
    "a short vault key": (_holding("vault.key", b"aa"), "vault.key does not hold a key"),
    "another vault key": (_holding("vault.key", b"ab" * 32), "was changed, or belongs to another vault key"),
    "no keys": (_without_keys, "lacks a key of this node"),
    "no data": (lambda folder: shutil.rmtree(folder / "data"), "lacks a key of this node"),
    "no database": (_without("data/hazel.db"), "no organisation called oever"),
    "a database that is none": (_holding("data/hazel.db", b"x" * 5_000), "database of this node can not be opened"),
    "a database of a newer version": (_of_a_newer_version, "newer version"),
    "an audit log that is none": (_holding("data/audit.db", b"x" * 5_000), "audit log can not be written"),
    "a definition that is none": (_holding("discovery/bad.json", b"{"), "bad.json: not JSON"),
    "a definition twice": (_definition_twice, "zzz.json: another file is about"),
    "a folder as a definition": (lambda folder: (folder / "discovery" / "d.json").mkdir(), "d.json can not be read"),
}


@pytest.mark.parametrize(("change", "message"), SPOILED.values(), ids=SPOILED)
async def test_a_directory_that_can_not_be_used_says_what_is_wrong_and_what_to_do(
    folder: Path, change: Change, message: str
) -> None:
    change(folder)
    with pytest.raises(NodeError, match=message) as caught:
        async with opened(folder):
            pytest.fail("opened")
    assert caught.value.remedy


def _part(config: Config, section: str, **changes: Any) -> dict[str, Any]:
    return {section: getattr(config, section).model_copy(update=changes)}


WRONG: dict[str, tuple[Setting, str]] = {
    "an unknown use case": (lambda _: {"usecases": ("nope",)}, "there is no such use case"),
    "an unknown service to host": (lambda config: _part(config, "discovery", host=("nope",)), "discovery service nope"),
    "an unknown service to join": (lambda config: _part(config, "discovery", join=("nope",)), "discovery service nope"),
    "another subject": (lambda config: _part(config, "organisation", subject="nope"), "no organisation called nope"),
    "another address": (lambda _: {"url": "https://other.example"}, "is not the address that did:web:oever.example"),
    "an address that is no name": (lambda _: {"url": "https://192.0.2.1"}, "is not the address"),
    "roots of a use case that is not there": (
        lambda config: _part(config, "trust", usecases={"ha-vtt": {"uzi": ("A" * 43,)}}),
        "ha-vtt, which is not a use case",
    ),
    "a key that signs no deny list": (
        lambda _: {"pki": Pki(deny_list="https://deny.example/list", deny_list_key="x")},
        "pki.deny_list_key is not a public key",
    ),
    "PostgreSQL": (lambda _: {"database": "postgresql+asyncpg://u:geheim@h/x"}, "PostgreSQL is not supported"),
}


@pytest.mark.parametrize(("setting", "message"), WRONG.values(), ids=WRONG)
async def test_a_setting_that_can_not_be_used_says_what_is_wrong_and_what_to_do(
    folder: Path, setting: Setting, message: str
) -> None:
    changes = setting(load_config(folder / "hazel.yaml"))
    with pytest.raises(NodeError, match=message) as caught:
        async with opened(folder, **changes):
            pytest.fail("opened")
    assert caught.value.remedy
    assert "geheim" not in f"{caught.value} {caught.value.remedy}"


async def test_what_the_configuration_says_of_certificates_is_looked_after(folder: Path) -> None:
    text = ed25519_private_key("deny list").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pki = Pki(deny_list="https://deny.example/list", deny_list_key=base64.b64encode(text).decode())
    async with opened(folder, pki=pki, unsafe_pki_soft_fail=True) as node:
        assert {"revocation lists", "deny list"} <= node.loops.keys()
        checks = {check["name"]: check for check in (await node.internal[HEALTH].report())["checks"]}
        assert checks["revocation lists"]["state"] == "ok"
        assert checks["deny list"]["remedy"]
        assert node.config.unsafe == ("unsafe_pki_soft_fail",)
    async with opened(folder) as node:
        assert "revocation lists" in node.loops
        assert "deny list" not in node.loops


@pytest.mark.parametrize(("name", "content"), [("absent", None), ("junk", b"junk")])
async def test_files_that_only_the_real_world_reads_are_named_too(
    folder: Path, name: str, content: bytes | None
) -> None:
    config = load_config(folder / "hazel.yaml")
    file = folder / f"{name}.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NodeError, match=file.name) as caught:
        async with open_node(config.model_copy(update=_part(config, "trust", ca_file=file))):
            pytest.fail("opened")
    assert caught.value.remedy
    server = config.fhir["r4"].model_copy(update={"authorization_file": folder / "absent"})
    with pytest.raises(NodeError, match="absent can not be read") as caught:
        async with open_node(config.model_copy(update={"fhir": {"r4": server}})):
            pytest.fail("opened")
    assert caught.value.remedy


async def test_a_node_that_could_not_be_opened_left_nothing_open(folder: Path) -> None:
    with pytest.raises(NodeError):
        async with opened(folder, usecases=("nope",)):
            pytest.fail("opened")
    async with opened(folder) as node:  # nobody holds the audit log
        assert await did_of(node)
