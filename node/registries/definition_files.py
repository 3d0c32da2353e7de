"""The definition files while the node runs: they are looked at again every round, and what changed is loaded without a restart.

A file that is wrong stops its own service only: its list is neither followed nor served, and nobody registers; who was registered stays
known until that expires. The operator is told the file, what is wrong, and what to do. Once it is right, all goes on by itself.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from credentials.errors import CredentialError
from node.registries.definitions import REMEDY, DefinitionError, definition_files
from registry.service import ServiceDefinition

logger = logging.getLogger(__name__)

Stamp = tuple[int, int, int]


class DefinitionFiles:
    """Keeps a mapping of services as the files are.

    Args:
        directory: of the files.
        services: as loaded when the node started; changed in place.
        needed: services that the configuration names: without a file they are stopped, the others are gone.
    """

    def __init__(self, directory: Path, services: dict[str, ServiceDefinition], needed: frozenset[str]) -> None:
        self.services = services
        self.stopped: dict[str, str] = {}
        """By service, why it is stopped and what to do."""
        self.strange: dict[str, str] = {}
        """The same of files of which nobody knows what service they are about, by name."""
        self._directory = directory
        self._needed = needed
        self._stamps: Mapping[Path, Stamp] = {}
        self._files: dict[str, Path] = {}
        self.look()

    def file_of(self, service: str) -> Path:
        """Where the definition of a service is, or would be put."""
        return self._files.get(service, self._directory / f"{service}.json")

    def write(self, service: str, content: bytes) -> None:
        """Put another definition in the place of that of a service, as a whole or not at all.

        Raises:
            OSError: it can not be written.
        """
        file = self.file_of(service)
        beside = file.with_name(f".{file.name}.new")
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)

    def look(self) -> bool:
        """Look at the files; returns whether anything changed. Reads no file that did not."""
        try:
            found = definition_files(self._directory)
            stamps = {file: _stamp(file) for file in found}
        except (DefinitionError, OSError) as error:
            self.strange = {str(self._directory): str(error)}
            return False
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        self._load(found)
        return True

    def _load(self, files: list[Path]) -> None:
        owner = {file: service for service, file in self._files.items()}
        right: dict[str, tuple[Path, ServiceDefinition]] = {}
        wrong: dict[Path, str] = {}
        for file in files:
            try:
                service = ServiceDefinition.parse(file.read_bytes())
            except CredentialError as error:
                wrong[file] = f"{file}: {error}; {REMEDY}"
                continue
            except OSError as error:
                wrong[file] = f"{file} can not be read: {error.strerror}; make it readable for the node"
                continue
            if service.id in right:
                wrong[file] = f"{file}: another file is about {service.id} too; take one of the two away"
                continue
            right[service.id] = (file, service)
        stopped = {owner[file]: reason for file, reason in wrong.items() if file in owner and owner[file] not in right}
        for name in self._needed - right.keys() - stopped.keys():
            stopped[name] = f"the definition file of {name} is gone; put it back in {self._directory}"
        self.strange = {file.name: reason for file, reason in wrong.items() if owner.get(file) not in stopped}
        for name in [each for each in self.services if each not in right and each not in stopped]:
            logger.info("discovery service is gone: its definition file is", extra={"service": name})
            del self.services[name]
            self._files.pop(name, None)
        for name, (file, service) in right.items():
            if name in self.services and self.services[name].raw != service.raw:
                logger.info("definition of a discovery service was loaded again", extra={"service": name})
            self.services[name] = service
            self._files[name] = file
        for name in stopped.keys() - self.stopped.keys():
            logger.error("discovery service is stopped", extra={"service": name, "reason": stopped[name]})
        self.stopped.clear()
        self.stopped.update(stopped)


def _stamp(file: Path) -> Stamp:
    seen = file.stat()
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)
