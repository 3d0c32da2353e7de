"""Which registrations rest on a credential that was taken back since they were taken.

A registration is verified when it comes in and then counts for days. Who is found through it is sent questions, so the statuses of its
credentials are looked at again all the time, and who lapsed is not shown. The entry itself stays as its signer made it: a suspension
may end, and other followers decide for themselves. A status that can not be told changes nothing: who was hidden stays hidden,
and who was not is judged by the tokens that it asks for (``node/oauth``).
"""

import asyncio
from collections.abc import Sequence

from credentials.errors import CredentialError, RevokedError
from credentials.vc.presentation import SignedPresentation
from node.ports import Clock
from node.verification.standing import HeldStatus, Standing, statuses_in
from registry.entry import Registered

SLICE = 20
"""Registrations looked at before others get a turn."""


class Lapsed:
    """Remembers who lapsed, as of the last look.

    Args:
        standing: looks again.
        clock: lets others go first.
    """

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._standing = standing
        self._clock = clock
        self._statuses: dict[str, tuple[HeldStatus, ...]] = {}
        self._gone: frozenset[str] = frozenset()

    def without(self, entries: Sequence[Registered]) -> list[Registered]:
        """Return those of ``entries`` that did not lapse."""
        return [each for each in entries if each.presentation_id not in self._gone]

    async def look(self, entries: Sequence[Registered]) -> bool:
        """Look at ``entries``, which are all there are; returns whether anybody lapsed or came back."""
        known: dict[str, tuple[HeldStatus, ...]] = {}
        gone: set[str] = set()
        for start in range(0, len(entries), SLICE):
            held = []
            for entry in entries[start : start + SLICE]:
                name = entry.presentation_id
                known[name] = self._statuses[name] if name in self._statuses else _statuses_of(entry)
                if known[name]:
                    held.append(name)
            lapsed = await asyncio.gather(*(self._has_lapsed(name, known[name]) for name in held))
            gone.update(name for name, has_lapsed in zip(held, lapsed, strict=True) if has_lapsed)
            await self._clock.sleep(0)
        changed = gone != self._gone
        self._statuses, self._gone = known, frozenset(gone)
        return changed

    async def _has_lapsed(self, name: str, statuses: Sequence[HeldStatus]) -> bool:
        try:
            await self._standing.check_standing(statuses)
        except RevokedError:
            return True
        except CredentialError:
            return name in self._gone
        return False


def _statuses_of(entry: Registered) -> tuple[HeldStatus, ...]:
    try:
        return statuses_in(SignedPresentation.parse(entry.compact))
    except CredentialError:  # it was read when it came in; what was stricter or looser then is not judged again
        return ()
