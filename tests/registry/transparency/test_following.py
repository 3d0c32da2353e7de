"""Following by the log: honest hosts and mirrors are believed, and every way to lie is seen."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from credentials.encoding import b64_decode
from registry.errors import RejectedError, TransferError
from registry.messages import ListPage
from registry.transparency import following as following_module
from registry.transparency.checkpoint import Checkpoint, sign_checkpoint
from registry.transparency.entries import leaf_of
from registry.transparency.heads import LogReport
from registry.transparency.leaf import Leaf
from registry.transparency.merkle import Frontier, leaf_hash
from registry.transparency.note import SignedNote
from registry.transparency.tiles import bundle_to_wire
from tests.support.keys import a_did
from tests.support.logs import HOST_URL, LogWorld, Party, a_secret
from tests.support.registry import ENDPOINT, NOW, VALIDITY, SimulatedDocuments, a_registration, a_withdrawal, id_of
from tests.support.world import FixedEntropy

MINUTE = timedelta(minutes=1)


async def register(world: LogWorld, *names: str, seed: str = "1") -> None:
    for name in names:
        await world.host.accept("care", a_registration(name, seed, now=world.clock.now()))


async def names(party: Party) -> list[str]:
    known = {a_did(name): name for name in SimulatedDocuments.NAMES}
    return sorted(known[entry.holder] for entry in await party.client.search("care"))


async def follow(party: Party) -> LogReport:
    report = await party.client.follow("care")
    assert report.log is not None
    return report.log


def kinds(report: LogReport) -> set[str]:
    return {alarm.kind for alarm in report.alarms}


async def test_what_is_in_the_log_is_taken_and_the_tree_is_known() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    report = await follow(follower)
    assert await names(follower) == ["gouwe", "oever"]
    assert (report.size, report.alarms, report.missing) == (3, (), ())  # it began, and two came
    host_tree = await world.party.store.tree("care")
    assert host_tree is not None
    assert report.root == host_tree.frontier.root


async def test_an_unchanged_log_costs_one_small_call() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    await follow(follower)
    world.peers.calls.clear()
    report = await follow(follower)
    assert world.peers.calls == [f"{ENDPOINT}/log/checkpoint"]
    assert report.alarms == ()


async def test_a_log_without_entries_is_no_problem() -> None:
    world = LogWorld()
    follower = world.follower()
    assert (await follow(follower)).size == 0
    await register(world, "oever")
    assert (await follow(follower)).alarms == ()
    assert await names(follower) == ["oever"]


async def test_replacing_withdrawing_and_expiring_are_followed() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe", "linde")
    await follow(follower)
    world.clock.jump(MINUTE)
    await register(world, "oever", seed="2")
    await world.host.accept("care", a_withdrawal("gouwe", id_of("gouwe"), now=world.clock.now()))
    report = await follow(follower)
    assert await names(follower) == ["linde", "oever"]
    assert report.alarms == ()
    world.clock.jump(VALIDITY)
    await world.party.store.prune(world.clock.now())
    tree = await world.party.store.tree("care")
    assert tree is not None
    report = await follow(follower)
    assert (report.size, report.alarms) == (tree.frontier.size, ())
    last = Leaf.parse((await world.party.store.leaves("care", report.size - 1, report.size))[0])
    assert last.event == "expired"
    assert await names(follower) == []


async def test_a_follower_goes_on_with_mirrors_while_the_host_is_away() -> None:
    world = LogWorld(mirrors=2)
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    world.peers.away.add(ENDPOINT)
    follower = world.follower()
    report = await follow(follower)
    assert await names(follower) == ["gouwe", "oever"]
    assert report.witnesses == 2
    assert [bool(head.error) for head in report.heads] == [True, False, False]
    assert report.alarms == ()


async def test_when_nobody_can_be_reached_that_is_said_and_what_is_known_stays() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever")
    await world.mirror_all()
    await follow(follower)
    world.peers.away |= set(world.peers.parties)
    with pytest.raises(TransferError, match="unreachable"):
        await follower.client.follow("care")
    assert await names(follower) == ["oever"]


async def test_a_mirror_serves_what_it_would_not_act_upon_itself() -> None:
    world = LogWorld(mirrors=1)
    await register(world, "oever", "gouwe")
    mirror = world.mirrors[0]
    mirror.client._verifier.away.add("gouwe")  # type: ignore[attr-defined]  # its documents can not be had there
    await world.mirror_all()
    assert await names(mirror) == ["oever"]
    world.peers.away.add(ENDPOINT)
    follower = world.follower()
    await follow(follower)
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_message_the_log_does_not_know_is_not_taken() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    forged = a_registration("linde")
    page = ListPage.parse((await world.host.page("care", 0)).to_wire())
    more = replace(page, entries=(*page.entries, (2, forged)), timestamp=2).to_wire()
    world.peers.lies[ENDPOINT] = lambda rest: more if rest.startswith("?") else None
    await follow(follower)
    assert await names(follower) == ["oever"]


async def test_a_message_edited_in_silence_is_not_taken_and_is_told() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    page = ListPage.parse((await world.host.page("care", 0)).to_wire())
    other = a_registration("gouwe", "another")
    edited = replace(page, entries=(page.entries[0], (2, other))).to_wire()
    world.peers.lies[ENDPOINT] = lambda rest: edited if rest.startswith("?") else None
    report = await follow(follower)
    assert kinds(report) == {"altered"}
    assert await names(follower) == ["gouwe", "oever"]  # the mirror had the right one
    [entry] = await follower.client.search("care", [("credentialSubject.id", a_did("gouwe"))])
    assert entry.presentation_id == id_of("gouwe")


async def test_a_message_withheld_by_the_host_comes_from_a_mirror() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    page = ListPage.parse((await world.host.page("care", 0)).to_wire())
    short = replace(page, entries=page.entries[:1]).to_wire()
    world.peers.lies[ENDPOINT] = lambda rest: short if rest.startswith("?") else None
    report = await follow(follower)
    assert await names(follower) == ["gouwe", "oever"]
    assert report.missing == ()


async def test_a_message_that_nobody_gives_is_told_asked_for_again_and_stops_nobody() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    page = ListPage.parse((await world.host.page("care", 0)).to_wire())
    short = replace(page, entries=page.entries[1:]).to_wire()
    world.peers.lies[ENDPOINT] = lambda rest: short if rest.startswith("?") else None
    report = await follow(follower)
    assert (kinds(report), report.missing) == ({"withheld"}, (1,))
    assert await names(follower) == ["gouwe"]
    world.peers.lies.clear()
    assert (await follow(follower)).missing == (1,)  # not at every round
    world.clock.jump(following_module.ASK_AGAIN)
    assert (await follow(follower)).missing == ()
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_page_of_another_list_is_not_used() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    page = replace(ListPage.parse((await world.host.page("care", 0)).to_wire()), seed="another").to_wire()
    world.peers.lies[ENDPOINT] = lambda rest: page if rest.startswith("?") else None
    assert "altered" in kinds(await follow(follower))
    assert await names(follower) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"seed":"s","timestamp":1,"entries":{"x":"y"}}'])
async def test_a_page_that_is_none_is_told_and_the_mirror_asked(body: bytes) -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever")
    await world.mirror_all()
    world.peers.lies[ENDPOINT] = lambda rest: body if rest.startswith("?") else None
    assert kinds(await follow(follower)) == {"altered"}
    assert await names(follower) == ["oever"]


async def test_a_page_without_an_end_is_left() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    seed = (await world.host.page("care", 0)).seed

    def endless(rest: str) -> bytes | None:
        if not rest.startswith("?"):
            return None
        after = int(rest.removeprefix("?timestamp="))
        return ListPage(seed=seed, timestamp=after, entries=((after + 1, "x.y.z"),)).to_wire()

    world.peers.lies[ENDPOINT] = endless
    report = await follow(follower)
    assert "withheld" in kinds(report)
    assert len(world.peers.calls) < 10


async def fork_of(world: LogWorld, *others: str) -> Party:
    """The host's other face: a log that begins the same, and goes on otherwise, signed with the same key."""
    twin = world.a_party(HOST_URL, "host", hosts=True)
    twin.host._entropy = FixedEntropy("host")
    for name in others:
        await twin.host.accept("care", a_registration(name, now=world.clock.now()))
    return twin


