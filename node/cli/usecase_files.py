"""The use case files a command can see: the shipped ones, and those in ``usecase_directory`` of the configuration."""

from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from node.cli.output import CommandError, say
from node.config.model import Config, Trust
from node.usecases.book import UseCaseBook
from node.usecases.load import (
    SHIPPED,
    LoadedUseCase,
    UseCaseError,
    load_chosen,
    load_shipped,
    parse_usecase,
    read_local,
    usecase_id,
)
from node.usecases.vocabulary import SIGNERS


def known_usecases(config: Config | None) -> Mapping[str, LoadedUseCase]:
    """Return the use cases by id; files that can not be used are told and left out.

    A file of one's own is shown whether or not it is signed or pinned yet; one that stands in for a shipped use case only
    where a node would take it.

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
        try:
            own[file.stem] = _as_the_node(config, file.stem) if file.stem in shipped else read_local(file)
        except (UseCaseError, OSError) as error:
            say(f"note: left out: {error}")
    return dict(sorted((shipped | own).items()))


def find_usecase(config: Config, wanted: str) -> LoadedUseCase | None:
    """Return one use case; ``None`` when there is none that can be used."""
    try:
        return _as_the_node(config, wanted)
    except (UseCaseError, OSError):
        return None


def check_usecase(config: Config, wanted: str) -> LoadedUseCase:
    """Load one use case as the node does at its start.

    Args:
        config: says where its files are, what is pinned and who is trusted.
        wanted: as it stands in ``usecases``, pinned or not.

    Raises:
        CommandError: it is not there or can not be used; with the remedy.
    """
    try:
        found = _as_the_node(config, wanted)
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    check_definitions(found, config.trust)
    return found


def read_usecase(file: Path) -> LoadedUseCase:
    """Read one file, whatever it is called.

    Raises:
        CommandError: it can not be opened.
        UseCaseError: it can not be used.
    """
    try:
        return parse_usecase(file.read_bytes(), str(file))
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error


def check_definitions(loaded: LoadedUseCase, trust: Trust) -> None:
    """Check the presentation definitions as a node would that takes part, its trust anchors filled in.

    Raises:
        CommandError: one can not be used.
    """
    try:
        UseCaseBook([loaded], trust.of_usecase(loaded.usecase.id))
    except (ValueError, CredentialError) as error:
        raise CommandError(
            f"{loaded.file}: presentation_definitions: {error}", "compare with a shipped use case: hazel usecase show"
        ) from error


def in_force(config: Config | None, wanted: str) -> LoadedUseCase | None:
    """Return what counts now under this id: what the node runs, else what is shipped; ``None`` for something new."""
    if config is not None and wanted in map(usecase_id, config.usecases):
        found = find_usecase(config, wanted)
        if found is not None:
            return found
    if wanted not in SHIPPED:
        return None
    (shipped,) = load_chosen([wanted], None)
    return shipped


def _as_the_node(config: Config | None, wanted: str) -> LoadedUseCase:
    """Load what a node with this configuration takes; an id that it pins is pinned."""
    if config is None:
        (found,) = load_chosen([wanted], None)
        return found
    wanted = usecase_id(wanted)
    entry = next((each for each in config.usecases if usecase_id(each) == wanted), wanted)
    (found,) = load_chosen([entry], config.usecase_directory, config.trust.anchors.get(SIGNERS, ()))
    return found
