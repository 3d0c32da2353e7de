"""What the use case file says to the asker: tiers, purposes for more, pilots, and its own time for a query."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from node.usecases.conditions import OnRequest, Pilot
from node.usecases.model import UseCase
from node.web.replies import RequestError
from tests.node.exchange.setting import GOUWE, LINDE, Asker, an_asker, book_with, resources, sources, the_plan

STEP = "attention-flags"


def an_asker_of(**members: Any) -> Asker:
    """Oever, where ha-vvt has other members."""
    asker = an_asker(in_care=(GOUWE, LINDE), usecases=book_with(_with(**members)))
    asker.add(GOUWE)
    asker.add(LINDE)
    return asker


def _with(**members: Any) -> Callable[[UseCase], UseCase]:
    def change(usecase: UseCase) -> UseCase:
        tables = tuple(
            table.model_copy(
                update={
                    "steps": tuple(
                        step.model_copy(update={"tier": "on_request"}) if step.id == STEP else step
                        for step in table.steps
                    )
                }
            )
            for table in usecase.tables
        )
        return usecase.model_copy(update={"tables": tables, **members})

    return change


async def test_what_is_given_on_request_is_offered_and_not_asked_by_itself() -> None:
    asker = an_asker_of()
    events = await asker.ask(holders=[GOUWE])
    assert the_plan(events).more == (STEP,)
    assert (GOUWE, STEP) not in sources(events)
    assert asker.peers[GOUWE].searches("Flag") == []


async def test_asked_for_by_name_it_is_asked() -> None:
    assert resources(await an_asker_of().ask(holders=[GOUWE], steps=[STEP])) == [f"{GOUWE} Flag/f1"]


async def test_more_has_to_be_asked_for_a_purpose_that_suffices() -> None:
    asker = an_asker_of(on_request=OnRequest(purposes=("COC",)), purposes=("TREAT", "COC"))
    with pytest.raises(RequestError) as refused:
        await asker.ask(holders=[GOUWE], steps=[STEP])
    assert (refused.value.status, refused.value.code) == (403, "purpose_not_allowed")
    assert asker.internet.calls == []
    assert resources(await asker.ask(holders=[GOUWE], steps=[STEP], purpose="COC")) == [f"{GOUWE} Flag/f1"]


async def test_who_is_not_in_the_pilot_is_not_asked_and_said() -> None:
    events = await an_asker_of(pilot=Pilot(peers=(GOUWE,))).ask()
    assert [each.ura for each in the_plan(events).holders] == [GOUWE]
    assert [(each.ura, each.reason) for each in the_plan(events).not_asked if each.ura == LINDE] == [
        (LINDE, "not_in_pilot")
    ]


async def test_the_use_case_may_give_a_query_less_time_than_the_node() -> None:
    asker = an_asker_of(step_deadline_ms=1_000)
    await asker.ask(holders=[GOUWE], steps=["contacts"])
    assert {call.timeout for call in asker.internet.calls} == {1.0}
    asker.tokens.gate = asyncio.Event()
    task = asyncio.ensure_future(asker.ask(holders=[LINDE]))
    for _ in range(100):
        await asyncio.sleep(0)
    await asker.clock.advance(1.0)
    assert sources(await task)[LINDE, None].reason == "token"