def show(world: LogWorld, checkpoint: bytes) -> None:
    world.peers.lies[ENDPOINT] = lambda rest: checkpoint if rest == "/log/checkpoint" else None


async def test_a_fork_is_seen_by_comparing_with_a_mirror_and_both_heads_are_kept() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    twin = await fork_of(world, "oever", "linde")
    show(world, await twin.logs.checkpoint(world.service))
    report = await follow(follower)
    assert "fork" in kinds(report)
    assert [head.size for head in report.heads] == [3, 3]
    assert {head.signed.checkpoint.root for head in report.heads if head.signed is not None} == {
        (await world.party.store.tree("care")).frontier.root,  # type: ignore[union-attr]  # it has one
        (await twin.store.tree("care")).frontier.root,  # type: ignore[union-attr]  # likewise
    }
    tree = await follower.store.tree("care")
    assert tree is not None
    evidence = json.loads(tree.evidence)
    notes = [SignedNote.parse(b64_decode(evidence[name])) for name in ("first", "second")]
    assert notes[0].text != notes[1].text
    assert world.service.log_key is not None
    for note in notes:
        note.signed_by(world.service.log_key)


async def test_a_follower_that_knew_the_log_takes_nothing_of_a_fork() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    before = await follow(follower)
    twin = await fork_of(world, "oever", "linde", "wending", "hofstede")
    world.peers.parties[ENDPOINT] = twin
    report = await follow(follower)
    assert "fork" in kinds(report)
    assert (report.size, report.root) == (before.size, before.root)
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_mirror_never_cosigns_both_sides_of_a_fork() -> None:
    world = LogWorld(mirrors=1)
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    honest = await world.mirrors[0].logs.checkpoint(world.service)
    world.peers.parties[ENDPOINT] = await fork_of(world, "oever", "linde", "wending")
    await world.mirror_all()
    assert await world.mirrors[0].logs.checkpoint(world.service) == honest


