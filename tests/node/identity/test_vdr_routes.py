"""Services, keys and the end of a subject, with nuts-node's bodies and statuses (WIRE §3, recorded exchanges)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from tests.node.oauth.setting import NodeUnderTest, a_node
from tests.support.world import ManualClock, SimulatedInternet

PATH = "/internal/vdr/v2/subject/gouwe"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    async with a_node(SimulatedInternet(), "https://gouwe.example:8443", tmp_path, ManualClock()) as opened:
        yield opened


async def call(node: NodeUnderTest, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with node.internal.request(method, URL(path, encoded=True), json=body) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def document(node: NodeUnderTest, did: str) -> dict[str, Any]:
    async with node.public.get(f"/iam/{did.rpartition(':')[2]}/did.json") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_service_is_added_found_replaced_and_removed(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    fhir = {"type": "fhir", "serviceEndpoint": "https://node-a.test/fhir"}
    stands = {"id": f"{did}#2Xs2hkcLADyGXJunWwfk3AAL398hTtaMzJ65ryZ5euLt", **fhir}
    for _ in range(2):  # a duplicate changes nothing
        assert await call(node, "POST", f"{PATH}/service", {**fhir, "id": "ignored"}) == (200, [stands])
    assert (await document(node, did))["service"] == [stands]
    status, [other] = await call(node, "POST", f"{PATH}/service", {"type": "x", "serviceEndpoint": {"a": ["b"]}})
    assert status == 200
    for query, expected in [
        ("", [stands, other]),
        ("?type=fhir", [stands]),
        ("?type=none", []),
        ("?endpointType=string", [stands]),
        ("?endpointType=object&type=x", [other]),
        ("?endpointType=array", []),
    ]:
        assert await call(node, "GET", f"{PATH}/service{query}") == (200, expected)
    assert (await call(node, "GET", f"{PATH}/service?endpointType=number"))[0] == 400
    # replaced: another id; the client encodes # only, as the manual says, or everything
    name = stands["id"].replace("#", "%23")
    status, [new] = await call(node, "POST", f"{PATH}/service/{name}", {"type": "fhir", "serviceEndpoint": "https://b"})
    assert status == 200
    assert new["id"] != stands["id"]
    assert (await document(node, did))["service"] == [other, new]
    assert await call(node, "DELETE", f"{PATH}/service/{quote(new['id'], safe='')}") == (204, None)
    short = "%23" + other["id"].partition("#")[2]
    for _ in range(2):
        assert await call(node, "DELETE", f"{PATH}/service/{short}") == (204, None)
    assert "service" not in await document(node, did)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "title"),
    [
        ("POST", "/service", {"type": "", "serviceEndpoint": "x"}, 400, "CreateService failed"),
        ("POST", "/service", {"type": "a", "serviceEndpoint": 5}, 400, "CreateService failed"),
        ("POST", "/service", {"type": "a"}, 400, "CreateService failed"),
        ("POST", "/service", {}, 400, "CreateService failed"),
        ("POST", "/service/%23x", {"type": "a"}, 400, "UpdateService failed"),
        ("POST", "/service/x", {"type": "a", "serviceEndpoint": "x"}, 400, "UpdateService failed"),
        ("DELETE", "/service/x%23", None, 400, "DeleteService failed"),
        ("POST", "/verificationmethod", {"encryptionKey": True}, 400, "AddVerificationMethod failed"),
        ("POST", "/verificationmethod", {"assertionKey": False}, 400, "AddVerificationMethod failed"),
    ],
)
async def test_what_can_not_be_done_says_which_operation_failed(
    node: NodeUnderTest, method: str, path: str, body: Any, status: int, title: str
) -> None:
    await node.found("gouwe")
    got, problem = await call(node, method, PATH + path, body)
    assert (got, problem["status"], problem["title"]) == (status, status, title)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/service", None),
        ("POST", "/service", {"type": "a", "serviceEndpoint": "x"}),
        ("POST", "/service/%23x", {"type": "a", "serviceEndpoint": "x"}),
        ("DELETE", "/service/%23x", None),
        ("POST", "/verificationmethod", {"assertionKey": True}),
    ],
)
async def test_nobody_has_no_services_and_no_keys(node: NodeUnderTest, method: str, path: str, body: Any) -> None:
    status, problem = await call(node, method, PATH + path, body)
    assert (status, problem["detail"]) == (404, "subject not found")


async def test_a_name_that_is_taken_is_told_as_nuts_node_tells_it(node: NodeUnderTest) -> None:
    await node.found("gouwe")
    status, problem = await call(node, "POST", "/internal/vdr/v2/subject", {"subject": "gouwe"})
    assert status == 409
    assert {name: problem[name] for name in ("title", "status", "detail")} == {
        "title": "CreateSubject failed",
        "status": 409,
        "detail": "could not store DID documents: subject already exists",
    }


async def test_documents_have_room_for_64_services(node: NodeUnderTest) -> None:
    await node.found("gouwe")
    for number in range(64):
        assert (await call(node, "POST", f"{PATH}/service", {"type": "a", "serviceEndpoint": f"x{number}"}))[0] == 200
    status, problem = await call(node, "POST", f"{PATH}/service", {"type": "a", "serviceEndpoint": "more"})
    assert (status, problem["code"]) == (409, "too_many_services")


@pytest.mark.parametrize("body", [{"assertionKey": True}, {}, None])
async def test_a_rotation_gives_a_new_key_that_comes_first_and_the_old_one_stays(
    node: NodeUnderTest, body: Any
) -> None:
    did = await node.found("gouwe")
    [old] = (await document(node, did))["assertionMethod"]
    status, [method] = await call(node, "POST", f"{PATH}/verificationmethod", body)
    assert status == 200
    assert method.keys() == {"id", "type", "controller", "publicKeyJwk"}
    assert (method["type"], method["controller"]) == ("JsonWebKey2020", did)
    shown = await document(node, did)
    for relationship in ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation"):
        assert shown[relationship] == [method["id"], old]
    assert shown["verificationMethod"][0] == method
    _, key = await node.subjects.signer("gouwe")
    assert key.kid == method["id"]


async def test_a_deactivated_subject_is_gone_and_its_name_stays_taken(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    await call(node, "POST", f"{PATH}/service", {"type": "a", "serviceEndpoint": "x"})
    assert await call(node, "DELETE", PATH) == (204, None)
    async with node.public.get(f"/iam/{did.rpartition(':')[2]}/did.json") as answer:
        assert answer.status == 404
    status, problem = await call(node, "GET", f"/internal/vdr/v2/did/{quote(did, safe='')}")
    assert (status, problem["title"]) == (409, "ResolveDID failed")
    assert problem["detail"] == "the DID document has been deactivated"
    assert await call(node, "GET", "/internal/vdr/v2/subject") == (200, {})
    assert await call(node, "GET", PATH) == (200, [did])
    assert (await call(node, "POST", f"{PATH}/verificationmethod", {}))[0] == 404
    assert await call(node, "DELETE", PATH) == (204, None)
    assert (await call(node, "POST", "/internal/vdr/v2/subject", {"subject": "gouwe"}))[0] == 409


async def test_our_own_document_says_since_when_it_is_and_when_it_changed(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    node.clock.jump(60)
    await call(node, "POST", f"{PATH}/verificationmethod", {"assertionKey": True})
    _, resolved = await call(node, "GET", f"/internal/vdr/v2/did/{quote(did, safe='')}")
    assert resolved["documentMetadata"] == {
        "created": "2026-11-22T12:00:00Z",
        "updated": "2026-11-22T12:01:00Z",
        "hash": "0" * 64,
        "txs": None,
        "deactivated": False,
    }


async def test_an_empty_body_makes_a_subject_with_a_name_of_ours(node: NodeUnderTest) -> None:
    async with node.internal.post("/internal/vdr/v2/subject") as answer:
        assert answer.status == 200
        assert len((await answer.json())["subject"]) == 36


async def test_the_operator_sees_and_changes_keys(node: NodeUnderTest) -> None:
    did = await node.found("gouwe")
    keys = "/internal/keys/v1/gouwe"
    status, [old] = await call(node, "GET", keys)
    assert (status, old) == (
        200,
        {
            "kid": old["kid"],
            "did": did,
            "state": "signs",
            "created_at": "2026-11-22T12:00:00Z",
            "removed_at": None,
        },
    )
    status, problem = await call(node, "POST", f"{keys}/retire", {"kid": old["kid"]})
    assert (status, problem["code"]) == (409, "signing_key")
    _, made = await call(node, "POST", f"{keys}/rotate")
    [new] = made["made"]
    assert await call(node, "POST", f"{keys}/retire", {"kid": old["kid"]}) == (204, None)
    status, signs = await call(node, "POST", f"{keys}/compromise", {"kid": new})
    assert status == 200
    _, shown = await call(node, "GET", keys)
    assert {key["kid"]: key["state"] for key in shown} == {
        signs["signs"]: "signs", new: "compromised", old["kid"]: "retired",
    }  # fmt: skip
    assert (await document(node, did))["assertionMethod"] == [signs["signs"]]
    assert (await call(node, "GET", "/internal/keys/v1/nobody"))[0] == 404
    status, problem = await call(node, "POST", f"{keys}/compromise", {"kid": old["kid"]})
    assert (status, problem["code"]) == (404, "unknown_key")
