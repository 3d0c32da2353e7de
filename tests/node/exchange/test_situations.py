"""Every query of every shipped use case in the situations that decide: what leaves, what is refused, what is withheld.

The published policy tests (BgZ, 360) ask the same of their queries: allowed as listed, about this patient, with a basis; refused with
one parameter more, for another patient, without a basis, after an objection. Which queries those are: ``tests/node/usecases/published.py``.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from node.exchange.decide.question import ConsentFact
from node.exchange.shapes import rules_of
from node.usecases.book import UseCaseBook
from node.usecases.load import load_shipped
from node.usecases.model import Step, Table, UseCase
from node.usecases.plan import encode, plan_step
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN
from tests.node.exchange.setting import OBJECTION, OEVER, PERMISSION, Holder, Peer, a_holder
from tests.support.fhir_server import searchset

BOOK = UseCaseBook(load_shipped(), {"uzi": ["A" * 43]})
TABLES = [
    pytest.param(usecase, table, id=f"{usecase.id} {table.id}") for usecase in BOOK.all for table in usecase.tables
]
NOTHING = ConsentFact(verdict="none")


@dataclass(slots=True, kw_only=True)
class Situation:
    """Somebody of the kind that may ask, opposite somebody of the kind that answers."""

    usecase: UseCase
    table: Table
    holder: Holder
    peer: Peer

    async def ask(self, step: Step, *, patient: str = "p1", more: str = "", **changes: Any) -> str:
        """Ask a step as it is sent; return ``delivered``, or why not."""
        (request, *_) = plan_step(step, {"bsn": (BSN,), "patient": (patient,)})
        query = encode(request.query) + (f"&{more}" if more and request.query else "")
        form = encode(request.form) + (f"&{more}" if more and request.form else "") if request.form else None
        if step.tier == "on_request" and self.usecase.on_request is not None:
            changes = {"purpose": (self.usecase.on_request.purposes[0],), **changes}
        try:
            await self.peer.ask(
                request.method,
                request.path,
                query,
                form,
                version=self.table.fhir_version,
                scheme="Bearer",
                proof=(),
                **changes,
            )
        except RequestError as error:
            return error.code
        return "delivered" if self.holder.audit.records[-1].kind == "disclosure" else "empty"

    def answers(self, step: Step, patient: str) -> None:
        """Let the server answer with one resource of ``patient``, whatever it is asked."""
        name = step.types.matched[0]
        owner = rules_of(self.table.fhir_version)[name].owner
        resource: dict[str, Any] = {"resourceType": name, "id": "x1"}
        whose = {"reference": f"Patient/{patient}"}
        if name == "Appointment":
            resource["participant"] = [{"actor": whose, "status": "accepted"}]
        elif owner is not None:
            resource[owner] = whose
        self.holder.server.instead[step.resource_type] = searchset(resource)

    @property
    def searches(self) -> list[Step]:
        """The steps about a patient who was found."""
        return [step for step in self.table.steps if step.kind == "search" and not step.is_match]


@pytest.fixture
async def situation(request: pytest.FixtureRequest) -> Situation:
    usecase, table = request.param
    holder = a_holder(usecases=BOOK, kind=table.holder_types[0], version=table.fhir_version)
    holder.neighbours.register(
        OEVER, service=usecase.discovery_service, kind=table.asker_types[0], versions=(table.fhir_version,)
    )
    holder.consents.fact = lambda: PERMISSION
    holder.agreements.running[OEVER, usecase.id] = "agreement"
    peer = await holder.peer(
        scope=usecase.wire_scope,
        role=usecase.roles_of(table)[0],
        user_evidence="credential",
        token_type="Bearer",
    )
    return Situation(usecase=usecase, table=table, holder=holder, peer=peer)


EVERY = pytest.mark.parametrize(
    "situation", [pytest.param(param.values, id=param.id) for param in TABLES], indirect=True
)


@EVERY
async def test_a_listed_query_about_this_patient_with_a_basis_is_answered(situation: Situation) -> None:
    assert await situation.ask(situation.table.match) == "delivered"
    for step in situation.searches:
        situation.answers(step, "p1")
        assert await situation.ask(step) == "delivered", step.id


@EVERY
async def test_one_parameter_more_is_refused(situation: Situation) -> None:
    for step in (situation.table.match, *situation.searches):
        for more in ("_revinclude=Observation:subject", "patient=p2"):
            assert await situation.ask(step, more=more) == "parameters_not_listed", (step.id, more)
    assert situation.holder.forwarded == []


@EVERY
async def test_after_an_objection_and_without_a_basis_nothing_leaves(situation: Situation) -> None:
    for fact, code in ((OBJECTION, "objection_recorded"), (NOTHING, "no_legal_basis")):
        situation.holder.consents.fact = lambda fact=fact: fact  # type: ignore[misc]  # bound now
        situation.holder.agreements.running.clear()
        assert await situation.ask(situation.table.match, patient="p2") in ("empty", "delivered")
        for step in situation.searches:
            assert await situation.ask(step, patient="p2") == code, step.id
    assert all(" for a peer" in call or "Patient/" in call for call in situation.holder.forwarded)


@EVERY
async def test_a_page_with_somebody_else_on_it_is_withheld(situation: Situation) -> None:
    for step in situation.searches:
        name = step.types.matched[0]
        if name == "Appointment" or rules_of(situation.table.fhir_version)[name].owner is not None:
            situation.answers(step, "p2")
            assert await situation.ask(step) == "withheld_other_patient", step.id


@EVERY
async def test_others_than_those_it_is_for_are_refused(situation: Situation) -> None:
    step, usecase = situation.table.match, situation.usecase
    wrong = "X9"
    situation.holder.neighbours.register(OEVER, service=usecase.discovery_service, kind=wrong)
    assert await situation.ask(step) in ("requester_type_not_allowed", "table_unknown")
    situation.holder.neighbours.registrations.clear()
    assert await situation.ask(step) == "requester_not_registered"