async def test_a_host_that_goes_back_is_told_and_not_followed() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    early = await world.party.logs.checkpoint(world.service)
    await register(world, "gouwe")
    await follow(follower)
    show(world, early)
    report = await follow(follower)
    assert kinds(report) == {"rollback"}
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_host_that_hides_what_is_new_is_seen_with_a_mirror() -> None:
    world = LogWorld(mirrors=1)
    await register(world, "oever")
    early = await world.party.logs.checkpoint(world.service)
    await register(world, "gouwe")
    await world.mirror_all()
    show(world, early)
    follower = world.follower()
    report = await follow(follower)
    assert report.size == 3
    assert "rollback" in kinds(report)
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_mirror_that_is_a_bit_behind_is_no_alarm() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever")
    await world.mirror_all()
    await register(world, "gouwe", "linde")
    report = await follow(follower)
    assert report.alarms == ()
    assert [head.size for head in report.heads] == [4, 2]
    report = await follow(world.follower("another"))
    assert report.alarms == ()


async def test_a_checkpoint_of_somebody_else_is_not_believed() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    stranger = world.a_party(HOST_URL, "stranger", hosts=True)
    await stranger.host.accept("care", a_registration("linde"))
    show(world, await stranger.logs.checkpoint(world.service))
    with pytest.raises(TransferError, match="not signed"):
        await follower.client.follow("care")
    assert await names(follower) == []


async def test_leaves_that_are_not_those_of_the_tree_are_not_used() -> None:
    world = LogWorld(mirrors=1)
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    leaves = [Leaf(event="began", at=NOW, seed="x").to_bytes()] * 3
    world.peers.lies[ENDPOINT] = lambda rest: bundle_to_wire(leaves) if "entries" in rest else None
    report = await follow(follower)
    assert report.alarms == ()  # the mirror has the right ones
    assert await names(follower) == ["gouwe", "oever"]
    world.peers.away.add(world.service.mirrors[0])
    assert kinds(await follow(world.follower("another"))) == {"not a log"}


