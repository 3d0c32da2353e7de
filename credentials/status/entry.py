"""Where the status of a credential is found: one entry of its ``credentialStatus`` (WIRE §2.13).

Two kinds are looked up, with two purposes each. Other purposes of a Bitstring Status List (``refresh``, ``message``) say nothing
about whether a credential holds and are passed over; any other kind or purpose is refused, because it might say just that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from credentials.errors import MalformedError, UntrustedError
from credentials.fields import Fields
from credentials.vc.credential import SignedCredential

ListKind = Literal["StatusList2021", "BitstringStatusList"]
Purpose = Literal["revocation", "suspension"]

STATUS_LIST_2021: Final = "StatusList2021"
BITSTRING_STATUS_LIST: Final = "BitstringStatusList"

MAX_ENTRIES: Final = 4
"""Entries in one credential: each may cost a fetch."""
MAX_URL: Final = 2_048
"""Characters of the address of a list."""

_KINDS: Final[Mapping[str, ListKind]] = {
    "StatusList2021Entry": "StatusList2021",
    "BitstringStatusListEntry": "BitstringStatusList",
}
_PURPOSES: Final[Mapping[str, Purpose]] = {"revocation": "revocation", "suspension": "suspension"}
_TELLING_NOTHING: Final = frozenset({"refresh", "message"})
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry:
    """One entry, as the credential has it.

    Attributes:
        kind: of the list that ``url`` has to lead to.
        purpose: what a set bit means.
        url: of the list, ``https`` and without fragment; a stranger's choice, so fetched with care.
        index: of our bit, from 0.
    """

    kind: ListKind
    purpose: Purpose
    url: str
    index: int

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self | None:
        """Read one entry.

        Returns:
            None for an entry that says nothing about whether the credential holds.

        Raises:
            MalformedError: a member is missing or of the wrong form.
            UntrustedError: a kind or purpose that can not be looked up here.
        """
        fields = Fields.of(value, "credentialStatus")
        # (1) a kind we can look up
        kind = _KINDS.get(fields.text("type"))
        if kind is None:
            raise UntrustedError("credentialStatus has a type that is not supported")
        # (2) where; the id names the entry, so it can not be the name of the list
        url = _list_url(fields.text("statusListCredential"))
        if fields.optional_text("id") == url:
            raise MalformedError("credentialStatus: id is the address of the list")
        # (3) which bit: a whole number, as text
        index = fields.text("statusListIndex")
        if _INDEX.fullmatch(index) is None:
            raise MalformedError("credentialStatus: statusListIndex is not a whole number in text")
        # (4) what it means
        named = fields.text("statusPurpose")
        if kind == BITSTRING_STATUS_LIST and named in _TELLING_NOTHING:
            return None
        purpose = _PURPOSES.get(named)
        if purpose is None:
            raise UntrustedError("credentialStatus has a purpose that is not supported")
        # (5) one bit wide: set or not
        if fields.raw("statusSize", 1) != 1:
            raise UntrustedError("credentialStatus: only a statusSize of 1 is supported")
        return cls(kind=kind, purpose=purpose, url=url, index=int(index))

    def to_wire(self) -> dict[str, str]:
        """The entry as it stands in a credential."""
        return {
            "id": f"{self.url}#{self.index}",
            "type": f"{self.kind}Entry",
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.index),
            "statusListCredential": self.url,
        }


def entries_of(credential: SignedCredential) -> tuple[StatusEntry, ...]:
    """The entries of a credential that have to be looked up; none when it has no status.

    Raises:
        MalformedError, UntrustedError: as `StatusEntry.parse`, or there are too many.
    """
    if len(credential.statuses) > MAX_ENTRIES:
        raise MalformedError(f"credentialStatus has more than {MAX_ENTRIES} entries")
    entries = (StatusEntry.parse(status) for status in credential.statuses)
    return tuple(entry for entry in entries if entry is not None)


def _list_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        plain = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        plain = False
    if not plain or "#" in text or len(text) > MAX_URL or not (text.isascii() and text.isprintable()) or " " in text:
        raise MalformedError("credentialStatus: statusListCredential is not a plain https address")
    return text
