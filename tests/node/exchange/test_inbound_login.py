"""Who: nobody gets past the door without proving who they are, and who doesn't is counted, not recorded."""

from datetime import timedelta
from typing import Any

import pytest

from credentials.errors import CredentialError, RevokedError, UnavailableError
from node.oauth.dpop import make_proof
from node.oauth.resource import CHALLENGE
from node.web.replies import RequestError
from tests.node.exchange.setting import OEVER, Holder, Peer, a_holder
from tests.support.keys import a_key

FLAGS = ("GET", "Flag", "patient=p1")


@pytest.fixture
def holder() -> Holder:
    return a_holder()


@pytest.fixture
async def peer(holder: Holder) -> Peer:
    return await holder.peer()


async def is_turned_away(holder: Holder, peer: Peer, code: str, **changes: Any) -> None:
    request = changes.pop("request", FLAGS)
    with pytest.raises(RequestError) as refused:
        await peer.ask(*request, **changes)
    assert (refused.value.status, refused.value.code) == (401, "login")
    assert refused.value.headers == {"WWW-Authenticate": CHALLENGE}
    assert holder.counter.totals() == {code: 1}
    assert holder.counter.by_address() == {"192.0.2.7": 1}
    assert holder.server.calls == [], "not even facts are looked up for a stranger"
    assert holder.audit.records == []


async def test_without_a_token(holder: Holder, peer: Peer) -> None:
    await is_turned_away(holder, peer, "no_token", authorization=())


async def test_with_an_unknown_token(holder: Holder, peer: Peer) -> None:
    await is_turned_away(holder, peer, "unknown_token", authorization=("DPoP " + "A" * 43,))


async def test_a_bound_token_presented_as_bearer(holder: Holder, peer: Peer) -> None:
    await is_turned_away(holder, peer, "scheme_mismatch", scheme="Bearer")
    holder.counter._minutes.clear()
    await is_turned_away(holder, peer, "scheme_mismatch", scheme="Bearer", proof=())


async def test_a_bound_token_without_a_proof(holder: Holder, peer: Peer) -> None:
    await is_turned_away(holder, peer, "proof_missing", proof=())


async def test_a_proof_by_another_key(holder: Holder, peer: Peer) -> None:
    await is_turned_away(holder, peer, "proof_invalid", key=a_key("thief"))


async def test_a_proof_for_another_method(holder: Holder, peer: Peer) -> None:
    other = peer.incoming("POST", "Flag").proof
    await is_turned_away(holder, peer, "proof_invalid", proof=other)


async def test_a_proof_for_another_address(holder: Holder, peer: Peer) -> None:
    other = peer.incoming("GET", "Condition").proof
    await is_turned_away(holder, peer, "proof_invalid", proof=other)


async def test_a_proof_for_another_token(holder: Holder, peer: Peer) -> None:
    url = peer.incoming(*FLAGS).url
    proof = make_proof(peer.key, method="GET", url=url, access_token="x" * 43, jti="1", now=holder.clock.now())
    await is_turned_away(holder, peer, "proof_invalid", proof=(proof,))


async def test_an_old_proof(holder: Holder, peer: Peer) -> None:
    old = peer.incoming(*FLAGS).proof
    holder.clock.jump(66)
    await is_turned_away(holder, peer, "proof_invalid", proof=old)


async def test_two_tokens_or_two_proofs(holder: Holder, peer: Peer) -> None:
    good = peer.incoming(*FLAGS)
    await is_turned_away(holder, peer, "malformed_token", authorization=good.authorization * 2)
    holder.counter._minutes.clear()
    await is_turned_away(holder, peer, "proof_invalid", proof=(good.proof[0], "x"))


async def test_a_token_of_another_organisation_hosted_here(holder: Holder) -> None:
    peer = await holder.peer(subject="linde")
    await is_turned_away(holder, peer, "wrong_subject")


async def test_an_expired_token(holder: Holder) -> None:
    peer = await holder.peer(expires_at=holder.clock.now() + timedelta(seconds=900))
    holder.clock.jump(900)
    await is_turned_away(holder, peer, "expired_token")


async def test_a_token_that_was_taken_away(holder: Holder, peer: Peer) -> None:
    await holder.tokens.end(peer.grant.grant_id, holder.clock.now())
    await is_turned_away(holder, peer, "ended_token")


@pytest.mark.parametrize(
    "request_", [("DELETE", "Patient/p1"), ("GET", "../../etc"), ("POST", "", "", "{}"), ("GET", "Flag", "patient=p2")]
)
async def test_whatever_is_asked_the_door_comes_first(holder: Holder, peer: Peer, request_: tuple[str, ...]) -> None:
    await is_turned_away(holder, peer, "no_token", request=request_, authorization=())


async def test_a_bearer_token_gets_through_where_it_was_given_as_one(holder: Holder) -> None:
    peer = await holder.peer(token_type="Bearer")
    await peer.ask(*FLAGS, scheme="Bearer", proof=())
    assert [each.kind for each in holder.audit.records] == ["disclosure"]
    assert len(holder.forwarded) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(RevokedError("revoked"), "revoked_credential"), (UnavailableError("no list"), "status_unknown")],
)
async def test_somebody_whose_credential_lapsed_is_turned_away_and_recorded(
    holder: Holder, peer: Peer, error: CredentialError, code: str
) -> None:
    holder.standing.error = error
    with pytest.raises(RequestError) as refused:
        await peer.ask(*FLAGS)
    assert (refused.value.status, refused.value.code) == (401, "login")
    assert refused.value.headers == {"WWW-Authenticate": CHALLENGE}
    assert holder.server.calls == []
    assert holder.counter.totals() == {}, "they proved who they are"
    [record] = holder.audit.records
    assert (record.kind, record.decision, record.code, record.peer_ura) == ("refusal", "deny", code, OEVER)
