"""Which version of a resource counts: an older one never overwrites a newer one (LANDSCAPE §2.1.1).

Pages may come twice, histories run backwards, and a deletion often has no time of its own: so versions are compared by their time
where both have one, else by their number where both are numbers, and what can not be compared counts as newer, since it came later.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registry.mcsd.bundle import Change

MAX_VERSION_DIGITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the replica holds of a resource: the version it had, and when."""

    version: str
    last_updated: datetime | None


def is_newer(change: Change, standing: Standing | None) -> bool:
    """Whether ``change`` takes the place of what stands; the same version again does, and changes nothing."""
    if standing is None:
        return True
    if (
        change.last_updated is not None
        and standing.last_updated is not None
        and change.last_updated != standing.last_updated
    ):
        return change.last_updated > standing.last_updated
    version, stood = number(change.version), number(standing.version)
    return version is None or stood is None or version >= stood


def chronological(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The newest version of each resource on a page, where it has its last one; given and returned oldest first."""
    newest: dict[str, Change] = {}
    for change in changes:
        known = newest.get(change.id)
        if known is None or is_newer(change, Standing(version=known.version, last_updated=known.last_updated)):
            newest.pop(change.id, None)
            newest[change.id] = change
    return tuple(newest.values())


def number(version: str) -> int | None:
    """A version as a number, when it is one."""
    return int(version) if version.isascii() and version.isdigit() and len(version) <= MAX_VERSION_DIGITS else None
