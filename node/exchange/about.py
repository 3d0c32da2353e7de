"""Whom a peer's request turned out to be about."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A citizen and their records here.

    Attributes:
        bsn: of the citizen; ``None`` when the records are nobody's, or those of several people.
        records: the logical ids that are asked about; empty when we have none.
        pseudonym: of the citizen, for the record.
        has_all: whether ``records`` are all that the citizen has here.
        stand_in: a logical id that nobody has, the same for the same question; looked up in place of who is not here, so that
            it takes as long.
    """

    bsn: str | None = field(repr=False)
    records: frozenset[str]
    pseudonym: str | None
    stand_in: str = ""
    has_all: bool = False
