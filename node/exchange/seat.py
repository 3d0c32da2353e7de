"""Where one holder is asked: its first address that lets us in, and the next one when that goes away (fail-over).

Logical ids belong to one server. So another address begins with a login and a patient match of its own, and a step is asked again
there only when nothing of it was passed on yet and it needs nothing but the patient.
"""

import asyncio
from collections.abc import Mapping, Sequence

from node.exchange.asking import Asking, Means
from node.exchange.under_way import Exchange, Holder, StepError
from node.usecases.model import Step
from node.usecases.parameters import PATIENT
from node.usecases.plan import plan_step

AWAY = frozenset(
    {"unreachable", "tls", "timeout", "circuit_open", "throttled", "token", "token_unreachable", "token_timeout",
     "status_502", "status_503", "holder_timeout"}
)  # fmt: skip
"""Reasons that tell of an address and not of the patient: another address of the same organisation may do."""


class Seat:
    """Asking one organisation, at one of its addresses.

    Attributes:
        holder: as planned, with its first address.
        asker: at the address in use; before :meth:`sit_down` ended there is none to use.
    """

    def __init__(self, means: Means, exchange: Exchange, holder: Holder, room: asyncio.Semaphore) -> None:
        self.holder = holder
        self._means = means
        self._exchange = exchange
        self._room = room
        self._moving = asyncio.Lock()
        self.asker = Asking(means, exchange, holder, room)

    async def sit_down(self) -> None:
        """Log in and find the patient, at the first address that answers.

        Raises:
            StepError: of the first address, when none does.
        """
        first: StepError | None = None
        while True:
            try:
                await self.asker.match()
            except StepError as error:
                first = first or error
                elsewhere = self.asker.holder.elsewhere
                if error.reason not in AWAY or elsewhere is None:
                    raise (error if error.reason not in AWAY else first) from None
                self.asker = Asking(self._means, self._exchange, elsewhere, self._room)
            else:
                return

    async def ask_step(self, step: Step, bound: Mapping[str, Sequence[str]]) -> None:
        """Ask one step; again elsewhere when this address went away meanwhile.

        Raises:
            StepError: no answer.
        """
        asker = self.asker
        try:
            await _ask(asker, step, bound)
        except StepError as error:
            is_untold = not self._exchange.counts[self.holder.ura, step.id]
            if error.reason not in AWAY or not is_untold or step.needs != {PATIENT}:
                raise
            if not await self._moved(asker):
                raise
            await _ask(self.asker, step, self.asker.bindings)

    async def _moved(self, away: Asking) -> bool:
        """Whether there is another address to ask than where ``away`` asked; of steps side by side one moves for all."""
        async with self._moving:
            if self.asker is not away:
                return True
            elsewhere = away.holder.elsewhere
            while elsewhere is not None:
                asker = Asking(self._means, self._exchange, elsewhere, self._room)
                try:
                    await asker.match()
                except StepError:
                    elsewhere = elsewhere.elsewhere
                else:
                    self.asker = asker
                    return True
            return False


async def _ask(asker: Asking, step: Step, bound: Mapping[str, Sequence[str]]) -> None:
    try:
        requests = plan_step(step, bound)
    except ValueError as error:
        raise StepError("failed", "too_many_records") from error
    await asker.ask(step, requests)
