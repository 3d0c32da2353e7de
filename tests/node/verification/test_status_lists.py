"""Status lists of issuers: how old they get, who is asked when, and what happens when nobody answers."""

import asyncio
import contextlib
import gzip
import logging
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from credentials.encoding import b64url_encode
from credentials.errors import CredentialError, NotCurrentError, RevokedError, UnavailableError
from credentials.status.check import STATUS_GRACE
from credentials.status.lists import VerifiedStatusList
from credentials.unavailable import Unavailable
from credentials.vc.credential import SignedCredential
from node.verification import status_lists
from node.verification.off_loop import MAX_WAITING, OverloadedError
from node.verification.status_lists import (
    FRESH_SECONDS,
    IN_USE_SECONDS,
    MAX_LISTS,
    MIN_FRESH_SECONDS,
    RETRY_SECONDS,
    ROUND_SECONDS,
)
from tests.node.verification.setting import ORIGIN, Setting
from tests.support.keys import a_key
from tests.support.status_lists import LIST_URL, a_credential_with_status
from tests.support.world import reply

CREDENTIAL = SignedCredential.parse(a_credential_with_status(index=7))


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    made.verifier.close()


async def fetched(setting: Setting) -> VerifiedStatusList | Unavailable:
    return (await setting.verifier.status_lists.get([LIST_URL]))[LIST_URL]


async def refusal(setting: Setting) -> CredentialError | None:
    try:
        await setting.verifier.verify_credential(CREDENTIAL)
    except CredentialError as error:
        return error
    return None


@pytest.mark.parametrize("as_jwt", [True, False])
async def test_a_revocation_counts_within_a_minute_of_its_publication(setting: Setting, as_jwt: bool) -> None:
    setting.publisher.as_jwt = as_jwt
    assert await refusal(setting) is None
    setting.publisher.revoked.add(7)
    setting.clock.jump(60)
    assert isinstance(await refusal(setting), RevokedError)


async def test_a_list_is_asked_for_once_while_it_is_fresh(setting: Setting) -> None:
    assert FRESH_SECONDS + status_lists.TIMEOUT < 60
    for _ in range(3):
        assert await refusal(setting) is None
        setting.clock.jump(FRESH_SECONDS / 4)
    assert len(setting.publisher.calls) == 1
    setting.clock.jump(FRESH_SECONDS / 4)
    assert await refusal(setting) is None
    assert len(setting.publisher.calls) == 2


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [("max-age=30", 30), ("max-age=1", MIN_FRESH_SECONDS), ("no-store", MIN_FRESH_SECONDS), ("max-age=86400", 45)],
)
async def test_a_publisher_may_want_to_be_asked_more_often_but_not_less(
    setting: Setting, cache_control: str, seconds: float
) -> None:
    setting.publisher.headers = {"cache_control": cache_control}
    for wait, calls in ((0, 1), (seconds - 1, 1), (1, 2)):
        setting.clock.jump(wait)
        await fetched(setting)
        assert len(setting.publisher.calls) == calls


async def test_a_publisher_that_says_nothing_of_age_is_asked_within_a_minute(setting: Setting) -> None:
    setting.publisher.headers = {}
    await fetched(setting)
    setting.clock.jump(FRESH_SECONDS - 1)
    await fetched(setting)
    assert len(setting.publisher.calls) == 1


async def test_a_time_to_live_in_the_list_counts_too(setting: Setting) -> None:
    setting.publisher.options = {"kind": "BitstringStatusList", "ttl": timedelta(seconds=20)}
    await fetched(setting)
    setting.clock.jump(20)
    await fetched(setting)
    assert len(setting.publisher.calls) == 2


async def test_many_who_need_a_list_at_once_share_one_fetch(setting: Setting) -> None:
    await asyncio.gather(*(refusal(setting) for _ in range(50)))
    assert len(setting.publisher.calls) == 1


async def test_a_list_that_did_not_change_is_not_sent_again_and_verified_again(setting: Setting) -> None:
    setting.publisher.tagged = True
    first = await fetched(setting)
    setting.clock.jump(FRESH_SECONDS)
    second = await fetched(setting)
    assert setting.publisher.calls == ["", '"[]"']
    assert isinstance(first, VerifiedStatusList)
    assert isinstance(second, VerifiedStatusList)
    assert second.list is first.list
    assert second.as_of - first.as_of == timedelta(seconds=FRESH_SECONDS)
    # its key was withdrawn since
    setting.parties.names.discard("ministry")
    setting.clock.jump(STATUS_GRACE + timedelta(seconds=1))
    assert isinstance(await refusal(setting), UnavailableError)


