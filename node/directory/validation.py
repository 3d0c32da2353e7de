"""What we author is held to the FHIR models of ``fhir.resources`` before anybody sees it; loaded when something is published.

It has no R4 (4.0.1); R4B stands in, which is the same for the five types of a directory. It checks structure only: codes are ours to get
right. What it read is never sent: it would lose fractions of seconds.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from registry.mcsd.resource import ResourceType


class InvalidEntryError(Exception):
    """An entry is no valid FHIR resource; the message names the member, never its value."""


class NoValidatorError(Exception):
    """The extra that validates is not installed."""


def check_entry(kind: ResourceType, content: Mapping[str, Any]) -> None:
    """Hold an entry to the model of its type.

    Raises:
        InvalidEntryError: it is not valid.
        NoValidatorError: nothing here can tell.
    """
    from pydantic import ValidationError  # with the models below, and nowhere else in this room

    try:
        _model(kind).model_validate(dict(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or str(part).isidentifier())
        raise InvalidEntryError(f"{kind}: {where or 'the resource'} is not as FHIR has it ({first['type']})") from error


@cache
def _model(kind: ResourceType) -> Any:
    try:
        from fhir.resources.R4B import get_fhir_model_class  # 30 MiB that only publishing needs
    except ImportError as error:
        raise NoValidatorError from error
    return get_fhir_model_class(kind)
