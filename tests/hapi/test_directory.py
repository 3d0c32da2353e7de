"""A care services directory that nobody here wrote: HAPI FHIR is followed, and published to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from examples.region.hapi.client import send
from node.directory.follower import Follower
from node.directory.rounds import Rounds
from node.web.client import open_own_client
from node.world import SystemClock, SystemEntropy
from tests.node.directory.setting import Setting, a_setting
from tests.support.directory import a_location, a_service, an_affiliation, an_endpoint, an_organization

pytestmark = [pytest.mark.hapi, pytest.mark.timeout(900)]

MANY = 60
"""More than fit on a page of HAPI, which has 10 unless it is asked for more."""


def put(base: str, *contents: dict[str, Any]) -> None:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in contents
    ]
    answer = send("POST", base, resource={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status == 200, answer.body


@pytest_asyncio.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with a_setting(tmp_path) as opened:
        yield opened


async def test_a_directory_on_hapi_is_loaded_and_followed(hapi_server: str, setting: Setting) -> None:
    directory = hapi_server  # shared: what others put there is in the replica too
    put(
        directory,
        an_organization("mcsd-linde", ura="90000102", name="Thuiszorg De Linde"),
        *(an_organization(f"mcsd-{number}", name=f"Mcsd {number}") for number in range(MANY)),
        a_location("mcsd-l1", "mcsd-linde"),
        a_service("mcsd-s1", "mcsd-linde"),
        an_endpoint("mcsd-e1", "mcsd-linde"),
        an_affiliation("mcsd-a1", "mcsd-linde", "mcsd-1"),
    )
    async with open_own_client([directory]) as client:
        follower = Follower(setting.replica, client, SystemClock())
        rounds = Rounds(setting.replica, follower, SystemClock(), SystemEntropy(), url=directory, dialect="vws")
        await rounds.start()
        made = await rounds.follow_now()
        assert made[directory].error is None
        assert (await setting.find("Organization", ("name", "mcsd"), ("_count", "500"))).total == MANY
        assert await setting.ids("Endpoint", ("organization.identifier", "90000102")) == ["mcsd-e1"]
        found = await setting.find("Organization", ("_id", "mcsd-linde"), ("_revinclude", "OrganizationAffiliation:*"))
        assert [each.id for each in found.included] == ["mcsd-a1"]

        # Several versions of one, a withdrawal, a deletion and one that came back, over more than a page.
        for name in ("Linde twee", "Linde drie"):
            put(directory, an_organization("mcsd-linde", ura="90000102", name=name))
        put(directory, an_endpoint("mcsd-e1", "mcsd-linde", status="off"), an_endpoint("mcsd-e2", "mcsd-linde"))
        assert send("DELETE", f"{directory}/Organization/mcsd-3").status in {200, 204}
        assert send("DELETE", f"{directory}/Organization/mcsd-4").status in {200, 204}
        put(directory, an_organization("mcsd-4", name="Terug"))
        put(directory, *(an_organization(f"mcsd-{number}", name=f"Mcsd anders {number}") for number in range(10, MANY)))
        made = await rounds.follow_now()
        assert made[directory].error is None
        assert [each["name"] for each in await setting.shown("Organization", ("_id", "mcsd-linde"))] == ["Linde drie"]
        assert await setting.ids("Endpoint", ("organization", "mcsd-linde")) == ["mcsd-e2"]
        assert await setting.ids("Organization", ("_id", "mcsd-3,mcsd-4")) == ["mcsd-4"]
        assert len(await setting.ids("Organization", ("name", "mcsd anders"), ("_count", "500"))) == MANY - 10

        # Nothing changed: one page for each type.
        made = await rounds.follow_now()
        assert (made[directory].error, made[directory].refused) == (None, {})
        (followed,) = await setting.replica.followed()
        assert (followed.failures, followed.error) == (0, None)
