"""What every line of the story has: the running region, a place to show what it sees, and one way to say that something is wrong."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from examples.region.display import Display
from examples.region.network import Region
from examples.region.running_node import RunningNode
from examples.region.vendor import Vendor


class StoryError(Exception):
    """What was seen is not what must be; the message says what was expected and what there was."""


@dataclass(slots=True)
class Stage:
    """Where a line of the story takes place.

    Attributes:
        display: shows what is seen.
        refusals: reference numbers that holders gave with a refusal, by the holder's key; the last line looks them up.
    """

    region: Region
    display: Display
    refusals: dict[str, list[str]] = field(default_factory=dict)

    def vendor(self, key: str) -> Vendor:
        """The software of one organisation."""
        return self.region.vendor(key)

    def node(self, key: str) -> RunningNode:
        """The node of one organisation."""
        return self.region.nodes[key]

    def name(self, ura: str) -> str:
        """The name of an organisation of the region; its number when there is none."""
        return next(
            (node.organisation.name for node in self.region.nodes.values() if node.organisation.ura == ura), ura
        )


class StopWatch:
    """Measures from its making."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()

    @property
    def ms(self) -> int:
        """Milliseconds since then."""
        return round((asyncio.get_running_loop().time() - self._began) * 1000)


def expect(what: str, *, is_true: bool) -> None:
    """Check that something is so.

    Raises:
        StoryError: it is not; ``what`` is the sentence that should have held.
    """
    if not is_true:
        raise StoryError(f"this is not so: {what}")


def expect_equal(what: str, seen: object, wanted: object) -> None:
    """Check that ``seen`` is ``wanted``.

    Raises:
        StoryError: it is not; the message shows both.
    """
    if seen == wanted:
        return
    if isinstance(seen, Mapping) and isinstance(wanted, Mapping):
        differing = sorted((key for key in seen.keys() | wanted.keys() if seen.get(key) != wanted.get(key)), key=str)
        seen = {key: seen.get(key, "(absent)") for key in differing}
        wanted = {key: wanted.get(key, "(absent)") for key in differing}
    raise StoryError(f"{what}: expected {wanted}, saw {seen}")
