"""Hosts that strangers name take a part of our connections, however many they name and however slow they are."""

import asyncio

import pytest

from node.ports import HttpRequest, HttpResponse, PeerError
from node.verification import lane as lane_module
from node.verification.lane import Lane


class Hosts:
    """Answers at once, but for hosts named ``tarpit…``, which never do."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tarpits = True

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request.url)
        if self.tarpits and "tarpit" in request.url:
            await asyncio.Event().wait()
        if "gone" in request.url:
            raise PeerError("unreachable", "https://gone.example:443")
        return HttpResponse(status=200, headers={}, body=b"")


def ask(url: str, timeout: float = 5.0) -> HttpRequest:
    return HttpRequest(method="GET", url=url, timeout=timeout)


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def lane(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Lane:
    monkeypatch.setattr(lane_module, "UNKNOWN_AT_ONCE", 3)
    return Lane(hosts)


async def test_slow_hosts_without_end_take_their_part_and_known_ones_answer_as_before(lane: Lane, hosts: Hosts) -> None:
    await lane.send(ask("https://known.example/did.json"))
    tarpits = [asyncio.create_task(lane.send(ask(f"https://tarpit{n}.example/did.json"))) for n in range(50)]
    await asyncio.sleep(0.01)
    assert len([url for url in hosts.asked if "tarpit" in url]) == 3

    answer = await asyncio.wait_for(lane.send(ask("https://known.example/other.json")), 1)
    assert answer.status == 200
    with pytest.raises(PeerError) as late:
        await lane.send(ask("https://new.example/did.json", timeout=0.02))
    assert late.value.code == "timeout"

    for each in tarpits:
        each.cancel()
    await asyncio.gather(*tarpits, return_exceptions=True)
    assert (await lane.send(ask("https://new.example/did.json"))).status == 200, "all places are free again"


async def test_a_known_host_that_falls_silent_or_away_is_unknown_again(lane: Lane, hosts: Hosts) -> None:
    hosts.tarpits = False
    await lane.send(ask("https://tarpit.example/1"))
    assert "tarpit.example" in lane._known
    lane._known["gone.example"] = None
    with pytest.raises(PeerError):
        await lane.send(ask("https://gone.example/1"))
    assert list(lane._known) == ["tarpit.example"]


async def test_many_known_hosts_that_fall_silent_together_do_not_take_everything(
    lane: Lane, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "KNOWN_AT_ONCE", 4)
    lane._known.update({f"tarpit{n}.example": None for n in range(50)})
    tarpits = [asyncio.create_task(lane.send(ask(f"https://tarpit{n}.example/did.json"))) for n in range(50)]
    await asyncio.sleep(0.01)
    assert len(hosts.asked) == 3 + 4
    for each in tarpits:
        each.cancel()
    await asyncio.gather(*tarpits, return_exceptions=True)


async def test_hosts_that_answered_are_remembered_up_to_a_number(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "MAX_KNOWN", 5)
    for number in range(20):
        await lane.send(ask(f"https://h{number}.example/did.json"))
    assert len(lane._known) == 5
