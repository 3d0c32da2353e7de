"""What earned a token is taken back, and the token ends within a minute: a key, a document, an organisation of ours (credentials:
``test_revocation.py``); and operators list and end tokens themselves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from node.audit.log import AuditUnavailableError
from node.oauth.grants import Grant
from node.oauth.requester import PeerToken
from node.oauth.resource import LoginError
from node.oauth.user import User
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest, Stranger, post_token
from tests.node.oauth.test_key_rotation import changes_of
from tests.support.world import SimulatedInternet, reply

READ = "https://wending.example/fhir/wending/r4/Patient/1"
USER = User(identifier="U-1001", name="J. Jansen", role="01.015")
ASKER = "https://oever.example"


@dataclass(slots=True)
class Both:
    """Two nodes; one has a token of the other, bound to its key, and another one as bearer."""

    holder: NodeUnderTest
    asker: NodeUnderTest
    internet: SimulatedInternet
    bound: PeerToken
    bearer: PeerToken

    async def ask(self, kind: Any = "DPoP") -> PeerToken:
        return await self.asker.requester.token(
            "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, token_type=kind, fresh=True
        )

    async def use(self, token: PeerToken) -> str:
        """What the resource side says to a request with ``token``: ``ok``, or why not."""
        headers = await token.headers("GET", READ, self.holder.clock.now(), self.asker.entropy.uuid())
        try:
            await self.holder.guard.authenticate(
                authorization=headers["Authorization"], dpop=headers.get("DPoP"), method="GET", url=READ
            )
        except LoginError as error:
            return error.code
        return "ok"

    async def active(self, token: PeerToken) -> bool:
        return bool((await self.holder.introspection.introspect(token.access_token))["active"])

    def pass_time(self, seconds: float) -> None:
        self.holder.clock.jump(seconds)

    def replace_site(self, answer: Any) -> Callable[[], None]:
        """Let the asker's documents be answered with ``answer``; returns what undoes it."""
        before = self.internet.sites[ASKER]

        async def site(_request: object) -> Any:
            return answer

        self.internet.sites[ASKER] = site

        def undo() -> None:
            self.internet.sites[ASKER] = before

        return undo


@pytest.fixture
async def both(holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet) -> Both:
    tokens = [
        await asker.requester.token(
            "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, token_type=kind, fresh=True
        )
        for kind in ("DPoP", "Bearer")
    ]
    return Both(holder=holder, asker=asker, internet=internet, bound=tokens[0], bearer=tokens[1])


async def rotate_and_retire(both: Both) -> None:
    changes = changes_of(both.asker)
    assert both.bound.kid is not None
    await changes.rotate("oever")
    await changes.retire("oever", both.bound.kid)


async def compromise(both: Both) -> None:
    assert both.bound.kid is not None
    await changes_of(both.asker).compromise("oever", both.bound.kid)


async def deactivate(both: Both) -> None:
    await both.asker.subjects.deactivate("oever")


@pytest.mark.parametrize("take_back", [rotate_and_retire, compromise, deactivate])
async def test_a_key_or_party_that_is_gone_ends_its_tokens_within_a_minute(
    both: Both, take_back: Callable[[Both], Awaitable[None]]
) -> None:
    for token in (both.bound, both.bearer):
        assert (await both.use(token), await both.active(token)) == ("ok", True)
    await take_back(both)
    both.pass_time(60)
    assert [await both.use(token) for token in (both.bound, both.bearer)] == ["withdrawn_key"] * 2
    assert [await both.use(token) for token in (both.bound, both.bearer)] == ["ended_token"] * 2
    assert not await both.active(both.bound)


async def test_introspection_alone_sees_it_too(both: Both) -> None:
    await compromise(both)
    both.pass_time(60)
    assert [await both.active(token) for token in (both.bound, both.bearer)] == [False, False]
    stored = await both.holder.store.find(both.bound.access_token)
    assert stored is not None
    assert stored.ended_at is not None


async def test_a_rotation_that_keeps_the_old_key_ends_nothing(both: Both) -> None:
    await changes_of(both.asker).rotate("oever")
    for _ in range(14):
        both.pass_time(60)
        assert await both.use(both.bound) == "ok"


