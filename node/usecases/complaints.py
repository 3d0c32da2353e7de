"""What the model says of a file that does not fit, in our words: path, line, message, remedy; every mistake, unknown members first."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from node.usecases.errors import UseCaseError
from node.usecases.lines import Location, line_of, places
from node.usecases.model import UseCase
from node.usecases.remedies import remedy_for

MAX_MISTAKES = 100


def complain(file: str, text: str, error: ValidationError) -> UseCaseError:
    """Return the first mistake, with the others in it. Unknown members come first: they are the cause of missing ones."""
    details = sorted(
        error.errors(include_url=False, include_input=False), key=lambda each: each["type"] != "extra_forbidden"
    )
    within = {each["loc"][:length] for each in details for length in range(len(each["loc"]))}
    details = [each for each in details if each["type"] != "too_short" or each["loc"] not in within][:MAX_MISTAKES]
    found = places(text)
    mistakes = tuple(_mistake(file, each, found) for each in details)
    first = mistakes[0]
    return UseCaseError(file, first.path, first.message, first.remedy, line=first.line, others=mistakes[1:])


def _mistake(file: str, detail: ErrorDetails, found: Mapping[Location, int]) -> UseCaseError:
    location = detail["loc"] or _named_in(detail["msg"])
    message, remedy = _explain(detail, location)
    return UseCaseError(file, dotted(location), message, remedy, line=line_of(found, location))


def _named_in(message: str) -> tuple[str, ...]:
    """Return the member that a complaint about the whole file is about: the first that it names."""
    names = [name for name in _members(()) if re.search(rf"\b{name}\b", message)]
    return tuple(sorted(names, key=message.index)[:1])


def _explain(detail: ErrorDetails, location: Sequence[int | str]) -> tuple[str, str]:
    message = detail["msg"].removeprefix("Value error, ")
    match detail["type"]:
        case "extra_forbidden":
            known = _members(location[:-1])
            close = get_close_matches(str(location[-1]), known, n=1)
            return "is not a member of a use case file", (
                f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
            )
        case "missing":
            return "is missing", "add it"
        case "literal_error":
            allowed = _allowed(detail)
            return message, f"write {allowed}" if allowed else remedy_for(message, location)
        case "string_pattern_mismatch":
            return "is not of its form", remedy_for("", location)
        case _:
            return message, remedy_for(message, location)


def _allowed(detail: ErrorDetails) -> str:
    return str(detail.get("ctx", {}).get("expected", ""))


def dotted(location: Sequence[int | str]) -> str:
    """Return ``tables[0].steps[2].title`` for a location."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else part)
    return path


def _members(location: Sequence[int | str]) -> list[str]:
    """Return the names that may stand at ``location``, walking the model from its root."""
    model: type[BaseModel] = UseCase
    for part in location:
        field = next((each for name, each in model.model_fields.items() if part in (name, each.alias)), None)
        if field is not None:
            model = _model_within(field.annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation such as ``tuple[Step, ...]`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is Literal:
        return None
    return next((found for part in get_args(annotation) if (found := _model_within(part)) is not None), None)
