"""Nobody learns from how long a no takes whom we know: the best threshold, learnt from a thousand tries, is no better than chance."""

import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from node.exchange.decide.question import ConsentFact
from node.exchange.refusing import PACE
from node.ports import HttpRequest, HttpResponse
from node.web.replies import RequestError
from tests.node.exchange.cases import a_patient
from tests.node.exchange.setting import LINDE, OBJECTION, OEVER, Holder, Peer, a_care_team, a_holder

NUMBERS = [f"{100_000_000 + number:09}" for number in range(40_000)]
BSNS = [
    text
    for text in NUMBERS
    if sum(int(d) * w for d, w in zip(text, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0
]

KINDS = ("unknown", "not in care", "objection")


def slow_server(holder: Holder, chance: random.Random) -> None:
    """Let our own FHIR server take 5 to 60 ms, a little longer where it finds something."""
    answer = holder.server.answer

    async def slowly(request: HttpRequest) -> HttpResponse:
        found = await answer(request)
        holder.clock.jump(chance.uniform(0.005, 0.060) + (0.001 if b'"entry"' in found.body else 0.0))
        return found

    holder.world.own.sites["http://ehr.internal:8080"] = slowly  # type: ignore[attr-defined]  # the simulated internet


async def times(ask: Callable[[Peer, int], Awaitable[object]], kind: str, *, tries: int, seed: int) -> list[float]:
    """How long ``2 * tries`` answers about people of one kind take; each is asked about once, so nothing is remembered."""
    chance = random.Random(seed)  # simulated delays
    holder = a_holder(keep=0.0)
    peer = await holder.peer(token_type="Bearer")
    slow_server(holder, chance)
    here = kind != "unknown"
    if kind == "objection":
        holder.consents.fact = lambda: OBJECTION
    taken = []
    for number in range(2 * tries):
        patient = f"p{number}"
        holder.server.resources = (
            [a_patient(patient, BSNS[number]), a_care_team(patient, OEVER if kind == "objection" else LINDE)]
            if here
            else []
        )
        holder.server._searches.clear()
        holder.clock.jump(chance.uniform(0.0, PACE))
        before = holder.clock.monotonic()
        await ask(peer, number)
        taken.append(holder.clock.monotonic() - before)
    return taken


async def by_number(peer: Peer, number: int) -> None:
    answer = await peer.match(BSNS[number], scheme="Bearer", proof=())
    assert answer.body == b'{"resourceType":"Bundle","type":"searchset","total":0}'


async def by_id(peer: Peer, number: int) -> None:
    with pytest.raises(RequestError) as refused:
        await peer.ask("GET", "Flag", f"patient=p{number}", scheme="Bearer", proof=())
    assert refused.value.status == 403


def best_guess(one: Sequence[float], other: Sequence[float]) -> float:
    """Learn the threshold (and its direction) that tells the first halves apart best; return how well it does on the second."""
    tries = len(one) // 2
    edges = sorted({round(each, 4) for each in (*one[:tries], *other[:tries])})

    def right(threshold: float, below: bool, first: Sequence[float], second: Sequence[float]) -> float:
        hits = sum((each <= threshold) is below for each in first) + sum(
            (each <= threshold) is not below for each in second
        )
        return hits / (len(first) + len(second))

    _, threshold, below = max(
        (right(edge, below, one[:tries], other[:tries]), edge, below) for edge in edges for below in (True, False)
    )
    return right(threshold, below, one[tries:], other[tries:])


@pytest.mark.parametrize(("ask", "tries"), [(by_number, 1_000), (by_id, 300)])
async def test_the_best_threshold_learnt_from_a_thousand_tries_guesses_no_better(
    ask: Callable[[Peer, int], Awaitable[object]], tries: int
) -> None:
    measured = {kind: await times(ask, kind, tries=tries, seed=seed) for seed, kind in enumerate(KINDS)}
    for here in KINDS[1:]:
        assert best_guess(measured["unknown"], measured[here]) <= 0.55


def test_the_measure_itself_tells_apart_what_differs() -> None:
    chance = random.Random(1)  # simulated delays
    fast, slow = ([chance.choice(each) for _ in range(2_000)] for each in ((0.1, 0.1, 0.2), (0.1, 0.2, 0.2)))
    assert best_guess(fast, slow) > 0.6


async def test_who_is_not_here_is_looked_up_as_often_as_who_is() -> None:
    counts = {}
    for kind, patients in (("unknown", []), ("not in care", [a_patient("p0", BSNS[0]), a_care_team("p0", LINDE)])):
        holder = a_holder(keep=0.0)
        holder.server.resources = patients
        holder.consents.fact = lambda: ConsentFact(verdict="none")
        peer = await holder.peer(token_type="Bearer")
        await by_number(peer, 0)
        match = len(holder.server.calls)
        await by_id(peer, 0)
        counts[kind] = (match, len(holder.server.calls) - match, len(holder.consents.asked))
    assert counts["unknown"] == counts["not in care"]
