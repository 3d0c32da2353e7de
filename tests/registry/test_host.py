from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import RejectedError
from registry.host import RegistryHost
from registry.memory import MemoryStore
from registry.messages import ListPage
from tests.support.builders import a_credential
from tests.support.keys import a_did, a_key
from tests.support.registry import (
    NOW,
    VALIDITY,
    SimulatedDocuments,
    a_registration,
    a_service,
    a_withdrawal,
    about_itself,
    id_of,
)
from tests.support.status_lists import LIST_URL, a_credential_with_status, a_verified_list
from tests.support.world import FixedEntropy, ManualClock


class Hosting:
    """A host in memory, and what it leans on."""

    def __init__(self, **changes: Any) -> None:
        self.service = a_service(**changes)
        self.clock = ManualClock(NOW)
        self.documents = SimulatedDocuments(self.clock)
        self.host = RegistryHost(
            {"care": self.service},
            store=MemoryStore(),
            verifier=self.documents,
            clock=self.clock,
            entropy=FixedEntropy(),
        )

    async def refused(self, compact: str) -> str:
        before = await self.host.page("care", 0)
        with pytest.raises(RejectedError) as refused:
            await self.host.accept("care", compact)
        assert await self.host.page("care", 0) == before
        return refused.value.code

    async def numbers(self, after: int = 0) -> list[int]:
        return [number for number, _ in (await self.host.page("care", after)).entries]


@pytest.fixture
def hosting() -> Hosting:
    return Hosting()


@pytest.mark.spec("WIRE §2.10.1")
async def test_a_log_begins_with_its_first_registration(hosting: Hosting) -> None:
    assert (await hosting.host.page("care", 0)).to_wire() == b'{"entries":{},"seed":"","timestamp":0}'
    first, second = a_registration("oever"), a_registration("gouwe")
    await hosting.host.accept("care", first)
    await hosting.host.accept("care", second)
    page = await hosting.host.page("care", 0)
    assert (page.entries, page.timestamp) == (((1, first), (2, second)), 2)
    assert len(page.seed) == 36
    again = await hosting.host.page("care", 2)
    assert again == ListPage(seed=page.seed, timestamp=2, entries=())


@pytest.mark.spec("WIRE §2.10.2")
async def test_a_new_registration_replaces_the_last(hosting: Hosting) -> None:
    await hosting.host.accept("care", a_registration("oever", "1"))
    await hosting.host.accept("care", a_registration("oever", "2"))
    assert await hosting.numbers() == [2]


@pytest.mark.spec("WIRE §2.10.4")
async def test_a_withdrawal_takes_the_place_of_the_registration_and_is_final(hosting: Hosting) -> None:
    registration = a_registration("oever")
    await hosting.host.accept("care", registration)
    await hosting.host.accept("care", a_withdrawal("oever", id_of("oever")))
    assert await hosting.numbers() == [2]
    # nuts-node takes the old message back: whoever read the list could undo the withdrawal (WIRE §2.10.2)
    assert await hosting.refused(registration) == "replayed"
    assert await hosting.refused(a_withdrawal("oever", id_of("oever"))) == "replayed"
    assert await hosting.refused(a_withdrawal("oever", id_of("oever"), "again")) == "unknown_target"
    await hosting.host.accept("care", a_registration("oever", "2"))
    assert await hosting.numbers() == [3]


async def test_what_expired_leaves_the_log_and_its_number_is_not_given_out_again(hosting: Hosting) -> None:
    await hosting.host.accept("care", a_registration("oever", lifetime=timedelta(minutes=1)))
    hosting.clock.jump(timedelta(minutes=1))
    assert await hosting.numbers() == []
    assert (await hosting.host.page("care", 0)).timestamp == 1
    await hosting.host.accept("care", a_registration("gouwe"))
    assert await hosting.numbers() == [2]


async def test_a_long_log_is_served_in_pages(hosting: Hosting) -> None:
    names = hosting.documents.NAMES
    for name in names:
        about = about_itself(name, padding="x" * 30_000)
        await hosting.host.accept("care", a_registration(name, credentials=[a_credential(name, now=NOW), about]))
    assert await hosting.numbers() == list(range(1, len(names) + 1))
    assert len((await hosting.host.page("care", 0)).to_wire()) < 900_000


async def test_an_unknown_service_is_refused(hosting: Hosting) -> None:
    for call in (hosting.host.page("other", 0), hosting.host.accept("other", "x")):
        with pytest.raises(RejectedError) as refused:
            await call
        assert refused.value.code == "unknown_service"


@pytest.mark.parametrize(
    ("compact", "code"),
    [
        ("", "malformed"),
        ("x" * 65_537, "too_large"),
        (a_registration("oever", audience="other"), "wrong_audience"),
        (a_registration("oever", now=NOW - VALIDITY), "not_current"),
        (a_registration("oever", now=NOW + timedelta(seconds=7), lifetime=timedelta(minutes=1)), "not_current"),
        (a_registration("oever", key=a_key("oever", "another")), "untrusted"),
        (a_registration("oever", credentials=[a_credential("gouwe", now=NOW), about_itself("oever")]), "untrusted"),
        (a_registration("oever", credentials=[a_credential("oever", now=NOW), about_itself("gouwe")]), "untrusted"),
        (a_registration("oever", credentials=[a_credential("oever", now=NOW)]), "no_match"),
        (a_withdrawal("oever", id_of("oever")), "unknown_target"),
    ],
)
async def test_a_message_that_is_not_right_is_refused_with_a_code(hosting: Hosting, compact: str, code: str) -> None:
    assert await hosting.refused(compact) == code


async def test_a_tampered_message_is_refused(hosting: Hosting) -> None:
    head, _, signature = a_registration("oever").rpartition(".")
    other = a_registration("oever", "2").rpartition(".")[2]
    assert other != signature
    assert await hosting.refused(f"{head}.{other}") == "untrusted"


async def test_documents_are_fetched_only_for_messages_that_could_be_taken(hosting: Hosting) -> None:
    await hosting.refused(a_registration("oever", audience="other"))
    assert hosting.documents.asked == []
    await hosting.host.accept("care", a_registration("oever"))
    assert hosting.documents.asked == [{a_did("oever"), a_did("ministry")}]


async def test_a_holder_whose_document_is_away_is_refused_for_now(hosting: Hosting) -> None:
    hosting.documents.away.add("oever")
    assert await hosting.refused(a_registration("oever")) == "untrusted"
    hosting.documents.away.clear()
    await hosting.host.accept("care", a_registration("oever"))


@given(st.text(max_size=60))
async def test_any_text_is_refused_cleanly(compact: str) -> None:
    with pytest.raises(RejectedError):
        await Hosting().host.accept("care", compact)


async def test_whose_credential_was_revoked_can_not_register(hosting: Hosting) -> None:
    credential = a_credential_with_status("oever", index=3, now=NOW)
    compact = a_registration("oever", credentials=[credential, about_itself("oever")])
    assert await hosting.refused(compact) == "untrusted", "not while its status list is out of reach"
    hosting.documents.status_lists[LIST_URL] = a_verified_list(revoked=[3], now=NOW)
    assert await hosting.refused(compact) == "revoked"
    hosting.documents.status_lists[LIST_URL] = a_verified_list(now=NOW)
    await hosting.host.accept("care", compact)
