"""did.json for the world; subjects and DIDs for the vendor, as nuts-node's (WIRE §3)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from tests.node.oauth.setting import NodeUnderTest, a_node
from tests.support.keys import a_did, a_key
from tests.support.world import ManualClock, SimulatedInternet, reply


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    async with a_node(SimulatedInternet(), "https://gouwe.example:8443", tmp_path, ManualClock()) as opened:
        yield opened


async def internal(node: NodeUnderTest, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with node.internal.request(method, URL(path, encoded=True), json=body) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def test_a_did_document_is_served_to_the_world(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    async with node.public.get(f"/iam/{did.rpartition(':')[2]}/did.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.headers["Cache-Control"] == "max-age=300"
        assert (await answer.json())["id"] == did
    for name in ("00000000-0000-4000-8000-000000000000", "gouwe", "x" * 500, did.rpartition(":")[2].upper()):
        async with node.public.get(f"/iam/{name}/did.json") as answer:
            assert answer.status == 404
            assert answer.headers["Cache-Control"] == "no-store"
            assert name not in await answer.text()


async def test_subjects_are_made_listed_and_shown(node: NodeUnderTest) -> None:
    status, made = await internal(node, "POST", "/internal/vdr/v2/subject", {"subject": "gouwe"})
    assert (status, made["subject"]) == (200, "gouwe")
    did = made["documents"][0]["id"]
    assert await internal(node, "GET", "/internal/vdr/v2/subject") == (200, {"gouwe": [did]})
    assert await internal(node, "GET", "/internal/vdr/v2/subject/gouwe") == (200, [did])
    status, body = await internal(node, "GET", "/internal/vdr/v2/subject/nobody")
    assert (status, body["detail"], body["remedy"]) == (404, "subject not found", "see: hazel subject list")
    for change in ("retire", "compromise"):
        status, body = await internal(node, "POST", f"/internal/keys/v1/gouwe/{change}", {"kid": f"{did}#other"})
        assert (status, body["remedy"]) == (404, "see: hazel key list --subject NAME")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"subject": "gouwe"}, 409),
        ({"subject": "a b"}, 400),
        ({"subject": 7}, 400),
        ({"other": 1}, 200),
        ({"keys": {"encryptionKey": True}}, 400),
        ({"keys": {"assertionKey": False}}, 400),
        ({"keys": {"assertionKey": True}}, 200),
        ({}, 200),
    ],
)
async def test_a_subject_that_can_not_be_made_says_why(node: NodeUnderTest, body: Any, status: int) -> None:
    await node.found("gouwe")
    got, _ = await internal(node, "POST", "/internal/vdr/v2/subject", body)
    assert got == status


async def test_a_did_is_resolved_however_it_is_encoded(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    for text in (quote(did, safe=""), did, did.replace("%3A", ":")):
        status, body = await internal(node, "GET", f"/internal/vdr/v2/did/{text}")
        assert (status, body["document"]["id"]) == (200, did)
        assert body["documentMetadata"]["deactivated"] is False
    for text, expected in [("did:web:nowhere.example", 404), ("x", 400)]:
        status, body = await internal(node, "GET", f"/internal/vdr/v2/did/{text}")
        assert status == expected


async def test_somebody_elses_did_is_resolved_to_the_document_as_published(tmp_path: Path) -> None:
    internet = SimulatedInternet()
    key = a_key("oever")

    async def site(_: Any) -> Any:
        method = {
            "id": key.kid,
            "type": "JsonWebKey2020",
            "controller": a_did("oever"),
            "publicKeyJwk": key.public.to_jwk(),
        }
        return reply(
            {"id": a_did("oever"), "verificationMethod": [method], "assertionMethod": [method["id"]], "x": "zq7"}
        )

    internet.sites["https://oever.example"] = site
    async with a_node(internet, "https://gouwe.example", tmp_path, ManualClock()) as node:
        status, body = await internal(node, "GET", f"/internal/vdr/v2/did/{quote(a_did('oever'), safe='')}")
        assert status == 200
        assert body["document"]["assertionMethod"] == [key.kid]
        assert body["document"]["x"] == "zq7"
        assert body["documentMetadata"] == {
            "created": "0001-01-01T00:00:00Z", "hash": "0" * 64, "txs": None, "deactivated": False,
        }  # fmt: skip
