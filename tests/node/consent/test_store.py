"""Keeping consents: versions, withdrawals that raise the epoch, a book that is never older than it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from node.audit.log import AuditLog, StaleDecisionError
from node.audit.seal import SealError
from node.consent.book import ConsentBook
from node.consent.store import ConflictError, ConsentStore, TooManyConsentsError, UnknownConsentError
from tests.node.audit.setting import NOW, a_record, a_sealer
from tests.node.consent.conftest import House
from tests.node.consent.setting import BSN, a_consent, a_provision

PATIENT = "k1.AAAAAAAAAAAAAAAAAAAAAA"
PERMIT, DENY = a_consent(a_provision("permit")), a_consent(a_provision("deny"))
WITHDRAWN = a_consent(a_provision("permit"), status="inactive")


def a_store(house: House, log: AuditLog) -> ConsentStore:
    return ConsentStore(house.database, sealer=a_sealer("consent"), log=log)


async def test_a_consent_comes_back_as_it_was_with_id_and_version(house: House) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    stored = await store.read("gouwe", "c-1")
    assert {**stored.resource, "id": None, "meta": None} == {**PERMIT, "id": None, "meta": None}
    assert stored.resource["meta"] == {"versionId": "1", "lastUpdated": "2026-11-22T12:00:00.123Z"}
    assert (stored.version, stored.patient, stored.consent.bsn) == (1, PATIENT, BSN)


async def test_every_version_is_kept(house: House) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    await store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=1)
    assert (await store.read("gouwe", "c-1")).version == 2
    assert (await store.read("gouwe", "c-1", 1)).resource["status"] == "active"
    (only,) = await store.of_patient("gouwe", PATIENT)
    assert only.version == 2


async def test_consents_of_other_organisations_and_citizens_are_not_found(house: House) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    assert not await store.of_patient("oever", PATIENT)
    assert not await store.of_patient("gouwe", "k1.BBBBBBBBBBBBBBBBBBBBBB")
    for subject, identifier, version in (("oever", "c-1", None), ("gouwe", "c-2", None), ("gouwe", "c-1", 2)):
        with pytest.raises(UnknownConsentError):
            await store.read(subject, identifier, version)
    with pytest.raises(UnknownConsentError):
        await store.update("oever", "c-1", PERMIT, NOW, expected=None)


async def test_of_two_who_change_the_same_version_one_wins(house: House) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    results = await asyncio.gather(
        *(store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=1) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 3
    assert (await store.read("gouwe", "c-1")).version == 2


async def test_a_withdrawal_makes_decisions_stale_and_a_permission_does_not(house: House) -> None:
    log = await house.log()
    store = a_store(house, log)
    before = log.current_epoch()
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    assert log.current_epoch() == before
    await log.promise(a_record(), epoch=before)
    await store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=1)
    assert log.current_epoch() == before + 1
    with pytest.raises(StaleDecisionError):
        await log.promise(a_record(), epoch=before)


async def test_a_refused_change_raises_nothing(house: House) -> None:
    log = await house.log()
    store = a_store(house, log)
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    before = log.current_epoch()
    with pytest.raises(ConflictError):
        await store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=7)
    assert log.current_epoch() == before
    await log.promise(a_record(), epoch=before)


async def test_a_citizen_has_a_limited_number_of_consents(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.consent.store.MAX_PER_CITIZEN", 2)
    store = a_store(house, await house.log())
    for number in range(2):
        await store.create("gouwe", f"c-{number}", PATIENT, PERMIT, NOW)
    with pytest.raises(TooManyConsentsError):
        await store.create("gouwe", "c-3", PATIENT, PERMIT, NOW)


async def test_nothing_about_the_citizen_is_in_the_table_in_clear(house: House) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    async with house.database.reading() as connection:
        rows = (await connection.execute(text("SELECT * FROM consents"))).fetchall()
    for row in rows:
        for value in row:
            assert BSN.encode() not in (bytes(value) if isinstance(value, bytes) else str(value).encode())


@pytest.mark.parametrize(
    ("change", "subject", "patient"),
    [
        ("patient = 'k1.BBBBBBBBBBBBBBBBBBBBBB'", "gouwe", "k1.BBBBBBBBBBBBBBBBBBBBBB"),
        ("version = 3", "gouwe", PATIENT),
        ("id = 'c-9'", "gouwe", PATIENT),
        ("subject = 'oever'", "oever", PATIENT),
    ],
)
async def test_a_moved_consent_does_not_open(house: House, change: str, subject: str, patient: str) -> None:
    store = a_store(house, await house.log())
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    async with house.database.transaction() as connection:
        await connection.execute(text(f"UPDATE consents SET {change}"))
    with pytest.raises(SealError):
        await store.of_patient(subject, patient)


async def test_the_book_reads_once_and_again_after_a_change(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await house.log()
    store = a_store(house, log)
    book = ConsentBook(store, log, clock=house.place.clock)
    asked = 0
    of_patient = store.of_patient

    async def counted(subject: str, patient: str) -> object:
        nonlocal asked
        asked += 1
        return await of_patient(subject, patient)

    monkeypatch.setattr(store, "of_patient", counted)
    assert [await book.for_patient("gouwe", PATIENT) for _ in range(3)] == [(), (), ()]
    assert asked == 1
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    book.forget()
    assert [len(await book.for_patient("gouwe", PATIENT)) for _ in range(3)] == [1, 1, 1]
    assert asked == 2
    await store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=None)  # the epoch alone makes it stale
    assert await book.for_patient("gouwe", PATIENT) == ()
    assert asked == 3


async def test_what_was_read_while_a_change_was_made_is_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await house.log()
    store = a_store(house, log)
    book = ConsentBook(store, log, clock=house.place.clock)
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    of_patient = store.of_patient

    async def slow(subject: str, patient: str) -> object:
        found = await of_patient(subject, patient)  # reads the old version …
        monkeypatch.setattr(store, "of_patient", of_patient)
        await store.update("gouwe", "c-1", WITHDRAWN, NOW, expected=1)  # … while it is withdrawn
        return found

    monkeypatch.setattr(store, "of_patient", slow)
    epoch = log.current_epoch()
    (old,) = await book.for_patient("gouwe", PATIENT)
    assert old.is_active  # decided on what was true when it was asked,
    with pytest.raises(StaleDecisionError):  # so it can not be promised any more,
        await log.promise(a_record(), epoch=epoch)
    assert await book.for_patient("gouwe", PATIENT) == ()  # and the second decision sees the withdrawal


async def test_what_another_replica_added_is_seen_after_a_while(house: House) -> None:
    log = await house.log()
    store = a_store(house, log)
    book = ConsentBook(store, log, clock=house.place.clock, max_age=timedelta(seconds=1))
    assert await book.for_patient("gouwe", PATIENT) == ()
    await store.create("gouwe", "c-1", PATIENT, PERMIT, NOW)  # without telling this book
    assert await book.for_patient("gouwe", PATIENT) == ()
    house.place.clock.at += timedelta(seconds=1)
    assert len(await book.for_patient("gouwe", PATIENT)) == 1


async def test_the_book_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.consent.book.MAX_CITIZENS", 3)
    log = await house.log()
    book = ConsentBook(a_store(house, log), log, clock=house.place.clock)
    for number in range(10):
        await book.for_patient("gouwe", f"k1.{number:022}")
    assert len(book._entries) == 3


async def test_consents_are_there_after_a_restart(house: House) -> None:
    log = await house.log()
    await a_store(house, log).create("gouwe", "c-1", PATIENT, PERMIT, NOW)
    await house.place.crash(log)
    log = await house.log()
    book = ConsentBook(a_store(house, log), log, clock=house.place.clock)
    assert [consent.id for consent in await book.for_patient("gouwe", PATIENT)] == ["c-1"]