async def test_documents_are_looked_at_once_a_minute_however_often_a_token_is_used(both: Both) -> None:
    before = both.internet.called("/did.json")
    for _ in range(10):
        assert await both.use(both.bound) == "ok"
    assert both.internet.called("/did.json") == before, "the document that the token was given on is young enough"
    for _ in range(3):
        both.pass_time(46)
        for _ in range(5):
            assert await both.use(both.bound) == "ok"
    assert both.internet.called("/did.json") == before + 3


@pytest.mark.parametrize("status", [404, 410])
async def test_a_document_that_is_gone_has_no_keys(both: Both, status: int) -> None:
    both.replace_site(reply({}, status=status))
    both.pass_time(60)
    assert await both.use(both.bound) == "withdrawn_key"


@pytest.mark.parametrize("how", ["timeout", "unreachable", "broken answer", "not json"])
async def test_a_document_that_can_not_be_had_is_bridged_for_five_minutes_and_then_refuses(
    both: Both, how: str
) -> None:
    assert await both.use(both.bound) == "ok"
    undo = both.replace_site(reply(b"<html>", status=200) if how == "not json" else reply({}, status=503))
    if how in ("timeout", "unreachable"):
        both.internet.broken[ASKER] = "timeout" if how == "timeout" else "unreachable"
    both.pass_time(60)
    assert await both.use(both.bound) == "ok"
    both.pass_time(239)
    assert await both.use(both.bound) == "ok"
    both.pass_time(2)
    assert await both.use(both.bound) == "status_unknown"
    assert not await both.active(both.bound)
    undo()
    both.internet.broken.clear()
    both.pass_time(6)
    assert await both.use(both.bound) == "ok", "what was not taken back goes on when the document is there again"


async def test_a_host_that_never_answers_keeps_one_request_waiting_and_for_a_moment_only(both: Both) -> None:
    assert await both.use(both.bound) == "ok"
    both.internet.broken[ASKER] = "timeout"
    both.pass_time(60)
    before = both.internet.called("/did.json")
    for _ in range(5):
        assert await both.use(both.bound) == "ok"
    assert both.internet.called("/did.json") == before + 1


