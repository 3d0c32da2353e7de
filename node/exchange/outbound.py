"""We want data of others: localise, address, authorise, query, check, merge, record (ARCHITECTURE §2, outbound).

:meth:`Broker.ask` yields the lines of API.md §2 as things happen. Holders are asked in parallel, steps too, within limits and one
deadline; what fails is a line and the rest goes on. Every query is promised to the audit log before it is sent. An answer that does
not belong to this patient or step is dropped whole and told as ``mismatch``: the other side's checks are not ours.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from node.audit.log import AuditUnavailableError
from node.exchange.asking import Means
from node.exchange.deadline import deadline
from node.exchange.events import COMPLETE, AskedHolder, End, Event, NotAsked, Plan, Source, State
from node.exchange.facts import OwnRecords
from node.exchange.lines import MAX_LINES, Lines, Waiting
from node.exchange.merge import Conflict, Missing
from node.exchange.planning import Planner
from node.exchange.ports import Registered
from node.exchange.question import Question
from node.exchange.seat import Seat
from node.exchange.under_way import Exchange, Holder, Part, PeerRooms, StepError
from node.usecases.model import Step, UseCase
from node.web.replies import RequestError

logger = logging.getLogger(__name__)

WAITING_LINES = MAX_LINES
"""Lines that wait for a slow reader; then the asking itself waits."""

COMPARED_INLINE = 50
"""Resources that are compared without leaving the event loop."""

_NOT_COMPARED = Conflict(
    topic="all", code="not_compared", detail="not all of the answers could be compared", full_urls=()
)
_SENTENCES: Mapping[str, str] = {
    "not_available": "the organisation gives no answer about this patient to us",
    "not_offered": "the organisation does not have this part of the use case",
    "timeout": "no answer in time",
    "unreachable": "the organisation can not be reached",
    "failed": "the organisation answered in a way that can not be used",
    "mismatch": "the answer did not belong to this patient or question and was dropped",
}


class Broker:
    """Asks other organisations on behalf of ours.

    Args:
        own_type: Vektis code of our organisation; ``own_ura`` its number.
        records: our own FHIR servers, for localisation by care team.

    Attributes:
        planner: who may ask what, and whom.
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
        self.planner = Planner(
            own_ura=own_ura, own_type=own_type, registered=registered, records=records, health=means.health
        )
        self._rooms = PeerRooms(means.limits.queries_per_peer)
        self._waiting = Waiting()

    @property
    def means(self) -> Means:
        """What asking needs; for asking one query at a time (direct.py)."""
        return self._means

    def room(self, ura: str) -> asyncio.Semaphore:
        """Return what limits the queries at one organisation, whoever asks them."""
        return self._rooms.of(ura)

    def forget_expired(self) -> None:
        """Let go of what people were shown too long ago."""
        self._means.memory.forget_expired()

    async def ask(self, subject: str, usecase: UseCase, question: Question) -> AsyncGenerator[Event]:
        """Ask ``question`` and yield what happens; the last event is always :class:`End`.

        Close the generator when you stop reading before that: it ends everything that is under way.

        Raises:
            RequestError: before the first event: the question can not be asked.
        """
        self.planner.check(usecase, question)
        exchange = Exchange(
            id=self._world.entropy.uuid(),
            subject=subject,
            usecase=usecase,
            question=question,
            started=self._world.clock.monotonic(),
            lines=Lines(WAITING_LINES, self._waiting.share),
        )
        self._waiting.readers += 1
        work = asyncio.create_task(self._run(exchange, self._allowed(usecase, question)))
        try:
            while (event := await exchange.lines.get()) is not None:
                yield event
            if exchange.refusal is not None:
                raise exchange.refusal
            yield End(
                exchange_id=exchange.id,
                missing=tuple(exchange.missing),
                ms=self._ms(exchange.started),
                audit=tuple(sorted(exchange.audit)),
                error=exchange.error,
                same=exchange.same.found,
                conflicts=await _conflicts(exchange),
            )
        finally:
            self._waiting.readers -= 1
            work.cancel()  # the caller went away, or the work has ended
            await asyncio.gather(work, return_exceptions=True)

    def _allowed(self, usecase: UseCase, question: Question) -> float:
        """Return how many seconds the whole may take: what the caller says, else the use case and the operator."""
        if question.deadline_ms is not None:
            return question.deadline_ms / 1000
        return min(usecase.deadline_ms / 1000, self._means.limits.question)

    async def _run(self, exchange: Exchange, allowed: float) -> None:
        planned = False
        try:
            async with deadline(self._world.clock, allowed):
                holders, not_asked = await self.planner.plan(exchange.usecase, exchange.question)
                planned = True
                exchange.open.update({(holder.ura, None): holder for holder in holders})
                await exchange.lines.put(_plan_line(exchange, holders, not_asked))
                async with asyncio.TaskGroup() as group:
                    for holder in holders:
                        group.create_task(self._ask_holder(exchange, holder))
        except TimeoutError:
            if planned:
                await self._close_open(exchange)
            else:
                exchange.refusal = RequestError(
                    504, "localisation_timeout", "our own FHIR server did not say in time who takes part in the care"
                )
        except RequestError as error:  # of the planning; what goes wrong later has other names
            exchange.refusal = error
        except Exception as group:
            self._break_off(exchange, _first(group))
            logger.debug("traceback of the question", exc_info=group)
        await exchange.lines.put(None)  # not when cancelled: then nobody reads any more

    async def _ask_holder(self, exchange: Exchange, holder: Holder) -> None:
        """Ask one holder everything; ends well whatever the holder does."""
        started = self._world.clock.monotonic()
        seat = Seat(self._means, exchange, holder, self._rooms.of(holder.ura))
        state, reason = await self._attempt(exchange, (holder.ura, None), seat.sit_down)
        if state not in COMPLETE:
            await self._source(exchange, holder, None, state, started, reason)
            return
        wanted = self._wanted(exchange, holder)
        exchange.open.update({(holder.ura, step.id): holder for step in wanted})
        del exchange.open[holder.ura, None]
        match = holder.table.match
        if exchange.shows(match.id, is_match=True):
            await self._source(exchange, holder, match.id, "ok", started, None)
        for step_id in exchange.question.steps or ():
            if holder.table.step(step_id) is None:
                await self._source(exchange, holder, step_id, "not_offered", started, "not_in_table")
        bound: dict[str, Sequence[str]] = dict(seat.asker.bindings)
        while wanted:
            ready = [step for step in wanted if step.needs <= bound.keys()]
            if not ready:  # what should have bound it was not asked, or failed: that is not "nothing recorded"
                for step in wanted:
                    await self._source(exchange, holder, step.id, "not_asked", started, "needs_other_step")
                return
            wanted = [step for step in wanted if step not in ready]
            async with asyncio.TaskGroup() as group:
                for step in ready:
                    group.create_task(self._ask_step(exchange, seat, step, bound))
            bound |= seat.asker.bindings

    def _wanted(self, exchange: Exchange, holder: Holder) -> list[Step]:
        wanted = exchange.question.steps
        if wanted is None:  # what is given on request has to be asked by name
            return [step for step in holder.table.steps[1:] if step.tier == "handed_over"]
        return [step for step in holder.table.steps[1:] if step.id in wanted]

    async def _ask_step(self, exchange: Exchange, seat: Seat, step: Step, bound: Mapping[str, Sequence[str]]) -> None:
        started = self._world.clock.monotonic()
        state, reason = await self._attempt(exchange, (seat.holder.ura, step.id), lambda: seat.ask_step(step, bound))
        await self._source(exchange, seat.holder, step.id, state, started, reason)

    async def _attempt(
        self, exchange: Exchange, part: Part, work: Callable[[], Awaitable[None]]
    ) -> tuple[State, str | None]:
        """Do ``work`` and tell how it ended; one part that breaks must not take the others with it.

        Raises:
            AuditUnavailableError: nothing may be sent any more.
        """
        try:
            await work()
        except StepError as error:
            return error.state, error.reason
        except AuditUnavailableError:
            raise
        except Exception as error:  # whatever a peer makes us stumble over stays with that peer
            logger.error(
                "asking broke off", extra={"exchange": exchange.id, "peer": part[0], "error": type(error).__name__}
            )
            logger.debug("traceback of the step", exc_info=error)
            return "failed", "internal_error"
        return ("ok" if exchange.counts[part] or part[1] is None else "none_recorded"), None

    async def _source(
        self, exchange: Exchange, holder: Holder, step_id: str | None, state: State, started: float, reason: str | None
    ) -> None:
        part = (holder.ura, step_id)
        await exchange.lines.put(
            Source(
                holder=holder.ura,
                step=step_id,
                state=state,
                count=exchange.counts[part],
                ms=self._ms(started),
                reason=reason,
                detail=_SENTENCES.get(state),
                from_memory=part in exchange.recalled,
            )
        )
        exchange.open.pop(part, None)  # only now: cut off while the line waits, it is still open
        if state not in COMPLETE:
            exchange.missing.append(_missing(holder, step_id, state))

    async def _close_open(self, exchange: Exchange) -> None:
        """Say of everything that was not answered when time was up that it was not."""
        for (_, step_id), holder in list(exchange.open.items()):
            await self._source(exchange, holder, step_id, "timeout", exchange.started, "deadline")

    def _break_off(self, exchange: Exchange, error: BaseException) -> None:
        """Note why the whole ends here, and what therefore is missing."""
        if isinstance(error, AuditUnavailableError):
            exchange.error = ("audit_unavailable", "the audit log can not be written, so nothing is asked")
        else:
            logger.error("a question broke off", extra={"exchange": exchange.id, "error": type(error).__name__})
            exchange.error = ("internal_error", "something went wrong on this side")
        for (_, step_id), holder in exchange.open.items():
            exchange.missing.append(_missing(holder, step_id, "not_asked"))

    def _ms(self, started: float) -> int:
        return int((self._world.clock.monotonic() - started) * 1000)


