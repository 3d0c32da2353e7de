import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from credentials.errors import MalformedError
from credentials.query.matching import NoMatch
from registry import client as client_module
from registry.client import FollowReport, RegistryClient
from registry.entry import Registered
from registry.errors import PeerLogError, RejectedError, TransferError
from registry.host import RegistryHost
from registry.memory import MemoryStore
from registry.sync import Cursor
from tests.support.builders import a_credential
from tests.support.keys import a_did, a_key
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
from tests.support.status_lists import LIST_URL, a_credential_with_status, a_verified_list
from tests.support.world import FixedEntropy, ManualClock

OEVER, GOUWE = a_did("oever"), a_did("gouwe")


class Network:
    """One service, its host, and our node that takes part."""

    def __init__(self, *, hosted_here: bool = False) -> None:
        self.services = {"care": a_service()}
        self.clock = ManualClock(NOW)
        self.documents = SimulatedDocuments(self.clock)
        self.peers = SimulatedPeers()
        self.registrants = SimulatedRegistrants()
        self.host_store = MemoryStore()
        self.host = self.a_host()
        self.store = self.host_store if hosted_here else MemoryStore()
        self.client = RegistryClient(
            self.services,
            store=self.store,
            peers=self.peers,
            verifier=self.documents,
            registrants=self.registrants,
            clock=self.clock,
            entropy=FixedEntropy("client"),
            host=self.host if hosted_here else None,
        )

    def a_host(self, seed: str = "host") -> RegistryHost:
        """A host at the service's address; a second one has lost the log of the first."""
        self.host_store = MemoryStore()
        host = RegistryHost(
            self.services,
            store=self.host_store,
            verifier=SimulatedDocuments(self.clock),
            clock=self.clock,
            entropy=FixedEntropy(seed),
        )
        self.peers.hosts[ENDPOINT] = host
        self.host = host
        return host

    def lying(self, entries: Mapping[int, str], *, seed: str = "s", timestamp: int | None = None) -> None:
        """From now on the host replies this, and then nothing new."""
        last = max(entries, default=0) if timestamp is None else timestamp
        pages: tuple[dict[str, str], ...] = ({str(number): compact for number, compact in entries.items()}, {})
        self.peers.replies[ENDPOINT] = [
            json.dumps({"seed": seed, "timestamp": last, "entries": page}).encode() for page in pages
        ]

    async def follow(self) -> FollowReport:
        return await self.client.follow("care")

    async def names(self) -> list[str]:
        known = {a_did(name): name for name in SimulatedDocuments.NAMES}
        return sorted(known[entry.holder] for entry in await self.client.search("care"))


@pytest.fixture
def network() -> Network:
    return Network()


# -- following


async def test_what_others_register_is_found_after_following(network: Network) -> None:
    await network.host.accept("care", a_registration("oever"))
    await network.host.accept("care", a_registration("gouwe"))
    report = await network.follow()
    assert (report.accepted, report.refused, report.pending, report.forgot) == (2, (), 0, False)
    assert report.cursor is not None
    assert report.cursor.timestamp == 2
    assert await network.names() == ["gouwe", "oever"]
    [entry] = await network.client.search("care", [("credentialSubject.id", OEVER)])
    assert entry.claims["auth_server_url"] == "https://oever.example/oauth2/oever"
    assert network.peers.calls == [("GET", f"{ENDPOINT}?timestamp=0"), ("GET", f"{ENDPOINT}?timestamp=2")]


async def test_only_what_is_new_is_fetched(network: Network) -> None:
    await network.host.accept("care", a_registration("oever"))
    await network.follow()
    network.peers.calls.clear()
    await network.host.accept("care", a_withdrawal("oever", id_of("oever")))
    report = await network.follow()
    assert report.accepted == 1
    assert network.peers.calls[0] == ("GET", f"{ENDPOINT}?timestamp=1")
    assert await network.names() == []
    assert (await network.follow()).accepted == 0


