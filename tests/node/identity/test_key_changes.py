"""Keys are rotated, retired and called compromised; several kinds of identifiers per subject."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from credentials.did.did_jwk import resolve_did_jwk
from credentials.did.did_key import resolve_did_key
from credentials.did.identifier import did_method
from credentials.did.service import Service
from credentials.keys import KeyId
from credentials.ports import PrivateKey
from node.config.model import DidMethod
from node.identity.errors import FixedKeyError, SigningKeyError, UnknownKeyError, UnknownSubjectError
from node.identity.key_changes import KeyChanges, OwnKey
from node.identity.services import Services
from node.identity.subjects import Subjects
from node.keys.errors import VaultAwayError
from node.storage.database import Database, open_database
from node.storage.schema import metadata
from tests.support.world import FixedEntropy, ManualClock, MemoryVault


class Setting:
    """Organisations with their keys, in one database."""

    def __init__(self, database: Database, *methods: DidMethod) -> None:
        self.database, self.clock, self.vault = database, ManualClock(), MemoryVault()
        self.subjects = self.again(*methods or ("web",))
        self.changes = KeyChanges(database, self.subjects, self.vault, self.clock, FixedEntropy("changes"))

    def again(self, *methods: DidMethod) -> Subjects:
        """As after a restart with another configuration."""
        entropy = FixedEntropy("-".join(methods))
        return Subjects(self.database, self.vault, self.clock, entropy, "https://gouwe.example", methods=methods)

    async def states(self) -> dict[KeyId, str]:
        keys = await self.changes.keys("gouwe")
        return {key.kid: "signs" if key.signs else key.removed_because or "verifies" for key in keys}

    async def signer(self) -> PrivateKey:
        return (await self.subjects.signer("gouwe"))[1]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'node.db'}") as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield opened


async def test_every_rotation_puts_its_key_in_front(database: Database) -> None:
    node = Setting(database)
    did = (await node.subjects.create("gouwe")).dids[0]
    kids = [(await node.signer()).kid]
    for _ in range(3):
        node.clock.jump(60)
        [method] = await node.changes.rotate("gouwe")
        kids.insert(0, method["id"])
        assert [kid for kid, _ in await node.subjects.keys(did)] == kids
        assert (await node.signer()).kid == kids[0]
    assert await node.states() == dict(zip(kids, ["signs", "verifies", "verifies", "verifies"], strict=True))


async def test_an_older_key_is_retired_and_stays_known_for_old_records(database: Database) -> None:
    node = Setting(database)
    did = (await node.subjects.create("gouwe")).dids[0]
    old = await node.signer()
    with pytest.raises(SigningKeyError):
        await node.changes.retire("gouwe", old.kid)
    await node.changes.rotate("gouwe")
    await node.changes.retire("gouwe", old.kid)
    assert old.kid not in dict(await node.subjects.keys(did))
    assert old.kid not in node.vault.keys
    assert (await node.subjects.keys_ever(did))[old.kid] == old.public
    assert (await node.states())[old.kid] == "retired"
    for kid in (old.kid, f"{did}#other", ""):
        with pytest.raises(UnknownKeyError):
            await node.changes.retire("gouwe", kid)
    with pytest.raises(UnknownSubjectError):
        await node.changes.retire("other", old.kid)


async def test_a_compromised_key_is_out_at_once_and_there_is_a_new_one(database: Database) -> None:
    node = Setting(database)
    did = (await node.subjects.create("gouwe")).dids[0]
    old = await node.signer()
    told: list[tuple[str, KeyId, list[KeyId]]] = []

    async def breaks(_subject: str, _key: OwnKey) -> None:
        raise ZeroDivisionError

    async def hears(subject: str, key: OwnKey) -> None:
        told.append((subject, key.kid, [kid for kid, _ in await node.subjects.keys(did)]))

    node.changes.on_compromise += [breaks, hears]
    new = await node.changes.compromise("gouwe", old.kid)
    assert [kid for kid, _ in await node.subjects.keys(did)] == [new]
    assert told == [("gouwe", old.kid, [new])]
    assert (await node.signer()).kid == new
    assert set(node.vault.keys) == {new}
    assert await node.states() == {new: "signs", old.kid: "compromised"}


async def test_a_compromised_key_that_did_not_sign_any_more_needs_no_new_one(database: Database) -> None:
    node = Setting(database)
    await node.subjects.create("gouwe")
    old = await node.signer()
    [method] = await node.changes.rotate("gouwe")
    assert await node.changes.compromise("gouwe", old.kid) == method["id"]
    assert await node.states() == {method["id"]: "signs", old.kid: "compromised"}


async def test_without_the_vault_nothing_changes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Setting(database)
    await node.subjects.create("gouwe")
    key = await node.signer()

    async def away(_kid: object) -> None:
        raise VaultAwayError("away")

    monkeypatch.setattr(node.vault, "create", away)
    for change in (node.changes.rotate("gouwe"), node.changes.compromise("gouwe", key.kid)):
        with pytest.raises(VaultAwayError):
            await change
    assert await node.states() == {key.kid: "signs"}


async def test_a_vault_that_can_not_forget_a_key_does_not_keep_it_in_the_document(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Setting(database)
    did = (await node.subjects.create("gouwe")).dids[0]
    key = await node.signer()

    async def away(_kid: object) -> None:
        raise VaultAwayError("away")

    monkeypatch.setattr(node.vault, "remove", away)
    new = await node.changes.compromise("gouwe", key.kid)
    assert [kid for kid, _ in await node.subjects.keys(did)] == [new]


async def test_a_subject_gets_a_did_of_every_method_in_the_configured_order(database: Database) -> None:
    node = Setting(database, "jwk", "web", "key")
    jwk, web, key = (await node.subjects.create("gouwe")).dids
    assert [did_method(did) for did in (jwk, web, key)] == ["jwk", "web", "key"]
    assert dict(await node.subjects.keys(jwk)) == resolve_did_jwk(jwk)
    assert dict(await node.subjects.keys(key)) == resolve_did_key(key)
    for did in (jwk, web, key):
        signing = await node.subjects.signing_key(did)
        signing.public.verify(signing.sign(b"m"), b"m", "ES256")
        assert (await node.subjects.keys(did))[0] == (signing.kid, signing.public)
    assert (await node.subjects.signer("gouwe"))[0] == jwk
    document = await node.subjects.document(jwk)
    assert document is not None
    assert "authentication" not in document


async def test_the_order_follows_the_configuration_of_today(database: Database) -> None:
    node = Setting(database, "jwk", "web", "key")
    jwk, web, key = (await node.subjects.create("gouwe")).dids
    assert (await node.again("web").get("gouwe")).dids == (web, jwk, key)
    assert (await node.again("key", "web").all())[0].dids == (key, web, jwk)


async def test_only_a_did_that_names_a_place_changes_its_keys_and_has_services(database: Database) -> None:
    node = Setting(database, "web", "key")
    web, key = (await node.subjects.create("gouwe")).dids
    [method] = await node.changes.rotate("gouwe")
    assert method["controller"] == web
    with pytest.raises(FixedKeyError):
        await node.changes.compromise("gouwe", (await node.subjects.signing_key(key)).kid)
    services = Services(database, node.subjects, node.clock)
    [added] = await services.add("gouwe", Service.of("a", "x"))
    assert added["id"].startswith(f"{web}#")
    assert await node.subjects.services(key) == ()
