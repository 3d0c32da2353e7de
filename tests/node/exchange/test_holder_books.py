"""What the holder's side keeps: names under a grant for every replica, agreements, and referrals as its own server has them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.exchange.agreement import routes
from node.exchange.agreement.book import AgreementBook
from node.exchange.named import NamedFor, NamedResources
from node.exchange.named_store import SqlNamedStore
from node.identity.routes import SUBJECTS
from node.storage.schema import agreements, named_resources
from node.usecases.model import UseCase
from node.web.boundary import boundary
from node.web.replies import RequestError
from tests.node.audit.setting import a_sealer
from tests.node.consent.conftest import House, house, server  # noqa: F401  # fixtures
from tests.node.exchange.holder_books import Hosted
from tests.node.exchange.setting import LINDE, OEVER, Holder, a_holder, book_with
from tests.support.fhir_server import searchset
from tests.support.world import FixedEntropy, ManualClock

Client = TestClient[web.Request, web.Application]
SECRET = b"s" * 32


@pytest.fixture
async def tables(house: House) -> House:  # noqa: F811  # the fixture
    async with house.database.transaction() as connection:
        await connection.run_sync(agreements.create)
        await connection.run_sync(named_resources.create)
    return house


class TestNamed:
    async def test_another_replica_knows_until_the_grant_ends(self, tables: House) -> None:
        clock = ManualClock()
        named = NamedFor(patient_ids=frozenset({"p1", "p2"}), expires_at=clock.now() + timedelta(minutes=15))
        one, other = (
            NamedResources(SECRET, SqlNamedStore(tables.database, sealer=a_sealer("named"))) for _ in range(2)
        )
        await one.remember("grant", [("Binary", "b1"), ("Practitioner", "d1")], named)
        await one.remember("grant", [("Binary", "b1")], named)
        assert await other.named("grant", "Binary", "b1", clock.now()) == named
        assert await other.named("grant", "Binary", "b2", clock.now()) is None
        assert await other.named("another", "Binary", "b1", clock.now()) is None
        clock.jump(timedelta(minutes=15))
        assert await other.named("grant", "Binary", "b1", clock.now()) is None
        assert await one.named("grant", "Binary", "b1", clock.now()) is None

    async def test_what_is_stored_says_neither_what_nor_whom(self, tables: House) -> None:
        store = SqlNamedStore(tables.database, sealer=a_sealer("named"))
        named = NamedFor(patient_ids=frozenset({"patient-77"}), expires_at=ManualClock().now())
        await NamedResources(SECRET, store).remember("grant", [("Binary", "document-88")], named)
        async with tables.database.reading() as connection:
            text = str(tuple((await connection.execute(named_resources.select())).one()))
        assert all(secret not in text for secret in ("patient-77", "document-88", "Binary", "grant"))

    async def test_what_ended_is_dropped(self, tables: House) -> None:
        clock = ManualClock()
        store = SqlNamedStore(tables.database, sealer=a_sealer("named"))
        await store.keep([b"d" * 16], b"[]", clock.now())
        await store.prune(clock.now() + timedelta(minutes=1))
        assert await store.find(b"d" * 16) is not None
        await store.prune(clock.now() + timedelta(minutes=3))
        assert await store.find(b"d" * 16) is None


@pytest.fixture
async def client(tables: House) -> AsyncIterator[tuple[Client, AgreementBook]]:
    log = await tables.log()
    book = AgreementBook(tables.database, log=log, clock=ManualClock(), entropy=FixedEntropy("agreement"))
    app = web.Application(middlewares=[boundary([])])
    app.add_routes(routes.internal_routes())
    app[routes.AGREEMENTS] = book
    app[SUBJECTS] = cast("Any", Hosted())
    async with TestClient(TestServer(app)) as opened:
        yield opened, book


AGREEMENT = {"ura": OEVER, "usecase": "ha-vvt", "document": "contract 14", "start": "2026-11-22", "end": "2026-11-22"}
PLACE = "/internal/agreements/v1/gouwe"


class TestAgreements:
    async def test_it_counts_from_its_first_to_its_last_day(self, client: tuple[Client, AgreementBook]) -> None:
        api, book = client
        made = await (await api.post(PLACE, json=AGREEMENT)).json()
        for change in ({"start": "2026-11-23", "end": None}, {"start": "2026-01-01", "end": "2026-11-21"}):
            assert (await api.post(PLACE, json=AGREEMENT | change)).status == 201
        assert await book.with_requester(subject="gouwe", ura=OEVER, usecase="ha-vvt") == made["id"]
        assert await book.with_requester(subject="gouwe", ura=OEVER, usecase="medication") is None
        assert await book.with_requester(subject="gouwe", ura=LINDE, usecase="ha-vvt") is None
        assert await book.with_requester(subject="other", ura=OEVER, usecase="ha-vvt") is None
        assert len((await (await api.get(PLACE)).json())["agreements"]) == 3

    async def test_taking_it_away_makes_what_was_decided_on_it_stale(
        self, client: tuple[Client, AgreementBook]
    ) -> None:
        api, book = client
        made = await (await api.post(PLACE, json=AGREEMENT)).json()
        before = book._log.current_epoch()
        assert (await api.delete(f"/internal/agreements/v1/oever/{made['id']}")).status == 404
        assert (await api.delete(f"{PLACE}/{made['id']}")).status == 204
        assert book._log.current_epoch() > before
        assert await book.with_requester(subject="gouwe", ura=OEVER, usecase="ha-vvt") is None
        assert (await api.delete(f"{PLACE}/{made['id']}")).status == 404

    @pytest.mark.parametrize(
        "change", [{"ura": "1"}, {"end": "2026-01-01"}, {"document": ""}, {"start": "soon"}, {"more": 1}]
    )
    async def test_what_is_no_agreement_is_refused(
        self, client: tuple[Client, AgreementBook], change: dict[str, Any]
    ) -> None:
        assert (await client[0].post(PLACE, json=AGREEMENT | change)).status == 400


def by(*bases: str) -> Holder:
    def change(usecase: UseCase) -> UseCase:
        tables = tuple(table.model_copy(update={"legal_bases": None}) for table in usecase.tables)
        return usecase.model_copy(update={"legal_bases": bases, "tables": tables})

    return a_holder(usecases=book_with(change))


def a_referral(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p2"},
        "authoredOn": "2026-11-01",
        "performer": [{"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": OEVER}}],
        **more,
    }


class TestReferrals:
    async def test_a_running_referral_lets_whom_it_names_in(self) -> None:
        holder = by("referral")
        holder.server.resources = [*holder.server.resources, a_referral()]
        await (await holder.peer()).ask("GET", "Flag", "patient=p2")
        assert holder.audit.records[-1].code == "referral"

    @pytest.mark.parametrize(
        "more",
        [
            {"status": "completed"},
            {"intent": "proposal"},
            {"authoredOn": "2025-11-01"},
            {"authoredOn": "2026-11-23"},
            {"authoredOn": "yesterday"},
            {"authoredOn": None},
            {"occurrencePeriod": {"end": "2026-11-01"}},
            {"performer": [{"reference": "Organization/unknown"}]},
            {"performer": []},
        ],
    )
    async def test_one_that_is_over_or_names_another_lends_nothing(self, more: dict[str, Any]) -> None:
        holder = by("referral")
        holder.server.resources = [*holder.server.resources, a_referral(**more)]
        with pytest.raises(RequestError) as refused:
            await (await holder.peer()).ask("GET", "Flag", "patient=p2")
        assert refused.value.code == "no_legal_basis"

    async def test_a_server_that_gives_other_peoples_referrals_is_not_believed(self) -> None:
        holder = by("referral")
        others = a_referral(id="r2", subject={"reference": "Patient/p1"})
        holder.server.instead["ServiceRequest"] = searchset(a_referral(), others)
        with pytest.raises(RequestError):
            await (await holder.peer()).ask("GET", "Flag", "patient=p2")

    async def test_an_agreement_lets_in_and_where_it_is_not_listed_it_is_not_asked(self) -> None:
        holder = by("agreement")
        holder.agreements.running[OEVER, "ha-vvt"] = "a-1"
        await (await holder.peer()).ask("GET", "Flag", "patient=p2")
        assert holder.audit.records[-1].code == "agreement"
        other = by("care_team")
        other.agreements.running[OEVER, "ha-vvt"] = "a-1"
        with pytest.raises(RequestError):
            await (await other.peer()).ask("GET", "Flag", "patient=p2")
