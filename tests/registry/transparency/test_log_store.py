"""Every store of logs is held to one contract: in memory and on SQLite; PostgreSQL where there is one."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.vc.presentation import SignedPresentation
from node.storage.database import open_database
from node.storage.registry_store import SqlRegistryStore
from node.storage.schema import metadata
from registry.entry import Entry
from registry.errors import RejectedError
from registry.memory import MemoryStore
from registry.ports import RegistryStore
from registry.sync import Cursor, SyncStep
from registry.transparency.leaf import Leaf, Roll, digest_of
from registry.transparency.merkle import Frontier, leaf_hash
from registry.transparency.ports import Extension
from tests.support.keys import a_did
from tests.support.postgres import postgres_database, postgres_server
from tests.support.registry import NOW, VALIDITY, a_candidate, a_registration, a_withdrawal, decision, id_of

TABLES = [table for table in metadata.sorted_tables if table.name.startswith("registry_")]
OEVER, GOUWE = a_did("oever"), a_did("gouwe")


async def put(store: RegistryStore, compact: str) -> Entry:
    holder = SignedPresentation.parse(compact).holder
    return await store.accept("care", holder, NOW, seed="seed", decide=decision(compact))


async def events(store: RegistryStore) -> list[tuple[str, int]]:
    leaves = [Leaf.parse(each) for each in await store.leaves("care", 0, 10_000)]
    return [(each.event, each.number) for each in leaves]


def an_extension(*leaves: Leaf, before: Frontier | None = None, roll: Roll | None = None, **rest: Any) -> Extension:
    roll = roll or Roll()
    for each in leaves:
        roll.add(each)
    frontier = (before or Frontier()).push([leaf_hash(each.to_bytes()) for each in leaves])
    wire: dict[str, Any] = {
        "frontier": frontier,
        "note": b"note",
        "log_key": "key",
        "leaves": [each.to_bytes() for each in leaves],
        "is_whole": True,
        "roll": roll,
        "changed": frozenset(each.holder for each in leaves),
    }
    return Extension(**(wire | rest))


def taken(number: int, holder: DID) -> Leaf:
    digest = digest_of(f"message {number}")
    return Leaf(event="registered", at=NOW, number=number, holder=holder, digest=digest, expires_at=NOW + VALIDITY)


BEGAN = Leaf(event="began", at=NOW, seed="seed")


class LogStoreContract:
    async def test_what_is_taken_is_in_the_log_at_once(self, store: RegistryStore) -> None:
        assert await store.tree("care") is None
        await put(store, a_registration("oever", "1"))
        await put(store, a_registration("gouwe"))
        second = a_registration("oever", "2")
        await put(store, second)
        await put(store, a_withdrawal("gouwe", id_of("gouwe")))
        assert await events(store) == [
            ("began", 0),
            ("registered", 1),
            ("registered", 2),
            ("registered", 3),
            ("withdrawn", 4),
        ]
        leaves = await store.leaves("care", 0, 5)
        tree = await store.tree("care")
        assert tree is not None
        assert tree.is_own
        assert tree.frontier == Frontier().push([leaf_hash(each) for each in leaves])
        assert Leaf.parse(leaves[3]).digest == digest_of(second)

    async def test_what_is_refused_leaves_no_trace_in_the_log(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        before = await store.tree("care")
        with pytest.raises(RejectedError):
            await put(store, a_registration("oever"))
        assert await store.tree("care") == before

    async def test_what_expires_gets_a_leaf_when_it_goes(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        await put(store, a_registration("gouwe"))
        await store.prune(NOW)
        assert len(await events(store)) == 3
        await store.prune(NOW + VALIDITY)
        await store.prune(NOW + VALIDITY)
        assert (await events(store))[3:] == [("expired", 1), ("expired", 2)]

    async def test_a_list_from_before_there_were_logs_gets_one_with_what_is_in_it(self, store: RegistryStore) -> None:
        step = SyncStep(forget=False, entries=(), cursor=Cursor(seed="old", timestamp=7), again=False)
        candidates = [a_candidate(3, a_registration("oever")), a_candidate(7, a_registration("gouwe"))]
        assert await store.advance("care", None, step, candidates, (), NOW) == ()
        await store.begin_log("care", NOW)
        await store.begin_log("care", NOW)
        assert await events(store) == [("began", 0), ("registered", 3), ("registered", 7)]
        assert Leaf.parse((await store.leaves("care", 0, 1))[0]).seed == "old"
        assert (await put(store, a_registration("linde"))).timestamp == 8
        await store.begin_log("none", NOW)
        assert await store.tree("none") is None

    async def test_tiles_are_those_of_the_tree(self, store: RegistryStore) -> None:
        leaves = [BEGAN, *(taken(number, GOUWE) for number in range(1, 600))]
        first, second = an_extension(*leaves[:300]), None
        assert await store.extend("care", None, first)
        second = an_extension(*leaves[300:], before=first.frontier, roll=first.roll)
        assert await store.extend("care", 300, second)
        hashes = [leaf_hash(each.to_bytes()) for each in leaves]
        assert await store.tile_hashes("care", 0, 256, 512) == tuple(hashes[256:512])
        roots = tuple(Frontier().push(hashes[at : at + 256]).root for at in (0, 256))
        assert await store.tile_hashes("care", 1, 0, 256) == roots
        assert await store.tile_hashes("care", 2, 0, 256) == ()
        tree = await store.tree("care")
        assert tree is not None
        assert tree.frontier == Frontier().push(hashes)

    async def test_a_copy_grows_from_where_it_is_and_nobody_writes_in_it(self, store: RegistryStore) -> None:
        first = an_extension(BEGAN, taken(1, OEVER), taken(2, GOUWE))
        assert not await store.extend("care", 5, first)
        assert await store.extend("care", None, first)
        assert not await store.extend("care", None, first)
        await store.have("care", [1])
        roll = await store.roll("care")
        assert (roll.seed, roll.last, set(roll.wanted(NOW))) == ("seed", 2, {2})
        second = an_extension(taken(3, GOUWE), before=first.frontier, roll=roll)
        assert await store.extend("care", 3, second)
        assert set((await store.roll("care")).wanted(NOW)) == {3}
        with pytest.raises(RejectedError, match="copy"):
            await put(store, a_registration("oever"))
        await store.prune(NOW + VALIDITY)
        assert len(await store.leaves("care", 0, 9)) == 4

    async def test_nobody_extends_our_own_log(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        assert not await store.extend("care", 2, an_extension(taken(9, GOUWE)))
        assert len(await events(store)) == 2

    async def test_a_follower_that_keeps_no_leaves_has_none_to_serve(self, store: RegistryStore) -> None:
        await store.extend("care", None, an_extension(BEGAN, taken(1, OEVER), is_whole=False, leaves=()))
        tree = await store.tree("care")
        assert tree is not None
        assert (tree.is_whole, tree.frontier.size, tree.note, tree.log_key) == (False, 2, b"note", "key")
        assert await store.leaves("care", 0, 9) == ()
        await store.forget_log("care")
        assert await store.tree("care") is None
        assert (await store.roll("care")).listed == {}

    async def test_a_promoted_copy_goes_on_with_its_seed_under_the_next_number(self, store: RegistryStore) -> None:
        await store.extend("care", None, an_extension(BEGAN, taken(1, OEVER), taken(5, GOUWE)))
        await store.promote("care")
        await store.forget_log("care")  # ours is not forgotten
        entry = await put(store, a_registration("linde"))
        assert entry.timestamp == 6
        assert await store.cursor("care") == Cursor(seed="seed", timestamp=6)
        assert (await events(store))[-1] == ("registered", 6)

    async def test_the_note_of_the_largest_tree_is_kept_and_the_first_accusation(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        await store.keep_note("care", 2, b"two")
        await store.keep_note("care", 1, b"one")
        await store.accuse("care", "first")
        await store.accuse("care", "second")
        tree = await store.tree("care")
        assert tree is not None
        assert (tree.note, tree.noted, tree.evidence) == (b"two", 2, "first")

    async def test_who_is_not_on_the_roll_is_dropped_and_nobody_else(self, store: RegistryStore) -> None:
        step = SyncStep(forget=False, entries=(), cursor=Cursor(seed="seed", timestamp=9), again=False)
        candidates = [
            a_candidate(number, a_registration(name)) for number, name in ((1, "oever"), (2, "gouwe"), (9, "linde"))
        ]
        await store.advance("care", None, step, candidates, (), NOW)
        await store.extend("care", None, an_extension(BEGAN, taken(1, OEVER), taken(2, GOUWE), taken(3, OEVER)))
        assert await store.drop_unlisted("care", 3) == 0
        await store.forget_log("care")
        await store.extend("care", None, an_extension(BEGAN, taken(2, GOUWE)))
        assert await store.drop_unlisted("care", 3) == 1
        found = await store.search("care", (), NOW, limit=9)
        assert {each.holder for each in found} == {GOUWE, a_did("linde")}

    async def test_expiring_early_is_remembered(self, store: RegistryStore) -> None:
        early = Leaf(event="expired", at=NOW + timedelta(minutes=1), number=1, holder=OEVER)
        await store.extend("care", None, an_extension(BEGAN, taken(1, OEVER), early))
        assert (await store.roll("care")).early == {OEVER}


class TestMemory(LogStoreContract):
    @pytest.fixture
    def store(self) -> RegistryStore:
        return MemoryStore()


class TestSqlite(LogStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[RegistryStore]:
        async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(metadata.create_all, tables=TABLES)
            yield SqlRegistryStore(database)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.mark.postgres
class TestPostgres(LogStoreContract):
    @pytest.fixture
    async def store(self, server: str) -> AsyncIterator[RegistryStore]:
        async with (
            postgres_database(server) as url,
            open_database(url.replace("postgresql://", "postgresql+asyncpg://")) as database,
        ):
            async with database.engine.begin() as connection:
                await connection.run_sync(metadata.create_all, tables=TABLES)
            yield SqlRegistryStore(database)
