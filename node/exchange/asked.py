"""What a peer asks, found in the query table of the use case that its token is for (ARCHITECTURE §2, inbound, step 2).

Everything that needs no look at a citizen is refused here: a use case that we don't have, an organisation that is not registered
or not of the right kind, a person in another role, a purpose that isn't named, and every request that is not, word for word, one
of the table's. What comes out is a request of our own making; no byte of the peer's is in it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from node.exchange.about import About
from node.exchange.allowlist import AllowList, ByLogicalId, ByReference, BySearch
from node.exchange.cursor import Cursor, open_cursor
from node.exchange.decide.engine import refuse_early
from node.exchange.decide.question import BreakGlass, Decision, Question, Requester, User
from node.exchange.incoming import Stated
from node.exchange.interaction import Interaction, NotAllowedError
from node.exchange.named import NamedFor, NamedResources
from node.exchange.ports import Registered
from node.exchange.references import Bases
from node.exchange.refusal import Refusal
from node.exchange.writing import Written, as_step, check_written, read_written
from node.oauth.grants import Grant
from node.usecases.book import UseCaseBook
from node.usecases.identifiers import normal_ura
from node.usecases.model import FhirVersion, Step, Table, UseCase
from node.usecases.plan import choose_table
from registry.directory import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that the query table lists.

    Attributes:
        patient: how it says whom it is about.
        target: what to ask our own server, relative to its base.
        read_id: logical id of a read, ``None`` for a search.
        written: what is written, ``None`` where something is asked.
    """

    usecase: UseCase
    table: Table
    step: Step
    patient: BySearch | ByLogicalId | NamedFor | Cursor
    target: str
    method: Literal["GET", "POST", "PUT"]
    body: bytes | None = field(repr=False)
    read_id: str | None
    written: Written | None = None