async def test_a_log_that_claims_to_be_endless_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "MAX_NEW_LEAVES", 2)
    world = LogWorld()
    await register(world, "oever", "gouwe")
    follower = world.follower()
    assert kinds(await follow(follower)) == {"not a log"}
    assert not any("tile" in call for call in world.peers.calls)


async def test_a_log_of_which_more_counts_than_fits_in_memory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "MAX_LISTED", 2)
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await follow(follower)
    await register(world, "linde")
    assert kinds(await follow(follower)) == {"not a log"}
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_message_called_expired_too_early_stays_and_is_told() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever")
    await follow(follower)
    lie = Leaf(event="expired", at=world.clock.now(), number=1, holder=a_did("oever"))
    world.party.store.logs["care"].append([lie])
    assert kinds(await follow(follower)) == {"expired early"}
    assert await names(follower) == ["oever"]


async def test_numbers_that_go_back_in_the_log_are_refused() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await follow(follower)
    leaves = await world.party.store.leaves("care", 1, 2)
    world.party.store.logs["care"].append_bytes(leaves)
    assert kinds(await follow(follower)) == {"not a log"}
    assert await names(follower) == ["gouwe", "oever"]


async def test_what_too_few_witnesses_saw_waits() -> None:
    world = LogWorld(mirrors=2, quorum=2)
    follower = world.follower()
    await register(world, "oever")
    await world.mirror_all()
    assert (await follow(follower)).witnesses == 2
    assert await names(follower) == ["oever"]
    await register(world, "gouwe")
    await world.mirrors[0].client.follow("care")
    assert await names(follower) == ["oever"]
    report = await follow(follower)
    assert (report.size, report.witnesses) == (2, 2)  # one saw the newest, both saw the one before
    assert await names(follower) == ["oever"]
    await world.mirror_all()
    assert (await follow(follower)).alarms == ()
    assert await names(follower) == ["gouwe", "oever"]


async def test_without_the_witnesses_that_are_asked_for_nothing_new_is_believed() -> None:
    world = LogWorld(mirrors=2, quorum=2)
    follower = world.follower()
    await register(world, "oever")
    await world.mirrors[0].client.follow("care")
    report = await follow(follower)
    assert kinds(report) == {"witnesses"}
    assert await names(follower) == []


async def test_a_follower_that_starts_late_does_not_read_what_can_not_count() -> None:
    world = LogWorld()
    await register(world, "oever")
    log = world.party.store.logs["care"]
    old = world.clock.now() - timedelta(days=300)
    # A log with a long life behind it: expiries of messages that nobody remembers.
    del world.party.store.logs["care"]
    await world.party.store.begin_log("care", old)
    log = world.party.store.logs["care"]
    log.leaves.clear()
    log.hashes.clear()
    log.tree = replace(log.tree, frontier=Frontier())
    ancient = [Leaf(event="expired", at=old + each * MINUTE, number=1, holder=a_did("x")) for each in range(2_000)]
    log.append([Leaf(event="began", at=old, seed=(await world.host.page("care", 0)).seed), *ancient])
    entry = await world.party.store.entry_of("care", a_did("oever"), NOW)
    assert entry is not None
    log.append([leaf_of(entry, NOW)])
    follower = world.follower()
    report = await follow(follower)
    assert (report.size, report.alarms) == (2_002, ())
    assert await names(follower) == ["oever"]
    assert sum("entries" in call for call in world.peers.calls) < 6


