"""Submission requirements: which input descriptors suffice, as ``all`` or ``pick`` over groups or over each other.

`choose` answers with the descriptors to fulfil, given those for which there is a credential. It takes the first that fit, in
the order of the definition, as nuts-node does, so that both sides come to the same choice (WIRE §2.15).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.errors import CredentialError, MalformedError
from credentials.fields import Fields

MAX_REQUIREMENTS: Final = 32
"""Requirements in one definition, nested ones included."""
MAX_NESTING: Final = 4
"""How deep ``from_nested`` may go."""


class UnmetRequirementError(CredentialError):
    """The credentials at hand don't satisfy a submission requirement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRequirement:
    """One rule; exactly one of ``group`` and ``nested`` is set.

    Attributes:
        name: the author's name for it, empty when there is none.
        pick: False asks for all members.
        group: the name of the descriptors to choose from.
        nested: the requirements to choose from.
        count: exactly this many are taken.
        least: fewer are not enough.
        most: more are not taken.
    """

    name: str
    pick: bool
    group: str | None
    nested: "tuple[SubmissionRequirement, ...]"
    count: int | None
    least: int | None
    most: int | None


def parse_requirements(definition: Fields) -> tuple[SubmissionRequirement, ...]:
    """Read the member ``submission_requirements``; absent is empty.

    Raises:
        MalformedError: not requirements, too many, too deep, or a rule that nothing can satisfy.
    """
    if definition.raw("submission_requirements") is None:
        return ()
    requirements = tuple(_requirement(child, 1) for child in definition.children("submission_requirements"))
    if sum(1 for _ in _flattened(requirements)) > MAX_REQUIREMENTS:
        raise MalformedError(f"presentation definition has more than {MAX_REQUIREMENTS} submission requirements")
    return requirements


def groups_of(requirements: Iterable[SubmissionRequirement]) -> frozenset[str]:
    """The names of all groups that the requirements choose from."""
    return frozenset(one.group for one in _flattened(requirements) if one.group is not None)


def choose(
    requirements: Sequence[SubmissionRequirement], members: Sequence[tuple[str, frozenset[str], bool]]
) -> frozenset[str]:
    """Choose the descriptors to fulfil.

    Args:
        requirements: all of them have to be met.
        members: per descriptor, in order: its id, its groups, and whether there is a credential for it.

    Raises:
        UnmetRequirementError: there are too few credentials for one of them.
    """
    chosen: set[str] = set()
    for requirement in requirements:
        chosen |= _met(requirement, members)
    return frozenset(chosen)


def _met(requirement: SubmissionRequirement, members: Sequence[tuple[str, frozenset[str], bool]]) -> frozenset[str]:
    options: list[frozenset[str] | None] = []  # None: nothing there for this member
    if requirement.group is not None:
        for identifier, groups, available in members:
            if requirement.group in groups:
                options.append(frozenset({identifier}) if available else None)
    else:
        for nested in requirement.nested:
            try:
                options.append(_met(nested, members))
            except UnmetRequirementError:
                options.append(None)
    present = [option for option in options if option]
    if not requirement.pick:
        if None in options:
            raise UnmetRequirementError("a submission requirement asks for all of a group, and one is missing")
        return frozenset().union(*present)
    needed = requirement.count if requirement.count is not None else requirement.least or 0
    if len(present) < needed:
        raise UnmetRequirementError(f"a submission requirement asks for {needed}, and {len(present)} are there")
    return frozenset().union(*present[: requirement.count if requirement.count is not None else requirement.most])


def _flattened(requirements: Iterable[SubmissionRequirement]) -> Iterable[SubmissionRequirement]:
    for requirement in requirements:
        yield requirement
        yield from _flattened(requirement.nested)


def _requirement(fields: Fields, depth: int) -> SubmissionRequirement:
    if depth > MAX_NESTING:
        raise MalformedError(f"submission requirements are nested deeper than {MAX_NESTING}")
    rule = fields.text("rule")
    if rule not in {"all", "pick"}:
        raise MalformedError(f"{fields.what}: rule is not all or pick")
    group = fields.optional_text("from")
    if (group is None) == (fields.raw("from_nested") is None):
        raise MalformedError(f"{fields.what} needs either from or from_nested")
    nested = () if group is not None else fields.children("from_nested")
    if len(nested) > MAX_REQUIREMENTS:
        raise MalformedError(f"{fields.what} has more than {MAX_REQUIREMENTS} members")
    count, least, most = (fields.optional_count(name) for name in ("count", "min", "max"))
    if rule == "pick":
        # nuts-node takes a pick without numbers as "whatever is there", so nothing at all would do.
        if count is None and least is None and most is None:
            raise MalformedError(f"{fields.what}: pick needs count, min or max")
        if count == 0 or most == 0:
            raise MalformedError(f"{fields.what}: pick of none")
        if least is not None and most is not None and most < least:
            raise MalformedError(f"{fields.what}: max is below min")
    return SubmissionRequirement(
        name=fields.optional_text("name") or "",
        pick=rule == "pick",
        group=group,
        nested=tuple(_requirement(child, depth + 1) for child in nested),
        count=count,
        least=least,
        most=most,
    )
