"""What becomes of registrations when a key is called compromised, or an organisation goes."""

import logging

import pytest

from node.identity.key_changes import OwnKey
from node.identity.subjects import Subject
from node.registries.renewal import Renewal
from tests.node.registries.test_participation import OEVER, Region
from tests.support.keys import a_key
from tests.support.registry import ENDPOINT, NOW

LOST = OwnKey(
    kid=a_key("oever").kid, did=OEVER, signs=False, created_at=NOW, removed_at=NOW, removed_because="compromised"
)


async def test_a_registration_that_a_lost_key_signed_is_made_anew_at_once() -> None:
    region = Region()
    renewal = Renewal(region.client, region.store)
    await renewal.register_anew("oever", LOST)  # not registered: nothing happens
    assert await region.store.own("care", OEVER) is None
    first = await region.client.register("care", OEVER, {"colour": "blue"})
    region.clock.jump(60)
    await renewal.register_anew("oever", LOST)
    second = await region.store.own("care", OEVER)
    assert second is not None
    assert (second.presentation_id == first.presentation_id, second.parameters) == (False, {"colour": "blue"})


async def test_a_host_that_is_away_gets_it_later(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    region = Region()
    renewal = Renewal(region.client, region.store)
    await region.client.register("care", OEVER, {})
    region.peers.away.add(ENDPOINT)
    await renewal.register_anew("oever", LOST)
    await renewal.withdraw(Subject(name="oever", dids=(OEVER,)))
    assert [record.message for record in caplog.records if "renewal" in record.name] == [
        "not registered anew yet", "not withdrawn",
    ]  # fmt: skip
    left = await region.store.own("care", OEVER)
    assert left is not None
    assert left.leaving
    await renewal.register_anew("oever", LOST)  # it leaves: it is not brought back
    again = await region.store.own("care", OEVER)
    assert again is not None
    assert again.leaving


async def test_an_organisation_that_goes_withdraws_everywhere() -> None:
    region = Region()
    await region.client.register("care", OEVER, {})
    await Renewal(region.client, region.store).withdraw(Subject(name="oever", dids=(OEVER,)))
    assert await region.store.own("care", OEVER) is None
