"""The composition root: opens the parts of a node in order, and closes them in reverse.

The parts stand in ``node/parts/``, one paragraph each. Nothing here decides anything.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from node.audit.log import AuditUnavailableError
from node.config.model import Config
from node.directory.opening import open_directory
from node.doctor.opening import open_doctor
from node.exchange.routes import TELEPHONES
from node.health import HEALTH, Health
from node.issuing.type_files import TypeFileError, load_types
from node.keys.errors import VaultError
from node.map.opening import open_map
from node.parts.doors import internal_door, public_door
from node.parts.errors import NodeError
from node.parts.exchange import open_exchange
from node.parts.kept import open_kept
from node.parts.members import open_members
from node.parts.records import open_records
from node.parts.tokens import open_tokens
from node.parts.trust import open_trust
from node.parts.world import real_world
from node.pki.opening import PkiError
from node.ports import World
from node.registries.definitions import DefinitionError
from node.storage.migrate import SchemaError
from node.usecases.load import UseCaseError
from node.vendor.opening import open_vendor_api

__all__ = ["Loop", "Node", "NodeError", "open_node"]

PRUNE_SECONDS = 60.0

Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An open node: two applications and what runs beside them."""

    config: Config
    world: World
    public: web.Application
    internal: web.Application
    loops: Mapping[str, Loop]


@asynccontextmanager
async def open_node(config: Config, world: World | None = None) -> AsyncIterator[Node]:
    """Wire a node and keep it open; leaving the block closes everything in reverse.

    Args:
        config: as loaded, with absolute paths.
        world: time, chance and network; the real ones by default.

    Raises:
        NodeError: something is missing or wrong, with what to do.
    """
    async with AsyncExitStack() as stack:
        try:
            node = await _open(config, world or await real_world(config, stack), stack)
        except (VaultError, SchemaError, DefinitionError, PkiError, TypeFileError, UseCaseError) as error:
            raise NodeError(str(error), getattr(error, "remedy", None) or _REMEDIES[type(error)]) from error
        except AuditUnavailableError as error:
            raise NodeError(str(error), "is another process running this node? is the disk writable?") from error
        except SQLAlchemyError as error:
            raise NodeError("the database of this node can not be opened", "restore it from the backup") from error
        yield node


async def _open(config: Config, world: World, stack: AsyncExitStack) -> Node:
    kept = await open_kept(config, world, stack)
    trust = await open_trust(config, world, kept, stack)
    members = await open_members(config, world, kept, trust)
    vendor = open_vendor_api(
        database=kept.database,
        subjects=trust.subjects,
        wallet=trust.wallet,
        vault=kept.vault,
        issued_seal=kept.issued_seal,
        lists=trust.lists,
        verifier=trust.verifier,
        audit=kept.audit,
        types=load_types(config.credential_types),
        world=world,
    )
    tokens = open_tokens(config, world, kept, trust)
    records = open_records(config, world, kept, trust, members, stack)
    exchange = open_exchange(config, world, kept, trust, members, tokens, records)
    directory = await open_directory(
        config,
        world,
        kept.database,
        trust.usecases,
        registered=lambda: members.participation.directory,
        is_away=exchange.broker.means.health.is_away,
    )
    doctor = open_doctor(config, world, trust, members, tokens)
    drawn = open_map(config, world, trust, members, tokens)

    # In this order: what we issued to ourselves, then what shows it to others, then what was signed with the key.
    trust.key_changes.on_compromise.append(vendor.renewal.after_compromise)
    trust.key_changes.on_compromise.append(members.renewal.register_anew)
    trust.key_changes.on_compromise.append(tokens.requester.forget_key)

    public = public_door(config, trust.refusals)
    internal = internal_door(config, kept.database, trust.subjects)
    checks = {**kept.checks, **trust.checks, **exchange.checks, **members.checks}
    for app in (public, internal):
        for part in (trust, members, vendor, tokens, records, exchange, directory, doctor, drawn):
            part.install(app)
        app[TELEPHONES] = directory.telephones
        app[HEALTH] = Health(world, checks, config.unsafe)

    async def prune() -> None:
        while True:
            await world.clock.sleep(PRUNE_SECONDS)
            exchange.facts.forget_expired()
            await exchange.books.named.prune(world.clock.now())
            exchange.broker.forget_expired()
            await tokens.store.prune(world.clock.now())

    return Node(
        config=config,
        world=world,
        public=public,
        internal=internal,
        loops={
            "discovery": members.participation.run,
            "members": members.participation.watch,
            "status lists": trust.verifier.status_lists.run,
            "credential renewal": vendor.renewal.run,
            **trust.revocation.loops,
            "audit head": records.heads.run,
            **directory.loops,
            "prune": prune,
        },
    )


_REMEDIES: Mapping[type[Exception], str] = {
    VaultError: "restore the vault key, and the keys in the data directory, from the backup",
    SchemaError: "run the newer version of hazel-node that wrote it",
    DefinitionError: "mend or remove that file",
    PkiError: "copy it from the PEM file of its publisher, in one line",
    UseCaseError: "check it with: hazel usecase check FILE",
}
