"""What a copied database tells of a citizen whose credential we hold and issued: nothing. And rows stay where they are."""

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text

from credentials.did.identifier import DID
from credentials.vc.issue import issue_jwt_credential
from node.audit.seal import SealError
from node.identity.credential_seal import CredentialSeal
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing.issuer import Caller
from node.issuing.request import IssueRequest
from node.issuing.store import IssuedStore
from node.storage.database import open_database
from node.storage.migrate import SchemaError, alembic_config, bring_up_to_date
from tests.node.vendor.setting import VendorNode
from tests.support.keys import a_did, a_key
from tests.support.postgres import postgres_database, postgres_server
from tests.support.world import NOON, FixedEntropy, ManualClock, MemoryVault

BSN = "999990135"
ENROLLED = {
    "hasEnrollment": {"patient": {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN}}}
}
WHO = Caller(name="test")


def traces() -> set[bytes]:
    """The number as it is, and as it stands in base64 at each alignment (a JWT)."""
    found = {BSN.encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + BSN.encode())
        found.add(encoded[(8 * shift + 5) // 6 : 8 * (shift + len(BSN)) // 6])
    return found


def leaks(folder: Path, name: str) -> list[str]:
    files = sorted(folder.glob(f"{name}*"))
    assert files
    return [file.name for file in files if any(trace in file.read_bytes() for trace in traces())]


def enrollment(holder: DID, credential_id: str, **subject: Any) -> str:
    return issue_jwt_credential(
        issuer=a_did("ministry"), subject_id=holder, types=("PatientEnrollmentCredential",),
        subject=subject or ENROLLED, key=a_key("ministry"), credential_id=credential_id, now=NOON, expires_at=None,
    )  # fmt: skip


def asked(did: DID, form: Any = "jwt_vc") -> IssueRequest:
    return IssueRequest.of(
        issuer=did, types=("PatientEnrollmentCredential",), subject={"id": did, **ENROLLED}, contexts=(),
        expires_at=None, format_=form, status="StatusList2021",
    )  # fmt: skip


async def test_no_byte_of_the_database_shows_the_citizen_of_a_credential(node: VendorNode, tmp_path: Path) -> None:
    did = await node.found("gouwe")
    issued = await node.issuer.issue(asked(did), caller=WHO, request_key=f"enrol {BSN}")
    await node.wallet.load("gouwe", issued.wire, NOON)
    for credential_id in (f"urn:citizen:{BSN}", f"{a_did('ministry')}#{BSN}"):
        await node.wallet.load("gouwe", enrollment(did, credential_id), NOON)
    assert (tmp_path / "vendor.db-wal").stat().st_size > 0
    assert leaks(tmp_path, "vendor.db") == []
    # all of it is there, and found by what it was found by
    assert [one.subjects[0]["hasEnrollment"] for one in await node.wallet.credentials("gouwe")] == [
        ENROLLED["hasEnrollment"]
    ] * 3
    assert await node.wallet.holds("gouwe", f"urn:citizen:{BSN}")
    await node.wallet.remove("gouwe", f"urn:citizen:{BSN}")
    assert [one.raw for one in await node.store.search(did, holder=did)] == [issued.raw]
    again = await node.issuer.issue(asked(did), caller=WHO, request_key=f"enrol {BSN}")
    assert again.credential_id == issued.credential_id


async def test_the_search_finds_what_is_written_in_clear(tmp_path: Path) -> None:
    for number, written in enumerate((BSN, enrollment(a_did("x"), "1"))):
        (tmp_path / f"clear.{number}").write_text(written)
    assert len(leaks(tmp_path, "clear")) == 2


async def test_a_row_in_the_place_of_another_is_refused(node: VendorNode) -> None:
    did = await node.found("gouwe")
    one, other = [await node.issuer.issue(asked(did), caller=WHO) for _ in range(2)]
    for each in (one, other):
        await node.wallet.load("gouwe", each.wire, NOON)
    assert len(await node.wallet.list("gouwe")) == 2  # remembered parsed, and refused all the same
    for table in ("wallet", "issued_credentials"):
        async with node.database.transaction() as connection:
            await connection.execute(
                text(
                    f"UPDATE {table} SET sealed = (SELECT b.sealed FROM {table} AS b"  # our own names
                    " WHERE b.credential_id = :one) WHERE credential_id = :other"
                ),
                {"one": one.credential_id, "other": other.credential_id},
            )
    with pytest.raises(SealError):
        await node.wallet.list("gouwe")
    with pytest.raises(SealError):
        await node.store.get(other.credential_id)
    assert (await node.issuer.get(one.credential_id)).raw == one.raw


async def test_a_sealed_credential_opens_for_its_subject_and_in_its_table_only(node: VendorNode) -> None:
    wallet, issued = (CredentialSeal.of(node.vault, each, FixedEntropy()) for each in ("wallet", "issued"))
    sealed = wallet.seal("x", "gouwe", "id")
    assert wallet.unseal(sealed, "gouwe", "id") == "x"
    for seal, place in ((wallet, ("oever", "id")), (wallet, ("gouw", "eid")), (issued, ("gouwe", "id"))):
        with pytest.raises(SealError):
            seal.unseal(sealed, *place)
    assert wallet.digest("k") != issued.digest("k")


@pytest.fixture
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"
            return
        found = await stack.enter_async_context(postgres_database(stack.enter_context(postgres_server())))
        yield found.replace("postgresql://", "postgresql+asyncpg://")


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_rows_from_before_are_sealed_and_none_is_lost(url: str, tmp_path: Path) -> None:
    def before(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0003")

    clock, vault, entropy = ManualClock(), MemoryVault(), FixedEntropy("old")
    wallet_seal, issued_seal = (CredentialSeal.of(vault, each, entropy) for each in ("wallet", "issued"))
    async with open_database(url) as database:
        async with database.transaction() as connection:
            await connection.run_sync(before)
        subjects = Subjects(database, vault, clock, entropy, "https://gouwe.example")
        did = (await subjects.create("gouwe")).dids[0]
        ids = [f"urn:citizen:{BSN}", *(f"{did}#{number}" for number in range(200))]
        raws = [enrollment(did, each) for each in ids]
        async with database.transaction() as connection:
            for position, (credential_id, raw) in enumerate(zip(ids, raws, strict=True)):
                row = {
                    "id": credential_id,
                    "did": did,
                    "raw": raw,
                    "position": position,
                    "key": f"enrol {BSN} {position}",
                }
                await connection.execute(
                    text("INSERT INTO wallet VALUES ('gouwe', :id, :raw, :did, '[]', NULL, 0, :position)"), row
                )
                if position:
                    await connection.execute(
                        text(
                            "INSERT INTO issued_credentials (credential_id, subject, issuer, holder, type, kid, raw, issued_at,"
                            " request_key, request_sha256) VALUES (:id, 'gouwe', :did, :did, 'X', 'did:web:x#k', :raw, :position,"
                            " :key, :sha256)"
                        ).bindparams(sha256=b"s" * 32),
                        row,
                    )
        # without the vault nothing happens
        with pytest.raises(SchemaError, match="vault"):
            await bring_up_to_date(database)
        assert await bring_up_to_date(database, {"wallet": wallet_seal, "issued": issued_seal})
        wallet, store = Wallet(database, subjects, clock, wallet_seal), IssuedStore(database, issued_seal)
        assert [held.credential.raw for held in await wallet.list("gouwe")] == raws
        assert await wallet.holds("gouwe", ids[0])
        assert [one.raw for one in await store.search(did)] == raws[1:]
        found = await store.by_request(did, f"enrol {BSN} 7")
        assert found is not None
        assert (found.credential_id, found.request_sha256) == (ids[7], b"s" * 32)
    if database.dialect == "sqlite":
        assert leaks(tmp_path, "old.db") == []
