"""Several replicas on one PostgreSQL issue as one node does; the same on SQLite, where the transactions take turns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import update

from credentials.status.build import LIST_ENTRIES
from credentials.status.lists import StatusList
from node.issuing.errors import AlreadyRevokedError
from node.issuing.issuer import Caller
from node.issuing.request import IssueRequest
from node.issuing.status_lists import IssuedLists
from node.storage.schema import status_lists
from tests.node.vendor.setting import URL_OF_NODE, VendorNode, a_vendor_node
from tests.support.postgres import postgres_database, postgres_server
from tests.support.world import FixedEntropy

WHO = Caller(name="test")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    with postgres_server() as found:
        yield found


@pytest.fixture
async def node(tmp_path: Path, server: str | None) -> AsyncIterator[VendorNode]:
    async with AsyncExitStack() as stack:
        url = None
        if server is not None:
            found = await stack.enter_async_context(postgres_database(server))
            url = found.replace("postgresql://", "postgresql+asyncpg://")
        yield await stack.enter_async_context(a_vendor_node(tmp_path, url=url))


both = pytest.mark.parametrize(
    "server", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True, scope="module"
)


async def a_request(node: VendorNode, name: str) -> IssueRequest:
    did = (await node.subjects.get(name)).dids[0]
    return IssueRequest.of(
        issuer=did, types=("OwnCredential",), subject={"id": did}, contexts=(), expires_at=None, format_="jwt_vc",
        status="StatusList2021",
    )  # fmt: skip


@both
async def test_an_index_is_given_out_once_over_the_end_of_a_page(node: VendorNode) -> None:
    did = await node.found("gouwe")
    other = IssuedLists(node.database, node.subjects, node.clock, FixedEntropy("other"), URL_OF_NODE)
    first = await asyncio.gather(*(lists.allocate(did, "StatusList2021") for lists in (node.lists, other) * 8))
    assert sorted(place.index for place in first) == list(range(16))
    async with node.database.transaction() as connection:
        await connection.execute(update(status_lists).values(next_index=LIST_ENTRIES - 3))
    places = await asyncio.gather(*(lists.allocate(did, "StatusList2021") for lists in (node.lists, other) * 8))
    found = {(place.url, place.index) for place in places}
    assert len(found) == 16
    assert {url.rpartition("/")[2] for url, _ in found} == {"1", "2"}


@both
async def test_one_key_gives_one_credential_however_many_ask_at_once(node: VendorNode) -> None:
    await node.found("gouwe")
    asked = await a_request(node, "gouwe")
    made = await asyncio.gather(*(node.issuer.issue(asked, caller=WHO, request_key="k") for _ in range(6)))
    assert len({one.credential_id for one in made}) == 1
    assert len(await node.issuer.search(asked.issuer)) == 1


@both
async def test_a_credential_is_revoked_once_and_seen_by_every_replica(node: VendorNode) -> None:
    did = await node.found("gouwe")
    one = await node.issuer.issue(await a_request(node, "gouwe"), caller=WHO)
    other = IssuedLists(node.database, node.subjects, node.clock, FixedEntropy("other"), URL_OF_NODE)
    assert not StatusList.parse((await other.published(did, 1)).body.encode()).is_set(0)
    outcomes = await asyncio.gather(
        *(node.issuer.revoke(one.credential_id, caller=WHO) for _ in range(4)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [AlreadyRevokedError] * 3
    for lists in (other, node.lists):
        assert StatusList.parse((await lists.published(did, 1)).body.encode()).is_set(0)


@both
async def test_a_credential_is_renewed_once_however_many_do_it_at_once(node: VendorNode) -> None:
    await node.found("gouwe")
    asked = await a_request(node, "gouwe")
    first = await node.issuer.issue(
        IssueRequest.of(
            issuer=asked.issuer, types=("OwnCredential",), subject={"id": asked.holder}, contexts=(),
            expires_at=node.clock.now().replace(year=2027), format_="jwt_vc", status=None,
        ),
        caller=WHO,
    )  # fmt: skip
    made = await asyncio.gather(*(node.issuer.renew(first.credential_id, caller=WHO) for _ in range(4)))
    assert len({one.credential_id for one in made}) == 1
