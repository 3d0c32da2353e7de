"""The definition files of discovery services, the same for every participant."""

from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from registry.service import ServiceDefinition

MAX_FILES = 1_000


class DefinitionError(Exception):
    """A definition file can not be used; the message names the file and the member."""


def load_definitions(directory: Path) -> Mapping[str, ServiceDefinition]:
    """Read every ``*.json`` in ``directory``, by service id; a directory that is not there holds none.

    Raises:
        DefinitionError: a file is wrong, or two are about the same service.
    """
    services: dict[str, ServiceDefinition] = {}
    if not directory.is_dir():
        return services
    for file in sorted(directory.glob("*.json"))[:MAX_FILES]:
        try:
            service = ServiceDefinition.parse(file.read_bytes())
        except (CredentialError, OSError) as error:
            raise DefinitionError(f"{file}: {error}") from error
        if service.id in services:
            raise DefinitionError(f"{file}: another file is about {service.id} too")
        services[service.id] = service
    return services