async def test_a_log_of_many_pages_is_read_to_its_end(network: Network) -> None:
    for name in SimulatedDocuments.NAMES:
        padding = about_itself(name, padding="x" * 40_000)
        compact = a_registration(name, credentials=[a_credential(name, now=NOW), padding])
        await network.host.accept("care", compact)
    network.host = RegistryHost(
        network.services,
        store=network.host_store,
        verifier=network.documents,
        clock=network.clock,
        entropy=FixedEntropy(),
    )
    report = await network.follow()
    assert report.accepted == len(SimulatedDocuments.NAMES)


async def test_a_host_without_an_end_does_not_keep_us(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_PAGES", 1)
    await network.host.accept("care", a_registration("oever"))
    await network.follow()
    assert len(network.peers.calls) == 1


@pytest.mark.spec("WIRE §2.10.1")
async def test_a_host_without_registrations_is_no_problem(network: Network) -> None:
    assert (await network.follow()).cursor == Cursor(seed="", timestamp=0)
    await network.host.accept("care", a_registration("oever"))
    assert not (await network.follow()).forgot
    assert await network.names() == ["oever"]


@pytest.mark.spec("WIRE §2.10.5")
async def test_a_host_that_lost_its_log_is_read_again(network: Network) -> None:
    await network.host.accept("care", a_registration("oever"))
    await network.host.accept("care", a_registration("gouwe"))
    await network.follow()
    await network.a_host("rebuilt").accept("care", a_registration("linde"))
    report = await network.follow()
    assert report.forgot
    assert await network.names() == ["linde"]


async def test_one_bad_entry_never_stops_the_others(network: Network) -> None:
    network.lying(
        {
            1: "not a JWT",
            2: a_registration("oever", audience="other"),
            3: a_registration("wending", key=a_key("wending", "stolen")),
            4: a_registration("gouwe"),
            5: "x" * 70_000,
            6: a_registration("linde", credentials=[a_credential("linde", now=NOW)]),
            7: a_registration("hofstede"),
            8: a_registration("hofstede"),
        }
    )
    report = await network.follow()
    assert {refusal.timestamp: refusal.error.code for refusal in report.refused} == {
        1: "malformed",
        2: "wrong_audience",
        3: "untrusted",
        5: "too_large",
        6: "no_match",
        8: "replayed",
    }
    assert await network.names() == ["gouwe", "hofstede"]
    assert report.accepted == 2
    assert report.cursor == Cursor(seed="s", timestamp=8)


async def test_a_host_cannot_bring_back_what_was_withdrawn(network: Network) -> None:
    network.lying({4: a_withdrawal("oever", id_of("oever")), 5: a_registration("oever")})
    report = await network.follow()
    assert [(refusal.timestamp, refusal.error.code) for refusal in report.refused] == [(5, "replayed")]
    assert await network.names() == []


async def test_an_entry_that_cannot_be_verified_yet_is_tried_again(network: Network) -> None:
    network.documents.away.add("oever")
    await network.host.accept("care", a_registration("oever"))
    await network.host.accept("care", a_registration("gouwe"))
    report = await network.follow()
    assert (report.accepted, report.pending, report.refused) == (1, 1, ())
    [waiting] = await network.store.pending("care", NOW)
    assert waiting.timestamp == 1
    assert waiting.reason
    assert (await network.follow()).pending == 1
    network.documents.away.clear()
    report = await network.follow()
    assert (report.accepted, report.pending) == (1, 0)
    assert await network.names() == ["gouwe", "oever"]


async def test_an_entry_of_the_near_future_waits(network: Network) -> None:
    network.lying({1: a_registration("oever", now=NOW + timedelta(seconds=30), lifetime=timedelta(hours=1))})
    assert (await network.follow()).pending == 1
    network.clock.jump(30)
    assert (await network.follow()).accepted == 1


async def test_an_entry_that_waited_may_still_be_refused(network: Network) -> None:
    network.documents.away.add("linde")
    network.lying({1: a_registration("linde", credentials=[a_credential("linde", now=NOW)])})
    assert (await network.follow()).pending == 1
    network.documents.away.clear()
    report = await network.follow()
    assert [refusal.error.code for refusal in report.refused] == ["no_match"]
    assert (report.pending, report.accepted) == (0, 0)


async def test_a_host_cannot_fill_our_disk(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_PENDING", 2)
    network.documents.away.update({"oever", "gouwe", "linde"})
    network.lying({number: a_registration(name) for number, name in enumerate(("oever", "gouwe", "linde"), 1)})
    report = await network.follow()
    assert report.pending == 2
    assert [refusal.timestamp for refusal in report.refused] == [3]


async def test_a_host_that_is_away_or_wrong_leaves_what_we_know(network: Network) -> None:
    await network.host.accept("care", a_registration("oever"))
    await network.follow()
    network.peers.away.add(ENDPOINT)
    with pytest.raises(TransferError):
        await network.follow()
    network.peers.away.clear()
    network.peers.replies[ENDPOINT] = [b"<html>"]
    with pytest.raises(PeerLogError, match="not JSON"):
        await network.follow()
    seed = await network.store.cursor("care")
    assert seed is not None
    network.lying({}, seed=seed.seed, timestamp=0)
    with pytest.raises(PeerLogError, match="backwards"):
        await network.follow()
    assert await network.names() == ["oever"]


async def test_two_replicas_that_follow_at_once_do_no_harm(network: Network) -> None:
    class Overtaken(MemoryStore):
        async def advance(self, *arguments: Any) -> None:
            return None

    network.client._store = Overtaken()
    await network.host.accept("care", a_registration("oever"))
    report = await network.follow()
    assert (report.accepted, report.cursor) == (0, None)


async def test_a_registration_that_expires_is_no_longer_found(network: Network) -> None:
    await network.host.accept("care", a_registration("oever"))
    await network.follow()
    network.clock.jump(VALIDITY)
    assert await network.names() == []


async def test_a_service_that_we_host_is_not_followed() -> None:
    network = Network(hosted_here=True)
    await network.host.accept("care", a_registration("oever"))
    report = await network.follow()
    assert (report.accepted, network.peers.calls) == (0, [])
    assert await network.names() == ["oever"]


async def test_unknown_services_and_conditions_are_refused(network: Network) -> None:
    for call in (network.client.follow("x"), network.client.search("x"), network.client.leave("x", OEVER)):
        with pytest.raises(RejectedError, match="no such discovery service"):
            await call
    with pytest.raises(MalformedError):
        await network.client.search("care", [("", "x")])


# -- registering


async def test_registering_puts_us_in_the_hosts_log(network: Network) -> None:
    own = await network.client.register("care", OEVER, {"fhir_base_url_r4": "https://oever.example/fhir"})
    assert (own.error, own.failures, own.registered_at) == (None, 0, NOW)
    assert own.expires_at is not None
    assert NOW + VALIDITY * 0.4 <= own.due_at <= NOW + VALIDITY * 0.45
    await network.follow()
    [entry] = await network.client.search("care")
    assert isinstance(entry, Registered)
    assert entry.presentation_id == own.presentation_id
    assert entry.parameters["fhir_base_url_r4"] == "https://oever.example/fhir"


async def test_a_registration_is_renewed_before_it_expires(network: Network) -> None:
    first = await network.client.register("care", OEVER, {})
    assert await network.client.refresh() == ()
    network.clock.jump(VALIDITY * 0.45)
    [report] = await network.client.refresh()
    assert (report.service, report.holder, report.error, report.withdrawn) == ("care", OEVER, None, False)
    second = await network.client._store.own("care", OEVER)
    assert second is not None
    assert second.presentation_id != first.presentation_id
    page = await network.host.page("care", 0)
    assert [number for number, _ in page.entries] == [2]


async def test_a_host_that_is_away_delays_a_registration(network: Network) -> None:
    network.peers.away.add(ENDPOINT)
    with pytest.raises(TransferError):
        await network.client.register("care", OEVER, {})
    own = await network.store.own("care", OEVER)
    assert own is not None
    assert (own.failures, own.error) == (1, f"{ENDPOINT}: unreachable")
    assert timedelta() < own.due_at - NOW <= timedelta(seconds=30)
    network.clock.jump(30)
    [report] = await network.client.refresh()
    assert report.error == f"{ENDPOINT}: unreachable"
    network.peers.away.clear()
    network.clock.jump(60)
    [report] = await network.client.refresh()
    assert report.error is None
    await network.follow()
    assert await network.names() == ["oever"]


async def test_a_wallet_that_lacks_a_credential_says_which(network: Network) -> None:
    network.registrants.wallets["oever"] = []
    with pytest.raises(NoMatch) as refused:
        await network.client.register("care", OEVER, {})
    assert refused.value.missing == ("example",)
    own = await network.store.own("care", OEVER)
    assert own is not None
    assert own.error is not None
    assert network.peers.calls == []


async def test_who_is_not_ours_cannot_be_registered(network: Network) -> None:
    with pytest.raises(RejectedError, match="not an organisation of this node"):
        await network.client.register("care", GOUWE, {})


async def test_leaving_withdraws_the_registration(network: Network) -> None:
    await network.client.register("care", OEVER, {})
    await network.follow()
    await network.client.leave("care", OEVER)
    assert await network.store.own("care", OEVER) is None
    await network.follow()
    assert await network.names() == []
    await network.client.leave("care", OEVER)  # once more is no problem


async def test_a_withdrawal_that_does_not_arrive_is_tried_again_until_there_is_nothing_to_withdraw(
    network: Network,
) -> None:
    await network.client.register("care", OEVER, {})
    network.peers.away.add(ENDPOINT)
    with pytest.raises(TransferError):
        await network.client.leave("care", OEVER)
    network.clock.jump(30)
    [report] = await network.client.refresh()
    assert report.withdrawn
    assert report.error is not None
    network.clock.jump(VALIDITY)
    [report] = await network.client.refresh()
    assert report.error is None
    assert await network.store.own("care", OEVER) is None


async def test_leaving_before_anything_arrived_tells_nobody(network: Network) -> None:
    network.peers.away.add(ENDPOINT)
    with pytest.raises(TransferError):
        await network.client.register("care", OEVER, {})
    network.peers.calls.clear()
    await network.client.leave("care", OEVER)
    assert await network.store.own("care", OEVER) is None
    assert network.peers.calls == []


async def test_one_failure_does_not_stop_the_other_renewals(network: Network) -> None:
    network.registrants.names = ("oever", "gouwe")
    await network.client.register("care", OEVER, {})
    await network.client.register("care", GOUWE, {})
    await network.store.join("gone", OEVER, {}, NOW)
    network.registrants.wallets["oever"] = []
    network.clock.jump(VALIDITY * 0.45)
    reports = {(report.service, report.holder): report.error for report in await network.client.refresh()}
    assert reports["care", GOUWE] is None
    assert reports["care", OEVER] is not None
    assert reports["gone", OEVER] == "no such discovery service is configured"


async def test_the_host_registers_with_itself_without_a_network() -> None:
    network = Network(hosted_here=True)
    await network.client.register("care", OEVER, {})
    assert await network.names() == ["oever"]
    await network.client.leave("care", OEVER)
    assert await network.names() == []
    assert network.peers.calls == []


# -- status of credentials


def with_status(name: str, index: int) -> str:
    credential = a_credential_with_status(name, index=index, now=NOW, subject={"role": "example"})
    return a_registration(name, credentials=[credential, about_itself(name)])


async def test_whose_credential_was_revoked_is_not_listed(network: Network) -> None:
    network.documents.status_lists[LIST_URL] = a_verified_list(revoked=[3], now=NOW)
    network.lying({1: with_status("oever", 3), 2: with_status("gouwe", 4)})
    report = await network.follow()
    assert [(each.timestamp, each.error.code) for each in report.refused] == [(1, "revoked")]
    assert (report.accepted, report.pending) == (1, 0)
    assert await network.names() == ["gouwe"]


async def test_an_entry_whose_status_list_is_out_of_reach_waits(network: Network) -> None:
    network.lying({1: with_status("oever", 3)})
    assert (await network.follow()).pending == 1
    network.documents.status_lists[LIST_URL] = a_verified_list(now=NOW)
    assert (await network.follow()).accepted == 1
