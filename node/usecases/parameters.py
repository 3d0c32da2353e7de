"""One search parameter of a use case file: filled by the asker, recognised by the holder.

A parameter is written ``name=value``, not percent-encoded; the value may end in one placeholder:

``{bsn}``      nine digits that pass the eleven test
anything else  a logical id of a resource; ``{patient}`` also where the reference ``Patient/<id>`` is given

Two spellings mean the same and are compared as the same: the order of values joined by commas (not in ``_sort``, where it
matters), and ``Patient/<id>`` for ``<id>`` where the patient is meant. Values with a backslash (FHIR's escape) mean only
themselves, and a comma never hides in a placeholder: two patients in one parameter are not one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from node.usecases.identifiers import is_bsn, is_fhir_id

BSN = "bsn"
PATIENT = "patient"
ORDERED = frozenset({"_sort"})
"""Parameters in which the order of values carries meaning."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:\-]{0,63}\Z")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z_]{0,31})\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a query table.

    Attributes:
        name: as on the wire, with modifier if any.
        fixed: the value, or what stands before the placeholder.
        placeholder: name of the binding that completes the value; ``None`` for a constant.
    """

    name: str
    fixed: str
    placeholder: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name=value`` of a use case file.

        Raises:
            ValueError: not a parameter; the message says why.
        """
        name, equals, value = text.partition("=")
        if not equals or not value or _NAME.match(name) is None:
            raise ValueError(f"{text!r} is not name=value")
        if not value.isprintable():
            raise ValueError(f"the value of {name} holds a control character")
        found = _PLACEHOLDER.search(value)
        if found is None:
            if "{" in value or "}" in value:
                raise ValueError(f"the placeholder of {name} is not {{lower_case}}")
            return cls(name=name, fixed=value, placeholder=None)
        if found.end() != len(value):
            raise ValueError(f"the placeholder of {name} must end its value")
        fixed = value[: found.start()]
        if "{" in fixed or "}" in fixed or "," in fixed:
            raise ValueError(f"{name} may hold one placeholder and no list before it")
        return cls(name=name, fixed=fixed, placeholder=found.group(1))

    def to_text(self) -> str:
        """Return the parameter as a file writes it."""
        return f"{self.name}={self.fixed}" + (f"{{{self.placeholder}}}" if self.placeholder else "")

    def fill(self, bindings: Mapping[str, str]) -> tuple[str, str]:
        """Return name and value with the placeholder filled.

        Raises:
            KeyError: the binding is missing.
            ValueError: its value is not of the kind that may stand there.
        """
        if self.placeholder is None:
            return self.name, self.fixed
        value = bindings[self.placeholder]
        check_binding(self.placeholder, value)
        return self.name, self.fixed + value

    def recognise(self, value: str) -> Mapping[str, str] | None:
        """Return what ``value`` binds if it is this parameter's value in any of its spellings, else ``None``."""
        if self.placeholder is None:
            return {} if normal_value(self.name, value) == normal_value(self.name, self.fixed) else None
        if not value.startswith(self.fixed):
            return None
        bound = value[len(self.fixed) :]
        if self.placeholder == PATIENT and not self.fixed:
            bound = bound.removeprefix("Patient/")
        good = is_bsn(bound) if self.placeholder == BSN else is_fhir_id(bound)
        return {self.placeholder: bound} if good else None


def check_binding(name: str, value: str) -> None:
    """Check that ``value`` may be filled in for ``{name}``.

    Raises:
        ValueError: it may not; the message does not repeat the value.
    """
    if not (is_bsn(value) if name == BSN else is_fhir_id(value)):
        raise ValueError(f"the value for {{{name}}} is not a {'BSN' if name == BSN else 'logical id'}")


def normal_value(name: str, value: str) -> str:
    """Return ``value`` with the order of its comma-joined parts taken out, where that order means nothing."""
    if name in ORDERED or "\\" in value or "," not in value:
        return value
    return ",".join(sorted(value.split(",")))
