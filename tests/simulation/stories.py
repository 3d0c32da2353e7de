"""Three stories: an ordinary day, a host away for a day, a host that tells two stories."""

import statistics
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from registry.registration import FreshValues, build_registration
from registry.transparency.memory import MemoryLog
from tests.simulation.network import minutes
from tests.simulation.region import POLL, Member, Region
from tests.support.builders import an_id
from tests.support.logs import HOST_URL, Party
from tests.support.registry import ENDPOINT, NOW

DAY = timedelta(days=1)
SETTLING = timedelta(hours=6)
WINDOW = timedelta(hours=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day takes, after everybody registered.

    Attributes:
        delays: minutes from a registration being accepted to being known, per follower and registration, sorted.
        follower_mb, follower_cpu: per follower and day, megabytes received and CPU seconds; mirror_cpu and host_cpu likewise.
        first_mb, first_cpu: of a new follower that reads everything.
    """

    members: int
    mirrors: int
    registration_bytes: int
    renewals: int
    delays: tuple[float, ...]
    follower_mb: float
    follower_cpu: float
    mirror_cpu: float
    host_cpu: float
    first_mb: float
    first_cpu: float
    log_leaves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """What a host that is away for a day costs.

    Attributes:
        lapsed: members that a follower no longer found at the end of that day.
        queued: members whose renewal waited.
        caught_up: minutes after its return until every waiting renewal was known everywhere.
    """

    members: int
    lapsed: int
    queued: int
    caught_up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A host that shows some followers another tree.

    Attributes:
        seen_after: minutes until each follower that was shown it raised the alarm, sorted.
        honest_alarms: alarms of followers that were shown the true tree.
        believed: members that exist in the false tree only and were found by whoever was shown it.
        cosigned: whether a witness signed the false tree.
    """

    quorum: int
    seen_after: tuple[float, ...]
    honest_alarms: int
    believed: int
    cosigned: bool


async def a_day(region: Region) -> Day:
    """An ordinary day."""
    region.start(spread=timedelta(hours=3))
    await region.clock.run_until(NOW + SETTLING)
    region.delays.clear()
    region.meter.seconds.clear()
    region.wire.received.clear()
    before = len(region.accepted_at)
    # Long enough that every member renews once: that is a bit more than a day and a quarter's share.
    await region.clock.run_until(NOW + SETTLING + WINDOW)
    late = region.a_party("late", "https://late.example")
    share = WINDOW / DAY
    day = {name: seconds / share for name, seconds in region.meter.seconds.items()}
    received = {name: count / share for name, count in region.wire.received.items()}
    renewals = (len(region.accepted_at) - before) / share
    with region.meter.working("late"):
        await late.client.follow("care")
    assert await region.known(late) == len(region.members)
    tree = await region.host.store.tree("care")
    assert tree is not None
    for party in (*region.followers.values(), *region.mirrors.values()):
        assert await region.known(party) == len(region.members)
    assert region.alarms == {}
    return Day(
        members=len(region.members),
        mirrors=len(region.mirrors),
        registration_bytes=region.bytes_of_a_registration,
        renewals=round(renewals),
        delays=tuple(sorted(minutes(each) for each in region.delays)),
        follower_mb=statistics.mean(received[name] for name in region.followers) / 1e6,
        follower_cpu=statistics.mean(day[name] for name in region.followers),
        mirror_cpu=statistics.mean(day[name] for name in region.mirrors),
        host_cpu=day["host"],
        first_mb=region.wire.received["late"] / 1e6,
        first_cpu=region.meter.seconds["late"],
        log_leaves=tree.frontier.size,
    )


async def a_host_away(region: Region) -> Away:
    """The host is gone for a day, in the middle of renewals."""
    region.start(spread=timedelta(hours=30))
    await region.clock.run_until(NOW + timedelta(hours=36))
    region.wire.away.add(ENDPOINT)
    gone = region.clock.now()
    await region.clock.run_until(gone + DAY)
    lapsed = len(region.members) - await region.known(next(iter(region.followers.values())))
    queued = sum(member.failures > 0 for member in region.members)
    region.wire.away.clear()
    back = region.clock.now()
    while any(member.failures for member in region.members):
        await region.clock.run_until(region.clock.now() + timedelta(minutes=1))
    await region.clock.run_until(region.clock.now() + POLL)
    known = [await region.known(party) for party in region.followers.values()]
    assert known == [len(region.members)] * len(known)
    return Away(members=len(region.members), lapsed=lapsed, queued=queued, caught_up=minutes(region.clock.now() - back))


async def a_fork(region: Region, *, quorum: int) -> Fork:
    """From some moment on the host shows half of the followers a log with somebody in it who is not in the true one."""
    region.start(spread=timedelta(hours=1))
    await region.clock.run_until(NOW + SETTLING)
    twin = _twin(region)
    false = region.members[0]
    # One renewal that only the chosen ones see, and one that all others see: two trees of one size.
    for side, suffix in ((twin, "false"), (region.host, "true")):
        await _renewed(region, side, false, suffix)
    shown = list(region.followers)[: len(region.followers) // 2]
    for name in shown:
        region.wire.shown[name, ENDPOINT] = twin
    began: datetime = region.clock.now()
    await region.clock.run_until(began + timedelta(hours=2))
    service = region.service
    tree = await twin.store.tree("care")
    assert tree is not None
    kept_by_mirrors = [await party.store.tree("care") for party in region.mirrors.values()]
    cosigned = any(kept is not None and kept.frontier.root == tree.frontier.root for kept in kept_by_mirrors)
    believed = 0
    for name in shown:
        kept = await region.followers[name].store.tree("care")
        believed += kept is not None and kept.frontier.root == tree.frontier.root
    assert service.witness_quorum == quorum
    return Fork(
        quorum=quorum,
        seen_after=tuple(
            sorted(minutes(region.alarms[name, "fork"] - began) for name in shown if (name, "fork") in region.alarms)
        ),
        honest_alarms=sum((name, "fork") in region.alarms for name in region.followers if name not in shown),
        believed=believed,
        cosigned=cosigned,
    )


async def _renewed(region: Region, side: Party, member: Member, suffix: str) -> None:
    fresh = FreshValues(presentation_uuid=an_id(suffix), credential_uuid=an_id(f"{suffix} c"), nonce="n" * 43)
    message = build_registration(region.service, member.registrant, {"side": suffix}, region.clock.now(), fresh)
    await side.host.accept("care", message.compact)


def _twin(region: Region) -> Party:
    """Another face of the host: the same list and log until now, and the same key."""
    twin = region.a_party("host", HOST_URL, is_host=True)
    log, entries = region.host.store.logs["care"], region.host.store._services["care"]
    twin.store.logs["care"] = MemoryLog(
        tree=log.tree, leaves=list(log.leaves), hashes=[list(row) for row in log.hashes]
    )
    twin.store._services["care"] = replace(
        entries,
        entries=dict(entries.entries),
        properties=dict(entries.properties),
        spent={holder: dict(spent) for holder, spent in entries.spent.items()},
        pending={},
    )
    return twin
