"""Credentials we hold: kept as they came, in order, and only our own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.vc.issue import issue_jwt_credential, self_attested
from node.identity.credential_seal import CredentialSeal
from node.identity.errors import (
    CredentialConflictError,
    ForeignCredentialError,
    UnknownCredentialError,
    UnknownSubjectError,
)
from node.identity.subjects import Subjects
from node.identity.wallet import RECENT_SECONDS, Held, Wallet
from node.storage.database import Database, open_database
from node.storage.schema import metadata
from tests.support.keys import a_did, a_key
from tests.support.world import NOON, FixedEntropy, ManualClock, MemoryVault


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
    return Subjects(database, MemoryVault(), clock, FixedEntropy(), "https://oever.example")


@pytest.fixture
async def did(subjects: Subjects) -> DID:
    return (await subjects.create("oever")).dids[0]


@pytest.fixture
def wallet(database: Database, subjects: Subjects, clock: ManualClock) -> Wallet:
    return Wallet(database, subjects, clock, CredentialSeal.of(MemoryVault(), "wallet", FixedEntropy("seal")))


def jwt(holder: DID, seed: str = "1", name: str = "x", days: int | None = 30) -> str:
    return issue_jwt_credential(
        issuer=a_did("ministry"),
        subject_id=holder,
        types=("ExampleCredential",),
        subject={"name": name},
        key=a_key("ministry"),
        credential_id=f"{a_did('ministry')}#{seed}",
        now=NOON,
        expires_at=None if days is None else NOON + timedelta(days=days),
    )


def linked(holder: DID, **subject: str) -> dict[str, Any]:
    return self_attested(
        holder=holder, types=("ExampleCredential",), subject=subject, credential_id="id-1", now=NOON, contexts=()
    )


async def test_credentials_come_back_unchanged_and_in_order(wallet: Wallet, did: DID) -> None:
    given: list[Any] = [jwt(did, "9"), linked(did, name="é"), jwt(did, "1")]
    for raw in given:
        await wallet.load("oever", raw, NOON)
    assert [credential.raw for credential in await wallet.credentials("oever")] == given


async def test_loading_the_same_again_changes_nothing(wallet: Wallet, did: DID) -> None:
    raw, document = jwt(did), linked(did, name="a", city="b")
    for each in (raw, document, raw, dict(reversed(list(document.items())))):
        await wallet.load("oever", each, NOON)
    assert len(await wallet.list("oever")) == 2


async def test_other_content_under_a_known_id_is_refused(wallet: Wallet, did: DID) -> None:
    await wallet.load("oever", jwt(did, name="x"), NOON)
    await wallet.load("oever", linked(did, name="x"), NOON)
    for other in (jwt(did, name="y"), linked(did, name="y")):
        with pytest.raises(CredentialConflictError):
            await wallet.load("oever", other, NOON)


async def test_a_credential_about_somebody_else_is_refused(wallet: Wallet, did: DID) -> None:
    with pytest.raises(ForeignCredentialError):
        await wallet.load("oever", jwt(a_did("other")), NOON)


async def test_what_is_no_credential_or_has_no_end_of_an_id_is_refused(wallet: Wallet, did: DID) -> None:
    for raw in ("", "a.b.c", {}, {"id": 1}, jwt(did, "x" * 2_000)):
        with pytest.raises(MalformedError):
            await wallet.load("oever", raw, NOON)


async def test_an_expired_credential_is_listed_but_not_presented(wallet: Wallet, did: DID, clock: ManualClock) -> None:
    await wallet.load("oever", jwt(did, days=1), NOON)
    clock.jump(timedelta(days=1))
    assert await wallet.credentials("oever") == ()
    assert [held.credential.id for held in await wallet.list("oever")] == [f"{a_did('ministry')}#1"]


async def test_a_removed_credential_is_gone(wallet: Wallet, did: DID) -> None:
    held = await wallet.load("oever", jwt(did), NOON)
    await wallet.remove("oever", held.id)
    assert await wallet.list("oever") == ()
    with pytest.raises(UnknownCredentialError):
        await wallet.remove("oever", held.id)


async def test_nobody_has_no_wallet(wallet: Wallet) -> None:
    with pytest.raises(UnknownSubjectError):
        await wallet.credentials("nobody")
    with pytest.raises(UnknownSubjectError):
        await wallet.load("nobody", jwt(a_did("x")), NOON)


async def test_what_changes_here_is_presented_at_once_and_what_another_replica_changes_within_seconds(
    wallet: Wallet, database: Database, subjects: Subjects, clock: ManualClock, did: DID
) -> None:
    other = Wallet(database, subjects, clock, CredentialSeal.of(MemoryVault(), "wallet", FixedEntropy("seal")))
    assert await wallet.credentials("oever") == await other.credentials("oever") == ()
    first = await wallet.load("oever", jwt(did), NOON)
    assert len(await wallet.credentials("oever")) == 1
    assert await other.credentials("oever") == ()
    clock.jump(RECENT_SECONDS)
    assert len(await other.credentials("oever")) == 1
    assert first.id is not None
    await wallet.replace("oever", first.id, jwt(did, "2"), NOON)
    assert [each.id for each in await wallet.credentials("oever")] == [f"{a_did('ministry')}#2"]
    await wallet.remove("oever", f"{a_did('ministry')}#2")
    assert await wallet.credentials("oever") == ()


async def test_what_was_read_before_a_change_is_not_presented_after_it(
    wallet: Wallet, did: DID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wallet.load("oever", jwt(did), NOON)
    inner = wallet.list

    async def overtaken(subject: str) -> tuple[Held, ...]:
        held = await inner(subject)
        wallet.changed()  # somebody else's, while this was on its way
        return held

    monkeypatch.setattr(wallet, "list", overtaken)
    await wallet.credentials("oever")
    assert not wallet._recent


async def test_an_organisation_that_was_deactivated_presents_nothing_that_is_remembered(
    wallet: Wallet, subjects: Subjects, did: DID
) -> None:
    await wallet.load("oever", jwt(did), NOON)
    await wallet.credentials("oever")
    await subjects.deactivate("oever")
    with pytest.raises(UnknownSubjectError):
        await wallet.credentials("oever")
