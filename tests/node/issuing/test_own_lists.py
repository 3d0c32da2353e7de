"""A node sees its own status lists without reaching itself over the network."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from credentials.status.lists import StatusList
from node.issuing.own_lists import OwnListsFirst
from node.ports import HttpRequest, PeerError
from tests.node.vendor.setting import URL_OF_NODE, VCR, VendorNode, a_vendor_node, organization


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[VendorNode]:
    async with a_vendor_node(tmp_path) as opened:
        yield opened


def get(url: str, method: str = "GET") -> HttpRequest:
    return HttpRequest(method=method, url=url)


async def test_our_own_list_is_answered_here(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await node.call("POST", f"{VCR}/issuer/vc", organization(did, did))
    client = OwnListsFirst(node.internet, node.lists, URL_OF_NODE)
    del node.internet.sites[URL_OF_NODE]
    try:
        answer = await client.send(get(f"{URL_OF_NODE}/statuslist/{did}/1"))
        assert (answer.status, answer.media_type) == (200, "application/json")
        assert StatusList.parse(answer.body).issuer == did
        assert (await client.send(get(f"{URL_OF_NODE}/statuslist/{did}/2"))).status == 404
        node.vault.keys.clear()
        node.clock.jump(90_000)
        assert (await client.send(get(f"{URL_OF_NODE}/statuslist/{did}/1"))).status == 503
        assert node.internet.calls == []
        for other in (
            get("https://other.example/statuslist/x/1"),
            get(f"{URL_OF_NODE}/statuslist/{did}/one"),
            get(f"{URL_OF_NODE}/statuslist/1"),
            get(f"{URL_OF_NODE}/statuslist/{did}/1", "POST"),
        ):
            with pytest.raises(PeerError):
                await client.send(other)
    finally:
        node.internet.sites[URL_OF_NODE] = lambda _: None  # type: ignore[assignment,return-value]  # taken away by the setting
