"""We want data of others: localise, address, authorise, query, check, merge, record (ARCHITECTURE §2, outbound).

:meth:`Broker.ask` yields the lines of API.md §2 as things happen. Holders are asked in parallel, steps too, within limits and one
deadline; what fails is a line and the rest goes on. Every query is promised to the audit log before it is sent. An answer that does
not belong to this patient or step is dropped whole and told as ``mismatch``: the other side's checks are not ours.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from node.audit.log import AuditUnavailableError
from node.exchange.asking import Asking, Exchange, Holder, Means, StepError
from node.exchange.events import COMPLETE, AskedHolder, End, Event, NotAsked, Plan, Source, State
from node.exchange.facts import FactsUnavailableError, OwnRecords
from node.exchange.merge import Missing
from node.exchange.question import Question
from node.usecases.model import Step, UseCase
from node.usecases.plan import choose_table, plan_step
from node.web.replies import RequestError
from registry.directory import Directory
from registry.localisation import FoundBy, Member, localise

logger = logging.getLogger(__name__)

WAITING_LINES = 1_000
"""Lines that wait for a slow reader; then the asking itself waits."""

_SENTENCES: Mapping[str, str] = {
    "not_available": "the organisation gives no answer about this patient to us",
    "timeout": "no answer in time",
    "unreachable": "the organisation can not be reached",
    "failed": "the organisation answered in a way that can not be used",
    "mismatch": "the answer did not belong to this patient or question and was dropped",
}


class Registered(Protocol):
    """Who is registered where, as of now; from memory."""

    @property
    def directory(self) -> Directory:
        """Everybody who is registered in the services that we follow."""
        ...


class Broker:
    """Asks other organisations on behalf of ours.

    Args:
        own_type: Vektis code of our organisation; ``own_ura`` its number.
        records: our own FHIR servers, for localisation by care team.
    """

    def __init__(
        self,
        *,
        means: Means,
        own_ura: str,
        own_type: str,
        registered: Registered,
        records: OwnRecords,
    ) -> None:
        self._means = means
        self._world = means.world
        self._own_ura = own_ura
        self._own_type = own_type
        self._registered = registered
        self._records = records

    async def ask(self, subject: str, usecase: UseCase, question: Question) -> AsyncIterator[Event]:
        """Ask ``question`` and yield what happens; the last event is always :class:`End`.

        Raises:
            RequestError: before the first event: the question can not be asked.
        """
        check_question(usecase, question)
        exchange = Exchange(
            id=self._world.entropy.uuid(),
            subject=subject,
            usecase=usecase,
            question=question,
            started=self._world.clock.monotonic(),
            lines=asyncio.Queue(WAITING_LINES),
        )
        allowed = self._means.limits.question if question.deadline_ms is None else question.deadline_ms / 1000
        work = asyncio.create_task(self._run(exchange, allowed))
        try:
            while (event := await exchange.lines.get()) is not None:
                yield event
            yield End(
                exchange_id=exchange.id,
                missing=tuple(exchange.missing),
                ms=self._ms(exchange.started),
                audit=tuple(sorted(exchange.audit)),
                error=exchange.error,
            )
        finally:
            work.cancel()  # the caller went away, or the work has ended
            await asyncio.gather(work, return_exceptions=True)

    async def _run(self, exchange: Exchange, allowed: float) -> None:
        try:
            async with asyncio.timeout(allowed):
                holders, not_asked = await self._plan(exchange)
                await exchange.lines.put(_plan_line(exchange, holders, not_asked))
                for holder in holders:
                    exchange.open[holder.ura, None] = holder
                async with asyncio.TaskGroup() as group:
                    for holder in holders:
                        group.create_task(self._ask_holder(exchange, holder))
        except TimeoutError:
            await self._close_open(exchange, allowed)
        except Exception as group:
            error = _first(group)
            match error:
                case AuditUnavailableError():
                    exchange.error = ("audit_unavailable", "the audit log can not be written, so nothing is asked")
                case RequestError():
                    exchange.error = (error.code, error.message)
                case _:
                    logger.error("a question broke off", extra={"exchange": exchange.id, "error": type(error).__name__})
                    logger.debug("traceback of the question", exc_info=group)
                    exchange.error = ("internal_error", "something went wrong on this side")
        await exchange.lines.put(None)  # not when cancelled: then nobody reads any more

    async def _plan(self, exchange: Exchange) -> tuple[Sequence[Holder], Sequence[NotAsked]]:
        """Decide who is asked, before anything is sent."""
        usecase, question = exchange.usecase, exchange.question
        found_by: FoundBy = "named"
        if question.holders is not None:
            members = [Member(ura=ura, name="") for ura in question.holders]
        else:
            found_by = "care_team"
            members = await self._care_team(question.patient.value)
        located = localise(
            members,
            self._registered.directory,
            service=usecase.discovery_service,
            versions=("r4", "stu3"),
            own_ura=self._own_ura,
            found_by=found_by,
        )
        holders: list[Holder] = []
        not_asked = [NotAsked(ura=each.ura or "", name=each.name, reason=each.reason) for each in located.not_asked]
        for asked in located.asked:
            organisation = asked.endpoint.organisation
            table = choose_table(
                usecase,
                asker_type=self._own_type,
                holder_type=organisation.facility_type or "",
                offered=tuple(organisation.fhir_bases),
            )
            if table is None:
                not_asked.append(NotAsked(ura=asked.ura, name=asked.name, reason="not_in_use_case"))
                continue
            holders.append(
                Holder(
                    ura=asked.ura,
                    name=asked.name,
                    table=table,
                    base=organisation.fhir_bases[table.fhir_version],
                    authorization_server=asked.endpoint.authorization_server,
                    found_by=asked.found_by,
                )
            )
        return holders, not_asked

    async def _care_team(self, bsn: str) -> list[Member]:
        """Return the organisations in our own care teams of the patient."""
        if not self._records.versions:
            raise RequestError(400, "no_own_records", "without a FHIR server of our own, name the holders to ask")
        members: dict[str, Member] = {}
        try:
            for version in self._records.versions:
                records = await self._records.records_of(version, bsn)
                for each in await self._records.care_team(version, records) if records else ():
                    members.setdefault(each.ura, Member(ura=each.ura, name=each.name))
        except FactsUnavailableError as error:
            raise RequestError(
                502, "localisation_unavailable", "our own FHIR server can not say who takes part in the care"
            ) from error
        return list(members.values())

    async def _ask_holder(self, exchange: Exchange, holder: Holder) -> None:
        """Ask one holder everything; ends well whatever the holder does."""
        started = self._world.clock.monotonic()
        asker = Asking(self._means, exchange, holder)
        try:
            await asker.log_in()
            await asker.match()
        except StepError as error:
            await self._source(exchange, holder, None, error.state, 0, started, error.reason)
            return
        del exchange.open[holder.ura, None]
        wanted = [
            step
            for step in holder.table.steps[1:]
            if exchange.question.steps is None or step.id in exchange.question.steps
        ]
        for step in wanted:
            exchange.open[holder.ura, step.id] = holder
        bound = dict(asker.bindings)
        while wanted:
            ready = [step for step in wanted if step.needs <= bound.keys()]
            if not ready:
                ready, bound = wanted, {name: () for step in wanted for name in step.needs} | bound
            wanted = [step for step in wanted if step not in ready]
            async with asyncio.TaskGroup() as group:
                for step in ready:
                    group.create_task(self._ask_step(exchange, asker, step, bound))
            bound |= asker.bindings

    async def _ask_step(
        self, exchange: Exchange, asker: Asking, step: Step, bound: Mapping[str, Sequence[str]]
    ) -> None:
        started = self._world.clock.monotonic()
        count = 0
        try:
            for request in plan_step(step, bound):
                count += await asker.fetch(step, request)
        except StepError as error:
            await self._source(exchange, asker.holder, step, error.state, count, started, error.reason)
            return
        except ValueError:
            await self._source(exchange, asker.holder, step, "failed", count, started, "too_many_records")
            return
        await self._source(exchange, asker.holder, step, "ok" if count else "none_recorded", count, started, None)

    async def _source(
        self,
        exchange: Exchange,
        holder: Holder,
        step: Step | None,
        state: State,
        count: int,
        started: float,
        reason: str | None,
    ) -> None:
        exchange.open.pop((holder.ura, step.id if step is not None else None), None)
        if state not in COMPLETE:
            exchange.missing.append(
                Missing(holder_ura=holder.ura, holder_name=holder.name, step=step.id if step else None, state=state)
            )
        await exchange.lines.put(
            Source(
                holder=holder.ura,
                step=step.id if step is not None else None,
                state=state,
                count=count,
                ms=self._ms(started),
                reason=reason,
                detail=_SENTENCES.get(state),
            )
        )

    async def _close_open(self, exchange: Exchange, allowed: float) -> None:
        """Say of everything that was not answered when time was up that it was not."""
        for (ura, step_id), holder in list(exchange.open.items()):
            exchange.missing.append(Missing(holder_ura=ura, holder_name=holder.name, step=step_id, state="timeout"))
            await exchange.lines.put(
                Source(
                    holder=ura,
                    step=step_id,
                    state="timeout",
                    count=0,
                    ms=int(allowed * 1000),
                    reason="deadline",
                    detail=_SENTENCES["timeout"],
                )
            )

    def _ms(self, started: float) -> int:
        return int((self._world.clock.monotonic() - started) * 1000)


def check_question(usecase: UseCase, question: Question) -> None:
    """Check what the use case itself says about a question.

    Raises:
        RequestError: 400 or 403, naming the member.
    """
    if question.purpose not in usecase.purposes:
        raise RequestError(
            403, "purpose_not_allowed", "purpose: not one of this use case", f"one of {', '.join(usecase.purposes)}"
        )
    if question.user.role not in {role for table in usecase.tables for role in usecase.roles_of(table)}:
        raise RequestError(403, "role_not_allowed", "user.role: people in this role may not use this use case")
    known = {step.id for table in usecase.tables for step in table.steps}
    unknown = [step for step in question.steps or () if step not in known]
    if unknown:
        raise RequestError(
            400, "unknown_step", "steps: not all of them are in this use case", f"known: {', '.join(sorted(known))}"
        )


def _plan_line(exchange: Exchange, holders: Sequence[Holder], not_asked: Sequence[NotAsked]) -> Plan:
    return Plan(
        exchange_id=exchange.id,
        usecase=exchange.usecase.id,
        holders=[
            AskedHolder(ura=each.ura, name=each.name, fhir_version=each.version, found_by=each.found_by)
            for each in holders
        ],
        not_asked=not_asked,
    )


def _first(errors: BaseException) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
