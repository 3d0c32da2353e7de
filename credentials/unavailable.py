"""Evidence that could not be had: a document, a status list, a revocation list that nobody could fetch.

It stands where the evidence would have stood, so that deciding what its absence means is part of the decision, and not of the
code that fetches.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unavailable:
    """In place of what could not be fetched, read or verified.

    Attributes:
        reason: why not, for our own operator: names rules and origins, never content.
    """

    reason: str
