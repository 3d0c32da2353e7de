"""What a use case file says beside its queries: where it comes from, whom it is limited to, what happens when something is away."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from node.usecases.vocabulary import (
    Count,
    Digest,
    Note,
    Part,
    Pseudonym,
    Purpose,
    ResourceType,
    RoleCode,
    Sentence,
    Ura,
)

MAX_GRACE_MS = 24 * 3_600_000
"""A status list that could not be fetched for a day tells nothing any more, however acute the care."""
MAX_DELEGATION_HOURS = 24 * 7


class Source(Part):
    """Where the file comes from.

    Attributes:
        specification: what its queries were taken from.
        date: when that was read.
        signer: who made the file, for people; whose signature counts is the operator's choice (``trust.anchors``).
        digest: of the published document, where it has one.
        not_yet: why it can not be used yet, where that is so: for people, beside whatever refuses it.
    """

    specification: Sentence
    date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    signer: Sentence | None = None
    digest: Digest | None = None
    not_yet: Note | None = None


class Delegation(Part):
    """A role that may ask for another: an assistant in the name of a physician.

    Attributes:
        role: that of the person who asks.
        on_behalf_of: roles in whose name they may.
        hours: how long one delegation counts.
    """

    role: RoleCode
    on_behalf_of: Annotated[tuple[RoleCode, ...], Field(min_length=1)]
    hours: Count

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.hours > MAX_DELEGATION_HOURS:
            raise ValueError(f"hours is at most {MAX_DELEGATION_HOURS}")
        if self.role in self.on_behalf_of:
            raise ValueError("nobody delegates to their own role")
        return self


class OnRequest(Part):
    """The second tier: more than what is handed over. Its purpose is stated, never assumed."""

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]


class WhenAway(Part):
    """What happens when something we depend on is away (ARCHITECTURE.md §8).

    Attributes:
        status_list_grace_ms: how long credentials are believed whose status list can't be fetched.
        consent: a national consent service: another basis suffices, or the answer is no.
        localisation: a national localisation: the care team alone, and said so, or nobody is asked.
    """

    status_list_grace_ms: Count = 900_000
    consent: Literal["other_basis", "refuse"] = "other_basis"
    localisation: Literal["care_team", "refuse"] = "care_team"

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.status_list_grace_ms > MAX_GRACE_MS:
            raise ValueError(f"status_list_grace_ms is at most {MAX_GRACE_MS}")
        return self


class Pilot(Part):
    """Whom a use case is limited to while it is tried out; an absent list limits nothing.

    Attributes:
        peers: URA numbers.
        patients: pseudonyms in our own records (``hazel audit`` prints them); never citizen service numbers.
    """

    peers: Annotated[tuple[Ura, ...], Field(min_length=1)] | None = None
    patients: Annotated[tuple[Pseudonym, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.peers is None and self.patients is None:
            raise ValueError("a pilot names peers or patients")
        return self


class Merge(Part):
    """How answers of several holders are put side by side.

    Attributes:
        group: types of which the same fact is grouped by its business identifier.
        conflicts: types of which differences are marked, never resolved.
    """

    group: tuple[ResourceType, ...] = ()
    conflicts: tuple[ResourceType, ...] = ()


class Import(Part):
    """What an asker's system may take over into its own record; everything else is looked at only."""

    types: Annotated[tuple[ResourceType, ...], Field(min_length=1)]
