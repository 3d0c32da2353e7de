"""Revocation lists as the node keeps them: whom it asks, how often, and what it does when nobody answers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from credentials.errors import RevokedError, UnavailableError
from credentials.unavailable import Unavailable
from credentials.x509.revocation import RevocationList, check_revocation
from node.pki import revocation_lists
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation_lists import FRESH_SECONDS, RETRY_SECONDS, ROUND_SECONDS, RevocationLists
from node.ports import HttpRequest, HttpResponse
from tests.support.keys import ec_private_key
from tests.support.pki import PublishingCa
from tests.support.world import ManualClock, SimulatedInternet, reply

HOUR = timedelta(hours=1)


class Setting:
    """A CA that the node knows, and the node's lists."""

    def __init__(self) -> None:
        self.internet = SimulatedInternet()
        self.clock = ManualClock()
        self.ca = PublishingCa(self.internet, self.clock)
        self.lists = self.knowing(self.ca.fingerprint)

    def knowing(self, *fingerprints: str) -> RevocationLists:
        return RevocationLists(self.internet, self.clock, KnownAuthorities(fingerprints), signatures=set())

    async def check(self, serial: int = 1) -> None:
        chain = self.ca.chain(serial)
        check_revocation(chain, await self.lists.for_chain(chain), None, self.clock.now())

    async def found(self) -> RevocationList | Unavailable:
        return (await self.lists.for_chain(self.ca.chain()))[self.ca.url]

    @property
    def asked(self) -> int:
        return len(self.internet.calls)


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_a_list_is_fetched_once_and_kept(setting: Setting) -> None:
    setting.ca.revoked = {2}
    await setting.check(1)
    with pytest.raises(RevokedError):
        await setting.check(2)
    await setting.check(3)
    assert setting.asked == 1
    call = setting.internet.calls[0]
    assert (call.method, call.url, call.plain_http) == ("GET", setting.ca.url, True)
    assert call.max_bytes == 16_777_216
    assert call.timeout == 10.0


async def test_who_asks_at_the_same_time_shares_one_fetch(setting: Setting) -> None:
    gate = setting.internet.gates[setting.ca.origin] = asyncio.Event()
    waiting = [asyncio.ensure_future(setting.check(serial)) for serial in range(1, 30)]
    for _ in range(5):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting)
    assert setting.asked == 1


async def test_a_certificate_that_names_no_list_makes_nobody_ask(setting: Setting) -> None:
    assert await setting.lists.for_chain(setting.ca.chain(urls=())) == {}
    assert setting.asked == 0


async def test_a_stranger_can_not_make_the_node_call_an_address(setting: Setting) -> None:
    """A root is made in a second, and its certificates name any address."""
    stranger = PublishingCa(setting.internet, setting.clock, "stranger")
    chain = stranger.chain(urls=["http://169.254.169.254/latest", stranger.url])
    found = await setting.lists.for_chain(chain)
    assert {type(each) for each in found.values()} == {Unavailable}
    forged = setting.ca.chain(urls=["http://inside.example/"], key=ec_private_key("stranger"))
    assert {type(each) for each in (await setting.lists.for_chain(forged)).values()} == {Unavailable}
    assert setting.asked == 0
    assert setting.lists.states() == ()
    with pytest.raises(UnavailableError):
        check_revocation(chain, found, None, setting.clock.now())


async def test_a_chain_that_has_expired_makes_nobody_ask(setting: Setting) -> None:
    setting.clock.jump(timedelta(days=3650))
    assert isinstance(await setting.found(), Unavailable)
    assert setting.asked == 0


async def test_a_list_is_asked_for_again_after_an_hour(setting: Setting) -> None:
    await setting.check()
    setting.ca.revoked = {1}
    setting.clock.jump(FRESH_SECONDS - 1)
    await setting.check()
    assert setting.asked == 1
    setting.clock.jump(1)
    with pytest.raises(RevokedError):
        await setting.check()
    assert setting.asked == 2


@pytest.mark.parametrize(
    ("said", "seconds"), [("max-age=60", 60), ("max-age=999999", 3600), ("no-store", 5), ("max-age=0", 5)]
)
async def test_a_publisher_may_want_to_be_asked_sooner_but_not_all_the_time(
    setting: Setting, said: str, seconds: int
) -> None:
    setting.ca.headers = {"cache_control": said}
    await setting.check()
    setting.clock.jump(seconds - 1)
    await setting.check()
    assert setting.asked == 1
    setting.clock.jump(1)
    await setting.check()
    assert setting.asked == 2


