"""Organisations we host: made whole, found fast, never mixed up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from node.identity.subjects import InvalidSubjectError, SubjectExistsError, Subjects, UnknownSubjectError
from node.storage.database import Database, open_database
from node.storage.schema import metadata
from node.storage.schema import subjects as table
from tests.support.world import FixedEntropy, ManualClock, MemoryVault


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'node.db'}") as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def subjects(database: Database, clock: ManualClock) -> Subjects:
    return Subjects(database, MemoryVault(), clock, FixedEntropy(), "https://gouwe.localhost:8443/base/")


async def test_a_subject_gets_a_did_below_our_address_and_a_key_that_signs(subjects: Subjects) -> None:
    made = await subjects.create("gouwe")
    assert made.dids[0].startswith("did:web:gouwe.localhost%3A8443:base:iam:")
    assert await subjects.get("gouwe") == made
    assert await subjects.all() == (made,)
    assert await subjects.subject_of(made.dids[0]) == "gouwe"
    did, key = await subjects.signer("gouwe")
    assert did == made.dids[0]
    document = await subjects.document(did)
    assert document is not None
    assert document["assertionMethod"] == [key.kid]
    assert document["verificationMethod"][0]["publicKeyJwk"] == key.public.to_jwk()
    assert document["id"] == did


async def test_a_name_can_be_left_to_us(subjects: Subjects) -> None:
    made = await subjects.create()
    assert len(made.name) == 36


async def test_a_name_that_can_not_stand_in_an_address_is_refused(subjects: Subjects) -> None:
    for name in ("", "a b", "a/b", "é", "x" * 129, "a\n", ".", "..", "%41"):
        with pytest.raises(InvalidSubjectError):
            await subjects.create(name)
        with pytest.raises(UnknownSubjectError):
            await subjects.get(name)


async def test_of_many_who_make_one_name_at_once_one_succeeds(subjects: Subjects) -> None:
    outcomes = await asyncio.gather(*(subjects.create("gouwe") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, SubjectExistsError) for outcome in outcomes) == 7
    assert len(await subjects.all()) == 1


async def test_a_deactivated_subject_is_nobody_within_a_minute(
    subjects: Subjects, database: Database, clock: ManualClock
) -> None:
    did = (await subjects.create("gouwe")).dids[0]
    assert (await subjects.get("gouwe")).dids == (did,)
    async with database.transaction() as connection:  # as another replica would
        await connection.execute(update(table).values(deactivated_at=1))
    clock.jump(60)
    with pytest.raises(UnknownSubjectError):
        await subjects.get("gouwe")
    assert await subjects.document(did) is None
    assert await subjects.subject_of(did) is None
    with pytest.raises(UnknownSubjectError):
        await subjects.signing_key(did)


async def test_what_is_not_ours_is_not_found(subjects: Subjects) -> None:
    await subjects.create("gouwe")
    assert await subjects.document("did:web:other.example:iam:1") is None
    assert await subjects.subject_of("") is None
    with pytest.raises(UnknownSubjectError):
        await subjects.signer("other")
