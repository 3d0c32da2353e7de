"""Taking part in discovery services: who is there stays known whatever happens to the host."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from credentials.errors import RevokedError, UnavailableError
from credentials.keys import SoftwareKey
from node.registries.lapsed import Lapsed
from node.registries.participation import WATCH_SECONDS, Followed, Participation
from registry.client import FollowReport, RegistryClient
from registry.host import RegistryHost
from registry.memory import MemoryStore
from tests.support.keys import a_did, a_key, ec_private_key
from tests.support.registry import (
    ENDPOINT,
    NOW,
    VALIDITY,
    SimulatedDocuments,
    SimulatedPeers,
    SimulatedRegistrants,
    a_registration,
    a_service,
    a_withdrawal,
    about_itself,
    id_of,
)
from tests.support.status_lists import LIST_URL, ScriptedStanding, a_credential_with_status, a_verified_list
from tests.support.world import FixedEntropy, ManualClock

OEVER = a_did("oever")
PAUSE = timedelta(minutes=10)


class Region:
    """The service "care", hosted elsewhere or here, and our part in it."""

    def __init__(self, *, join: tuple[str, ...] = (), hosted: bool = False, store: MemoryStore | None = None) -> None:
        services = {"care": a_service()}
        self.clock = ManualClock(NOW)
        self.documents = SimulatedDocuments(self.clock)
        self.standing = ScriptedStanding()
        self.peers = SimulatedPeers()
        self.store = store or MemoryStore()
        self.host = RegistryHost(
            services,
            store=self.store if hosted else MemoryStore(),
            verifier=SimulatedDocuments(self.clock),
            clock=self.clock,
            entropy=FixedEntropy("host"),
        )
        self.peers.hosts[ENDPOINT] = self.host
        self.client = RegistryClient(
            services,
            store=self.store,
            peers=self.peers,
            verifier=self.documents,
            registrants=SimulatedRegistrants(),
            clock=self.clock,
            entropy=FixedEntropy("client"),
            host=self.host if hosted else None,
        )
        self.part = self.a_part(join=join, hosted=hosted)

    def a_part(
        self, *, join: tuple[str, ...] = (), hosted: bool = False, parameters: Mapping[str, str] | None = None
    ) -> Participation:
        return Participation(
            client=self.client,
            store=self.store,
            clock=self.clock,
            standing=self.standing,
            holder=OEVER,
            join=join,
            hosted=("care",) if hosted else (),
            parameters=parameters or {"colour": "blue"},
            pause=PAUSE,
        )

    @property
    def followed(self) -> Followed:
        return self.part.followed("care")

    def lying(self, *entries: str) -> None:
        """From now on the host shows these, and then nothing new."""
        shown = {str(number): compact for number, compact in enumerate(entries, 1)}
        pages: tuple[dict[str, str], ...] = (shown, {})
        self.peers.replies[ENDPOINT] = [
            json.dumps({"seed": "s", "timestamp": len(entries), "entries": page}).encode() for page in pages
        ]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.message}" for record in caplog.records if record.name.startswith("node.")]


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_starting_touches_no_network_and_knows_what_was_known(caplog: pytest.LogCaptureFixture) -> None:
    first = Region()
    await first.host.accept("care", a_registration("linde"))
    await first.part.round()
    again = Region(store=first.store)
    await again.part.start()
    assert again.peers.calls == []
    assert again.followed.members == 1
    assert again.followed.refreshed_at is None
    assert told(caplog) == []


async def test_a_round_registers_us_and_reads_who_is_there() -> None:
    region = Region(join=("care",))
    await region.host.accept("care", a_registration("linde"))
    await region.part.start()
    await region.part.round()
    assert region.followed == Followed(refreshed_at=NOW, members=2)
    own = await region.store.own("care", OEVER)
    assert own is not None
    assert (own.error, dict(own.parameters)) == (None, {"colour": "blue"})


async def test_we_register_once_and_again_before_it_ends() -> None:
    region = Region(join=("care",))
    await region.part.start()
    for _ in range(3):
        await region.part.round()
    posted = [call for call in region.peers.calls if call[0] == "POST"]
    assert len(posted) == 1
    region.clock.jump(VALIDITY * 0.5)
    await region.part.round()
    assert len([call for call in region.peers.calls if call[0] == "POST"]) == 2
    region.clock.jump(VALIDITY * 0.75)
    await region.part.round()
    assert region.followed.members == 1


async def test_what_we_say_about_ourselves_is_registered_anew_when_it_changed() -> None:
    region = Region(join=("care",))
    await region.part.start()
    await region.part.round()
    region.part = region.a_part(join=("care",), parameters={"colour": "green"})
    await region.part.start()
    await region.part.round()
    (entry,) = await region.store.search("care", (), NOW, limit=10)
    assert entry.parameters["colour"] == "green"


async def test_a_host_that_is_away_keeps_the_directory_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    region = Region()
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    region.peers.away.add(ENDPOINT)
    for _ in range(3):
        region.clock.jump(PAUSE)
        await region.part.round()
    assert region.followed.members == 1
    assert region.followed.refreshed_at == NOW
    assert region.followed.error == f"{ENDPOINT}: unreachable"
    assert told(caplog) == ["WARNING discovery service"]


async def test_a_host_that_is_back_is_told_and_read_on(caplog: pytest.LogCaptureFixture) -> None:
    region = Region()
    region.peers.away.add(ENDPOINT)
    await region.part.round()
    await region.host.accept("care", a_registration("linde"))
    region.peers.away.clear()
    region.clock.jump(PAUSE)
    await region.part.round()
    assert region.followed == Followed(refreshed_at=NOW + PAUSE, members=1)
    assert told(caplog) == ["WARNING discovery service", "INFO discovery service is back"]


async def test_a_registration_that_fails_is_told_once_and_tried_until_it_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    region = Region(join=("care",))
    region.peers.away.add(ENDPOINT)
    await region.part.start()
    for _ in range(4):
        await region.part.round()
        region.clock.jump(PAUSE)
    assert told(caplog) == ["WARNING discovery service"] * 2  # not registered, not read
    region.peers.away.clear()
    for _ in range(8):
        region.clock.jump(PAUSE)
        await region.part.round()
    own = await region.store.own("care", OEVER)
    assert own is not None
    assert (own.error, region.followed.members) == (None, 1)
    assert told(caplog)[2:] == ["INFO discovery service is back"] * 2


async def test_members_leave_the_directory_when_their_registration_ends_with_the_host_away() -> None:
    region = Region()
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    region.peers.away.add(ENDPOINT)
    region.clock.jump(VALIDITY + timedelta(seconds=1))
    await region.part.round()
    assert region.followed.members == 0


async def test_who_withdraws_is_gone_after_the_next_round() -> None:
    region = Region()
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    region.clock.jump(1)
    await region.host.accept("care", a_withdrawal("linde", id_of("linde"), now=region.clock.now()))
    await region.part.round()
    assert region.followed.members == 0


async def test_entries_that_are_refused_are_told_and_do_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    region = Region()
    forged = a_registration("linde", key=SoftwareKey(a_key("linde").kid, ec_private_key("intruder")))
    region.lying("no.jwt.at-all", forged, a_registration("gouwe"))
    await region.part.round()
    assert (region.followed.members, region.followed.refused) == (1, 2)
    assert told(caplog) == ["WARNING an entry of a discovery service was refused"] * 2
    assert all("no.jwt" not in str(record.__dict__) for record in caplog.records)


async def test_entries_whose_documents_are_out_of_reach_wait_and_are_taken_later() -> None:
    region = Region()
    region.documents.away.add("linde")
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    assert (region.followed.members, region.followed.pending) == (0, 1)
    region.documents.away.clear()
    await region.part.round()
    assert (region.followed.members, region.followed.pending) == (1, 0)


async def test_a_host_that_talks_nonsense_changes_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    region = Region()
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    for nonsense in (b"", b"{", b"[]", b'{"seed": "s"}', b'{"seed": "s", "timestamp": -1, "entries": {}}', b"\xff"):
        region.peers.replies[ENDPOINT] = [nonsense]
        await region.part.round()
        assert region.followed.members == 1
        assert region.followed.error
    assert set(told(caplog)) == {"WARNING discovery service"}


async def test_what_goes_wrong_with_one_service_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    region = Region()
    region.client.services = {"broken": replace(a_service(), id="broken"), "care": a_service()}
    await region.host.accept("care", a_registration("linde"))
    follow = region.client.follow

    async def fail(service: str) -> FollowReport:
        if service == "broken":
            raise ZeroDivisionError
        return await follow(service)

    monkeypatch.setattr(region.client, "follow", fail)
    await region.part.round()
    assert region.followed.members == 1
    assert region.part.followed("broken").error == "it can not be read here: ZeroDivisionError"


async def test_what_we_host_is_ours_and_never_asked_over_the_network() -> None:
    region = Region(join=("care",), hosted=True)
    await region.part.start()
    await region.part.round()
    await region.host.accept("care", a_registration("linde"))
    await region.part.round()
    assert region.peers.calls == []
    assert region.followed.members == 2
    assert region.followed.refreshed_at == NOW


async def test_rounds_go_on_at_their_pace() -> None:
    region = Region()
    running = asyncio.create_task(region.part.run())
    for _ in range(3):
        await region.clock.advance(PAUSE)
    running.cancel()
    assert 3 <= len(region.peers.calls) <= 4
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_service_that_is_not_known_has_no_news() -> None:
    region = Region()
    assert region.part.followed("nothing") == Followed()
    assert region.part.parameters_of(OEVER) == {"colour": "blue"}
    assert region.part.parameters_of(a_did("linde")) == {}


async def a_region_with_status() -> Region:
    """Linde is registered with a credential that has a status, Gouwe with one that has none."""
    region = Region()
    lists = {LIST_URL: a_verified_list(now=NOW)}
    region.documents.status_lists = lists
    credential = a_credential_with_status("linde", index=3, now=NOW)
    region.lying(a_registration("linde", credentials=[credential, about_itself("linde")]), a_registration("gouwe"))
    await region.part.round()
    return region


def shown(region: Region) -> list[str]:
    names = {a_did(name): name for name in SimulatedDocuments.NAMES}
    return sorted(names[each.holder] for each in region.part.without_lapsed(region.part._members))


async def test_whose_credential_was_revoked_since_is_not_shown_any_more() -> None:
    region = await a_region_with_status()
    watching = asyncio.create_task(region.part.watch())
    await asyncio.sleep(0)

    async def watch() -> list[str]:
        await region.clock.advance(WATCH_SECONDS)
        for _ in range(20):
            await asyncio.sleep(0)
        return shown(region)

    assert await watch() == ["gouwe", "linde"]
    assert [[held.entry.index for held in each] for each in region.standing.asked] == [[3]], "only who has a status"
    directory = region.part.directory
    region.standing.error = RevokedError("revoked")
    assert await watch() == ["gouwe"]
    assert region.part.directory is not directory
    region.standing.error = UnavailableError("a list can not be had")
    assert await watch() == ["gouwe"], "who was hidden stays hidden"
    region.standing.error = None
    assert await watch() == ["gouwe", "linde"], "a suspension may end"
    region.standing.error = UnavailableError("a list can not be had")
    assert await watch() == ["gouwe", "linde"], "what can not be told hides nobody; tokens are another matter"
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_who_can_not_be_read_again_is_not_judged_again() -> None:
    region = await a_region_with_status()
    odd = [replace(each, compact="x") for each in region.part._members]
    assert not await Lapsed(region.standing, region.clock).look(odd)
