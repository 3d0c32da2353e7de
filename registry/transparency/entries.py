"""Entries of a list as leaves of its log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from credentials.did.identifier import DID
from registry.entry import Entry, Withdrawn
from registry.errors import RejectedError
from registry.transparency.leaf import Leaf, digest_of
from registry.transparency.ports import StoredTree

_SECOND: Final = timedelta(seconds=1)


def leaf_of(entry: Entry, now: datetime) -> Leaf:
    """The leaf of an entry that is taken now. Its end is rounded up, so that nobody takes it for over before it is."""
    return Leaf(
        event="withdrawn" if isinstance(entry, Withdrawn) else "registered",
        at=now.replace(microsecond=0),
        number=entry.timestamp,
        holder=entry.holder,
        digest=digest_of(entry.compact),
        expires_at=_whole(entry.expires_at),
    )


def tombstone(number: int, holder: DID, now: datetime) -> Leaf:
    """The leaf of an entry that came to its end."""
    return Leaf(event="expired", at=now.replace(microsecond=0), number=number, holder=holder)


def first_leaves(seed: str, entries: Sequence[Entry], now: datetime) -> list[Leaf]:
    """How a log begins: with its seed, and with what was registered before there was a log."""
    return [
        Leaf(event="began", at=now.replace(microsecond=0), seed=seed),
        *(leaf_of(entry, now) for entry in entries),
    ]


def check_is_ours(tree: StoredTree | None) -> None:
    """Nobody writes in the copy of another's log.

    Raises:
        RejectedError: it is a copy.
    """
    if tree is not None and not tree.is_own:
        raise RejectedError("unknown_service", "this node keeps a copy of that service, and does not host it")


def _whole(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND
