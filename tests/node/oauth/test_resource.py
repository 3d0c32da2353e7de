"""Requests with an access token: only its holder gets through, and only with the proof that belongs to the request."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from node.audit.log import AlreadyUsedError
from node.audit.record import AuditRecord
from node.oauth.dpop import make_proof
from node.oauth.requester import PeerToken
from node.oauth.resource import Caller, LoginError, presented
from node.oauth.user import User
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest
from tests.support.keys import a_key

READ = "https://wending.example/fhir/wending/r4/Patient/1"
USER = User(identifier="U-1001", name="J. Jansen", role="01.015")


@pytest.fixture
async def token(holder: NodeUnderTest, asker: NodeUnderTest) -> PeerToken:
    return await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)


@pytest.fixture
async def bearer(holder: NodeUnderTest, asker: NodeUnderTest) -> PeerToken:
    return await asker.requester.token(
        "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, token_type="Bearer"
    )


async def refusal(node: NodeUnderTest, authorization: str | None, dpop: str | None, subject: str | None = None) -> str:
    with pytest.raises(LoginError) as refused:
        await node.guard.authenticate(authorization=authorization, dpop=dpop, method="GET", url=READ, subject=subject)
    return refused.value.code


async def test_what_is_no_token_of_ours_is_refused(holder: NodeUnderTest, token: PeerToken) -> None:
    known = token.access_token
    assert await refusal(holder, None, None) == "no_token"
    assert await refusal(holder, "", None) == "no_token"
    assert await refusal(holder, known, None) == "no_token"
    assert await refusal(holder, f"Basic {known}", None) == "no_token"
    assert await refusal(holder, f"Bearer {known} x", None) == "malformed_token"
    assert await refusal(holder, f"DPoP {known[:-1]}", None) == "malformed_token"
    assert await refusal(holder, f"DPoP {'A' * 43}", None) == "unknown_token"


async def test_a_stolen_token_does_not_pass_as_bearer(holder: NodeUnderTest, token: PeerToken) -> None:
    headers = await token.headers("GET", READ, holder.clock.now(), "jti")
    for dpop in (None, headers["DPoP"]):
        assert await refusal(holder, f"Bearer {token.access_token}", dpop) == "scheme_mismatch"


async def test_a_stolen_token_does_not_pass_without_its_key(holder: NodeUnderTest, token: PeerToken) -> None:
    now = holder.clock.now()
    thief = make_proof(a_key("thief"), method="GET", url=READ, access_token=token.access_token, jti="j", now=now)
    assert await refusal(holder, f"DPoP {token.access_token}", None) == "proof_missing"
    assert await refusal(holder, f"DPoP {token.access_token}", thief) == "proof_invalid"


async def test_a_proof_of_another_request_or_token_does_not_pass(holder: NodeUnderTest, token: PeerToken) -> None:
    now = holder.clock.now()
    assert token.key is not None
    others = [
        await token.headers("POST", READ, now, "j"),
        await token.headers("GET", READ + "0", now, "j"),
        {"DPoP": make_proof(token.key, method="GET", url=READ, access_token="other", jti="j", now=now)},
        {"DPoP": make_proof(token.key, method="GET", url=READ, access_token=None, jti="j", now=now)},
    ]
    for headers in others:
        assert await refusal(holder, f"DPoP {token.access_token}", headers["DPoP"]) == "proof_invalid"
    old = await token.headers("GET", READ, now - timedelta(seconds=61), "j")
    assert await refusal(holder, f"DPoP {token.access_token}", old["DPoP"]) == "nonce_wanted"


async def test_a_bearer_token_does_not_pass_as_bound(holder: NodeUnderTest, bearer: PeerToken) -> None:
    proof = make_proof(
        a_key("any"), method="GET", url=READ, access_token=bearer.access_token, jti="j", now=holder.clock.now()
    )
    assert await refusal(holder, f"DPoP {bearer.access_token}", proof) == "scheme_mismatch"


async def test_a_token_of_one_organisation_does_not_open_another(holder: NodeUnderTest, bearer: PeerToken) -> None:
    assert await refusal(holder, f"Bearer {bearer.access_token}", None, subject="other") == "wrong_subject"


async def test_a_token_ends_after_its_900_seconds(holder: NodeUnderTest, bearer: PeerToken) -> None:
    holder.clock.jump(899)
    await holder.guard.authenticate(authorization=f"Bearer {bearer.access_token}", dpop=None, method="GET", url=READ)
    holder.clock.jump(1)
    assert await refusal(holder, f"Bearer {bearer.access_token}", None) == "expired_token"


async def test_a_token_that_was_taken_away_ends_at_once(holder: NodeUnderTest, bearer: PeerToken) -> None:
    authorization = f"Bearer {bearer.access_token}"
    caller = await holder.guard.authenticate(authorization=authorization, dpop=None, method="GET", url=READ)
    epoch = holder.audit.current_epoch()
    assert await holder.store.end(caller.grant.grant_id, holder.clock.now())
    assert holder.audit.current_epoch() == epoch + 1, "decisions made on it before are stale"
    assert await refusal(holder, authorization, None) == "ended_token"
    assert not await holder.store.end(caller.grant.grant_id, holder.clock.now())


async def test_one_proof_opens_one_request_however_often_it_is_sent_at_once(
    holder: NodeUnderTest, token: PeerToken
) -> None:
    headers = await token.headers("GET", READ, holder.clock.now(), "jti")

    async def read() -> Caller:
        caller = await holder.guard.authenticate(
            authorization=headers["Authorization"], dpop=headers["DPoP"], method="GET", url=READ
        )
        record = AuditRecord(
            kind="disclosure",
            direction="inbound",
            subject="wending",
            at=holder.clock.now(),
            decision="permit",
            code="test",
        )
        await holder.audit.promise(record, once=caller.once)
        return caller

    outcomes = await asyncio.gather(*(read() for _ in range(30)), return_exceptions=True)
    assert sum(isinstance(outcome, Caller) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyUsedError) for outcome in outcomes) == 29


def test_a_repeated_header_is_refused() -> None:
    for name, code in [("Authorization", "malformed_token"), ("DPoP", "proof_invalid")]:
        headers = CIMultiDict([(name, "one"), (name, "two")])
        with pytest.raises(LoginError) as refused:
            presented(make_mocked_request("GET", "/", headers=headers))
        assert refused.value.code == code
    headers = CIMultiDict([("authorization", "a"), ("dpop", "b")])
    assert presented(make_mocked_request("GET", "/", headers=headers)) == ("a", "b")
    assert presented(make_mocked_request("GET", "/")) == (None, None)


async def test_a_token_is_nowhere_in_the_database(holder: NodeUnderTest, bearer: PeerToken, tmp_path: object) -> None:
    assert bearer.access_token not in repr(bearer)
    stored = await holder.store.find(bearer.access_token)
    assert stored is not None
    assert bearer.access_token not in stored.grant.to_json()
