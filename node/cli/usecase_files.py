"""The use case files a command can see: the shipped ones, and those in ``usecase_directory`` of the configuration."""

from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from node.cli.output import CommandError
from node.config.model import Config, Trust
from node.usecases.book import UseCaseBook
from node.usecases.load import LoadedUseCase, UseCaseError, load_shipped, parse_usecase


def known_usecases(config: Config | None) -> Mapping[str, LoadedUseCase]:
    """Return the use cases by id; a file of the operator's own goes before a shipped one of the same id.

    Raises:
        CommandError: a file can not be used.
    """
    try:
        found = {one.usecase.id: one for one in load_shipped()}
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    if config is not None and config.usecase_directory is not None:
        if not config.usecase_directory.is_dir():
            raise CommandError(f"{config.usecase_directory} is not a directory", "see usecase_directory in hazel.yaml")
        for file in sorted(config.usecase_directory.glob("*.yaml")):
            one = read_usecase(file, config.trust)
            found[one.usecase.id] = one
    return dict(sorted(found.items()))


def read_usecase(file: Path, trust: Trust | None) -> LoadedUseCase:
    """Read one file and check it as a node would that takes part in it, its presentation definitions included.

    Args:
        file: to read.
        trust: fills the trust anchors; ``None`` fills them with the configuration's default.

    Raises:
        CommandError: it can not be read or used.
    """
    try:
        loaded = parse_usecase(file.read_bytes(), str(file))
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UseCaseError as error:
        raise CommandError(str(error), error.remedy) from error
    try:
        UseCaseBook([loaded], anchors_of(trust if trust is not None else Trust()))
    except (ValueError, CredentialError) as error:
        raise CommandError(f"{file}: presentation_definitions: {error}") from error
    return loaded


def anchors_of(trust: Trust) -> Mapping[str, tuple[str, ...]]:
    """Return the trust anchors by the names that use case files call them."""
    return {"uzi": trust.uzi}
