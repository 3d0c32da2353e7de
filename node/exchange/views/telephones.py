"""Telephone numbers of organisations, from the replica of the care services directory (need 9)."""

from collections.abc import Collection
from typing import Protocol

import msgspec

from node.exchange.views.picking import objects, text_at
from node.usecases.identifiers import URA_SYSTEM
from registry.mcsd.query import Search

MAX_ORGANISATIONS = 60
"""Of one answer that are looked up."""


class _Shown(Protocol):
    @property
    def text(self) -> str: ...


class _Found(Protocol):
    @property
    def matches(self) -> tuple[_Shown, ...]: ...


class Finder(Protocol):
    """Searches in the replica (node/directory/finding.py)."""

    async def search(self, search: Search) -> _Found:
        """Find organisations."""
        ...


async def find_telephones(finder: Finder, uras: Collection[str]) -> dict[str, str]:
    """Return the first telephone number per URA; who is not in the directory, or has none there, is left out."""
    found: dict[str, str] = {}
    for ura in sorted(uras)[:MAX_ORGANISATIONS]:
        search = Search.parse("Organization", [("identifier", f"{URA_SYSTEM}|{ura}")])
        for shown in (await finder.search(search)).matches:
            numbers = [
                text_at(each, "value")
                for each in objects(msgspec.json.decode(shown.text), "telecom")
                if text_at(each, "system") == "phone" and text_at(each, "value")
            ]
            if numbers:
                found.setdefault(ura, numbers[0])
    return found
