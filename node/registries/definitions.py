"""The definition files of discovery services, the same for every participant."""

from pathlib import Path

from credentials.errors import CredentialError
from registry.service import ServiceDefinition

MAX_FILES = 1_000
REMEDY = "put the file back as its publisher gave it, the same for every participant"


class DefinitionError(Exception):
    """A definition file can not be used; the message names the file and the member.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def load_definitions(directory: Path) -> dict[str, ServiceDefinition]:
    """Read every ``*.json`` in ``directory``, by service id; a directory that is not there holds none.

    Raises:
        DefinitionError: a file is wrong, or two are about the same service.
    """
    services: dict[str, ServiceDefinition] = {}
    for file in definition_files(directory):
        try:
            service = ServiceDefinition.parse(file.read_bytes())
        except CredentialError as error:
            raise DefinitionError(f"{file}: {error}", REMEDY) from error
        except OSError as error:
            raise DefinitionError(
                f"{file} can not be read: {error.strerror}", "every *.json in that directory is a definition"
            ) from error
        if service.id in services:
            raise DefinitionError(f"{file}: another file is about {service.id} too", "take one of the two away")
        services[service.id] = service
    return services


def definition_files(directory: Path) -> list[Path]:
    """List the files, in order.

    Raises:
        DefinitionError: there are more than anybody needs.
    """
    files = sorted(each for each in directory.glob("*.json") if not each.name.startswith("."))
    if len(files) > MAX_FILES:
        raise DefinitionError(f"{directory} holds more than {MAX_FILES} files", "leave those of services that are used")
    return files
