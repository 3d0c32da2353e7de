"""Many token requests: of strangers with new keys, of one organisation, and while there is too much to do."""

import asyncio
import json

import pytest

from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.keys import KeyId, SoftwareKey
from node.oauth import refusals, routes
from node.oauth.errors import OAuthError
from node.oauth.grant import MAX_PRESENTATION_LIFETIME
from node.oauth.refusals import RefusalCounter
from node.oauth.routes import TOKEN_BODIES, TOKEN_REQUESTS
from node.verification import off_loop
from node.verification.off_loop import OverloadedError
from node.web.limits import Turns
from node.web.replies import RequestError
from tests.node.bad_input.wire import connected
from tests.node.oauth.setting import NodeUnderTest, Stranger, post_token
from tests.node.oauth.test_json_ld_requests import ld_presentation
from tests.support.world import ManualClock

ADDRESS, NEIGHBOUR = "192.0.2.7", "192.0.2.8"


def nobody(clock: ManualClock) -> Stranger:
    """Somebody with a key made a moment ago, and nothing else."""
    bare = SoftwareKey.generate(KeyId("did:key:none#none"))
    encoded = b64url_encode(json.dumps(bare.public.to_jwk(), separators=(",", ":"), sort_keys=True).encode())
    did = DID(f"did:jwk:{encoded}")
    return Stranger(did=did, key=bare.renamed(KeyId(f"{did}#0")), x509_credential="", clock=clock)


async def ask(node: NodeUnderTest, who: Stranger, address: str) -> Exception | None:
    form = who.form() if who.x509_credential else who.form(assertion=who.presentation(credentials=[who.employee()]))
    try:
        await node.tokens.exchange("wending", list(form.items()), None, address)
    except (OAuthError, RequestError) as error:
        return error
    return None


async def test_whoever_makes_new_keys_without_end_does_not_fill_the_log(
    holder: NodeUnderTest, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "RECORDS_AT_ONCE", 3)
    holder.refusals = holder.tokens._refusals = RefusalCounter(clock)
    outcomes = [await ask(holder, nobody(clock), ADDRESS) for _ in range(10)]

    assert [getattr(each, "recorded", None) for each in outcomes] == [True] * 3 + [False] * 7
    assert len(holder.audit.of_kind("refusal")) == 3
    assert holder.refusals.totals() == {"no_match": 7}
    neighbour = await ask(holder, nobody(clock), NEIGHBOUR)
    assert getattr(neighbour, "recorded", None)


async def test_many_addresses_do_not_fill_it_either(
    holder: NodeUnderTest, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "ALL_RECORDS_AT_ONCE", 3)
    holder.refusals = holder.tokens._refusals = RefusalCounter(clock)
    for number in range(8):
        await ask(holder, nobody(clock), f"192.0.2.{number}")

    assert len(holder.audit.of_kind("refusal")) == 3


async def test_an_organisation_is_told_to_wait_after_very_many_tokens_and_others_are_served(
    holder: NodeUnderTest, asker: NodeUnderTest, stranger: Stranger, clock: ManualClock
) -> None:
    holder.tokens._clients = Turns(burst=3, per_second=1)
    outcomes = [await ask(holder, stranger, ADDRESS) for _ in range(4)]
    assert outcomes[:3] == [None] * 3
    assert isinstance(outcomes[3], RequestError)
    assert (outcomes[3].status, outcomes[3].headers["Retry-After"]) == (429, "1")
    assert len(holder.audit.records) == 3
    assert isinstance(await ask(holder, stranger, NEIGHBOUR), RequestError), "from another address too"

    clock.jump(1)
    assert await ask(holder, stranger, ADDRESS) is None


async def test_who_is_refused_takes_no_turn_of_who_it_says_it_is(
    holder: NodeUnderTest, stranger: Stranger, clock: ManualClock
) -> None:
    holder.tokens._clients = Turns(burst=1, per_second=1)
    other = SoftwareKey.generate(stranger.key.kid)
    for _ in range(5):
        form = stranger.form(assertion=stranger.presentation(key=other))
        with pytest.raises(OAuthError):
            await holder.tokens.exchange("wending", list(form.items()), None, ADDRESS)

    assert await ask(holder, stranger, ADDRESS) is None


async def test_when_there_is_too_much_to_verify_the_next_is_told_to_come_back(
    holder: NodeUnderTest, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(off_loop, "MAX_WAITING", 0)
    answer = await post_token(holder, stranger.form(assertion=json.dumps(ld_presentation(stranger))))

    assert (answer.status, answer.body["error"], answer.headers["Retry-After"]) == (503, "server_error", "1")
    assert holder.refusals.totals() == {"busy": 1}


async def test_too_much_to_do_is_not_held_against_who_asks(
    holder: NodeUnderTest, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overloaded(*_: object) -> object:
        await asyncio.sleep(0)
        raise OverloadedError("too many messages wait to be verified")

    monkeypatch.setattr(holder.tokens._verifier, "gather", overloaded)
    answer = await post_token(holder, stranger.form())

    assert (answer.status, answer.body["error"], answer.headers["Retry-After"]) == (503, "server_error", "1")
    assert holder.audit.records == []


async def test_bodies_that_never_come_take_no_place_of_who_is_served(holder: NodeUnderTest, stranger: Stranger) -> None:
    app = holder.public.app
    assert app is not None
    app[TOKEN_REQUESTS]._most = 1
    server = holder.public.server
    head = (
        b"POST /oauth2/wending/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 100\r\n\r\ngrant_type="
    )
    async with connected(int(server.port or 0)) as (_, writer), connected(int(server.port or 0)) as (_, other):
        for each in (writer, other):
            each.write(head)
            await each.drain()
        while app[TOKEN_BODIES]._under_way.total() < 2:  # noqa: ASYNC110  # nobody tells when both are read from
            await asyncio.sleep(0)
        assert (await post_token(holder, stranger.form())).status == 200


async def test_a_body_has_as_long_as_a_presentation_lives(
    holder: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_PRESENTATION_LIFETIME.total_seconds() == routes.TOKEN_BODY_SECONDS
    monkeypatch.setattr(routes, "TOKEN_BODY_SECONDS", 0.05)
    async with connected(int(holder.public.server.port or 0)) as (reader, writer):
        writer.write(
            b"POST /oauth2/wending/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 100\r\n\r\ngrant_type="
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")
