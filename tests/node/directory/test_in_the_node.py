"""The care services directory in a whole node: the doors, who may use them, and what is refused there."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.node.bad_input.setting import SUBJECT, URL, NodeUnderAttack, a_node_under_attack
from tests.node.bad_input.wire import Answer

INTERNAL = "/internal/directory/v1"


@pytest_asyncio.fixture
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeUnderAttack]:
    async with a_node_under_attack(tmp_path_factory.mktemp("directory")) as opened:
        yield opened


async def _internal(node: NodeUnderAttack, method: str, path: str) -> Answer:
    return await node.send("internal", method, f"{INTERNAL}{path}", node.authorised("internal"))


async def test_a_node_publishes_itself_and_others_read_it(node: NodeUnderAttack) -> None:
    assert (await node.send("public", "GET", "/directory/fhir/Organization")).json()["type"] == "searchset"
    published = await _internal(node, "POST", "/publish")
    assert published.status == 200
    assert {each["elsewhere"] for each in published.json()["entries"]} == {None}
    page = (await node.send("public", "GET", "/directory/fhir/Endpoint")).json()
    addresses = {each["resource"]["address"] for each in page["entry"]}
    assert addresses == {f"{URL}/fhir/{SUBJECT}/r4", f"{URL}/oauth2/{SUBJECT}", f"{URL}/directory/fhir"}
    history = (await node.send("public", "GET", "/directory/fhir/Organization/_history")).json()
    assert history["entry"][0]["resource"]["identifier"][0]["value"] == "00001111"


async def test_without_a_key_nothing_of_it_is_told_and_a_node_that_follows_nothing_says_so(
    node: NodeUnderAttack,
) -> None:
    for method, path in (("GET", "/fhir/Organization"), ("GET", "/status"), ("POST", "/sync"), ("POST", "/publish")):
        assert (await node.send("internal", method, f"{INTERNAL}{path}")).status == 401
    refused = await _internal(node, "GET", "/fhir/Organization")
    assert (refused.status, refused.json()["resourceType"]) == (404, "OperationOutcome")
    assert (await _internal(node, "GET", "/status")).json()["directories"] == []
    assert (await _internal(node, "GET", "/fhir/Organization?colour=red")).status == 400
    places = (await _internal(node, "GET", "/endpoints?ura=90000102&usecase=ha-vvt")).json()
    assert places["endpoints"] == []
    assert (await _internal(node, "GET", "/own/Organization/nobody")).status == 404
