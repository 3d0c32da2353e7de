"""Taking over a service whose host is lost for good (``hazel discovery promote``).

A mirror has the whole log and every message that counts, so it goes on where the host was: same seed, next number. What everybody
needs is a new definition, which names this node as the host and its key as the log's; it is written here and handed on by whoever
runs the service.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.registries.definition_files import DefinitionFiles
from node.registries.hosted import HostedServices
from node.web.replies import RequestError
from registry.service import ServiceDefinition
from registry.transparency.keys import LogKeys
from registry.transparency.ports import LogStore, StoredTree


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What became of it.

    Attributes:
        definition: for every participant.
        file: where it was written here.
        size: leaves of the log.
        number: the next message gets this one.
        missing: messages that count by the log and are not here.
    """

    definition: Mapping[str, Any]
    file: Path
    size: int
    number: int
    missing: int


def new_definition(service: ServiceDefinition, keys: LogKeys) -> Mapping[str, Any]:
    """The definition with this node as the host: no longer a mirror, and no witness of itself."""
    witness = str(keys.witness().verifier)
    wire = dict(service.raw)
    own = keys.own_url(service.id)
    witnesses = [each for each in wire.get("witnesses", []) if each != witness]
    wire |= {"endpoint": own, "log_key": str(keys.log(service).verifier)}
    wire["mirrors"] = [each for each in wire.get("mirrors", []) if each != own]
    wire["witnesses"] = witnesses
    wire["witness_quorum"] = min(service.witness_quorum, len(witnesses))
    return wire


class TakingOver:
    """Makes this node the host of services that it mirrors."""

    def __init__(self, store: LogStore, keys: LogKeys, files: DefinitionFiles, hosted: HostedServices) -> None:
        self._store = store
        self._keys = keys
        self._files = files
        self._hosted = hosted

    async def restore(self) -> None:
        """Host again what was taken over before the last restart, where the definition still says so."""
        for name, service in self._files.services.items():
            tree = await self._store.tree(name)
            if tree is not None and tree.is_own and service.endpoint == self._keys.own_url(name):
                self._hosted.add(name)

    async def take_over(self, service: ServiceDefinition, *, incomplete: bool) -> TakenOver:
        """Do it.

        Args:
            service: that this node mirrors.
            incomplete: also when messages are missing: who sent those has to register again.

        Side effects: the log becomes our own, the definition file is written again.

        Raises:
            RequestError: this node is no mirror of it, or its copy is not whole.
        """
        # (1) a whole copy
        tree = await self._store.tree(service.id)
        if tree is not None and tree.is_own:
            raise RequestError(409, "is_host", "this node hosts that service already")
        if tree is None or not tree.is_whole:
            raise RequestError(
                409,
                "no_mirror",
                "this node has no whole copy of that service",
                "its definition has to name this node among the mirrors",
            )
        # (2) of which nothing is missing
        roll = await self._store.roll(service.id)
        missing = [each.number for each in roll.listed.values() if not each.is_here]
        if missing and not incomplete:
            raise RequestError(
                409,
                "incomplete",
                f"{len(missing)} messages count by the log and are not here",
                "promote another mirror, or this one with --incomplete: who sent those has to register again",
            )
        definition, file = new_definition(service, self._keys), self._files.file_of(service.id)
        return await self._done(service, tree, definition, file, number=roll.last + 1, missing=len(missing))

    async def _done(
        self,
        service: ServiceDefinition,
        tree: StoredTree,
        definition: Mapping[str, Any],
        file: Path,
        *,
        number: int,
        missing: int,
    ) -> TakenOver:
        # (3) the file first: without it nothing changed, and it can be done again
        try:
            self._files.write(service.id, json.dumps(definition, indent=2, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise RequestError(409, "not_written", f"{file} can not be written", "let the node write there") from error
        await self._store.promote(service.id)
        self._hosted.add(service.id)
        self._files.look()
        return TakenOver(definition=definition, file=file, size=tree.frontier.size, number=number, missing=missing)