async def test_lists_are_asked_for_ahead_of_time_so_that_nobody_waits(setting: Setting) -> None:
    await setting.check()
    running = asyncio.ensure_future(setting.lists.run())
    await asyncio.sleep(0)
    setting.ca.revoked = {1}
    await setting.clock.advance(FRESH_SECONDS - ROUND_SECONDS)
    assert setting.asked == 2
    gate = setting.internet.gates[setting.ca.origin] = asyncio.Event()
    with pytest.raises(RevokedError):
        await setting.check()
    assert not gate.is_set()
    running.cancel()


async def test_a_ca_that_is_away_is_not_waited_for_while_its_list_counts(setting: Setting) -> None:
    await setting.check()
    setting.internet.broken[setting.ca.origin] = "unreachable"
    setting.clock.jump(HOUR)
    await setting.check()  # this one finds out
    for _ in range(5):
        setting.clock.jump(HOUR)
        await setting.check()
    assert setting.asked == 2


async def test_a_ca_that_is_away_is_asked_again_in_the_background(setting: Setting) -> None:
    await setting.check()
    setting.internet.broken[setting.ca.origin] = "timeout"
    running = asyncio.ensure_future(setting.lists.run())
    await asyncio.sleep(0)
    await setting.clock.advance(FRESH_SECONDS)
    before = setting.asked
    assert before >= 2
    await setting.clock.advance(2 * RETRY_SECONDS)
    assert before < setting.asked <= before + 3
    (state,) = setting.lists.states()
    assert state.failure == "http://crl.ca.example: timeout"
    del setting.internet.broken[setting.ca.origin]
    await setting.clock.advance(2 * RETRY_SECONDS)
    assert setting.lists.states()[0].failure is None
    running.cancel()


async def test_when_the_next_list_is_due_and_can_not_be_had_it_fails_hard(setting: Setting) -> None:
    setting.ca.revoked = {2}
    setting.ca.lifetime = 2 * HOUR
    await setting.check()
    setting.internet.broken[setting.ca.origin] = "unreachable"
    setting.clock.jump(2 * HOUR - timedelta(seconds=1))
    await setting.check()
    setting.clock.jump(1)
    with pytest.raises(UnavailableError):
        await setting.check()
    with pytest.raises(RevokedError):
        await setting.check(2)
    del setting.internet.broken[setting.ca.origin]
    setting.clock.jump(timedelta(seconds=5))
    await setting.check()


async def test_a_ca_that_was_never_reached_fails_hard_and_is_not_asked_for_every_request(setting: Setting) -> None:
    setting.internet.broken[setting.ca.origin] = "unreachable"
    for _ in range(10):
        with pytest.raises(UnavailableError):
            await setting.check()
    assert setting.asked == 1
    del setting.internet.broken[setting.ca.origin]
    setting.clock.jump(5)
    await setting.check()


async def test_an_older_list_never_replaces_a_newer_one(setting: Setting) -> None:
    """Over plain http anybody can play back what the CA signed before it revoked somebody."""
    old = setting.ca.made_at(setting.clock.now() - HOUR, due=timedelta(days=30))
    setting.ca.revoked = {1}
    with pytest.raises(RevokedError):
        await setting.check()
    setting.ca.list = old
    setting.clock.jump(HOUR)
    with pytest.raises(RevokedError):
        await setting.check()
    assert setting.asked == 2
    assert setting.lists.states()[0].failure == "the list is older than the one before"


@pytest.mark.parametrize("answer", [b"", b"<html>", None])
async def test_what_is_no_list_of_the_ca_is_no_list(setting: Setting, answer: bytes | None) -> None:
    other = PublishingCa(SimulatedInternet(), setting.clock, "other")
    setting.ca.list = other.made_at(setting.clock.now()) if answer is None else answer
    found = await setting.found()
    assert isinstance(found, Unavailable)
    assert "html" not in found.reason


def status(code: int, **headers: str) -> Callable[[HttpRequest], HttpResponse]:
    return lambda _request: reply(b"", status=code, **headers)


@pytest.mark.parametrize("code", [204, 304, 400, 404, 500])
async def test_another_status_is_no_list(setting: Setting, code: int) -> None:
    async def site(_request: HttpRequest) -> HttpResponse:
        return reply(b"", status=code)

    setting.internet.sites[setting.ca.origin] = site
    assert await setting.found() == Unavailable(f"the answer has status {code}")


