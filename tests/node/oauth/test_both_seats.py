"""Our client opposite our own server, where both know more than nuts-node does: nonces in proofs, and service providers."""

from pathlib import Path

import pytest

from node.oauth.errors import TokenRefusedError
from node.oauth.peer_token import PeerToken
from tests.node.oauth.setting import (
    ASKER_URL,
    HOLDER,
    HOLDER_URL,
    SCOPE,
    NodeUnderTest,
    a_node,
    organization_definition,
)
from tests.node.oauth.test_two_presentations import USER, a_mandate, mandate_definition
from tests.node.verification.setting import Publisher
from tests.support.certificates import a_uzi_chain
from tests.support.world import ManualClock, SimulatedInternet

READ = f"{HOLDER_URL}/fhir/wending/r4/Patient"


async def ask(node: NodeUnderTest, *, service_provider: str | None = None, fresh: bool = False) -> PeerToken:
    return await node.requester.token(
        "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, service_provider=service_provider, fresh=fresh
    )


@pytest.mark.spec("WIRE §2.5.6")
async def test_a_service_provider_gets_a_token_for_its_organisation_and_for_no_other(
    internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    definitions = {SCOPE: {"organization": organization_definition(), "service_provider": mandate_definition()}}
    Publisher(internet, clock)
    async with (
        a_node(internet, HOLDER_URL, tmp_path, clock, definitions) as holder,
        a_node(internet, ASKER_URL, tmp_path, clock, definitions) as asker,
    ):
        await holder.found("wending")
        await asker.found("oever", a_uzi_chain())
        provider = await asker.found("leverancier")
        now = int(clock.now().timestamp())
        await asker.wallet.load("leverancier", a_mandate(provider, ura="00009999", now=now), clock.now())
        with pytest.raises(TokenRefusedError, match="no_match"):
            await ask(asker, service_provider="leverancier")
        await asker.wallet.load("leverancier", a_mandate(provider, ura="00001111", now=now), clock.now())
        token = await ask(asker, service_provider="leverancier")
        stored = await holder.store.find(token.access_token)
        assert stored is not None
        assert (stored.grant.provider, stored.grant.organization_ura) == (provider, "00001111")
        headers = await token.headers("GET", READ, clock.now(), "j-1")
        caller = await holder.guard.authenticate(
            authorization=headers["Authorization"], dpop=headers["DPoP"], method="GET", url=READ
        )
        assert caller.grant.jkt == stored.grant.jkt


@pytest.mark.spec("RFC 9449 §8.2")
async def test_a_nonce_that_was_offered_is_used_and_one_that_is_too_old_costs_one_more_request_at_most(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet, clock: ManualClock
) -> None:
    await ask(asker)
    await ask(asker, fresh=True)
    assert internet.called("/token") == 2
    clock.jump(7_200)
    assert (await ask(asker)).access_token
    assert internet.called("/token") <= 4
