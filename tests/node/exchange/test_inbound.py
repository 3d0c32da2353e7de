"""The way in, as a whole: eight steps in one order, and none of them can be passed by."""

import ast
import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from node.audit.log import AlreadyUsedError
from node.exchange.inbound import EnforcementPoint
from node.exchange.incoming import Stated, read_interaction
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, OTHER_BSN
from tests.node.exchange.setting import OBJECTION, OEVER, PERMISSION, Holder, Peer, a_flag, a_holder, match_of, paced
from tests.support.fhir_server import as_json, fhir, searchset
from tests.support.world import everything_in, reply

EXCHANGE = Path(__file__).parents[3] / "node/exchange"
FLAGS = ("GET", "Flag", "patient=p1")


@pytest.fixture
def holder() -> Holder:
    return a_holder()


@pytest.fixture
async def peer(holder: Holder) -> Peer:
    return await holder.peer()


async def refused(work: object) -> RequestError:
    with pytest.raises(RequestError) as found:
        await work  # type: ignore[misc]  # a coroutine
    return found.value


async def test_the_eight_steps_happen_in_their_order(holder: Holder, peer: Peer) -> None:
    answer = await peer.match()
    assert holder.steps == [
        "token",  # who
        "fhir POST Patient/_search",  # whom: our own Patient
        "fhir GET CareTeam?patient=p1&status=active",  # may it
        "audit disclosure",  # promise
        "fhir POST Patient/_search for a peer",  # forward
        "audit outcome delivered",  # outcome
    ]
    assert [each["resource"]["id"] for each in as_json_body(answer.body)["entry"]] == ["p1"]


def as_json_body(body: bytes) -> dict[str, list[dict[str, dict[str, str]]]]:
    parsed: dict[str, list[dict[str, dict[str, str]]]] = as_json(reply(body))
    return parsed


async def test_what_leaves_was_recorded_with_who_whom_what_and_why(holder: Holder, peer: Peer) -> None:
    await peer.ask(*FLAGS)
    record = holder.audit.records[-1]
    assert (record.kind, record.direction, record.decision, record.code) == (
        "disclosure",
        "inbound",
        "permit",
        "care_team",
    )
    assert (record.peer_ura, record.user_id, record.user_role) == (OEVER, "U-1001", "30.000")
    assert (record.usecase, record.step, record.purpose) == ("ha-vvt", "attention-flags", "TREAT")
    assert record.patient is not None
    assert record.patient.startswith("k1.")
    assert record.query == "Flag?patient=p1"
    assert [rule.rule for rule in record.rules] == [
        "use_case",
        "registration",
        "organisation",
        "user",
        "evidence",
        "purpose",
        "patient",
        "objection",
        "legal_basis",
    ]
    assert BSN not in everything_in([str(record)])
    outcome = holder.audit.outcomes[len(holder.audit.records)]
    assert (outcome.state, outcome.status, outcome.count) == ("delivered", 200, 1)


async def test_without_a_promise_nothing_is_forwarded(holder: Holder, peer: Peer) -> None:
    holder.audit.available = False
    refusals = [("GET", "Flag", "patient=p2"), ("GET", "Condition", "patient=p1"), ("DELETE", "Patient/p1")]
    for request in (FLAGS, *refusals, ("POST", "Patient/_search", "", match_of(BSN))):
        error = await refused(peer.ask(*request))
        assert (error.status, error.code) == (503, "audit_unavailable")
        assert error.headers["Retry-After"]
    assert holder.forwarded == []
    holder.audit.available = True
    await peer.ask(*FLAGS)  # and it goes on when it can be written again


async def test_who_was_found_by_number_is_not_looked_up_by_id_again(holder: Holder, peer: Peer) -> None:
    await peer.match()
    await peer.ask(*FLAGS)
    assert holder.server.calls == [
        "POST Patient/_search",
        "GET CareTeam?patient=p1&status=active",
        "POST Patient/_search for a peer",
        "GET Flag?patient=p1",
    ]


async def test_every_promise_has_its_outcome_also_when_the_request_is_cut_off(holder: Holder, peer: Peer) -> None:
    gate = asyncio.Event()

    async def never(_: object) -> None:
        await gate.wait()

    holder.server.instead["Flag"] = never  # type: ignore[assignment]  # it never answers
    task = asyncio.ensure_future(holder.point.answer(peer.incoming(*FLAGS)))
    for _ in range(50):
        await asyncio.sleep(0)
    assert holder.steps[-1] == "fhir GET Flag?patient=p1"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.state for each in holder.audit.outcomes.values()] == ["cut_off"]


async def test_an_accident_on_our_side_is_an_outcome_too(holder: Holder, peer: Peer) -> None:
    async def stumble(_: object) -> None:
        raise ZeroDivisionError

    holder.server.instead["Flag"] = stumble  # type: ignore[assignment]  # it never answers
    with pytest.raises(ZeroDivisionError):
        await peer.ask(*FLAGS)
    assert [each.state for each in holder.audit.outcomes.values()] == ["failed"]


