"""Saying no: first recorded, then told in the way that tells nothing more (ARCHITECTURE §2 "No oracle").

The refusal of a caller who proved who they are is recorded under a reference number, which is all they learn; using up their proof
is part of the same write, so what was refused can't be sent again under it. Where a citizen was looked up, the answer leaves at the
next multiple of :data:`PACE`, so that the reasons for it take equally long.
"""

import logging
import math

from node.audit.log import AuditLog
from node.exchange import inbound_record
from node.exchange.incoming import Incoming, Reply
from node.exchange.outcome import REFERENCE_HEADER
from node.exchange.refusal import Refusal
from node.exchange.searchset import empty_searchset
from node.oauth.resource import Caller
from node.ports import World
from node.web.replies import RequestError

logger = logging.getLogger(__name__)

PACE = 0.1
"""Seconds: refusals about a citizen leave at the next multiple of this, counted from when the request came in."""

REFERENCE_BYTES = 8

OFFER_HEADER = "Break-The-Glass"
"""``offered`` on a refusal that an emergency would turn into data, where the use case lets the peer know that."""


class Refusals:
    """Records refusals and answers them."""

    def __init__(self, world: World, audit: AuditLog) -> None:
        self._world = world
        self._audit = audit

    async def refuse(self, incoming: Incoming, caller: Caller, refusal: Refusal) -> Reply:
        """Record ``refusal`` and say no.

        Raises:
            RequestError: 403, or 502 when our own server could not say whom it is about.
            AlreadyUsedError: the proof was used before.
            AuditUnavailableError: not recorded, and so not said either.
        """
        # (1) the record, and with it the proof is used up
        reference = await self.record(incoming, caller, refusal)
        # (2) at a moment that says nothing of the reason
        if refusal.about is not None:
            passed = self._world.clock.monotonic() - incoming.received
            await self._world.clock.sleep(max(0.0, math.ceil(passed / PACE) * PACE - passed))
        # (3) in words that say nothing of it
        answer = refusal.decision.answer if refusal.decision is not None else "forbidden"
        offer = {}
        if refusal.decision is not None and refusal.decision.offers_break_glass:
            offer = {OFFER_HEADER: "offered"}
        if answer == "empty":
            return Reply(body=empty_searchset(), headers=offer)
        status, sentence = (502, "not available") if answer == "unavailable" else (403, "refused")
        raise RequestError(status, refusal.code, sentence, headers={REFERENCE_HEADER: reference, **offer})

    def reference(self) -> str:
        """Return a number under which our operator finds what a peer was not given."""
        return self._world.entropy.token(REFERENCE_BYTES).hex()

    async def record(self, incoming: Incoming, caller: Caller, refusal: Refusal) -> str:
        """Record ``refusal``, using up the caller's proof, and return its reference.

        Raises:
            AlreadyUsedError: the proof was used before.
            AuditUnavailableError: not recorded.
        """
        reference = self.reference()
        record = inbound_record.refusal(
            incoming,
            caller.grant,
            refusal.interaction,
            refusal.question,
            refusal.about,
            refusal.decision,
            code=refusal.code,
            reference=reference,
            now=self._world.clock.now(),
        )
        await self._audit.record(record, once=caller.once)
        logger.info(
            "refused a peer", extra={"code": refusal.code, "reference": reference, "subject": caller.grant.subject}
        )
        return reference
