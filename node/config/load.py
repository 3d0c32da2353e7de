"""Reading ``hazel.yaml``: text in, :class:`Config` or one error with the dotted path and a suggestion out."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from node.config.model import Config
from node.config.text_yaml import YamlError, read_text_yaml


class ConfigError(Exception):
    """The configuration can not be used.

    Attributes:
        path: dotted path of the member, empty for the file as a whole.
        remedy: what to do.
    """

    def __init__(self, path: str, message: str, remedy: str | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message
        self.remedy = remedy


def load_config(file: Path) -> Config:
    """Read and check ``file``; relative paths in it become absolute, seen from its folder.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            "", f"there is no {file}", "make a node with: hazel init DIR …, or name its file with --config"
        ) from error
    except OSError as error:
        raise ConfigError("", f"{file} can not be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("", f"{file} can not be read: it is not text in UTF-8") from error
    try:
        value = read_text_yaml(text)
    except YamlError as error:
        raise ConfigError("", f"{file}: {error}") from error
    return parse_config(value, file.resolve().parent)


def parse_config(value: Any, folder: Path) -> Config:
    """Check what was read; see :func:`load_config`."""
    if not isinstance(value, dict):
        raise ConfigError("", "the configuration must be a mapping")
    try:
        config = Config.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _members(first["loc"][:-1])
            close = get_close_matches(str(first["loc"][-1]), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
            raise ConfigError(path, "there is no such setting", remedy) from error
        raise ConfigError(path, first["msg"].removeprefix("Value error, ")) from error
    absolute: Config = _absolute(config, folder)
    return absolute


def _absolute(section: Any, folder: Path) -> Any:
    changes: dict[str, Any] = {}
    for name in type(section).model_fields:
        member = getattr(section, name)
        if isinstance(member, Path):
            changes[name] = folder / member
        elif isinstance(member, BaseModel):
            changes[name] = _absolute(member, folder)
        elif isinstance(member, dict):
            changes[name] = {
                key: _absolute(child, folder) if isinstance(child, BaseModel) else child
                for key, child in member.items()
            }
    return section.model_copy(update=changes)


def _members(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # the key of a mapping; its model was entered already
        candidates = [field.annotation, *get_args(field.annotation)]
        model = next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), model)
    return list(model.model_fields)
