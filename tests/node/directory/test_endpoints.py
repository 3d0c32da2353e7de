"""Where an organisation is asked: from discovery and from the directory, in order, with reasons and circuit breakers."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from credentials.did.identifier import DID
from node.directory.endpoints import Endpoints
from node.directory.keys import ENDPOINT_USECASES, ENDPOINTS
from node.directory.opening import internal_routes
from node.usecases.book import UseCaseBook
from node.usecases.load import load_shipped
from node.web.boundary import boundary
from registry.directory import Directory
from registry.entry import Registered
from tests.node.directory.setting import Setting
from tests.support.directory import an_endpoint, an_organization
from tests.support.world import NOON

SERVICE = "HuisartsVVTInzage"
REGISTERED = "https://node.linde.example/fhir/linde/r4"
LISTED = "https://fhir.linde.example/r4"


def _registered(base: str | None = REGISTERED, service: str = SERVICE) -> Registered:
    return Registered(
        service=service, timestamp=1, compact="x", presentation_id="p", holder=DID("did:web:linde.example"),
        issued_at=NOON, expires_at=NOON + timedelta(hours=1),
        claims={"organization_ura": "90000102"}, proven=frozenset({"organization_ura"}),
        parameters={"authServerURL": "https://node.linde.example/oauth2/linde", **({} if base is None else {"fhir_base_url_r4": base})},
    )  # fmt: skip


async def _endpoints(setting: Setting, *registered: Registered, away: set[str] | None = None) -> Endpoints:
    directory = setting.directory()
    directory.put(
        an_organization("o", ura="90000102", endpoint=[{"reference": "Endpoint/vendor"}]),
        an_endpoint("fhir", "o", address=LISTED),
        an_endpoint("oauth", "o", connectionType={"code": "oauth-nuts"}, address="https://linde.example/oauth2/linde"),
        an_endpoint("vendor", "vendor", address=REGISTERED),
        an_endpoint("old", "o", period={"end": "2026-01-01"}),
        an_endpoint("other", "x", address="https://somebody-else.example/fhir"),
    )
    rounds = await setting.rounds()
    await rounds.follow_now()
    known = Directory(registered)
    return Endpoints(
        setting.finder,
        rounds,
        setting.clock,
        registered=lambda: known,
        is_away=lambda address: address in (away or set()),
    )


async def _ask(endpoints: Endpoints, **changes: Any) -> list[tuple[str | None, str, str]]:
    found = await endpoints.of("90000102", SERVICE, frozenset({"ha-vvt"}), **changes)
    return [(each.address, each.state, each.code) for each in found]


async def test_a_registration_comes_before_the_directory_and_the_same_address_counts_once(setting: Setting) -> None:
    assert await _ask(await _endpoints(setting, _registered())) == [
        (REGISTERED, "chosen", "chosen"),
        (LISTED, "next", "usable"),
        (REGISTERED, "passed_over", "found_before"),
        ("https://linde.example/fhir", "passed_over", "not_now"),
    ]


async def test_without_a_registration_that_will_do_the_directory_is_used(setting: Setting) -> None:
    found = await _ask(await _endpoints(setting, _registered(None), _registered(service="another")))
    assert [each[0] for each in found if each[1] in {"chosen", "next"}] == [LISTED, REGISTERED]
    assert {each[2] for each in found if each[1] == "passed_over"} == {"no_fhir_base", "not_in_service", "not_now"}


async def test_an_address_that_kept_failing_goes_behind_the_others_but_is_better_than_none(setting: Setting) -> None:
    found = await _ask(await _endpoints(setting, _registered(), away={REGISTERED}))
    assert [each[:2] for each in found[:2]] == [(LISTED, "chosen"), (REGISTERED, "left_alone")]
    found = await _ask(await _endpoints(setting, _registered(), away={REGISTERED, LISTED}))
    assert [each[1] for each in found[:2]] == ["left_alone", "left_alone"]


async def test_a_version_that_nobody_offers_is_told_for_each(setting: Setting) -> None:
    found = await _ask(await _endpoints(setting, _registered()), versions=("stu3",))
    assert {each[1] for each in found} == {"passed_over"}
    assert {each[2] for each in found} == {"no_fhir_base", "another_version", "not_now"}


async def test_the_endpoints_of_others_are_not_there(setting: Setting) -> None:
    found = await _ask(await _endpoints(setting))
    assert not any("somebody-else" in (each[0] or "") for each in found)
    endpoints = await _endpoints(setting)
    assert await endpoints.of("99999999", SERVICE, frozenset()) == ()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("ura=90000102&usecase=ha-vvt", 200), ("ura=90000102&usecase=ha-vvt&fhir_version=r4", 200),
        ("ura=1&usecase=ha-vvt", 400), ("usecase=ha-vvt", 400), ("ura=90000102&usecase=nothing", 404), ("ura=90000102", 404),
        ("ura=90000102&usecase=ha-vvt&fhir_version=r5", 400), ("ura=90000102&usecase=ha-vvt&bsn=1", 400),
    ],
)  # fmt: skip
async def test_the_question_over_http(setting: Setting, query: str, status: int) -> None:
    app = web.Application(middlewares=[boundary([], [])])
    app.router.add_routes(internal_routes())
    app[ENDPOINTS] = await _endpoints(setting, _registered())
    shipped = [each for each in load_shipped() if each.usecase.id == "ha-vvt"]
    app[ENDPOINT_USECASES] = UseCaseBook(shipped, {"uzi": ["A" * 43]})
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(f"/internal/directory/v1/endpoints?{query}")
        assert answer.status == status, await answer.text()
        if status == 200:
            first = (await answer.json())["endpoints"][0]
            assert (first["address"], first["state"], first["found_by"]) == (REGISTERED, "chosen", "discovery")