class TestSingleUse:
    async def test_a_proof_opens_one_request(self, holder: Holder, peer: Peer) -> None:
        incoming = peer.incoming(*FLAGS)
        await holder.point.answer(incoming)
        forwarded = len(holder.forwarded)
        error = await refused(holder.point.answer(incoming))
        assert (error.status, error.code) == (401, "login")
        assert len(holder.forwarded) == forwarded == 1
        assert holder.counter.totals() == {"proof_replayed": 1}
        assert len(holder.audit.records) == 1

    async def test_of_many_at_once_one_gets_through(self, holder: Holder, peer: Peer) -> None:
        incoming = peer.incoming(*FLAGS)
        answers = await asyncio.gather(*(holder.point.answer(incoming) for _ in range(8)), return_exceptions=True)
        assert sum(not isinstance(each, Exception) for each in answers) == 1
        assert len(holder.forwarded) == 1

    @pytest.mark.parametrize("query", ["patient=p2", "patient=p1&_revinclude=Observation:subject", "patient=nobody"])
    async def test_a_proof_is_used_up_by_a_refusal(self, holder: Holder, peer: Peer, query: str) -> None:
        incoming = peer.incoming("GET", "Flag", query)
        assert (await refused(paced(holder.clock, holder.point.answer(incoming)))).status == 403
        error = await refused(paced(holder.clock, holder.point.answer(incoming)))
        assert (error.status, error.code) == (401, "login")
        assert [each.kind for each in holder.audit.records] == ["refusal"]

    async def test_a_proof_is_used_up_by_an_empty_answer(self, holder: Holder, peer: Peer) -> None:
        incoming = peer.incoming(
            "POST", "Patient/_search", "", f"identifier=http://fhir.nl/fhir/NamingSystem/bsn|{OTHER_BSN}"
        )
        await paced(holder.clock, holder.point.answer(incoming))
        assert (await refused(holder.point.answer(incoming))).status == 401

    async def test_a_proof_of_a_refused_request_does_not_open_another_at_the_same_address(
        self, holder: Holder, peer: Peer
    ) -> None:
        assert (await refused(peer.ask("GET", "Flag", "patient=p2", jti="once"))).status == 403
        assert (await refused(peer.ask("GET", "Flag", "patient=p1", jti="once"))).status == 401
        assert holder.forwarded == []


class TestTakenAway:
    async def test_what_is_withdrawn_before_the_promise_is_decided_again(self, holder: Holder, peer: Peer) -> None:
        async def withdraw() -> None:
            holder.consents.fact = lambda: OBJECTION
            await holder.audit.raise_epoch()

        holder.audit.before_promise = withdraw
        error = await refused(peer.ask(*FLAGS))
        assert (error.status, error.code) == (403, "objection_recorded")
        assert holder.forwarded == []
        assert [each.kind for each in holder.audit.records] == ["refusal"]
        assert len(holder.consents.asked) == 2

    async def test_something_else_was_withdrawn_and_the_answer_is_the_same(self, holder: Holder, peer: Peer) -> None:
        holder.audit.before_promise = holder.audit.raise_epoch
        await peer.ask(*FLAGS)
        assert len(holder.consents.asked) == 2
        assert [each.kind for each in holder.audit.records] == ["disclosure"]
        assert len(holder.forwarded) == 1

    async def test_a_token_that_is_ended_before_the_promise_opens_nothing(self, holder: Holder, peer: Peer) -> None:
        async def end() -> None:
            assert await holder.tokens.end(peer.grant.grant_id, holder.clock.now())

        holder.audit.before_promise = end
        error = await refused(peer.ask(*FLAGS))
        assert error.status == 401
        assert holder.forwarded == []
        assert holder.counter.totals() == {"ended_token": 1}

    async def test_a_token_that_is_ended_while_it_is_looked_up_opens_nothing(self, holder: Holder, peer: Peer) -> None:
        find = holder.tokens.find

        async def found_just_before(token: str) -> object:
            stored = await find(token)
            await holder.tokens.end(peer.grant.grant_id, holder.clock.now())
            return stored

        holder.tokens.find = found_just_before  # type: ignore[method-assign,assignment]  # a reader that was slow
        assert (await refused(peer.ask(*FLAGS))).status == 401
        assert holder.forwarded == []

    async def test_what_is_withdrawn_before_the_first_byte_does_not_leave(self, holder: Holder, peer: Peer) -> None:
        async def withdrawn_meanwhile(_: object) -> object:
            holder.consents.fact = lambda: OBJECTION
            await holder.audit.raise_epoch()
            return searchset(a_flag())

        holder.server.instead["Flag"] = withdrawn_meanwhile  # type: ignore[assignment]  # it answers
        error = await refused(peer.ask(*FLAGS))
        assert (error.status, error.code) == (503, "decision_unstable")
        assert "clinical" not in str(error)
        assert [each.state for each in holder.audit.outcomes.values()] == ["decision_unstable"]

    async def test_what_a_page_named_that_did_not_leave_may_not_be_read(self, holder: Holder, peer: Peer) -> None:
        async def withdrawn_meanwhile(request: object) -> object:
            if b"_include" in (request.body or b""):  # type: ignore[attr-defined]  # a request
                holder.consents.fact = lambda: OBJECTION
                await holder.audit.raise_epoch()
            return searchset(holder.server.resources[0])

        holder.server.instead["Patient"] = withdrawn_meanwhile  # type: ignore[assignment]  # it answers
        assert (await refused(peer.match())).code == "decision_unstable"
        holder.consents.fact = lambda: PERMISSION
        assert (await refused(peer.ask("GET", "Practitioner/d1"))).code == "not_named"

    async def test_what_another_citizen_withdraws_before_the_first_byte_keeps_nothing_from_this_one(
        self, holder: Holder, peer: Peer
    ) -> None:
        async def withdrawn_meanwhile(_: object) -> object:
            await holder.audit.raise_epoch()
            return searchset(a_flag())

        holder.server.instead["Flag"] = withdrawn_meanwhile  # type: ignore[assignment]  # it answers
        await peer.ask(*FLAGS)
        assert [each.state for each in holder.audit.outcomes.values()] == ["delivered"]

    async def test_a_token_that_is_ended_before_the_first_byte_opens_nothing(self, holder: Holder, peer: Peer) -> None:
        async def ended_meanwhile(_: object) -> object:
            await holder.tokens.end(peer.grant.grant_id, holder.clock.now())
            return searchset(a_flag())

        holder.server.instead["Flag"] = ended_meanwhile  # type: ignore[assignment]  # it answers
        assert (await refused(peer.ask(*FLAGS))).status == 401

    async def test_a_decision_that_never_holds_is_put_off(self, holder: Holder, peer: Peer) -> None:
        async def always() -> None:
            await holder.audit.raise_epoch()
            holder.audit.before_promise = always

        holder.audit.before_promise = always
        error = await refused(peer.ask(*FLAGS))
        assert (error.status, error.code) == (503, "decision_unstable")
        assert holder.forwarded == []
        assert holder.audit.records == []