async def test_an_organisation_of_ours_that_is_taken_out_of_service_takes_its_tokens_along(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    await holder.found("linde")
    form = stranger.form(assertion=stranger.presentation(aud=[holder.issuer("linde")]))
    token = (await post_token(holder, form, subject="linde")).body["access_token"]
    assert (await holder.introspection.introspect(token))["active"]
    epoch = holder.audit.current_epoch()
    await holder.subjects.deactivate("linde")
    assert await holder.introspection.introspect(token) == {"active": False}
    assert holder.audit.current_epoch() > epoch
    stored = await holder.store.find(token)
    assert stored is not None
    assert stored.ended_at == holder.clock.now()


async def test_an_organisation_that_is_taken_out_of_service_while_it_gives_a_token_gives_none(
    holder: NodeUnderTest, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens were ended, and then the last one is kept."""
    await holder.found("linde")
    keep, given = holder.store.keep, []

    async def too_late(token: str, grant: Grant) -> None:
        await holder.subjects.deactivate("linde")
        await keep(token, grant)
        given.append(token)

    monkeypatch.setattr(holder.store, "keep", too_late)
    form = stranger.form(assertion=stranger.presentation(aud=[holder.issuer("linde")]))
    answer = await post_token(holder, form, subject="linde")

    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    stored = await holder.store.find(given[0])
    assert stored is not None
    assert stored.ended_at == holder.clock.now()


async def call(node: NodeUnderTest, method: str, path: str) -> tuple[int, Any]:
    async with node.internal.request(method, f"/internal/oauth/v1/wending/tokens{path}") as answer:
        return answer.status, await answer.json() if answer.content_length else None


async def test_an_operator_sees_who_has_which_token_and_never_the_token(both: Both) -> None:
    status, listed = await call(both.holder, "GET", "")
    assert (status, listed["more"], len(listed["tokens"])) == (200, False, 2)
    token = next(each for each in listed["tokens"] if each["token_type"] == "DPoP")
    holder = (await both.asker.subjects.get("oever")).dids[0]
    assert token | {"id": ""} == {
        "id": "",
        "scope": SCOPE,
        "holder": holder,
        "ura": "00001111",
        "name": "Huisartsenpraktijk De Oever",
        "service_provider": None,
        "client_id": "https://oever.example/oauth2/oever",
        "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015", "evidence": "self_attested"},
        "token_type": "DPoP",
        "issued_at": "2026-11-22T12:00:00Z",
        "expires_at": "2026-11-22T12:15:00Z",
    }
    for secret in (both.bound.access_token, both.bearer.access_token):
        assert secret not in str(listed)
    assert len((await call(both.holder, "GET", f"?party={holder}"))[1]["tokens"]) == 2
    assert (await call(both.holder, "GET", "?party=did:web:other.example"))[1]["tokens"] == []
    both.pass_time(900)
    assert (await call(both.holder, "GET", ""))[1]["tokens"] == []


async def test_an_operator_ends_one_token_and_that_is_recorded(both: Both) -> None:
    _, listed = await call(both.holder, "GET", "")
    ids = {each["token_type"]: each["id"] for each in listed["tokens"]}
    assert await call(both.holder, "DELETE", f"/{ids['DPoP']}") == (204, None)
    assert [await both.use(token) for token in (both.bound, both.bearer)] == ["ended_token", "ok"]
    status, problem = await call(both.holder, "DELETE", f"/{ids['DPoP']}")
    assert (status, problem["code"]) == (404, "unknown_token")
    [record] = both.holder.audit.of_kind("change")
    assert (record.code, record.user_id, record.grant_id) == ("tokens_ended", "internal", ids["DPoP"])


async def test_an_operator_ends_every_token_of_a_party_or_of_everybody(both: Both) -> None:
    party = (await both.asker.subjects.get("oever")).dids[0]
    assert await call(both.holder, "DELETE", "?party=did:web:other.example") == (200, {"ended": 0})
    assert await call(both.holder, "DELETE", f"?party={party}") == (200, {"ended": 2})
    assert [await both.use(token) for token in (both.bound, both.bearer)] == ["ended_token"] * 2
    again = await both.ask()
    assert await both.use(again) == "ok", "who lost one may ask for another"
    assert await call(both.holder, "DELETE", "?everybody=true") == (200, {"ended": 1})
    assert await both.use(again) == "ended_token"
    assert [record.code for record in both.holder.audit.of_kind("change")] == ["tokens_ended"] * 2


async def test_whose_tokens_end_is_always_said(both: Both) -> None:
    for query in (
        "",
        "?everybody=yes",
        "?everybody=true&party=did:web:a",
        "?party=x",
        "?user=x",
        "?party=did:a&party=did:b",
    ):
        assert (await call(both.holder, "DELETE", query))[0] == 400
    assert await both.use(both.bound) == "ok"


async def test_tokens_of_another_organisation_of_ours_are_not_touched(both: Both) -> None:
    await both.holder.found("linde")
    _, listed = await call(both.holder, "GET", "")
    one = listed["tokens"][0]["id"]
    async with both.holder.internal.delete(f"/internal/oauth/v1/linde/tokens/{one}") as answer:
        assert answer.status == 404
    async with both.holder.internal.delete("/internal/oauth/v1/linde/tokens?everybody=true") as answer:
        assert await answer.json() == {"ended": 0}
    async with both.holder.internal.get("/internal/oauth/v1/nobody/tokens") as answer:
        assert answer.status == 404
    assert await both.use(both.bound) == "ok"


async def test_a_token_is_ended_also_when_that_can_not_be_recorded(both: Both) -> None:
    both.holder.audit.available = False
    _, listed = await call(both.holder, "GET", "")
    with pytest.raises(AuditUnavailableError):
        await both.holder.given.end("wending", listed["tokens"][0]["id"], caller="test")
    both.holder.audit.available = True
    assert sorted([await both.use(token) for token in (both.bound, both.bearer)]) == ["ended_token", "ok"]