async def test_a_mirror_that_is_promoted_goes_on_where_the_host_was() -> None:
    world = LogWorld(mirrors=2)
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await world.mirror_all()
    await follow(follower)
    seed = (await world.host.page("care", 0)).seed
    world.peers.away.add(ENDPOINT)
    mirror = world.mirrors[0]
    with pytest.raises(RejectedError, match="copy"):
        await mirror.store.accept("care", a_did("linde"), NOW, seed="x", decide=None)  # type: ignore[arg-type]  # refused before
    await mirror.store.promote("care")
    mirror.host.services = world.services
    address = mirror.logs.keys.own_url("care")
    world.redefine(
        endpoint=address,
        log_key=str(mirror.logs.keys.log(world.service).verifier),
        mirrors=list(world.service.mirrors[1:]),
    )
    await mirror.host.accept("care", a_registration("linde", now=world.clock.now()))
    page = await mirror.host.page("care", 0)
    assert (page.seed, [number for number, _ in page.entries]) == (seed, [1, 2, 3])
    report = await follow(follower)
    assert report.alarms == ()
    assert await names(follower) == ["gouwe", "linde", "oever"]
    assert kinds(await follow(world.mirrors[1])) == set()
    late = world.follower("late")
    await follow(late)
    assert await names(late) == ["gouwe", "linde", "oever"]


async def test_a_log_under_another_key_begins_anew_when_the_definition_says_so() -> None:
    world = LogWorld()
    follower = world.follower()
    await register(world, "oever", "gouwe")
    await follow(follower)
    lost = world.a_party(HOST_URL, "new host", hosts=True)
    await lost.host.accept("care", a_registration("linde"))
    await lost.host.accept("care", a_registration("wending"))
    await lost.host.accept("care", a_registration("oever"))
    world.peers.parties[ENDPOINT] = lost
    world.redefine(log_key=str(lost.logs.keys.log(world.service).verifier))
    lost.logs.keys.log(world.service)
    report = await follow(follower)
    assert report.size == 4
    assert await names(follower) == ["linde", "oever", "wending"]


async def test_a_service_that_gets_a_log_later_is_followed_by_it_from_then_on() -> None:
    world = LogWorld()
    named = world.service.raw["log_key"]
    without = {
        name: value
        for name, value in world.service.raw.items()
        if name not in {"log_key", "mirrors", "witnesses", "witness_quorum"}
    }
    world.services["care"] = world.service = type(world.service).parse(json.dumps(without).encode())
    follower = world.follower()
    await register(world, "oever", "gouwe")
    assert (await follower.client.follow("care")).log is None
    world.redefine(log_key=named)
    assert (await follow(follower)).alarms == ()
    assert await names(follower) == ["gouwe", "oever"]


async def test_a_host_signs_a_tree_once_and_only_what_it_has() -> None:
    world = LogWorld()
    await register(world, "oever")
    first = await world.party.logs.checkpoint(world.service)
    assert await world.party.logs.checkpoint(world.service) == first
    for path in ("0/001", "0/000.p/3", "1/000", "entries/001"):
        with pytest.raises(RejectedError):
            await world.party.logs.tile(world.service, path)
    leaves = await world.party.store.leaves("care", 0, 2)
    assert await world.party.logs.tile(world.service, "0/000.p/2") == b"".join(map(leaf_hash, leaves))
    assert await world.party.logs.tile(world.service, "entries/000.p/1") == bundle_to_wire(leaves[:1])


def test_keys_follow_from_the_secret_and_differ_by_use() -> None:
    world = LogWorld(mirrors=1)
    keys = world.party.logs.keys
    assert keys.is_host_key(world.service)
    assert not keys.is_mirror(world.service)
    assert keys.log(world.service).verifier.public != keys.witness().verifier.public
    assert repr(keys).count(a_secret("host").decode()) == 0
    other = replace(keys, secret=a_secret("other"))
    assert not other.is_host_key(world.service)
    mirror = world.mirrors[0].logs.keys
    assert mirror.is_mirror(world.service)
    assert mirror.is_witness(world.service)


def test_a_checkpoint_of_no_leaves_is_one() -> None:
    world = LogWorld()
    signer = world.party.logs.keys.log(world.service)
    empty = Checkpoint(origin=signer.verifier.name, size=0, root=Frontier().root)
    assert sign_checkpoint(empty, signer).note.text.endswith("=\n")
