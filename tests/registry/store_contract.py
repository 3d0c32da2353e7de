"""What every registry store does. Subclass `RegistryStoreContract` with a ``store`` fixture to hold one to it."""

import asyncio
from collections.abc import Callable, Container
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.vc.presentation import SignedPresentation
from registry.admission import Admission
from registry.entry import Entry, Registered, Withdrawn
from registry.errors import RejectedError
from registry.log import NO_SEED, LogSlice
from registry.ports import OwnRegistration, Pending, RegistryStore
from registry.search import parse_conditions
from registry.sync import Cursor, SyncStep
from tests.support.builders import a_credential
from tests.support.keys import a_did
from tests.support.registry import (
    NOW,
    VALIDITY,
    a_candidate,
    a_registration,
    a_service,
    a_withdrawal,
    about_itself,
    decision,
    id_of,
)

OEVER, GOUWE = a_did("oever"), a_did("gouwe")
MINUTE = timedelta(minutes=1)
ALL = 1_000


def a_step(*, seed: str = "s", at: int = 0, forget: bool = False) -> SyncStep:
    return SyncStep(forget=forget, entries=(), cursor=Cursor(seed=seed, timestamp=at), again=False)


def waiting(timestamp: int, **changes: Any) -> Pending:
    return replace(
        Pending(timestamp=timestamp, compact=f"c{timestamp}", expires_at=NOW + VALIDITY, reason="key is unknown"),
        **changes,
    )


async def put(store: RegistryStore, compact: str, *, seed: str = "seed", **rest: Any) -> Entry:
    holder = SignedPresentation.parse(compact).holder
    return await store.accept("care", holder, rest.get("now", NOW), seed=seed, decide=decision(compact, **rest))


async def withdraw(store: RegistryStore, name: str, retracts: str, **rest: Any) -> Entry:
    compact = a_withdrawal(name, retracts, **rest)
    return await store.accept("care", a_did(name), NOW, seed="x", decide=decision(compact))


async def found(store: RegistryStore, *conditions: tuple[str, str], limit: int = ALL) -> list[DID]:
    entries = await store.search("care", parse_conditions(conditions), NOW, limit=limit)
    return [entry.holder for entry in entries]


