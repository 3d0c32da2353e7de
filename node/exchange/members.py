"""Duplicate JSON members, found at the price of a quarter of a careful parser.

``{"subject": A, "subject": B}``: our decoder believes the last, a vendor's parser may believe the first, and a check that
reads other words than the user is no check. Our own server doesn't write such things; a peer that wants to could. So pages
of peers are refused when any object in them names a member twice, wherever that is.

How: decoding and encoding again drops duplicates and nothing else. If the result is the text itself (less its white space),
there were none, and that is the common case. Otherwise the number of members before and after is compared: numbers and
escapes may be written differently, members can only be lost by being doubles.
"""

import msgspec


class DuplicateMemberError(ValueError):
    """An object names a member twice."""


def refuse_duplicate_members(body: bytes) -> None:
    """Check that no JSON object in ``body`` names a member twice.

    Args:
        body: UTF-8 JSON.

    Raises:
        DuplicateMemberError: one does.
        ValueError: not JSON, or nested too deep.
    """
    try:
        unique = msgspec.json.encode(msgspec.json.decode(body))
        if unique == body:
            return
        compact = msgspec.json.format(body, indent=-1)
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        raise ValueError("not JSON") from error
    if unique != compact and _count_members(unique) != _count_members(compact):
        raise DuplicateMemberError("an object names a member twice")


def _count_members(compact: bytes) -> int:
    """Count members in JSON without white space: a quote before a colon ends a name, unless it is escaped inside a string.

    A name that itself ends in a backslash is not counted, before nor after; FHIR has no such names.
    """
    return compact.count(b'":') - compact.count(b'\\":')
