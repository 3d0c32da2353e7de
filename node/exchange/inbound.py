"""A peer wants our data: one pass, no turning back (ARCHITECTURE §2, inbound).

Each step passes a narrower thing on, or refuses::

    1 who       token and proof          -> Caller        entrance.py, node.oauth.resource
    2 what      method, path, form       -> Interaction   incoming.py, interaction.py
                query table              -> Asked         asked.py, allowlist.py, cursor.py, named.py
    3 whom      our own Patient          -> About         binding.py, facts.py
    4 may it    rules                    -> Decision      decide/
    5 promise   one durable write        -> Promised      node.audit, inbound_record.py
    6 forward   our own FHIR server      -> HttpResponse  forwarding.py
    7 check     whole page or nothing    -> CheckedPage   response.py
    8 outcome   second row               -> Reply         outgoing.py

What to look for here: the only call of :meth:`Forwarder.fetch` takes a :class:`Promised`, the only ``Promised`` is made from the receipt
of :meth:`AuditLog.promise`, and that is reached with a decision that permits. Whoever is refused after step 1 goes through
:class:`Refusals`, which records it. The epoch is read before anything that somebody may take away, the token included; the promise is
refused when it has moved, and it is compared once more before the first byte leaves.
"""

import asyncio
import logging
from collections.abc import Mapping

from node.audit.log import AlreadyUsedError, AuditLog, AuditUnavailableError, StaleDecisionError
from node.audit.record import Outcome
from node.exchange import inbound_record
from node.exchange.about import About
from node.exchange.asked import QueryTables
from node.exchange.binding import Binding
from node.exchange.capabilities import capability_statement
from node.exchange.decide.engine import decide
from node.exchange.decide.question import Decision, Question
from node.exchange.entrance import Entrance
from node.exchange.facts import OwnRecords, OwnServer
from node.exchange.forwarding import Forwarder, Promised
from node.exchange.holder_ports import Agreements, Emergencies
from node.exchange.incoming import Incoming, Reply, Stated
from node.exchange.interaction import Interaction
from node.exchange.named import NamedResources, NamedStore
from node.exchange.outcome import REFERENCE_HEADER
from node.exchange.outgoing import Outgoing
from node.exchange.ports import Consents, Registered
from node.exchange.refusal import Refusal, later, login
from node.exchange.refusing import Refusals
from node.exchange.rooms import PageBudget, Room
from node.exchange.turns import AskerTurns
from node.exchange.understanding import understand, understand_stated
from node.oauth.grants import Grant
from node.oauth.refusals import RefusalCounter
from node.oauth.resource import Caller, ResourceGuard
from node.ports import KeyVault, World
from node.usecases.book import UseCaseBook
from node.usecases.model import FhirVersion
from node.web.replies import RequestError

__all__ = ["EnforcementPoint", "Incoming", "Reply"]

logger = logging.getLogger(__name__)

DECISIONS = 3
"""How often a decision is made again because something was withdrawn meanwhile, before the answer is "later"."""


class EnforcementPoint:
    """Answers peers for one organisation.

    Args:
        subject: the organisation hosted here; ``holder_type`` its Vektis code.
        public_url: of the node, for the addresses on pages that leave.
        own: our FHIR servers by version.
    """

    def __init__(
        self,
        *,
        world: World,
        vault: KeyVault,
        subject: str,
        holder_type: str,
        public_url: str,
        own: Mapping[FhirVersion, OwnServer],
        guard: ResourceGuard,
        usecases: UseCaseBook,
        registered: Registered,
        records: OwnRecords,
        consents: Consents,
        emergencies: Emergencies,
        agreements: Agreements,
        named: NamedStore,
        audit: AuditLog,
        counter: RefusalCounter,
        timeout: float,
        page_bytes: int,
        pages: PageBudget,
    ) -> None:
        secret = vault.secret("grant")
        naming = NamedResources(secret, named)
        self._clock = world.clock
        self._subject = subject
        self._holder_type = holder_type
        self._usecases = usecases
        self._versions: tuple[FhirVersion, ...] = tuple(own)
        self._counter = counter
        self._audit = audit
        self._records = records
        self._tables = QueryTables(usecases, registered, holder_type=holder_type, named=naming, secret=secret)
        self._binding = Binding(
            records, consents, emergencies, agreements, subject=subject, secret=vault.secret("pseudonym")
        )
        self._emergencies = emergencies
        self._forwarder = Forwarder(world.own, own, timeout=timeout, page_bytes=page_bytes)
        self._outgoing = Outgoing(
            public_base=f"{public_url}/fhir/{subject}", servers=own, named=naming, secret=secret, entropy=world.entropy
        )
        self._refusals = Refusals(world, audit)
        self._entrance = Entrance(guard, self._refusals, counter, subject=subject)
        self._pages, self._turns = pages, AskerTurns()

    @property
    def versions(self) -> tuple[FhirVersion, ...]:
        """FHIR versions in which we answer."""
        return self._versions

    def room(self) -> Room:
        """Return room in memory for one answer, out of what all answers share."""
        return self._pages.room()

    def capabilities(self, version: FhirVersion) -> Reply:
        """Return what anybody may know: the use cases and the resource types that are asked through them."""
        return Reply(body=capability_statement(self._usecases.all, version, holder_type=self._holder_type))

    async def answer(self, incoming: Incoming) -> Reply:
        """Answer a peer's request.

        Raises:
            RequestError: refused, or not possible now; safe for the peer.
        """
        for _ in range(DECISIONS):
            epoch = self._audit.current_epoch()  # before anything is read that somebody may take away
            try:
                caller = await self._entrance.log_in(incoming)  # (1) who
                try:
                    async with self._turns.of(caller.grant.organization_ura or caller.grant.client_id):
                        return await self._serve(incoming, caller, epoch)
                except Refusal as refusal:
                    return await self._refusals.refuse(incoming, caller, refusal)
            except StaleDecisionError:
                continue  # something was taken away since we looked, perhaps the token itself: look again
            except AlreadyUsedError as error:
                self._counter.count(incoming.address, "proof_replayed")
                raise login() from error
            except AuditUnavailableError as error:
                logger.error("no data leaves: the audit log can not be written", extra={"subject": self._subject})
                raise later("audit_unavailable") from error
        raise later("decision_unstable")

    async def would_decide(
        self, grant: Grant, interaction: Interaction, stated: Stated
    ) -> tuple[Decision | None, str, About | None]:
        """Return how a request of the holder of ``grant`` would be decided now; forwards and records nothing.

        Returns:
            The decision, ``None`` when the request is none that could be decided on; its code; and whom it is about.
        """
        now, version = self._clock.now(), interaction.fhir_version
        if version not in self._versions:
            return None, "version_not_offered", None
        try:
            asked, question = await self._tables.find(grant, interaction, stated, now)
            about = await self._binding.about(version, asked)
            decision = decide(question, await self._binding.facts(version, question, about, now))
            if about is not None and decision.permit and asked.written is not None:
                self._tables.check_content(asked.written, decision, version, about, interaction, question)
        except Refusal as refusal:
            return refusal.decision, refusal.code, refusal.about
        return decision, decision.code, about

    async def records_of(self, version: FhirVersion, bsn: str) -> frozenset[str]:
        """Return the logical ids of a citizen's records here, for our own operator; empty when there are none.

        Raises:
            FactsUnavailableError: our own FHIR server could not say.
        """
        return await self._records.records_of(version, bsn) if version in self._versions else frozenset()

    async def _serve(self, incoming: Incoming, caller: Caller, epoch: int) -> Reply:
        now, grant, version = self._clock.now(), caller.grant, incoming.version
        # (2) what
        interaction = understand(incoming)
        asked, question = await self._tables.find(grant, interaction, understand_stated(incoming, interaction), now)
        # (3) whom
        about = await self._binding.about(version, asked)
        # (4) may it
        decision = decide(question, await self._binding.facts(version, question, about, now))
        if about is None or not decision.permit:
            raise Refusal(
                decision=decision, code=decision.code, interaction=interaction, question=question, about=about
            )
        if asked.written is not None:
            self._tables.check_content(asked.written, decision, version, about, interaction, question)
        # (5) promise
        reference = self._refusals.reference()
        record = inbound_record.disclosure(
            incoming, grant, interaction, question, about, decision, reference=reference, now=now
        )
        receipt = await self._audit.promise(record, once=caller.once, epoch=epoch)
        promised = Promised(
            receipt=receipt,
            reference=reference,
            decision=decision,
            grant=grant,
            asked=asked,
            about=about,
            version=version,
        )
        return await self._deliver(incoming, question, promised, epoch)

    async def _deliver(self, incoming: Incoming, question: Question, promised: Promised, epoch: int) -> Reply:
        """Do what was promised, and record how it ended whatever happens."""
        started = self._clock.monotonic()
        state, status, count = "failed", None, None
        try:
            if promised.decision.breaks_glass and question.break_glass is not None:
                await self._emergencies.open(promised, reason=question.break_glass.reason)
            fetched = await self._forwarder.fetch(promised, incoming.room)  # (6) forward, (7) check
            reply = self._outgoing.reply(promised, fetched, incoming)
            await self._still_permitted(incoming, question, promised, epoch)
            await self._outgoing.remember(promised, fetched.page)  # only what leaves; and then, before its first byte:
            await self._still_permitted(incoming, question, promised, epoch)
            state, status, count = "delivered", reply.status, fetched.page.count
            return reply  # noqa: TRY300  # the errors below are of everything above
        except RequestError as error:
            state, status = error.code, error.status
            error.headers = {**error.headers, REFERENCE_HEADER: promised.reference}  # to be looked up by our operator
            raise
        except asyncio.CancelledError:
            state = "cut_off"
            raise
        finally:
            # (8) outcome
            ms = int((self._clock.monotonic() - started) * 1000)
            self._audit.outcome(promised.receipt, Outcome(state=state, status=status, count=count, ms=ms))

    async def _still_permitted(self, incoming: Incoming, question: Question, promised: Promised, epoch: int) -> None:
        """Check that nothing was taken away since the decision: where something was, decide again, token and all.

        Somebody else's withdrawal must not keep this citizen's data from who may have it. The basis stays the one that is recorded.
        """
        for _ in range(DECISIONS):
            now_at = self._audit.current_epoch()
            if now_at == epoch:
                return
            await self._entrance.log_in(incoming)
            facts = await self._binding.facts(promised.version, question, promised.about, self._clock.now())
            again = decide(question, facts)
            if not again.permit or again.code != promised.decision.code:
                break
            epoch = now_at
        raise later("decision_unstable")
