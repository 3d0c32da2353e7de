"""What the operator is told about revocation lists and the deny list."""

from datetime import timedelta

from node.pki.checks import check_deny_list, check_revocation_lists
from node.pki.deny_list import DenyListKeeper
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation_lists import RevocationLists
from node.ports import HttpRequest, HttpResponse
from tests.support.pki import PublishingCa
from tests.support.revocation import DENIER, a_deny_list
from tests.support.world import ManualClock, SimulatedInternet, reply


async def test_lists_that_are_missing_or_old_are_told_with_what_to_do() -> None:
    internet, clock = SimulatedInternet(), ManualClock()
    ca = PublishingCa(internet, clock)
    lists = RevocationLists(internet, clock, KnownAuthorities([ca.fingerprint]))
    check = check_revocation_lists(lists, clock)
    assert (await check()).detail == "0 revocation lists, all current"
    internet.broken[ca.origin] = "unreachable"
    await lists.for_chain(ca.chain())
    missing = await check()
    assert missing.state == "degraded"
    assert "refused" in missing.detail
    assert ca.url in missing.detail
    assert missing.remedy is not None
    del internet.broken[ca.origin]
    clock.jump(5)
    await lists.for_chain(ca.chain())
    assert (await check()).state == "ok"
    internet.broken[ca.origin] = "timeout"
    clock.jump(3600)
    await lists.for_chain(ca.chain())
    away = await check()
    assert away.state == "degraded"
    assert "counts until 2026-11-23 12:00 UTC" in away.detail
    clock.jump(timedelta(days=1))
    assert "no current revocation list" in (await check()).detail


async def test_a_deny_list_that_is_missing_or_old_is_told_with_what_to_do() -> None:
    internet, clock = SimulatedInternet(), ManualClock()

    async def site(_request: HttpRequest) -> HttpResponse:
        return reply(a_deny_list([]))

    keeper = DenyListKeeper(internet, clock, url="https://deny.example/list", signer=DENIER.public)
    check = check_deny_list(keeper)
    missing = await check()
    assert missing.state == "degraded"
    assert "https://deny.example: unreachable" in missing.detail
    assert missing.remedy is not None
    internet.sites["https://deny.example"] = site
    clock.jump(5)
    assert (await check()).detail == "the deny list is 0 min old"
    del internet.sites["https://deny.example"]
    clock.jump(3 * 3600)
    await keeper.refresh()
    old = await check()
    assert old.state == "degraded"
    assert "3 h old" in old.detail
    assert "21 h more" in old.detail
    clock.jump(21 * 3600)
    assert "no deny list" in (await check()).detail
