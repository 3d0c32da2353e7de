"""From the configuration to what looks after revoked and denied certificates."""

from collections.abc import Iterable

from credentials.ports import SignatureCache
from node.config.model import Config
from node.pki.deny_list import DenyListKeeper, read_signer
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation import Revocation
from node.pki.revocation_lists import RevocationLists
from node.ports import World
from node.usecases.model import UseCase
from registry.service import ServiceDefinition


class PkiError(Exception):
    """A setting about certificates can not be used; the message names it."""


def open_revocation(
    config: Config,
    world: World,
    usecases: Iterable[UseCase],
    services: Iterable[ServiceDefinition],
    *,
    signatures: SignatureCache | None = None,
) -> Revocation:
    """Wire the lists of all CAs that the configuration, use cases and services name, and the deny list.

    Args:
        config: its ``trust``, ``pki`` and ``unsafe_pki_soft_fail``.
        world: time and network.
        usecases: those this node takes part in.
        services: discovery services that it knows.
        signatures: remembers which chains held.

    Raises:
        PkiError: the key of the deny list can not be read.
    """
    anchors = [config.trust.uzi, *config.trust.anchors.values()]
    anchors += [each for named in config.trust.usecases.values() for each in named.values()]
    known = KnownAuthorities(
        [fingerprint for each in anchors for fingerprint in each],
        [*(each.presentation_definitions for each in usecases), *(service.raw for service in services)],
    )
    keeper = None
    if config.pki.deny_list is not None and config.pki.deny_list_key is not None:
        try:
            signer = read_signer(config.pki.deny_list_key)
        except ValueError as error:
            raise PkiError(f"pki.deny_list_key {error}") from error
        keeper = DenyListKeeper(world.peers, world.clock, url=config.pki.deny_list, signer=signer)
    lists = RevocationLists(world.peers, world.clock, known, signatures=signatures)
    return Revocation(lists, keeper, soft_fail=config.unsafe_pki_soft_fail)
