"""Nonces in proofs of possession: offered, honoured, and demanded only of a proof whose own time is not believed (RFC 9449 §8, §9)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import NotCurrentError
from node.audit.log import AlreadyUsedError
from node.audit.record import AuditRecord
from node.exchange.entrance import Entrance
from node.exchange.incoming import Incoming
from node.exchange.refusal import login
from node.exchange.refusing import Refusals
from node.oauth.dpop import NonceWantedError, check_proof, make_proof
from node.oauth.nonces import LIFETIME, ServerNonces
from node.oauth.resource import LoginError
from node.oauth.user import User
from node.ports import World
from node.web.replies import RequestError
from tests.node.oauth.setting import HOLDER, SCOPE, Answer, NodeUnderTest, Stranger, post_token
from tests.support.keys import a_key
from tests.support.world import NOON, SimulatedInternet

READ = "https://wending.example/fhir/wending/r4/Patient/1"
USER = User(identifier="U-1001", name="J. Jansen", role="01.015")
NONCES = ServerNonces(bytes(32))
KEY = a_key("oever")


def check(proof: str, at: float = 0.0, nonces: ServerNonces | None = NONCES) -> Any:
    now = NOON + timedelta(seconds=at)
    return check_proof(proof, method="GET", url=READ, now=now, access_token=None, jkt=None, nonces=nonces)


def proof(*, iat: float = 0.0, nonce: str | None = None, jti: str = "1") -> str:
    now = NOON + timedelta(seconds=iat)
    return make_proof(KEY, method="GET", url=READ, access_token=None, jti=jti, now=now, nonce=nonce)


def test_a_proof_without_a_nonce_is_good_while_its_time_is() -> None:
    """As nuts-node makes them."""
    for at in (-5, 0, 60):
        check(proof(), at)
    for at in (-6, 61):
        with pytest.raises(NonceWantedError):
            check(proof(), at)
        with pytest.raises(NotCurrentError, match="iat"):
            check(proof(), at, nonces=None)


def test_a_nonce_is_known_on_every_replica_and_on_no_other_node() -> None:
    nonce = ServerNonces(bytes(32)).offer(NOON)
    check(proof(nonce=nonce))
    with pytest.raises(NonceWantedError):
        check(proof(nonce=ServerNonces(b"\1" * 32).offer(NOON)))


@pytest.mark.parametrize("place", [0, 4, 5, 20])
def test_no_nonce_can_be_made_from_another(place: int) -> None:
    sealed = bytearray(b64url_decode(NONCES.offer(NOON)))
    sealed[place] ^= 1
    with pytest.raises(NonceWantedError):
        check(proof(nonce=b64url_encode(bytes(sealed))))


@pytest.mark.parametrize("nonce", ["", "x", "A" * 28, "!" * 28, "é" * 28, "A" * 500])
def test_what_is_no_nonce_of_ours_is_never_passed_over(nonce: str) -> None:
    with pytest.raises(NonceWantedError):
        check(proof(nonce=nonce))


def test_a_nonce_has_its_time() -> None:
    nonce = NONCES.offer(NOON)
    end = LIFETIME.total_seconds()
    check(proof(iat=end, nonce=nonce), end)
    with pytest.raises(NonceWantedError):
        check(proof(iat=end + 1, nonce=nonce), end + 1)
    with pytest.raises(NonceWantedError):
        check(proof(iat=-6, nonce=nonce), -6)


def test_with_a_young_nonce_the_own_time_of_a_proof_does_not_matter_and_with_an_older_one_it_does() -> None:
    """A proof made in advance holds no nonce; one that holds a young one can not have been made in advance."""
    nonce = NONCES.offer(NOON)
    for iat in (-100_000, 100_000):
        check(proof(iat=iat, nonce=nonce), 60)
        with pytest.raises(NonceWantedError):
            check(proof(iat=iat, nonce=nonce), 61)


def test_what_is_used_up_is_the_same_whenever_a_proof_is_shown() -> None:
    """Else one whose time comes later would work twice: by its nonce, and then by its time."""
    ahead = proof(iat=30, nonce=NONCES.offer(NOON))
    assert len({check(ahead, at).single_use for at in (0, 10, 26, 60, 90)}) == 1
    assert len({check(proof(), at).single_use for at in (0, 30, 60)}) == 1


def proof_to_token(stranger: Stranger, **options: Any) -> str:
    now = stranger.clock.now() + timedelta(seconds=options.pop("late", 0))
    return make_proof(
        stranger.key,
        method="POST",
        url=f"{HOLDER}/token",
        access_token=None,
        jti=stranger.entropy.uuid(),
        now=now,
        **options,
    )


async def test_a_token_endpoint_demands_a_nonce_of_a_proof_whose_time_is_wrong_and_then_takes_it(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    form = stranger.form()
    challenged = await post_token(holder, form, dpop=proof_to_token(stranger, late=-3_600))
    assert (challenged.status, challenged.body["error"]) == (400, "use_dpop_nonce")
    nonce = challenged.headers["DPoP-Nonce"]
    assert nonce not in challenged.text
    answer = await post_token(holder, form, dpop=proof_to_token(stranger, late=-3_600, nonce=nonce))
    assert (answer.status, answer.body["token_type"]) == (200, "DPoP"), (
        "the presentation was not used up by the challenge"
    )
    assert holder.audit.of_kind("refusal") == []


async def test_a_nonce_is_offered_to_who_brings_a_proof_and_to_nobody_else(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    def offered(answer: Answer) -> bool:
        return "DPoP-Nonce" in answer.headers

    assert offered(await post_token(holder, stranger.form(), dpop=proof_to_token(stranger)))
    assert not offered(await post_token(holder, stranger.form()))
    assert not offered(await post_token(holder, {}, dpop=proof_to_token(stranger)))


async def test_a_proof_with_a_nonce_works_once_however_often_it_is_posted_at_once(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    same = proof_to_token(stranger, nonce=holder.tokens.nonce())
    answers = await asyncio.gather(*(post_token(holder, stranger.form(), dpop=same) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 49


async def test_our_own_client_puts_the_nonce_it_was_offered_into_the_next_proof(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    for _ in range(2):
        await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER, fresh=True)
    first, second = [call for call in internet.calls if call.url.endswith("/token")]

    def nonce_in(headers: Any) -> Any:
        return json.loads(b64url_decode(headers["DPoP"].split(".")[1])).get("nonce")

    assert nonce_in(first.headers) is None
    assert nonce_in(second.headers) is not None


async def test_a_resource_demands_a_nonce_likewise_and_each_proof_works_once(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    token = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    assert token.key is not None
    key, clock = token.key, holder.clock

    def bound(**options: Any) -> str:
        late = clock.now() + timedelta(seconds=1_000)
        return make_proof(key, method="GET", url=READ, access_token=token.access_token, jti="1", now=late, **options)

    async def use(dpop: str) -> Any:
        return await holder.guard.authenticate(
            authorization=f"DPoP {token.access_token}", dpop=dpop, method="GET", url=READ
        )

    with pytest.raises(LoginError) as refused:
        await use(bound())
    assert refused.value.code == "nonce_wanted"
    assert refused.value.nonce is not None
    told = login(refused.value)
    assert (told.status, told.headers["DPoP-Nonce"]) == (401, refused.value.nonce)
    assert told.headers["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    with_nonce = bound(nonce=refused.value.nonce)
    record = AuditRecord(
        kind="request", direction="inbound", subject="wending", at=clock.now(), decision="permit", code="test"
    )
    await holder.audit.record(record, once=(await use(with_nonce)).once)
    with pytest.raises(AlreadyUsedError):
        await holder.audit.record(record, once=(await use(with_nonce)).once)


async def test_the_door_of_our_own_enforcement_point_tells_the_nonce(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    token = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    refusals = Refusals(
        World(clock=holder.clock, entropy=holder.entropy, peers=SimulatedInternet(), own=SimulatedInternet()),
        holder.audit,
    )
    door = Entrance(holder.guard, refusals, holder.refusals, subject="wending")

    async def knock(at: float, nonce: str | None = None) -> Any:
        headers = await token.headers("GET", READ, holder.clock.now() + timedelta(seconds=at), "jti")
        if nonce is not None:
            assert token.key is not None
            late = holder.clock.now() + timedelta(seconds=at)
            headers["DPoP"] = make_proof(
                token.key, method="GET", url=READ, access_token=token.access_token, jti="j", now=late, nonce=nonce
            )
        return await door.log_in(
            Incoming(
                version="r4", method="GET", path="Patient/1", query="", content_type=None, body=b"", url=READ,
                authorization=(headers["Authorization"],), proof=(headers["DPoP"],), received=0.0,
            )
        )  # fmt: skip

    with pytest.raises(RequestError) as refused:
        await knock(600)
    assert refused.value.status == 401
    assert 'error="use_dpop_nonce"' in refused.value.headers["WWW-Authenticate"]
    caller = await knock(600, refused.value.headers["DPoP-Nonce"])
    assert caller.grant.organization_ura == "00001111"


async def test_every_other_refusal_at_a_resource_tells_no_nonce() -> None:
    for error in (None, LoginError("proof_invalid"), LoginError("unknown_token")):
        told = login(error)
        assert "DPoP-Nonce" not in told.headers
        assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]


async def test_a_vendor_makes_proofs_with_a_nonce_and_is_told_which_one_would_do(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    token = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    assert token.key is not None
    thumbprint = token.key.public.thumbprint()

    async def made(**more: Any) -> str:
        body = {"htm": "GET", "htu": READ, "token": token.access_token, **more}
        path = f"/internal/auth/v2/dpop/{str(token.kid).replace('#', '%23').replace(':', '%3A')}"
        async with asker.internal.post(path, json=body) as answer:
            return str((await answer.json())["dpop"])

    async def judged(dpop: str) -> Any:
        body = {"dpop_proof": dpop, "method": "GET", "thumbprint": thumbprint, "token": token.access_token, "url": READ}
        async with holder.internal.post("/internal/auth/v2/dpop/validate", json=body) as answer:
            return await answer.json()

    assert await judged(await made()) == {"valid": True}
    verdict = await judged(await made(nonce="another server's"))
    assert (verdict["valid"], set(verdict)) == (False, {"valid", "reason", "dpop_nonce"})
    assert await judged(await made(nonce=verdict["dpop_nonce"])) == {"valid": True}