class QueryTables:
    """The tables by which one organisation answers.

    Args:
        holder_type: Vektis code of the organisation.
        named: what checked pages named, for reads by reference.
        secret: seals paging links.
    """

    def __init__(
        self, usecases: UseCaseBook, registered: Registered, *, holder_type: str, named: NamedResources, secret: bytes
    ) -> None:
        self._usecases = usecases
        self._registered = registered
        self._holder_type = holder_type
        self._named = named
        self._secret = secret
        self._writes = {
            (usecase.id, table.id, write.id): as_step(write)
            for usecase in usecases.all
            for table in usecase.tables
            for write in table.writes
        }
        self._allow = {(usecase.id, table.id): AllowList(table) for usecase in usecases.all for table in usecase.tables}

    async def find(
        self, grant: Grant, interaction: Interaction, stated: Stated, now: datetime
    ) -> tuple[Asked, Question]:
        """Return the listed request that ``interaction`` is, and the question to decide on.

        Raises:
            Refusal: it is none, or is refused whomever it is about.
            RequestError: 503, what was named before can not be looked up.
        """
        # (1) the use case of the token, the organisation as registered for it, and the table for both kinds
        usecase = self._usecases.by_scope(grant.scope)
        ura = normal_ura(grant.organization_ura or "")  # as consents and care teams write it
        requester = self._find_requester(ura, usecase)
        table = self._choose_table(usecase, requester, interaction)
        # (2) one of its requests
        asked: Asked | None = None
        unlisted = "not_listed"
        if usecase is not None and table is not None:
            try:
                asked = await self._look_up(usecase, table, grant, interaction, stated, now)
            except NotAllowedError as error:
                unlisted = error.code
        # (3) the rules that need no citizen
        question = Question(
            scope=grant.scope,
            usecase=usecase,
            table=table,
            step=asked.step if asked is not None else None,
            holder_type=self._holder_type,
            requester=Requester(
                ura=ura or "",
                name=grant.organization_name or "",
                registered=requester is not None,
                facility_type=requester.facility_type if requester is not None else None,
            ),
            user=_person(grant),
            purpose=stated.purpose,
            break_glass=BreakGlass(reason=stated.emergency) if stated.emergency is not None else None,
            grant_id=grant.grant_id,
        )
        early = refuse_early(question)
        if early is not None:
            code = early.code
            if code == "table_unknown" and requester is None:
                code = "requester_not_registered"  # without a registration there is no kind to choose a table by
            code = unlisted if code == "not_listed" else code
            raise Refusal(decision=early, code=code, interaction=interaction, question=question)
        if asked is None:
            raise Refusal(decision=None, code=unlisted, interaction=interaction, question=question)
        return asked, question

    def check_content(
        self,
        written: Written,
        decision: Decision,
        version: FhirVersion,
        about: About,
        interaction: Interaction,
        question: Question,
    ) -> None:
        """Check what is to be written against whom it turned out to be about.

        Raises:
            Refusal: it names somebody else, or an emergency is all that permits it.
        """
        code = "write_in_emergency" if decision.breaks_glass else None
        try:
            check_written(written, version=version, patient_ids=about.records, bases=Bases(()), bsn=about.bsn)
        except NotAllowedError as error:
            code = error.code
        if code is not None:
            raise Refusal(decision=None, code=code, interaction=interaction, question=question, about=about)

    def _find_requester(self, ura: str | None, usecase: UseCase | None) -> Organisation | None:
        if ura is None or usecase is None:
            return None
        return self._registered.directory.find(ura, usecase.discovery_service)

    def _choose_table(
        self, usecase: UseCase | None, requester: Organisation | None, interaction: Interaction
    ) -> Table | None:
        if usecase is None or requester is None or requester.facility_type is None:
            return None
        return choose_table(
            usecase,
            asker_type=requester.facility_type,
            holder_type=self._holder_type,
            offered=(interaction.fhir_version,),
        )

    async def _look_up(
        self, usecase: UseCase, table: Table, grant: Grant, interaction: Interaction, stated: Stated, now: datetime
    ) -> Asked:
        if interaction.kind in ("create", "update"):
            return await self._write(usecase, table, grant, interaction, stated, now)
        if stated.if_match is not None:
            raise NotAllowedError("if_match_not_allowed", "only a write names the version that it changes")
        if interaction.kind == "page":
            return self._next_page(usecase, table, grant, interaction, now)
        permitted = self._allow[usecase.id, table.id].permit(interaction)
        selector = permitted.patient
        return Asked(
            usecase=usecase,
            table=table,
            step=permitted.step,
            patient=await self._named_for(grant, selector, now) if isinstance(selector, ByReference) else selector,
            target=permitted.request.target,
            method=permitted.request.method,
            body=permitted.request.body,
            read_id=interaction.id or None,
        )

    async def _write(
        self, usecase: UseCase, table: Table, grant: Grant, interaction: Interaction, stated: Stated, now: datetime
    ) -> Asked:
        permitted = self._allow[usecase.id, table.id].permit_write(interaction)
        step = self._writes[usecase.id, table.id, permitted.write.id]
        written = read_written(
            permitted.write,
            step,
            resource_id=permitted.id,
            content=interaction.content,
            if_match=stated.if_match,
            version=interaction.fhir_version,
        )
        if permitted.id:
            named = await self._named_for(grant, ByReference(type=interaction.type, id=permitted.id), now)
            if written.patient not in named.patient_ids:
                raise NotAllowedError("write_other_patient", "the resource was another patient's")
        return Asked(
            usecase=usecase,
            table=table,
            step=step,
            patient=ByLogicalId(id=written.patient),
            target=f"{interaction.type}/{permitted.id}" if permitted.id else interaction.type,
            method="PUT" if permitted.id else "POST",
            body=written.content,
            read_id=permitted.id or None,
            written=written,
        )

    async def _named_for(self, grant: Grant, reference: ByReference, now: datetime) -> NamedFor:
        named = await self._named.named(grant.grant_id, reference.type, reference.id, now)
        if named is None:
            raise NotAllowedError("not_named", "no page under this grant named this resource")
        return named

    def _next_page(
        self, usecase: UseCase, table: Table, grant: Grant, interaction: Interaction, now: datetime
    ) -> Asked:
        cursor = open_cursor(interaction.cursor, grant=grant.grant_id, secret=self._secret, now=now)
        step = table.step(cursor.step)
        fits = cursor.usecase == usecase.id and cursor.table == table.id
        if not fits or step is None or step.resource_type != interaction.type:
            raise NotAllowedError("cursor_not_valid", "the paging link is not valid here or has expired")
        return Asked(
            usecase=usecase,
            table=table,
            step=step,
            patient=cursor,
            target=cursor.link,
            method="GET",
            body=None,
            read_id=None,
        )


def _person(grant: Grant) -> User | None:
    if not grant.user_identifier:
        return None
    return User(
        id=grant.user_identifier,
        name=grant.user_name or "",
        role=grant.user_role or "",
        evidence=grant.user_evidence or "",
    )
