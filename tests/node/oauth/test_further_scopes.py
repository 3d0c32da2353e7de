"""Scopes beside the profile: refused, passed on, or asked of a decision point (WIRE §2.6)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node.oauth.definitions import ScopePolicy
from node.oauth.further_scopes import MAX_WAITING
from node.ports import HttpRequest, HttpResponse
from tests.node.oauth.setting import (
    HOLDER_URL,
    SCOPE,
    Answer,
    NodeUnderTest,
    Stranger,
    a_node,
    organization_definition,
    post_token,
)
from tests.support.world import ManualClock, SimulatedInternet, reply

DECISIONS = "https://pdp.example"
ASKED = f"{DECISIONS}/base/access/v1/evaluations"
OTHER = "Other"

Opening = Callable[[ScopePolicy], Awaitable[NodeUnderTest]]


@pytest.fixture
def opening(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> Any:
    @asynccontextmanager
    async def opened(policy: ScopePolicy) -> AsyncIterator[NodeUnderTest]:
        other = organization_definition() | {"id": "pd_other"}
        definitions = {SCOPE: {"organization": organization_definition()}, OTHER: {"organization": other}}
        async with a_node(
            internet, HOLDER_URL, tmp_path, clock, definitions, {SCOPE: policy}, f"{DECISIONS}/base"
        ) as node:
            await node.found("wending")
            yield node

    return opened


def decisions(*values: Any) -> HttpResponse:
    return reply({"evaluations": [{"decision": value, "context": {"reason": "because"}} for value in values]})


def answering(internet: SimulatedInternet, answer: HttpResponse) -> list[dict[str, Any]]:
    """Let the decision point say ``answer``; returns the questions that it is asked."""
    questions: list[dict[str, Any]] = []

    async def site(request: HttpRequest) -> HttpResponse:
        assert (request.method, request.url) == ("POST", ASKED)
        assert request.timeout == 10
        questions.append(json.loads(request.body or b""))
        return answer

    internet.sites[DECISIONS] = site
    return questions


async def granted(node: NodeUnderTest, stranger: Stranger, scope: str) -> str:
    """The scope of the token, in the reply and in introspection."""
    answer = await post_token(node, stranger.form(scope=scope))
    assert answer.status == 200, answer.text
    said = await node.introspection.introspect(answer.body["access_token"])
    assert said["scope"] == answer.body["scope"]
    stored = await node.store.find(answer.body["access_token"])
    assert stored is not None
    assert stored.grant.scope == SCOPE, "what it opens here follows from the profile alone"
    assert type(stored.grant).from_json(stored.grant.to_json()) == stored.grant
    return str(answer.body["scope"])


def refusal(answer: Answer) -> str:
    assert set(answer.body) == {"error", "error_description"}
    assert "because" not in answer.text
    return str(answer.body["error"])


async def test_a_profile_alone_takes_no_further_scope(opening: Any, stranger: Stranger) -> None:
    async with opening("profile-only") as node:
        assert await granted(node, stranger, SCOPE) == SCOPE
        for scope in (f"{SCOPE} more", f"more {SCOPE}"):
            assert refusal(await post_token(node, stranger.form(scope=scope))) == "invalid_scope"


async def test_scopes_are_passed_through_where_the_profile_says_so(opening: Any, stranger: Stranger) -> None:
    async with opening("passthrough") as node:
        assert await granted(node, stranger, f"one {SCOPE} two") == f"{SCOPE} one two"


async def test_two_profiles_repeated_or_too_many_scopes_are_refused(opening: Any, stranger: Stranger) -> None:
    """Else what is asked for one use case would be had for what was presented for another."""
    async with opening("passthrough") as node:
        many = " ".join(f"s{number}" for number in range(17))
        for scope in (
            f"{SCOPE} {OTHER}",
            f"{OTHER} {SCOPE}",
            f"{SCOPE} {SCOPE}",
            f"{SCOPE} a a",
            f"{SCOPE} {many}",
            "a b",
        ):
            assert refusal(await post_token(node, stranger.form(scope=scope))) == "invalid_scope"
        assert node.audit.records == []


async def test_a_decision_point_decides_scope_by_scope(
    opening: Any, stranger: Stranger, internet: SimulatedInternet
) -> None:
    questions = answering(internet, decisions(True, False, True))
    async with opening("dynamic") as node:
        assert await granted(node, stranger, f"{SCOPE} no yes") == f"{SCOPE} yes"
    [question] = questions
    assert question["subject"]["type"] == "organization"
    assert question["subject"]["id"] == stranger.did
    assert question["subject"]["properties"]["organization"]["organization_ura"] == "00001111"
    assert (question["action"], question["context"]) == ({"name": "request_scope"}, {"policy": SCOPE})
    assert [each["resource"] for each in question["evaluations"]] == [
        {"type": "scope", "id": name} for name in (SCOPE, "no", "yes")
    ]


async def test_where_the_profile_is_denied_nothing_is_given_and_that_is_recorded(
    opening: Any, stranger: Stranger, internet: SimulatedInternet
) -> None:
    answering(internet, decisions(False, True))
    async with opening("dynamic") as node:
        assert refusal(await post_token(node, stranger.form(scope=f"{SCOPE} more"))) == "access_denied"
        assert [record.code for record in node.audit.records] == ["denied"]


@pytest.mark.parametrize(
    "answer",
    [
        decisions(),
        decisions(True),
        decisions(True, True, True),
        decisions(True, "true"),
        decisions(True, 1),
        decisions(1, True),
        decisions(True, None),
        reply({"evaluations": {"0": True}}),
        reply({"decision": True}),
        reply(b"yes"),
        reply({"evaluations": [{"decision": True}, {"decision": True}]}, status=500),
        reply({"evaluations": [{"decision": True}, {"decision": True}]}, content_type="text/html"),
        reply(b"", status=307, location="https://elsewhere.example"),
        reply(b" " * 70_000),
    ],
)
async def test_an_answer_that_is_not_one_yes_or_no_for_each_scope_gives_nobody_a_token(
    opening: Any, stranger: Stranger, internet: SimulatedInternet, answer: HttpResponse
) -> None:
    answering(internet, answer)
    async with opening("dynamic") as node:
        refused = await post_token(node, stranger.form(scope=f"{SCOPE} more"))
        assert (refused.status, refusal(refused)) == (500, "server_error")
        assert node.audit.of_kind("token") == []


async def test_a_decision_point_that_is_away_gives_nobody_a_token(
    opening: Any, stranger: Stranger, internet: SimulatedInternet
) -> None:
    internet.broken[DECISIONS] = "timeout"
    async with opening("dynamic") as node:
        assert refusal(await post_token(node, stranger.form())) == "server_error"


async def test_nobody_who_proved_nothing_makes_us_ask(
    opening: Any, stranger: Stranger, internet: SimulatedInternet
) -> None:
    questions = answering(internet, decisions(True))
    async with opening("dynamic") as node:
        forged = stranger.presentation(key=type(stranger.key).generate(stranger.key.kid))
        assert (await post_token(node, stranger.form(assertion=forged))).status == 400
    assert questions == []


async def test_a_slow_decision_point_does_not_collect_requests_without_end(
    opening: Any, stranger: Stranger, internet: SimulatedInternet
) -> None:
    questions = answering(internet, decisions(True))
    gate = internet.gates[DECISIONS] = asyncio.Event()
    async with opening("dynamic") as node:
        form = stranger.form()  # one presentation, many times: only one of them gets a token
        ask = [
            asyncio.create_task(node.tokens.exchange("wending", list(form.items()), None, None))
            for _ in range(MAX_WAITING + 1)
        ]
        done, _ = await asyncio.wait(ask, return_when=asyncio.FIRST_COMPLETED)
        assert str(next(iter(done)).exception()).startswith("scopes can not be decided on now")
        gate.set()
        outcomes = await asyncio.gather(*ask, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in outcomes) == 1
    assert len(questions) == MAX_WAITING
