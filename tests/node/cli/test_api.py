"""Talking to a node that is well, away, or something else."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from node.cli.api import internal_origin, segment
from node.cli.output import CommandError
from node.config.load import parse_config
from node.config.text_yaml import read_text_yaml
from tests.node.cli.desk import CONFIG, KEY, Desk

SUBJECTS = "/internal/vdr/v2/subject"


async def test_the_key_beside_the_configuration_is_sent(node: Desk) -> None:
    node.says("GET", SUBJECTS, {"gouwe": ["did:web:gouwe.example:iam:1"]})
    ran = await node.hazel("subject", "list")
    assert ran.code == 0
    assert node.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in ran.out + ran.err


def test_a_node_that_does_not_run_ends_with_3_and_says_how_to_start_it(desk: Desk) -> None:
    ran = desk.run("subject", "list")
    assert ran.code == 3
    assert "does not answer at http://127.0.0.1:9" in ran.err
    assert f"hazel serve --config {desk.config}" in ran.err
    assert ran.out == ""


async def test_a_key_that_the_node_does_not_know_is_named_by_its_file(node: Desk) -> None:
    node.refuses("GET", SUBJECTS, 401, "an API key is needed", "send Authorization")
    ran = await node.hazel("subject", "list")
    assert ran.code == 1
    assert f"{node.directory / 'api.key'} is not a key of this node" in ran.err


async def test_a_missing_key_is_said_when_the_node_wants_one(node: Desk) -> None:
    (node.directory / "api.key").unlink()
    node.says("GET", SUBJECTS, b"Unauthorized", status=401, content_type="text/plain")
    ran = await node.hazel("subject", "list")
    assert ran.code == 1
    assert "Authorization" not in node.asked[0].headers
    assert f"there is no {node.directory / 'api.key'}" in ran.err


@pytest.mark.parametrize("content", ["", "two words", "line\nline", "x" * 5000, "caf\u00e9"])
def test_a_key_file_that_holds_no_key_is_refused_without_quoting_it(desk: Desk, content: str) -> None:
    (desk.directory / "api.key").write_text(content, encoding="utf-8")
    ran = desk.run("subject", "list")
    assert ran.code == 1
    assert "api.key" in ran.err
    assert not content or content not in ran.err


async def test_a_refusal_shows_its_detail_and_its_remedy(node: Desk) -> None:
    node.refuses("GET", SUBJECTS, 403, "this API key may not do that", "use another one")
    ran = await node.hazel("subject", "list")
    assert (ran.code, ran.err) == (1, "hazel: this API key may not do that\n       use another one\n")


@pytest.mark.parametrize("status", [502, 504])
async def test_a_peer_that_the_node_can_not_reach_ends_with_3(node: Desk, status: int) -> None:
    node.refuses("GET", SUBJECTS, status, "the host does not answer")
    assert (await node.hazel("subject", "list")).code == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>secret</html>"), (200, b'{"secret"'), (200, b"[" * 100_000), (500, b"secret"), (302, b"")],
)
async def test_an_answer_that_is_not_a_nodes_is_said_and_not_quoted(node: Desk, status: int, body: bytes) -> None:
    node.says("GET", SUBJECTS, body, status=status)
    ran = await node.hazel("subject", "list")
    assert ran.code == 1
    assert "secret" not in ran.err
    assert "Traceback" not in ran.err


async def test_a_node_that_hangs_up_ends_with_3(node: Desk) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    node.answers["GET", SUBJECTS] = hang_up
    assert (await node.hazel("subject", "list")).code == 3


async def test_a_node_that_answers_too_late_ends_with_3(node: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.cli.api.TIMEOUT", 0.1)
    forever = asyncio.Event()

    async def never(_request: web.Request) -> web.StreamResponse:
        await forever.wait()
        return web.Response()

    node.answers["GET", SUBJECTS] = never
    ran = await node.hazel("subject", "list")
    forever.set()
    assert ran.code == 3
    assert "in time" in ran.err


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("0.0.0.0:8081", "http://127.0.0.1:8081"),
        ("[::]:8081", "http://[::1]:8081"),
        ("node.internal:80", "http://node.internal:80"),
    ],
)
def test_the_internal_address_is_called_where_it_listens(address: str, origin: str, tmp_path: Path) -> None:
    text = CONFIG.format(internal=f'"{address}"')
    assert internal_origin(parse_config(read_text_yaml(text), tmp_path)) == origin


def test_names_stay_one_segment_of_the_path() -> None:
    assert segment("did:web:a%3A1:iam/..") == "did%3Aweb%3Aa%253A1%3Aiam%2F.."
    for name in ("", ".", ".."):
        with pytest.raises(CommandError):
            segment(name)
