"""The definition files of discovery services, the same for every participant."""

from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from registry.service import ServiceDefinition

MAX_FILES = 1_000


class DefinitionError(Exception):
    """A definition file can not be used; the message names the file and the member.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def load_definitions(directory: Path) -> Mapping[str, ServiceDefinition]:
    """Read every ``*.json`` in ``directory``, by service id; a directory that is not there holds none.

    Raises:
        DefinitionError: a file is wrong, or two are about the same service.
    """
    services: dict[str, ServiceDefinition] = {}
    if not directory.is_dir():
        return services
    files = sorted(directory.glob("*.json"))
    if len(files) > MAX_FILES:
        raise DefinitionError(f"{directory} holds more than {MAX_FILES} files", "leave those of services that are used")
    for file in files:
        try:
            service = ServiceDefinition.parse(file.read_bytes())
        except CredentialError as error:
            remedy = "put the file back as its publisher gave it, the same for every participant"
            raise DefinitionError(f"{file}: {error}", remedy) from error
        except OSError as error:
            raise DefinitionError(
                f"{file} can not be read: {error.strerror}", "every *.json in that directory is a definition"
            ) from error
        if service.id in services:
            raise DefinitionError(f"{file}: another file is about {service.id} too", "take one of the two away")
        services[service.id] = service
    return services
