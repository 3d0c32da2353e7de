"""The use case files a command can see: the shipped ones, and those in ``usecase_directory`` of the configuration."""

from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from node.cli.output import CommandError, say
from node.config.model import Config, Trust
from node.usecases.book import UseCaseBook
from node.usecases.load import LoadedUseCase, UseCaseError, load_chosen, load_shipped, parse_usecase


def known_usecases(config: Config | None) -> Mapping[str, LoadedUseCase]:
    """Return the use cases by id. A shipped one can not be replaced; a file that can not be used is told and left out.

    Raises:
        CommandError: a shipped file is not what was shipped.
    """
    try:
        shipped = {one.usecase.id: one for one in load_shipped()}
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    own: dict[str, LoadedUseCase] = {}
    directory = config.usecase_directory if config is not None else None
    for file in sorted(directory.glob("*.yaml")) if directory is not None else ():
        if file.stem in shipped:
            say(f"note: {file} is left out: a shipped use case can not be replaced")
            continue
        try:
            (own[file.stem],) = load_chosen([file.stem], directory)
        except (UseCaseError, OSError) as error:
            say(f"note: left out: {error}")
    return dict(sorted((shipped | own).items()))


def find_usecase(config: Config, usecase_id: str) -> LoadedUseCase | None:
    """Return one use case; ``None`` when there is none that can be used."""
    try:
        (found,) = load_chosen([usecase_id], config.usecase_directory)
    except (UseCaseError, OSError):
        return None
    return found


def check_usecase(config: Config, usecase_id: str) -> LoadedUseCase:
    """Load one use case as the node does at its start.

    Raises:
        CommandError: it is not there or can not be used; with the remedy.
    """
    try:
        (found,) = load_chosen([usecase_id], config.usecase_directory)
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    _check_definitions(found, config.trust)
    return found


def read_usecase(file: Path, trust: Trust) -> LoadedUseCase:
    """Read one file and check it as a node would that takes part in it, its presentation definitions included.

    Args:
        file: to read.
        trust: fills the trust anchors.

    Raises:
        CommandError: it can not be read or used; with the remedy.
    """
    try:
        loaded = parse_usecase(file.read_bytes(), str(file))
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    _check_definitions(loaded, trust)
    return loaded


def _check_definitions(loaded: LoadedUseCase, trust: Trust) -> None:
    try:
        UseCaseBook([loaded], trust.of_usecase(loaded.usecase.id))
    except (ValueError, CredentialError) as error:
        raise CommandError(f"{loaded.file}: presentation_definitions: {error}") from error
