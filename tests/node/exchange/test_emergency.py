"""Breaking the glass, from the peer's request to the review: one citizen, fifteen minutes, written down before a byte leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.audit.search import AuditQuestion
from node.exchange.emergency import routes
from node.exchange.emergency.book import EmergencyBook
from node.exchange.emergency.emergency import Review
from node.exchange.refusing import OFFER_HEADER
from node.identity.routes import SUBJECTS
from node.storage.schema import emergencies
from node.usecases.book import UseCaseBook
from node.usecases.model import UseCase
from node.web.boundary import boundary
from node.web.replies import RequestError
from tests.node.audit.setting import a_sealer
from tests.node.consent.conftest import House, house, server  # noqa: F401  # fixtures
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.holder_books import Hosted, MemoryEmergencies
from tests.node.exchange.setting import (
    LINDE,
    OBJECTION,
    UNKNOWN_BSN,
    Holder,
    Peer,
    a_care_team,
    a_flag,
    a_holder,
    book_with,
)
from tests.support.fhir_server import searchset
from tests.support.world import FixedEntropy

REASON = "dW5jb25zY2lvdXM"  # "unconscious"
DECLARED: dict[str, Any] = {"purpose": ("BTG",), "break_glass": (REASON,)}
RUNNING: dict[str, Any] = {"purpose": ("BTG",)}
THIRD_BSN = "999990019"


def offered(*, existence: str = "hidden") -> UseCaseBook:
    def change(usecase: UseCase) -> UseCase:
        return usecase.model_copy(
            update={"break_the_glass": "offered", "purposes": ("TREAT", "BTG"), "existence": existence}
        )

    return book_with(change)


@pytest.fixture
def holder() -> Holder:
    holder = a_holder(usecases=offered())
    holder.server.resources = [
        *holder.server.resources,
        a_patient("p3", THIRD_BSN),
        a_care_team("p3", LINDE),
        a_flag("f3", "p3"),
    ]
    return holder


@pytest.fixture
async def peer(holder: Holder) -> Peer:
    return await holder.peer()


async def refused(peer: Peer, *request: str, **more: Any) -> str:
    with pytest.raises(RequestError) as found:
        await peer.ask(*request, **more)
    return found.value.code


def opened(holder: Holder) -> dict[str, Any]:
    assert isinstance(holder.emergencies, MemoryEmergencies)
    return holder.emergencies.opened


class TestWhatItOpens:
    async def test_one_citizen_for_the_grant_that_declared_it(self, holder: Holder, peer: Peer) -> None:
        assert b'"entry"' not in (await peer.match(OTHER_BSN)).body
        assert b'"id":"p2"' in (await peer.match(OTHER_BSN, **DECLARED)).body.replace(b" ", b"")
        await peer.ask("GET", "Flag", "patient=p2", **RUNNING)
        assert [each.code for each in holder.audit.records[1:]] == ["break_glass", "break_glass"]
        assert await refused(peer, "GET", "Flag", "patient=p2") == "no_legal_basis", "only where it is said again"
        other = await holder.peer("linde", ura="90000102")
        assert await refused(other, "GET", "Flag", "patient=p2", **RUNNING) == "break_glass_not_declared"

    async def test_a_second_citizen_under_the_same_grant_is_as_unknown_as_before(
        self, holder: Holder, peer: Peer
    ) -> None:
        await peer.match(OTHER_BSN, **DECLARED)
        closed = await peer.match(THIRD_BSN, **DECLARED)
        assert closed.body == (await peer.match(UNKNOWN_BSN, **DECLARED)).body
        assert await refused(peer, "GET", "Flag", "patient=p3", **DECLARED) == "break_glass_other_patient"
        assert len(opened(holder)) == 1

    async def test_it_ends_after_fifteen_minutes(self, holder: Holder) -> None:
        peer = await holder.peer(expires_at=holder.clock.now() + timedelta(hours=1))
        await peer.match(OTHER_BSN, **DECLARED)
        holder.clock.jump(timedelta(minutes=15, seconds=-1))
        await peer.ask("GET", "Flag", "patient=p2", **RUNNING)
        holder.clock.jump(timedelta(seconds=2))
        assert await refused(peer, "GET", "Flag", "patient=p2", **RUNNING) == "break_glass_ended"
        assert await refused(peer, "GET", "Flag", "patient=p2", **DECLARED) == "break_glass_ended"

    async def test_it_is_not_named_where_another_basis_suffices(self, holder: Holder, peer: Peer) -> None:
        await peer.match(BSN, **DECLARED)
        assert holder.audit.records[-1].code == "care_team"
        assert opened(holder) == {}
        await peer.match(OTHER_BSN, **DECLARED)  # and so it is still there for whom it is needed
        assert len(opened(holder)) == 1

    async def test_an_objection_leaves_no_other_basis(self, holder: Holder, peer: Peer) -> None:
        holder.consents.fact = lambda: OBJECTION
        await peer.match(BSN, **DECLARED)
        assert holder.audit.records[-1].code == "break_glass"

    async def test_a_permission_that_is_withdrawn_under_way_is_not_replaced_by_an_emergency_that_nobody_opened(
        self, holder: Holder, peer: Peer
    ) -> None:
        async def withdrawn_meanwhile(_: object) -> object:
            holder.consents.fact = lambda: OBJECTION
            await holder.audit.raise_epoch()
            return searchset(a_flag())

        holder.server.instead["Flag"] = withdrawn_meanwhile  # type: ignore[assignment]  # it answers
        assert await refused(peer, "GET", "Flag", "patient=p1", **DECLARED) == "decision_unstable"
        assert opened(holder) == {}
        del holder.server.instead["Flag"]
        await peer.ask("GET", "Flag", "patient=p1", **DECLARED)
        assert len(opened(holder)) == 1, "asked again, it is declared, recorded and to be reviewed"

    async def test_what_can_not_be_written_down_does_not_leave(self, holder: Holder, peer: Peer) -> None:
        assert isinstance(holder.emergencies, MemoryEmergencies)
        holder.emergencies.away = True
        assert await refused(peer, "GET", "Flag", "patient=p2", **DECLARED) == "emergencies_unavailable"
        assert holder.forwarded == []
        assert [each.state for each in holder.audit.outcomes.values()] == ["emergencies_unavailable"]

    async def test_nobody_who_is_not_known_here_is_opened(self, holder: Holder, peer: Peer) -> None:
        await peer.match(UNKNOWN_BSN, **DECLARED)
        assert opened(holder) == {}


class TestWhoIsTold:
    @pytest.mark.parametrize("bsn", [UNKNOWN_BSN, OTHER_BSN])
    async def test_nobody_where_the_use_case_hides_whom_we_know(self, peer: Peer, bsn: str) -> None:
        answer = await peer.match(bsn)
        assert OFFER_HEADER not in answer.headers

    async def test_only_where_it_would_reveal_more(self) -> None:
        holder = a_holder(usecases=offered(existence="revealed"))
        peer = await holder.peer()
        assert (await peer.match(OTHER_BSN)).headers == {OFFER_HEADER: "offered"}
        assert OFFER_HEADER not in (await peer.match(UNKNOWN_BSN)).headers
        assert OFFER_HEADER not in (await peer.match(BSN)).headers
        with pytest.raises(RequestError) as closed:
            await peer.ask("GET", "Flag", "patient=p2")
        assert closed.value.headers[OFFER_HEADER] == "offered"
        await peer.match(OTHER_BSN, **DECLARED)
        assert OFFER_HEADER not in (await peer.match(UNKNOWN_BSN, **DECLARED)).headers

    async def test_not_who_may_not_break_it_either(self) -> None:
        holder = a_holder(usecases=offered(existence="revealed"))
        doctor_only = await holder.peer(role="01.999")
        with pytest.raises(RequestError) as closed:
            await doctor_only.match(OTHER_BSN)
        assert OFFER_HEADER not in closed.value.headers


Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def kept(house: House) -> AsyncIterator[tuple[Holder, EmergencyBook, Client, Any]]:  # noqa: F811  # the fixture
    """A holder whose emergencies are in a real database, its real audit log beside it, and the review queue."""
    async with house.database.transaction() as connection:
        await connection.run_sync(emergencies.create)
    log = await house.log()
    books: list[EmergencyBook] = []

    def open_book(clock: Any, _: Any) -> EmergencyBook:
        books.append(
            EmergencyBook(
                house.database, sealer=a_sealer("emergency"), log=log, clock=clock, entropy=FixedEntropy("emergency")
            )
        )
        return books[0]

    holder = a_holder(usecases=offered(), emergencies_of=open_book)
    app = web.Application(middlewares=[boundary([])])
    app.add_routes(routes.internal_routes())
    app[routes.EMERGENCIES] = books[0]
    app[SUBJECTS] = cast("Any", Hosted())
    async with TestClient(TestServer(app)) as client:
        yield holder, books[0], client, house


Kept = tuple[Holder, EmergencyBook, Client, House]
QUEUE = "/internal/emergencies/v1/gouwe"


class TestReview:
    async def test_what_was_broken_waits_for_a_verdict(self, kept: Kept) -> None:
        holder, _, client, house_ = kept
        peer = await holder.peer()
        await peer.match(OTHER_BSN, **DECLARED)
        await peer.ask("GET", "Flag", "patient=p2", **DECLARED)
        (waiting,) = (await (await client.get(QUEUE)).json())["emergencies"]
        assert (waiting["reason"], waiting["requester"]["ura"], waiting["user"]["role"]) == (
            "unconscious",
            "90000102",
            "30.000",
        )
        assert waiting["patient"].startswith("k1.")
        assert waiting["audit"] == 1
        url = f"{QUEUE}/{waiting['id']}/review"
        verdict = {"verdict": "justified", "reviewer": "P. de Boer", "note": "seen"}
        reviewed = await client.post(url, json=verdict)
        assert (reviewed.status, (await reviewed.json())["review"]["by"]) == (200, "P. de Boer")
        assert (await client.post(url, json=verdict)).status == 409
        assert (await (await client.get(QUEUE)).json())["emergencies"] == []
        (done,) = (await (await client.get(f"{QUEUE}?state=reviewed")).json())["emergencies"]
        assert done["review"]["note"] == "seen"
        # the citizen's report has the review too
        reader = await house_.place.reader()
        found = await reader.find(AuditQuestion(subject="gouwe", patient=waiting["patient"]))
        assert [each.body["code"] for each in found.entries] == ["emergency_justified"]

    async def test_one_that_was_not_justified_ends_at_once(self, kept: Kept) -> None:
        holder, book, _, _ = kept
        peer = await holder.peer()
        await peer.match(OTHER_BSN, **DECLARED)
        (waiting,) = await book.listed("gouwe", reviewed=False)
        log = book._log
        before = log.current_epoch()
        await book.review("gouwe", waiting.id, Review(verdict="not_justified", reviewer="P. de Boer"), caller="test")
        assert log.current_epoch() > before, "what is under way is decided again"
        assert await refused(peer, "GET", "Flag", "patient=p2", **RUNNING) == "break_glass_ended"

    async def test_of_two_at_once_one_grant_opens_one_citizen(self, kept: Kept) -> None:
        holder, book, _, _ = kept
        holder.server.resources = [*holder.server.resources, a_patient("p3", THIRD_BSN), a_flag("f3", "p3")]
        peer = await holder.peer(token_type="Bearer")
        asked = [
            peer.incoming("GET", "Flag", f"patient={patient}", scheme="Bearer", proof=(), **DECLARED)
            for patient in ("p2", "p3")
        ]
        answers = await asyncio.gather(*map(holder.point.answer, asked), return_exceptions=True)
        assert sum(not isinstance(each, Exception) for each in answers) == 1
        assert len(holder.forwarded) == 1
        assert len(await book.listed("gouwe", reviewed=False)) == 1

    async def test_reasons_are_not_readable_in_the_database(self, kept: Kept) -> None:
        holder, _, _, house_ = kept
        await (await holder.peer()).match(OTHER_BSN, **DECLARED)
        async with house_.database.reading() as connection:
            row = (await connection.execute(emergencies.select())).one()
        assert b"unconscious" not in row.reason_sealed
        assert OTHER_BSN not in str(tuple(row))

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"verdict": "maybe", "reviewer": "x"},
            {"verdict": "justified"},
            {"verdict": "justified", "reviewer": " "},
        ],
    )
    async def test_a_verdict_names_who_judged(self, kept: Kept, body: dict[str, str]) -> None:
        *_, client, _ = kept
        assert (await client.post(f"{QUEUE}/{'0' * 8}-0000-4000-8000-{'0' * 12}/review", json=body)).status == 400

    async def test_an_unknown_one_and_another_organisations_are_the_same(self, kept: Kept) -> None:
        holder, book, client, _ = kept
        await (await holder.peer()).match(OTHER_BSN, **DECLARED)
        (waiting,) = await book.listed("gouwe", reviewed=False)
        body = {"verdict": "justified", "reviewer": "P. de Boer"}
        elsewhere = await client.post(f"/internal/emergencies/v1/oever/{waiting.id}/review", json=body)
        assert elsewhere.status == 404
        assert (await client.get(f"{QUEUE}?state=everything")).status == 400
