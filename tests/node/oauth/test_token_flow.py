"""The whole way between two nodes: metadata, presentation, token, request with the token, introspection."""

import asyncio
from datetime import timedelta

import pytest

from node.oauth.dpop import make_proof
from node.oauth.requester import PeerToken, TokenRefusedError
from node.oauth.user import User
from tests.node.oauth.setting import ASKER_URL, HOLDER, SCOPE, NodeUnderTest, Stranger, post_token
from tests.support.world import SimulatedInternet

USER = User(identifier="U-1001", name="J. Jansen", role="01.015")
READ = "https://wending.example/fhir/wending/r4/Patient?name=x"


async def test_a_node_gets_a_token_of_another_and_uses_it(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    token = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    headers = await token.headers("GET", READ, asker.clock.now(), "jti-1")
    caller = await holder.guard.authenticate(
        authorization=headers["Authorization"], dpop=headers["DPoP"], method="GET", url=READ, subject="wending"
    )
    grant = caller.grant
    assert (grant.organization_ura, grant.organization_name, grant.organization_city) == (
        "00001111",
        "Huisartsenpraktijk De Oever",
        "Gouda",
    )
    assert (grant.user_identifier, grant.user_name, grant.user_role) == ("U-1001", "J. Jansen", "01.015")
    assert grant.user_evidence == "self_attested"
    assert grant.client_id == f"{ASKER_URL}/oauth2/oever"
    assert (grant.expires_at - grant.issued_at).total_seconds() == 900
    assert [use.kind for use in caller.once] == ["dpop"]
    [record] = holder.audit.of_kind("token")
    assert (record.peer_ura, record.grant_id, record.user_evidence) == ("00001111", grant.grant_id, "self_attested")


async def test_a_token_is_reused_until_half_a_minute_before_it_ends(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    async def ask(*, fresh: bool = False) -> PeerToken:
        return await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER, fresh=fresh)

    first = await ask()
    asker.clock.jump(869)
    assert await ask() is first
    asker.clock.jump(1)
    second = await ask()
    assert second is not first
    assert await ask(fresh=True) is not second
    assert internet.called("/token") == 3


async def test_another_user_gets_another_token(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    colleague = User(identifier="U-1002", name="P. Pietersen", role="30.000")
    tokens = [
        await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=user)
        for user in (USER, colleague)
    ]
    assert tokens[0].access_token != tokens[1].access_token


async def test_many_who_ask_at_once_share_one_request(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    tokens = await asyncio.gather(
        *(asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER) for _ in range(100))
    )
    assert len({token.access_token for token in tokens}) == 1
    assert internet.called("/token") == 1


async def test_when_the_one_who_asks_hangs_up_another_takes_over(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    gate = internet.gates[HOLDER.removesuffix("/oauth2/wending")] = asyncio.Event()
    ask = [
        asyncio.create_task(asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER))
        for _ in range(2)
    ]
    await asyncio.sleep(0.01)
    ask[0].cancel()
    gate.set()
    token = await ask[1]
    assert token.access_token
    assert ask[0].cancelled()


async def test_a_bearer_token_is_given_where_it_is_asked(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    token = await asker.requester.token(
        "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, token_type="Bearer"
    )
    headers = await token.headers("GET", READ, asker.clock.now(), "jti-1")
    assert headers == {"Authorization": f"Bearer {token.access_token}"}
    caller = await holder.guard.authenticate(authorization=headers["Authorization"], dpop=None, method="GET", url=READ)
    assert (caller.grant.jkt, caller.once) == (None, ())


async def test_no_token_for_who_is_vouched_for_by_nobody_we_trust(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    await asker.found("indringer")
    with pytest.raises(TokenRefusedError) as refused:
        await asker.requester.token("indringer", authorization_server=HOLDER, scope=SCOPE, user=USER)
    assert (refused.value.code, refused.value.step) == ("no_match", "wallet")


async def test_a_token_does_not_outlive_a_credential(holder: NodeUnderTest, stranger: Stranger) -> None:
    employee = stranger.employee() | {
        "expirationDate": (stranger.clock.now() + timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    }
    form = stranger.form(assertion=stranger.presentation(credentials=[stranger.x509_credential, employee]))
    answer = await post_token(holder, form)
    assert (answer.status, answer.body["expires_in"]) == (200, 100)


async def test_the_reply_has_the_shape_nuts_node_reads(holder: NodeUnderTest, stranger: Stranger) -> None:
    proof = make_proof(
        stranger.key, method="POST", url=f"{HOLDER}/token", access_token=None, jti="j", now=stranger.clock.now()
    )
    answer = await post_token(holder, stranger.form(), dpop=proof)
    assert answer.status == 200
    assert {name: value for name, value in answer.body.items() if name != "access_token"} == {
        "token_type": "DPoP",
        "expires_in": 900,
        "scope": SCOPE,
    }
    assert len(answer.body["access_token"]) == 43
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_both_dialects_of_presentations_are_accepted(holder: NodeUnderTest, stranger: Stranger) -> None:
    release = stranger.presentation(
        iss=None,
        iat=None,
        aud=HOLDER,
        vp={
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": "VerifiablePresentation",
            "holder": stranger.did,
            "verifiableCredential": [stranger.x509_credential, stranger.employee()],
        },
    )
    assert (await post_token(holder, stranger.form(assertion=release))).status == 200


async def test_an_array_of_one_presentation_is_accepted(holder: NodeUnderTest, stranger: Stranger) -> None:
    submission = stranger.submission(
        descriptor_map=[
            {"id": "id_x509credential", "format": "jwt_vc", "path": "$[0].verifiableCredential[0]"},
            {"id": "id_employeecredential", "format": "ldp_vc", "path": "$[0].verifiableCredential[1]"},
        ]
    )
    form = stranger.form(assertion=f'["{stranger.presentation()}"]', presentation_submission=submission)
    assert (await post_token(holder, form)).status == 200


async def test_a_peer_that_rotated_its_key_is_seen_at_once(
    holder: NodeUnderTest, stranger: Stranger, internet: SimulatedInternet
) -> None:
    assert (await post_token(holder, stranger.form())).status == 200
    stranger.clock.jump(10)
    assert (await post_token(holder, stranger.form())).status == 200
    assert internet.called("/did.json") == 1
    other = type(stranger.key).generate(type(stranger.key.kid)(f"{stranger.did}#new"))
    form = stranger.form(assertion=stranger.presentation(key=other))
    assert (await post_token(holder, form)).status == 400
    assert internet.called("/did.json") == 2
    assert (await post_token(holder, stranger.form(assertion=stranger.presentation(key=other)))).status == 400
    assert internet.called("/did.json") == 2, "unknown keys do not make us fetch more often than every 5 s"
