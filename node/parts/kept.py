"""What survives a restart: keys, database, audit log."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from node import health
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.seal import Sealer
from node.audit.writer_sqlite import SqliteAuditLog
from node.config.model import Config
from node.health import Check
from node.identity.credential_seal import CredentialSeal
from node.keys.choosing import open_vault
from node.parts.errors import NodeError
from node.ports import Entropy, KeyVault, World
from node.storage.database import Database, open_database
from node.storage.migrate import bring_up_to_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Open stores.

    Attributes:
        vault: private keys and secrets.
        database: everything but the audit log.
        wallet_seal: seals credentials that are held; issued_seal: those that were issued.
        audit: the one durable write.
        reader: reads what was written there.
        sealer: seals what the audit log keeps.
    """

    vault: KeyVault
    database: Database
    wallet_seal: CredentialSeal
    issued_seal: CredentialSeal
    audit: SqliteAuditLog
    reader: SqliteAuditReader
    sealer: Sealer
    entropy: Entropy

    def sealer_for(self, purpose: str) -> Sealer:
        """Return what seals for another purpose, under a key of its own."""
        return Sealer(self.vault.secret("seal"), purpose=purpose, entropy=self.entropy)

    @property
    def pseudonym_secret(self) -> bytes:
        """What citizens' numbers are pseudonymised with."""
        return self.vault.secret("pseudonym")

    @property
    def checks(self) -> dict[str, Check]:
        """How they are."""
        return {"audit": health.check_audit(self.audit), "database": health.check_database(self.database)}


async def open_kept(config: Config, world: World, stack: AsyncExitStack) -> Kept:
    """Open vault, database and audit log; they close with ``stack``.

    Raises:
        NodeError: PostgreSQL is configured.
        VaultError, SchemaError, AuditUnavailableError, SQLAlchemyError: one of them can not be opened.
    """
    if config.database is not None:
        raise NodeError(
            "PostgreSQL is not supported for a running node yet", "leave `database` out of hazel.yaml to use SQLite"
        )
    entropy = world.entropy
    vault = open_vault(config, entropy)
    stack.callback(vault.close)
    sealer = Sealer(vault.secret("seal"), purpose="audit", entropy=entropy)
    database = await stack.enter_async_context(open_database(config.database_url))
    wallet_seal = CredentialSeal.of(vault, "wallet", entropy)
    issued_seal = CredentialSeal.of(vault, "issued", entropy)
    await bring_up_to_date(database, {"wallet": wallet_seal, "issued": issued_seal})
    audit = SqliteAuditLog(config.data / "audit.db", sealer=sealer, clock=world.clock)
    await audit.open()
    stack.push_async_callback(audit.aclose)
    return Kept(
        vault=vault,
        database=database,
        wallet_seal=wallet_seal,
        issued_seal=issued_seal,
        audit=audit,
        reader=SqliteAuditReader(audit.path),
        sealer=sealer,
        entropy=entropy,
    )