def _missing(holder: Holder, step_id: str | None, state: State) -> Missing:
    return Missing(holder_ura=holder.ura, holder_name=holder.name, step=step_id, state=state)


def _plan_line(exchange: Exchange, holders: Sequence[Holder], not_asked: Sequence[NotAsked]) -> Plan:
    return Plan(
        exchange_id=exchange.id,
        usecase=exchange.usecase.id,
        holders=[
            AskedHolder(ura=each.ura, name=each.name, fhir_version=each.version, found_by=each.found_by)
            for each in holders
        ],
        not_asked=not_asked,
        more=tuple(
            dict.fromkeys(step.id for each in holders for step in each.table.steps if step.tier == "on_request")
        ),
    )


async def _conflicts(exchange: Exchange) -> Sequence[Conflict]:
    """Return what holders say differently; beside the event loop where there is much to compare."""
    unsaid = (_NOT_COMPARED,) if exchange.not_compared else ()
    if len({one.lineage.holder_ura for one in exchange.compared}) < 2:  # noqa: PLR2004  # nobody contradicts himself
        return unsaid
    # Loaded with the first answer that needs it: a node that asks nothing does without.
    from node.exchange.views.conflicts import find_conflicts
    from node.exchange.views.result import read_entries

    def compare() -> Sequence[Conflict]:
        return (*find_conflicts(read_entries(exchange.usecase, exchange.compared)), *unsaid)

    try:
        return compare() if len(exchange.compared) <= COMPARED_INLINE else await asyncio.to_thread(compare)
    except Exception as error:  # whatever strangers wrote: the answer ends well, and says what was not done
        logger.error("comparing broke off", extra={"exchange": exchange.id, "error": type(error).__name__})
        logger.debug("traceback of the comparison", exc_info=error)
        return (_NOT_COMPARED,)


def _first(errors: BaseException) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