class TestNoOtherWay:
    """For who reads the code: where it is that data can leave, and what has to come before."""

    def test_only_two_modules_call_our_own_fhir_servers(self) -> None:
        senders = {
            path.name
            for path in EXCHANGE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "send"
            and "_own" in ast.unparse(node.func)
        }
        assert senders == {"forwarding.py", "facts.py"}

    def test_a_promised_request_is_made_in_one_place_behind_the_promise(self) -> None:
        makers = [
            (path.name, node.lineno)
            for path in EXCHANGE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Promised"
        ]
        promises = [
            node.lineno
            for node in ast.walk(ast.parse((EXCHANGE / "inbound.py").read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.promise")
        ]
        assert [name for name, _ in makers] == ["inbound.py"]
        assert len(promises) == 1
        assert promises[0] < makers[0][1]

    def test_the_one_file_is_short(self) -> None:
        assert len((EXCHANGE / "inbound.py").read_text().splitlines()) <= 260

    def test_the_public_face_is_what_answers(self) -> None:
        public = {name for name in vars(EnforcementPoint) if not name.startswith("_")}
        assert public == {"answer", "capabilities", "records_of", "room", "versions", "would_decide"}


async def test_what_would_be_decided_forwards_and_records_nothing(holder: Holder, peer: Peer) -> None:
    decision, code, _ = await holder.point.would_decide(peer.grant, read_interaction(peer.incoming(*FLAGS)), Stated())
    assert decision is not None
    assert (decision.permit, code) == (True, "care_team")
    assert holder.forwarded == []
    assert holder.audit.records == []


async def test_an_older_promise_is_kept_out_by_its_age(holder: Holder, peer: Peer) -> None:
    incoming = peer.incoming(*FLAGS)
    holder.clock.jump(timedelta(seconds=66))
    assert (await refused(holder.point.answer(incoming))).status == 401


async def test_the_gate_itself_would_refuse_a_second_use(holder: Holder, peer: Peer) -> None:
    incoming = peer.incoming(*FLAGS)
    await holder.point.answer(incoming)
    with pytest.raises(AlreadyUsedError):
        await holder.audit.record(
            holder.audit.records[0],
            once=(
                await holder.point._entrance._guard.authenticate(
                    authorization=incoming.authorization[0],
                    dpop=incoming.proof[0],
                    method="GET",
                    url=incoming.url,
                )
            ).once,
        )


async def test_a_fhir_answer_of_another_kind_is_no_answer(holder: Holder, peer: Peer) -> None:
    holder.server.instead["Flag"] = fhir({"resourceType": "Parameters"})
    assert (await refused(peer.ask(*FLAGS))).code == "own_server_not_a_searchset"