async def test_a_list_that_did_not_change_is_not_sent_again(setting: Setting) -> None:
    setting.ca.headers = {"etag": '"one"'}
    await setting.check()
    original = setting.internet.sites[setting.ca.origin]

    async def unchanged(request: HttpRequest) -> HttpResponse:
        assert request.headers["If-None-Match"] == '"one"'
        return reply(b"", status=304)

    setting.internet.sites[setting.ca.origin] = unchanged
    setting.clock.jump(HOUR)
    await setting.check()
    assert setting.asked == 2
    setting.internet.sites[setting.ca.origin] = original
    setting.ca.headers = {"etag": "x" * 300}
    setting.clock.jump(HOUR)
    await setting.check()
    setting.clock.jump(HOUR)
    await setting.check()
    assert "If-None-Match" not in setting.internet.calls[-1].headers


async def moved_to(setting: Setting, location: str, times: int = 1) -> RevocationList | Unavailable:
    """The list after a number of redirects."""
    original = setting.internet.sites[setting.ca.origin]
    left = times

    async def site(request: HttpRequest) -> HttpResponse:
        nonlocal left
        left -= 1
        return reply(b"", status=302, location=location) if left >= 0 else await original(request)

    setting.internet.sites[setting.ca.origin] = site
    return await setting.found()


async def test_a_list_that_was_moved_is_followed_through_the_same_client(setting: Setting) -> None:
    assert isinstance(await moved_to(setting, "/elsewhere.crl", 3), RevocationList)
    assert [call.url for call in setting.internet.calls[1:]] == ["http://crl.ca.example/elsewhere.crl"] * 3
    assert all(call.plain_http for call in setting.internet.calls)


@pytest.mark.parametrize(("location", "times"), [("/again", 4), ("http://[broken", 1), ("/" + "x" * 600, 1)])
async def test_a_list_that_is_moved_without_end_is_given_up(setting: Setting, location: str, times: int) -> None:
    assert await moved_to(setting, location, times) == Unavailable("the list was moved too often")


async def test_a_redirect_without_a_place_is_an_answer(setting: Setting) -> None:
    async def site(_request: HttpRequest) -> HttpResponse:
        return reply(b"", status=302)

    setting.internet.sites[setting.ca.origin] = site
    assert await setting.found() == Unavailable("the answer has status 302")


async def test_a_long_list_is_read_beside_the_event_loop(setting: Setting) -> None:
    setting.ca.revoked = set(range(10**20, 10**20 + 3_000))
    await setting.check()
    with pytest.raises(RevokedError):
        await setting.check(10**20 + 7)


async def test_memory_is_bounded_in_number_and_size(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    cas = [PublishingCa(setting.internet, setting.clock, f"ca-{number}") for number in range(6)]
    lists = setting.knowing(*(ca.fingerprint for ca in cas))
    monkeypatch.setattr(revocation_lists, "MAX_LISTS", 3)
    for ca in cas:
        assert isinstance((await lists.for_chain(ca.chain()))[ca.url], RevocationList)
    assert [state.url for state in lists.states()] == sorted(ca.url for ca in cas[3:])
    monkeypatch.setattr(revocation_lists, "MAX_KEPT_BYTES", 1)
    assert isinstance((await lists.for_chain(cas[0].chain()))[cas[0].url], RevocationList)
    assert [state.url for state in lists.states()] == [cas[0].url]


async def test_what_is_pushed_out_while_it_is_fetched_is_said_to_be(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_lists, "MAX_LISTS", 1)
    ca = setting.ca
    second = f"{ca.origin}/second.crl"
    found = await setting.lists.for_chain(ca.chain(urls=[ca.url, second]))
    assert sorted(type(each).__name__ for each in found.values()) == ["RevocationList", "Unavailable"]


async def test_two_cas_never_share_a_list(setting: Setting) -> None:
    """Somebody with a CA of his own names the address of another one's list, first."""
    other = PublishingCa(setting.internet, setting.clock, "other")
    lists = setting.knowing(setting.ca.fingerprint, other.fingerprint)
    borrowed = other.chain(urls=[setting.ca.url])
    assert isinstance((await lists.for_chain(borrowed))[setting.ca.url], Unavailable)
    assert isinstance((await lists.for_chain(setting.ca.chain()))[setting.ca.url], RevocationList)