class RegistryStoreContract:
    # -- hosting

    async def test_the_first_message_begins_the_log_with_the_seed_given(self, store: RegistryStore) -> None:
        assert await store.log_after("care", 0, NOW, limit=ALL) == LogSlice(
            seed=NO_SEED, last=0, entries=(), complete=True
        )
        first, second = a_registration("oever"), a_registration("gouwe")
        assert (await put(store, first, seed="one")).timestamp == 1
        assert (await put(store, second, seed="two")).timestamp == 2
        part = await store.log_after("care", 0, NOW, limit=ALL)
        assert part == LogSlice(seed="one", last=2, entries=((1, first), (2, second)), complete=True)
        assert await store.cursor("care") == Cursor(seed="one", timestamp=2)

    async def test_an_entry_comes_back_as_it_went_in(self, store: RegistryStore) -> None:
        compact = a_registration("oever", credentials=[a_credential(), about_itself("oever", n=1, deep={"é": [True]})])
        entry = await put(store, compact)
        assert isinstance(entry, Registered)
        assert await store.entry_of("care", OEVER, NOW) == entry
        assert await store.search("care", (), NOW, limit=ALL) == (entry,)
        assert entry.compact == compact
        assert entry.presentation_id == id_of("oever")
        assert entry.expires_at == NOW + VALIDITY - timedelta(seconds=1)
        assert entry.claims == {"role": "example", "auth_server_url": "https://oever.example/oauth2/oever"}
        assert entry.parameters == {
            "authServerURL": "https://oever.example/oauth2/oever",
            "n": 1,
            "deep": {"é": [True]},
        }
        withdrawal = await withdraw(store, "oever", id_of("oever"))
        assert isinstance(withdrawal, Withdrawn)
        assert await store.entry_of("care", OEVER, NOW) == withdrawal

    async def test_a_registration_without_credentials_can_be_kept(self, store: RegistryStore) -> None:
        nothing = a_service(presentation_definition={"id": "pd", "input_descriptors": []})
        await put(store, a_registration("oever", credentials=[]), service=nothing)
        assert await found(store) == [OEVER]
        assert await found(store, ("id", "*")) == []

    async def test_services_do_not_see_each_other(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        assert await store.entry_of("other", OEVER, NOW) is None
        assert await store.search("other", (), NOW, limit=ALL) == ()
        assert (await store.log_after("other", 0, NOW, limit=ALL)).entries == ()
        assert await store.cursor("other") is None

    async def test_a_new_message_takes_the_place_of_the_holders_last(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever", "1"))
        await put(store, a_registration("gouwe"))
        entry = await put(store, a_registration("oever", "2"))
        part = await store.log_after("care", 0, NOW, limit=ALL)
        assert [number for number, _ in part.entries] == [2, 3]
        assert await store.entry_of("care", OEVER, NOW) == entry

    async def test_the_decision_sees_what_is_there_and_what_is_spent(self, store: RegistryStore) -> None:
        seen: list[tuple[Entry | None, bool, bool]] = []

        def watching(inner: Callable[[Entry | None, Any], Admission]) -> Callable[[Entry | None, Any], Admission]:
            def decide(current: Entry | None, spent: Container[str]) -> Admission:
                seen.append((current, id_of("oever", "1") in spent, id_of("oever", "2") in spent))
                return inner(current, spent)

            return decide

        entries = []
        for seed in "123":
            decide = watching(decision(a_registration("oever", seed)))
            entries.append(await store.accept("care", OEVER, NOW, seed="s", decide=decide))
        assert seen == [(None, False, False), (entries[0], False, False), (entries[1], True, False)]
        # Another holder's ids are not spent for this one, and what expired is neither there nor spent.
        with pytest.raises(RejectedError):
            await store.accept("care", GOUWE, NOW, seed="s", decide=watching(_refuse))
        with pytest.raises(RejectedError):
            await store.accept("care", OEVER, NOW + VALIDITY, seed="s", decide=watching(_refuse))
        assert seen[3:] == [(None, False, False), (None, False, False)]

    async def test_a_refused_message_changes_nothing(self, store: RegistryStore) -> None:
        with pytest.raises(RejectedError):
            await store.accept("care", OEVER, NOW, seed="s", decide=_refuse)
        assert (await store.log_after("care", 0, NOW, limit=ALL)).seed == NO_SEED
        entry = await put(store, a_registration("oever"))
        with pytest.raises(RejectedError):
            await put(store, a_registration("oever"))
        assert await store.entry_of("care", OEVER, NOW) == entry
        assert (await store.log_after("care", 0, NOW, limit=ALL)).last == 1

    async def test_concurrent_messages_get_numbers_of_their_own(self, store: RegistryStore) -> None:
        messages = [a_registration(name) for name in ("oever", "gouwe", "linde", "wending")]
        entries = await asyncio.gather(*(put(store, message) for message in messages))
        assert sorted(entry.timestamp for entry in entries) == [1, 2, 3, 4]

    async def test_of_concurrent_copies_one_wins(self, store: RegistryStore) -> None:
        results = await asyncio.gather(*(put(store, a_registration("oever")) for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(result, Registered) for result in results) == 1
        assert sum(isinstance(result, RejectedError) for result in results) == 3

    async def test_the_log_is_read_in_parts(self, store: RegistryStore) -> None:
        for name in ("oever", "gouwe", "linde"):
            await put(store, a_registration(name))
        part = await store.log_after("care", 0, NOW, limit=2)
        assert [number for number, _ in part.entries] == [1, 2]
        assert not part.complete
        part = await store.log_after("care", 2, NOW, limit=2)
        assert [number for number, _ in part.entries] == [3]
        assert part.complete
        assert (await store.log_after("care", 3, NOW, limit=2)).entries == ()

    async def test_what_has_expired_is_gone_at_once_and_pruned_later(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever", lifetime=MINUTE))
        await put(store, a_registration("gouwe"))
        await put(store, a_registration("gouwe", "2"))
        later = NOW + MINUTE
        for _ in range(2):
            assert [n for n, _ in (await store.log_after("care", 0, later, limit=ALL)).entries] == [3]
            assert len(await store.search("care", (), later, limit=ALL)) == 1
            assert await store.entry_of("care", OEVER, later) is None
            await store.prune(later)
        assert (await store.log_after("care", 0, NOW, limit=ALL)).last == 3
        assert await store.entry_of("care", OEVER, NOW) is None  # really removed
        assert await found(store, ("id", "*")) == [GOUWE]
        with pytest.raises(RejectedError, match="seen before"):  # spent ids outlive their pruning
            await put(store, a_registration("gouwe"), now=later)

    # -- following

    async def test_a_page_is_applied_and_moves_the_cursor(self, store: RegistryStore) -> None:
        assert await store.cursor("care") is None
        candidates = [a_candidate(3, a_registration("oever")), a_candidate(7, a_registration("gouwe"))]
        assert await store.advance("care", None, a_step(at=7), candidates, [], NOW) == ()
        assert await store.cursor("care") == Cursor(seed="s", timestamp=7)
        assert [entry.timestamp for entry in await store.search("care", (), NOW, limit=ALL)] == [3, 7]

    async def test_a_cursor_that_another_moved_changes_nothing(self, store: RegistryStore) -> None:
        await store.advance("care", None, a_step(at=7), [], [], NOW)
        for before in (None, Cursor(seed="s", timestamp=6), Cursor(seed="other", timestamp=7)):
            candidates = [a_candidate(8, a_registration("oever"))]
            assert await store.advance("care", before, a_step(at=8), candidates, [waiting(8)], NOW) is None
        assert await store.cursor("care") == Cursor(seed="s", timestamp=7)
        assert await found(store) == []
        assert await store.pending("care", NOW) == ()

    async def test_a_refused_entry_does_not_stop_the_others(self, store: RegistryStore) -> None:
        candidates = [
            a_candidate(1, a_registration("oever")),
            a_candidate(2, a_registration("oever")),
            a_candidate(3, a_registration("gouwe")),
        ]
        refusals = await store.advance("care", None, a_step(at=3), candidates, [], NOW)
        assert refusals is not None
        assert [(refusal.timestamp, refusal.error.code) for refusal in refusals] == [(2, "replayed")]
        assert await found(store) == [OEVER, GOUWE]

    async def test_an_entry_that_is_not_newer_is_passed_over(self, store: RegistryStore) -> None:
        await store.advance("care", None, a_step(at=5), [a_candidate(5, a_registration("oever"))], [], NOW)
        again = [a_candidate(5, a_registration("oever")), a_candidate(4, a_registration("oever", "2"))]
        before = Cursor(seed="s", timestamp=5)
        assert await store.advance("care", before, a_step(at=6), again, [], NOW) == ()
        [entry] = await store.search("care", (), NOW, limit=ALL)
        assert (entry.timestamp, entry.presentation_id) == (5, id_of("oever"))

    async def test_a_withdrawal_in_a_followed_log_ends_the_registration(self, store: RegistryStore) -> None:
        candidates = [
            a_candidate(1, a_registration("oever")),
            a_candidate(2, a_withdrawal("oever", id_of("oever"))),
            a_candidate(3, a_registration("oever")),  # a host that brings it back
        ]
        refusals = await store.advance("care", None, a_step(at=3), candidates, [], NOW)
        assert refusals is not None
        assert [refusal.timestamp for refusal in refusals] == [3]
        assert await found(store) == []

    async def test_a_new_log_starts_from_nothing(self, store: RegistryStore) -> None:
        await store.advance("care", None, a_step(at=1), [a_candidate(1, a_registration("oever"))], [waiting(2)], NOW)
        before = Cursor(seed="s", timestamp=1)
        forget = SyncStep(forget=True, entries=(), cursor=None, again=True)
        assert await store.advance("care", before, forget, [], [], NOW) == ()
        assert await store.cursor("care") is None
        assert await found(store) == []
        assert await found(store, ("id", "*")) == []
        assert await store.pending("care", NOW) == ()
        candidates = [a_candidate(1, a_registration("oever"))]
        assert await store.advance("care", None, a_step(seed="t", at=1), candidates, [], NOW) == ()
        assert await found(store) == [OEVER]

    async def test_forgetting_and_reading_can_be_one_step(self, store: RegistryStore) -> None:
        await store.advance("care", None, a_step(at=0), [], [waiting(1)], NOW)
        before = Cursor(seed="s", timestamp=0)
        step = a_step(seed="t", at=1, forget=True)
        assert await store.advance("care", before, step, [a_candidate(1, a_registration("oever"))], [], NOW) == ()
        assert await store.pending("care", NOW) == ()
        assert await found(store) == [OEVER]

    async def test_entries_wait_until_they_are_settled_or_expire(self, store: RegistryStore) -> None:
        soon = waiting(2, expires_at=NOW + MINUTE)
        await store.advance("care", None, a_step(at=9), [], [waiting(9), soon, waiting(4)], NOW)
        assert await store.pending("care", NOW) == (soon, waiting(4), waiting(9))
        assert await store.pending("care", NOW + MINUTE) == (waiting(4), waiting(9))
        assert await store.settle("care", [], [], NOW) == ()
        assert await store.settle("care", [a_candidate(4, a_registration("oever"))], [4], NOW) == ()
        assert await found(store) == [OEVER]
        refusals = await store.settle("care", [a_candidate(9, a_registration("oever"))], [9], NOW)
        assert [refusal.error.code for refusal in refusals] == ["replayed"]
        assert await store.pending("care", NOW) == (soon,)
        await store.prune(NOW + MINUTE)
        assert await store.pending("care", NOW) == ()

    async def test_what_no_longer_waits_is_not_decided_on(self, store: RegistryStore) -> None:
        assert await store.settle("care", [a_candidate(4, a_registration("oever"))], [4], NOW) == ()
        assert await found(store) == []

    # -- searching

    @pytest.mark.parametrize(
        ("conditions", "names"),
        [
            ([], "oever gouwe linde"),
            ([("credentialSubject.role", "Huisarts")], "oever"),
            ([("$.credentialSubject.role", "Huisarts")], "oever"),
            ([("credentialSubject.role", "huisarts")], ""),  # exact texts compare as they are
            ([("credentialSubject.role", "huis*")], "oever gouwe"),  # wildcards don't mind case
            ([("credentialSubject.role", "*POST")], "gouwe"),
            ([("credentialSubject.role", "*s*")], "oever gouwe linde"),
            ([("credentialSubject.role", "**")], "oever gouwe linde"),
            ([("credentialSubject.role", "100%*")], "linde"),
            ([("credentialSubject.role", "1_0*")], ""),
            ([("credentialSubject.role", "*ße")], "linde"),
            ([("credentialSubject.role", "*STRASSE*")], "linde"),
            ([("credentialSubject.role", "*")], "oever gouwe linde"),
            ([("credentialSubject.nothing", "*")], ""),
            ([("credentialSubject.list", "b")], "oever gouwe linde"),
            ([("credentialSubject.deep.er", "x")], "oever gouwe linde"),
            ([("type", "ExampleCredential"), ("credentialSubject.role", "huis*")], "oever gouwe"),
            ([("type", "DiscoveryRegistrationCredential"), ("credentialSubject.role", "huis*")], ""),  # one credential
            ([("credentialSubject.id", a_did("gouwe"))], "gouwe"),
            ([("issuer", a_did("linde"))], "linde"),
            ([("issuer", "*ministry*"), ("credentialSubject.role", "H*"), ("type", "E*")], "oever gouwe"),
        ],
    )
    async def test_a_search_finds_what_its_conditions_mean(
        self, store: RegistryStore, conditions: list[tuple[str, str]], names: str
    ) -> None:
        for name, role in (("oever", "Huisarts"), ("gouwe", "Huisartsenpost"), ("linde", "100% Straße")):
            example = a_credential(name, subject={"role": role})
            about = about_itself(name, list=["a", "b"], deep={"er": "x"}, number=1)
            await put(store, a_registration(name, credentials=[example, about]))
        assert await found(store, *conditions) == [a_did(name) for name in names.split()]
        assert await found(store, *conditions, limit=1) == [a_did(name) for name in names.split()[:1]]

    async def test_only_registrations_that_stand_are_found(self, store: RegistryStore) -> None:
        await put(store, a_registration("oever"))
        await put(store, a_registration("gouwe"))
        await withdraw(store, "oever", id_of("oever"))
        assert await found(store) == [GOUWE]
        assert await found(store, ("id", "*")) == [GOUWE]

    # -- our own registrations

    async def test_a_wish_is_due_at_once_and_can_be_repeated(self, store: RegistryStore) -> None:
        wish = await store.join("care", OEVER, {"a": [1]}, NOW)
        assert wish == OwnRegistration(
            service="care",
            holder=OEVER,
            parameters={"a": [1]},
            presentation_id=None,
            registered_at=None,
            expires_at=None,
            due_at=NOW,
            failures=0,
            error=None,
            leaving=False,
        )
        await store.failed("care", OEVER, error="away", due_at=NOW + MINUTE)
        again = await store.join("care", OEVER, {}, NOW + 2 * MINUTE)
        assert again == replace(wish, parameters={}, failures=1, error="away", due_at=NOW + 2 * MINUTE)
        assert await store.own("care", OEVER) == again
        assert await store.own("care", GOUWE) is None

    async def test_success_and_failure_are_noted(self, store: RegistryStore) -> None:
        await store.join("care", OEVER, {}, NOW)
        for failures in (1, 2):
            await store.failed("care", OEVER, error="away", due_at=NOW + MINUTE)
            own = await store.own("care", OEVER)
            assert own is not None
            assert (own.failures, own.error, own.due_at) == (failures, "away", NOW + MINUTE)
        await self.registered(store)
        own = await store.own("care", OEVER)
        assert own is not None
        assert (own.presentation_id, own.registered_at, own.expires_at) == ("p", NOW, NOW + VALIDITY)
        assert (own.failures, own.error, own.due_at, own.leaving) == (0, None, NOW + MINUTE, False)
        await store.failed("care", GOUWE, error="nobody", due_at=NOW)
        assert len(await store.owned()) == 1

    async def registered(self, store: RegistryStore) -> None:
        await store.registered(
            "care",
            OEVER,
            presentation_id="p",
            registered_at=NOW,
            expires_at=NOW + VALIDITY,
            due_at=NOW + MINUTE,
        )

    async def test_a_wish_to_leave_survives_a_registration_under_way(self, store: RegistryStore) -> None:
        assert await store.leave("care", OEVER, NOW) is None
        await store.join("care", OEVER, {}, NOW)
        leaving = await store.leave("care", OEVER, NOW + MINUTE)
        assert leaving is not None
        assert (leaving.leaving, leaving.due_at) == (True, NOW + MINUTE)
        await self.registered(store)
        own = await store.own("care", OEVER)
        assert own is not None
        assert (own.leaving, own.presentation_id, own.due_at) == (True, "p", NOW)  # to be withdrawn, at once
        await store.left("care", OEVER)
        assert await store.own("care", OEVER) is None

    async def test_who_wants_in_again_is_not_thrown_out(self, store: RegistryStore) -> None:
        await store.join("care", OEVER, {}, NOW)
        await store.leave("care", OEVER, NOW)
        await store.join("care", OEVER, {}, NOW)
        await store.left("care", OEVER)
        own = await store.own("care", OEVER)
        assert own is not None
        assert not own.leaving

    async def test_what_is_due_comes_longest_overdue_first(self, store: RegistryStore) -> None:
        await store.join("care", OEVER, {}, NOW)
        await store.join("care", GOUWE, {}, NOW - MINUTE)
        await store.join("other", OEVER, {}, NOW + MINUTE)
        assert [own.holder for own in await store.due(NOW)] == [GOUWE, OEVER]
        assert [(own.service, own.holder) for own in await store.owned()] == sorted(
            [("care", OEVER), ("care", GOUWE), ("other", OEVER)]
        )
        assert [own.service for own in await store.owned("other")] == ["other"]


def _refuse(_current: Entry | None, _spent: Container[str]) -> Admission:
    raise RejectedError("untrusted", "no")
