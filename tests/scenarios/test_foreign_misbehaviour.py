"""Foreign servers that are slow, wrong or hostile: Hazel says one clean thing about each, in time, and repeats nothing of theirs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from examples.region.organisations import GOUWE, HOFSTEDE
from tests.interop.agreements import AT_NUTS, ONE
from tests.interop.vendor import Reply
from tests.scenarios.marks import OPPOSITE
from tests.scenarios.opposite import Opposite
from tests.scenarios.waiting import eventually
from tests.support.foreign_node.dialect import MASTER, RELEASE
from tests.support.foreign_node.issuing import registration
from tests.support.foreign_node.misbehaving import ANYWHERE, LATE, MARK, METADATA, TOKEN
from tests.support.foreign_node.node import ForeignNode

pytestmark = OPPOSITE

LIMIT_SECONDS = 14.0
"""A peer may take ten; what is left is for a busy machine."""

WAITING = {"silent", "trickle"}
AT_ONCE = 4
CASES = (
    *((place, how) for place in ("metadata", "definition", "token") for how in ANYWHERE),
    *(("metadata", how) for how in METADATA),
    *(("token", how) for how in TOKEN),
)
ABOUT_US = {"metadata": {400, 412, 500, 502, 504}, "definition": {502, 504}, "token": {400, 500, 502, 504}}
"""Statuses that a nuts-node gives its vendor in these places too (WIRE §2.5.1), and 504."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How one case ended."""

    reply: Reply
    seconds: float


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asked(opposite: Opposite) -> AsyncIterator[Mapping[tuple[str, str], Asked]]:
    """Every case, each at a server of its own; those that let us wait all at once, since each takes ten seconds."""
    node = opposite.foreign[MASTER.name]
    loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    found: dict[tuple[str, str], Asked] = {}

    async def ask(place: str, how: str) -> None:
        tenant = node.found(f"{place}-{how}")
        node.misbehave(place, how, tenant.subject)
        began = loop.time()
        reply = await opposite.vendor.request_token(GOUWE.key, tenant.issuer, ONE, token_type="DPoP")
        found[place, how] = Asked(reply=reply, seconds=loop.time() - began)

    async def in_turn(place: str, how: str) -> None:
        async with turns:
            await ask(place, how)

    await asyncio.gather(*(in_turn(*case) for case in CASES if case[1] not in WAITING))
    await asyncio.gather(*(ask(*case) for case in CASES if case[1] in WAITING))
    yield found
    node.behave()


@pytest.mark.parametrize(("place", "how"), CASES)
async def test_a_server_that_misbehaves_is_one_clean_error_in_time(
    opposite: Opposite, asked: Mapping[tuple[str, str], Asked], place: str, how: str
) -> None:
    case = asked[place, how]
    assert case.reply.status in ABOUT_US[place], case
    assert set(case.reply.body) >= {"title", "status", "detail"}
    assert MARK not in str(case.reply.body)
    assert case.seconds < LIMIT_SECONDS
    if how not in WAITING:
        assert case.seconds < LIMIT_SECONDS / 2


async def test_what_they_said_is_nowhere_and_nobody_followed_them(
    opposite: Opposite, asked: Mapping[tuple[str, str], Asked]
) -> None:
    assert len(asked) == len(CASES)
    assert opposite.foreign[MASTER.name].caught == []
    assert MARK not in opposite.log.read_text(encoding="utf-8")
    assert "Traceback" not in opposite.log.read_text(encoding="utf-8")


async def test_after_all_of_it_the_node_is_well(opposite: Opposite, asked: Mapping[tuple[str, str], Asked]) -> None:
    server = opposite.foreign[MASTER.name].servers[HOFSTEDE.key]
    reply = await opposite.vendor.request_token(GOUWE.key, server.tenant.issuer, ONE, token_type="DPoP")
    assert reply.status == 200, reply.words


@pytest.mark.parametrize("place", ["metadata", "definition", "token"])
async def test_a_slow_server_is_waited_for(opposite: Opposite, place: str) -> None:
    [how] = LATE
    node = opposite.foreign[MASTER.name]
    tenant = node.found(f"{place}-{how}")
    node.misbehave(place, how, tenant.subject)
    reply = await opposite.vendor.request_token(GOUWE.key, tenant.issuer, ONE)
    assert reply.status == 200, reply.words


def every_way() -> list[str]:
    return [how for how in ANYWHERE if how not in WAITING]


@pytest.mark.parametrize(
    ("place", "how"),
    [
        (place, how)
        for place in ("did", "status")
        for how in every_way()
        if (place, how) != ("status", "wrong_type")  # a list is signed, whatever it is called on the way
    ],
)
async def test_a_client_whose_papers_can_not_be_had_gets_no_token(opposite: Opposite, place: str, how: str) -> None:
    """Its DID document, or the status list of what it shows, is whatever a hostile server makes of it."""
    node, tenant = opposite.newcomer(RELEASE)
    whose = tenant.subject if place == "did" else _issuer(node, tenant.wallet[1]["issuer"])
    node.misbehave(place, how, whose)
    answer = await node.asker(tenant.subject).ask(opposite.server, ONE)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert MARK not in str(answer.body)
    assert node.caught == []
    del node.wrong[place, whose]


async def test_a_host_that_misbehaves_takes_nobody_off_our_list(opposite: Opposite) -> None:
    node = opposite.foreign[RELEASE.name]
    asker, host = node.asker(HOFSTEDE.key), node.hosts[AT_NUTS]
    url = f"{node.base}/discovery/{AT_NUTS}"
    stated = registration(asker.tenant.did, asker.now(), authServerURL=asker.tenant.issuer)
    assert (await asker.register(AT_NUTS, url, [asker.tenant.certified, stated])).status == 201

    async def is_found() -> bool:
        return any(each["credential_subject_id"] == asker.tenant.did for each in await opposite.vendor.search(AT_NUTS))

    await eventually(is_found, seconds=10)
    for how in every_way():
        node.misbehave("discovery", how)
        before = node.asked["discovery"]

        async def is_asked(before: int = before) -> bool:
            return node.asked["discovery"] > before

        await eventually(is_asked, seconds=20)
        assert await is_found(), how
    del node.wrong["discovery", ""]
    assert node.caught == []
    assert asker.tenant.did in host.holders()
    assert MARK not in opposite.log.read_text(encoding="utf-8")


def _issuer(node: ForeignNode, did: str) -> str:
    return next(subject for subject, tenant in node.tenants.items() if tenant.did == did)
