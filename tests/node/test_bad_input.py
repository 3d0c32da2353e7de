"""x"""
import pytest, pytest_asyncio
from tests.node.bad_input.setting import a_node_under_attack
from tests.node.bad_input.doors import DOORS
pytestmark = pytest.mark.asyncio(loop_scope="module")

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory):
    async with a_node_under_attack(tmp_path_factory.mktemp("attack")) as n:
        yield n

async def test_all(node):
    for door in DOORS:
        m = "GET" if door.method == "*" else door.method
        target = door.path(node)
        if door.parameters:
            from urllib.parse import urlencode
            target += "?" + urlencode(door.parameters)
        h = list(node.authorised(door.listener)) if door.listener=="internal" or door.guarded else []
        b = door.body(node)
        if b is not None: h.append(("Content-Type", door.content_type))
        a = await node.send(door.listener, m, target, h, b)
        if a.status != door.answers: print(door.name, target, a.status, a.body[:300])
    print(node.log.getvalue())
    assert 0
