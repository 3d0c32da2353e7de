"""Callers who proved nothing are counted, not recorded: per minute, address and reason (ARCHITECTURE §9).

One row in the audit log for each of them would let anybody fill the disk on which delivering data depends. Each refusal costs
its address a turn; without turns nothing more of it is looked at for a while. Who proved to hold some key and is refused all the
same is recorded; but keys cost nothing, so that has an end too (``may_record``).
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Mapping

from node.ports import Clock
from node.web.limits import Turns, caller_of

logger = logging.getLogger(__name__)

MINUTES = 60
"""Minutes that are kept."""

MAX_PLACES = 1_000
"""Addresses and reasons told apart within one minute; what comes after that is counted under :data:`OTHERS`."""

OTHERS = "others"

REFUSALS_AT_ONCE = 300
"""Refusals that an address may collect at once; a peer whose wallet does not fit collects one per question."""

REFUSALS_PER_SECOND = 5.0
"""Refusals that it may collect for good."""

RECORDS_AT_ONCE = 120
"""Refusals of one address that are recorded, since a key was proved; anybody can make keys, so what comes after that is counted."""

RECORDS_PER_SECOND = 1.0
"""The same for good."""

ALL_RECORDS_AT_ONCE = 1_200
"""Of all addresses: whoever has many of them does not fill the disk either."""

ALL_RECORDS_PER_SECOND = 5.0
"""The same for good."""

TOKENS_AT_ONCE = 2_000
"""Tokens that one organisation may be given at once; each takes a record, a row and a place in memory."""

TOKENS_PER_SECOND = 50.0
"""The same for good; a token lasts 900 s, so that this is enough for 45,000 people of one organisation."""


class RefusalCounter:
    """Counts refusals in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minutes: OrderedDict[int, Counter[tuple[str, str]]] = OrderedDict()
        self._turns = Turns(burst=REFUSALS_AT_ONCE, per_second=REFUSALS_PER_SECOND)
        self._records = Turns(burst=RECORDS_AT_ONCE, per_second=RECORDS_PER_SECOND)
        self._all_records = Turns(burst=ALL_RECORDS_AT_ONCE, per_second=ALL_RECORDS_PER_SECOND)

    def wait(self, address: str | None) -> float:
        """Return for how many seconds nothing of ``address`` is looked at, after so many refusals: 0 when it may ask."""
        caller = caller_of(address)
        return 0.0 if caller is None else self._turns.wait(caller, self._clock.now())

    def take(self, address: str | None) -> None:
        """Take a turn of ``address``: something of it was refused, and it had proved nothing."""
        if (caller := caller_of(address)) is not None:
            self._turns.take(caller, self._clock.now())

    def may_record(self, address: str | None) -> bool:
        """Say whether a refusal of who proved to hold some key is recorded, and take a turn of those that are.

        One that is not is counted, and costs a turn as any other.
        """
        caller, now = caller_of(address), self._clock.now()
        if caller is None:
            return True
        if self._records.wait(caller, now) or self._all_records.wait("", now):
            return False
        self._records.take(caller, now)
        self._all_records.take("", now)
        return True

    def count(self, address: str | None, reason: str) -> None:
        """Count one refusal of whoever called from ``address``."""
        minute = int(self._clock.now().timestamp()) // 60
        counts = self._minutes.get(minute)
        if counts is None:
            self._tell()
            counts = self._minutes[minute] = Counter()
            while len(self._minutes) > MINUTES:
                self._minutes.popitem(last=False)
        place = (address or "unknown", reason)
        if place not in counts and len(counts) >= MAX_PLACES:
            place = (OTHERS, reason)
        counts[place] += 1

    def totals(self) -> Mapping[str, int]:
        """Return refusals by reason over the minutes that are kept."""
        totals: Counter[str] = Counter()
        for counts in self._minutes.values():
            for (_, reason), count in counts.items():
                totals[reason] += count
        return totals

    def by_address(self) -> Mapping[str, int]:
        """Return refusals by address over the minutes that are kept."""
        totals: Counter[str] = Counter()
        for counts in self._minutes.values():
            for (address, _), count in counts.items():
                totals[address] += count
        return totals

    def _tell(self) -> None:
        """Log the minute that has ended: its size, and who called most."""
        if not self._minutes:
            return
        counts = next(reversed(self._minutes.values()))
        (address, reason), most = counts.most_common(1)[0]
        logger.info(
            "callers refused", extra={"count": counts.total(), "address": address, "reason": reason, "of_these": most}
        )
