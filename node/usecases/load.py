"""From the text of a use case file to a :class:`UseCase`, or one error that says where and what to do.

The digest is over the bytes of the file as they stand, trust anchors unfilled, so that two nodes with the same file but
other anchors name the same thing. Shipped files are pinned here: they decide what leaves, so a change to one is a change
to this module, seen in review.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from node.config.text_yaml import YamlError, read_text_yaml
from node.usecases.model import UseCase

MAX_FILE_BYTES = 262_144
FOLDER = Path(__file__).parent

SHIPPED = {
    "ha-vvt": "sha256:ba73a00ac67f502303f22470f675991a0f18b7ccd7bf50ce915834db67eed962",
    "medication": "sha256:27eb7696d6b9657ca524c9be209105921452dea716850958c996ab26d5c738fb",
}
"""Shipped use cases and the digest of their file."""


class UseCaseError(Exception):
    """A use case file can not be used.

    Attributes:
        file: its name.
        path: dotted path of the member, empty for the file as a whole.
        message: what is wrong.
        remedy: what to do, where that can be said.
    """

    def __init__(self, file: str, path: str, message: str, remedy: str | None = None) -> None:
        super().__init__(f"{file}: {path}: {message}" if path else f"{file}: {message}")
        self.file = file
        self.path = path
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedUseCase:
    """A use case with the file it came from.

    Attributes:
        digest: ``sha256:`` and 64 hexadecimal digits over the file's bytes.
    """

    usecase: UseCase
    digest: str
    file: str


def load_shipped() -> tuple[LoadedUseCase, ...]:
    """Read the use cases that come with the package, in the order of their ids.

    Raises:
        UseCaseError: a file is not the one that was shipped.
    """
    return tuple(_shipped(usecase_id) for usecase_id in sorted(SHIPPED))


def _shipped(usecase_id: str) -> LoadedUseCase:
    name = f"{usecase_id}.yaml"
    found = parse_usecase((FOLDER / name).read_bytes(), name)
    if found.digest != SHIPPED[usecase_id]:
        raise UseCaseError(name, "", "is not the file that was shipped", "reinstall hazel-node")
    return found


def parse_usecase(body: bytes, file: str) -> LoadedUseCase:
    """Read a use case file. Total: any bytes give a value or a :class:`UseCaseError`.

    Args:
        body: the file as it stands.
        file: its name, for errors.
    """
    if len(body) > MAX_FILE_BYTES:
        raise UseCaseError(file, "", f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        value = read_text_yaml(body.decode())
    except (YamlError, UnicodeDecodeError, ValueError) as error:
        raise UseCaseError(file, "", str(error) if isinstance(error, YamlError) else "is not YAML in UTF-8") from error
    if not isinstance(value, dict):
        raise UseCaseError(file, "", "must be a mapping")
    try:
        usecase = UseCase.model_validate(value)
    except ValidationError as error:
        raise _explain(file, error) from error
    return LoadedUseCase(usecase=usecase, digest=f"sha256:{hashlib.sha256(body).hexdigest()}", file=file)


def _explain(file: str, error: ValidationError) -> UseCaseError:
    """Turn the first complaint of the model into ours, unknown members first: they are the cause of missing ones."""
    complaints = sorted(
        error.errors(include_url=False, include_input=False), key=lambda e: e["type"] != "extra_forbidden"
    )
    first = complaints[0]
    location = first["loc"]
    path = _dotted(location)
    if first["type"] == "extra_forbidden":
        known = _members(location[:-1])
        close = get_close_matches(str(location[-1]), known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
        return UseCaseError(file, path, "is not a member of a use case file", remedy)
    if first["type"] == "missing":
        return UseCaseError(file, path, "is missing", "add it")
    return UseCaseError(file, path, first["msg"].removeprefix("Value error, "))


def _dotted(location: Sequence[int | str]) -> str:
    """Return ``tables[0].steps[2].title`` for a location."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else part)
    return path


def _members(location: Sequence[int | str]) -> list[str]:
    """Return the names that may stand at ``location``, walking the model from its root."""
    model: type[BaseModel] = UseCase
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_within(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_within(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation such as ``tuple[Step, ...]`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_within(part)) is not None), None)


def load_chosen(chosen: Sequence[str], directory: Path | None) -> tuple[LoadedUseCase, ...]:
    """Read the use cases that a node takes part in, shipped ones or files of its own, in the order given.

    Args:
        chosen: ids.
        directory: with files of the operator's own, called ``<id>.yaml``; a shipped use case can not be replaced.

    Raises:
        UseCaseError: one is not there, or can not be used.
    """
    return tuple(_shipped(each) if each in SHIPPED else _own(each, directory) for each in dict.fromkeys(chosen))


def _own(usecase_id: str, directory: Path | None) -> LoadedUseCase:
    name = f"{usecase_id}.yaml"
    file = None if directory is None or "/" in usecase_id else directory / name
    if file is None or not file.is_file():
        where = f"put {name} in usecase_directory" if directory else "or set usecase_directory"
        raise UseCaseError(name, "", "there is no such use case", f"shipped: {', '.join(sorted(SHIPPED))}; {where}")
    loaded = parse_usecase(file.read_bytes(), str(file))
    if loaded.usecase.id != usecase_id:
        raise UseCaseError(str(file), "id", f"is {loaded.usecase.id}, but the file is called {name}")
    return loaded