async def test_a_304_that_nobody_asked_for_is_no_list(setting: Setting) -> None:
    setting.publisher.answer = reply(b"", status=304)
    assert isinstance(await fetched(setting), Unavailable)


async def test_an_unusable_entity_tag_is_not_sent_back(setting: Setting) -> None:
    setting.publisher.headers = {"etag": "x" * 300}
    await fetched(setting)
    setting.clock.jump(FRESH_SECONDS)
    await fetched(setting)
    assert setting.publisher.calls == ["", ""]


async def test_without_a_list_there_is_no_grace(setting: Setting) -> None:
    setting.internet.broken[ORIGIN] = "unreachable"
    assert isinstance(await refusal(setting), UnavailableError)


async def test_a_publisher_that_is_away_is_bridged_for_the_grace_and_no_longer(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    assert await refusal(setting) is None
    setting.internet.broken[ORIGIN] = "timeout"
    with caplog.at_level(logging.INFO):
        for _ in range(14):
            setting.clock.jump(60)
            assert await refusal(setting) is None
        [(since, reason)] = setting.verifier.status_lists.overdue().values()
        assert since == setting.clock.now() - timedelta(minutes=14)
        assert "timeout" in reason
        setting.clock.jump(60)
        assert await refusal(setting) is None, "to the last second"
        setting.clock.jump(1)
        assert isinstance(await refusal(setting), UnavailableError)
        del setting.internet.broken[ORIGIN]
        setting.clock.jump(RETRY_SECONDS)
        assert await refusal(setting) is None
    assert setting.verifier.status_lists.overdue() == {}
    assert [each.message for each in caplog.records if "status list" in each.message] == [
        "status list can not be had",
        "status list is back",
    ]


async def test_nobody_waits_for_a_publisher_that_failed_a_moment_ago(setting: Setting) -> None:
    await fetched(setting)
    setting.internet.broken[ORIGIN] = "timeout"
    setting.clock.jump(FRESH_SECONDS)
    before = setting.internet.called("/statuslist/1")
    for _ in range(10):
        await fetched(setting)
    assert setting.internet.called("/statuslist/1") == before + 1
    setting.clock.jump(RETRY_SECONDS)
    await fetched(setting)
    assert setting.internet.called("/statuslist/1") == before + 2


BOMB = b64url_encode(gzip.compress(bytes(50_000_000)))


@pytest.mark.parametrize(
    "bend",
    [
        {"issuer": "linde"},
        {"options": {"purpose": "suspension"}},
        {"options": {"kind": "BitstringStatusList"}},
        {"options": {"url": "https://ministry.example/statuslist/2"}},
        {"options": {"lifetime": timedelta(seconds=-60)}},
        {"changes": {"type": ["VerifiableCredential"]}},
        {"changes": {"credentialStatus": {"id": "x", "type": "StatusList2021Entry"}}},
        {
            "changes": {
                "credentialSubject": {
                    "id": LIST_URL,
                    "type": "StatusList2021",
                    "statusPurpose": "revocation",
                    "encodedList": BOMB,
                }
            }
        },
        {"answer": reply({"@context": [], "type": "VerifiableCredential"})},
        {"answer": reply(b"<html>", content_type="text/html")},
        {"answer": reply({}, status=500)},
        {"answer": reply(b"", status=302, location="https://elsewhere.example")},
        {"answer": reply(b"x" * 600_000)},
    ],
    ids=[
        "another issuer",
        "wrong purpose",
        "wrong type",
        "another list",
        "expired",
        "no list",
        "a status of its own",
        "a bomb",
        "something else",
        "a page",
        "an error",
        "a redirect",
        "too long",
    ],
)
@pytest.mark.parametrize("was_good", [False, True])
async def test_a_list_that_is_wrong_lets_nothing_stand(setting: Setting, bend: dict[str, Any], was_good: bool) -> None:
    if was_good:
        assert await refusal(setting) is None
    for name, value in bend.items():
        setattr(setting.publisher, name, value)
    setting.clock.jump(STATUS_GRACE + timedelta(seconds=1))
    assert await refusal(setting) is not None


async def test_what_a_publisher_says_now_ends_what_it_said_before(setting: Setting) -> None:
    """No grace for a publisher that answers: with a list that is not one, nothing of it counts any more."""
    assert await refusal(setting) is None
    setting.publisher.options = {"lifetime": timedelta(seconds=-60)}
    setting.clock.jump(60)
    assert isinstance(await refusal(setting), NotCurrentError | UnavailableError)


async def test_a_list_that_its_issuer_did_not_sign_is_not_believed(setting: Setting) -> None:
    setting.publisher.issuer = "linde"
    setting.publisher.changes = {"issuer": a_key("ministry").kid.partition("#")[0]}
    assert isinstance(await refusal(setting), UnavailableError)


async def test_lists_in_use_are_asked_for_before_they_grow_old(setting: Setting) -> None:
    async def rounds(count: int) -> None:
        for _ in range(count):
            await setting.clock.advance(ROUND_SECONDS)
            for _ in range(20):
                await asyncio.sleep(0)

    await fetched(setting)
    calls = 0
    task = asyncio.create_task(setting.verifier.status_lists.run())
    await asyncio.sleep(0)
    for _ in range(30):
        await rounds(1)
        calls = len(setting.publisher.calls)
        await fetched(setting)
        assert len(setting.publisher.calls) == calls, "a request had to wait"
    assert 5 <= calls <= 16
    await rounds(int(IN_USE_SECONDS / ROUND_SECONDS))
    unused = len(setting.publisher.calls)
    assert unused > calls
    await rounds(20)
    assert len(setting.publisher.calls) == unused, "asked for although nobody needs it"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_who_names_many_addresses_pushes_out_nobodys_list(setting: Setting) -> None:
    await fetched(setting)
    urls = [f"{ORIGIN}/{number}" for number in range(MAX_LISTS + 10)]
    found = await setting.verifier.status_lists.get(urls)
    assert all(isinstance(each, Unavailable) for each in found.values())
    assert len(setting.verifier.status_lists._kept) <= MAX_LISTS
    setting.internet.broken[ORIGIN] = "unreachable"
    setting.clock.jump(600)
    assert isinstance(await fetched(setting), VerifiedStatusList)


async def test_memory_is_bounded(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "MAX_KEPT_BYTES", 50_000)
    urls = [f"{LIST_URL}/{number}" for number in range(4)]
    setting.publisher.every_page = True
    for url in urls:
        await setting.verifier.status_lists.get([url])
    assert list(setting.verifier.status_lists._kept) == urls[-2:]
    monkeypatch.setattr(status_lists, "MAX_KEPT_BYTES", 100)
    found = await setting.verifier.status_lists.get([LIST_URL])
    assert isinstance(found[LIST_URL], Unavailable)


async def test_a_newer_list_that_could_not_be_verified_once_is_asked_for_whole_again(setting: Setting) -> None:
    """Its entity tag beside the older list would answer 304, and keep the older one alive for ever."""
    setting.publisher.tagged = True
    assert await refusal(setting) is None
    setting.publisher.revoked.add(7)
    setting.clock.jump(FRESH_SECONDS + 1)
    setting.parties.names.discard("ministry")  # its DID document is away for one moment
    await fetched(setting)
    setting.parties.names.add("ministry")
    for _ in range(3):
        setting.clock.jump(3_600)
        assert isinstance(await refusal(setting), RevokedError)


async def test_a_flood_of_messages_keeps_no_list_from_being_verified(setting: Setting) -> None:
    setting.publisher.as_jwt = False
    assert await refusal(setting) is None
    setting.publisher.revoked.add(7)
    setting.clock.jump(FRESH_SECONDS + 1)
    go_on = threading.Event()
    flood = [asyncio.ensure_future(setting.verifier._off_loop.run(go_on.wait)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    try:
        found = await fetched(setting)
        assert isinstance(found, VerifiedStatusList)
        assert found.list.is_set(7)
    finally:
        go_on.set()
        await asyncio.gather(*flood)


async def test_what_we_are_too_busy_to_verify_gets_no_grace(setting: Setting) -> None:
    setting.publisher.as_jwt = False
    assert await refusal(setting) is None
    setting.clock.jump(FRESH_SECONDS + 1)
    go_on = threading.Event()
    flood = [asyncio.ensure_future(setting.verifier._lists_off_loop.run(go_on.wait)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(OverloadedError):
            await fetched(setting)
        assert not setting.verifier.status_lists.overdue()
    finally:
        go_on.set()
        await asyncio.gather(*flood)
    assert await refusal(setting) is None
