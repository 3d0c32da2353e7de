"""Stand-ins for the world around the audit log: a clock that is set, chance that repeats, records about made-up people."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from credentials.keys import KeyId, SoftwareKey
from credentials.ports import PrivateKey
from node.audit.log import SingleUse
from node.audit.record import AuditRecord
from node.audit.rules import RuleOutcome
from node.audit.schema_sqlite import Connect, connect
from node.audit.seal import Sealer
from node.audit.writer_sqlite import SqliteAuditLog

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
BSN = "999990135"  # a test number that passes the elfproef
PATIENT = "k1.AAAAAAAAAAAAAAAAAAAAAA"
KID = KeyId("did:web:gouwe.example#1")


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CountingEntropy:
    """Chance without chance: never the same twice."""

    def __init__(self) -> None:
        self.drawn = 0

    def token(self, n_bytes: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_128(self.drawn.to_bytes(8)).digest(n_bytes)

    def uuid(self) -> str:
        digest = self.token(16).hex()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"


def a_sealer(purpose: str = "audit") -> Sealer:
    return Sealer(b"s" * 32, purpose=purpose, entropy=CountingEntropy())


def a_record(**changes: Any) -> AuditRecord:
    members: dict[str, Any] = {
        "kind": "disclosure",
        "direction": "inbound",
        "subject": "gouwe",
        "at": NOW,
        "usecase": "ha-vvt",
        "step": "blood-pressure",
        "purpose": "TREAT",
        "patient": PATIENT,
        "peer_ura": "90000102",
        "peer_name": "Zorggroep Oever",
        "peer_did": "did:web:oever.example",
        "address": "192.0.2.7",
        "user_id": "U-1001",
        "user_name": "J. Jansen",
        "user_role": "30.000",
        "user_evidence": "NutsEmployeeCredential",
        "interaction": "search Observation",
        "query": "patient=abc&code=http://loinc.org|85354-9",
        "decision": "permit",
        "code": "permitted",
        "rules": (
            RuleOutcome(rule="allow_list", outcome="permit", code="listed", message="step blood-pressure"),
            RuleOutcome(
                rule="consent", outcome="permit", code="consented", message="by consent", evidence={"consent": "c-1"}
            ),
        ),
        "exchange_id": "e-1",
        "grant_id": "g-1",
    }
    return AuditRecord(**(members | changes))


def a_use(name: str, *, kind: str = "dpop", expires_at: datetime = NOW + timedelta(minutes=5)) -> SingleUse:
    return SingleUse(kind=kind, key=hashlib.sha256(name.encode()).digest()[:16], expires_at=expires_at)


@asynccontextmanager
async def a_log(
    path: Path, *, clock: SetClock | None = None, connect: Connect = connect
) -> AsyncIterator[SqliteAuditLog]:
    log = SqliteAuditLog(path, sealer=a_sealer(), clock=clock or SetClock(), connect=connect)
    await log.open()
    try:
        yield log
    finally:
        await log.aclose()


def rows_of(path: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def change(path: Path, statement: str, *values: object) -> None:
    """Do what an intruder with the disk does."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()


class Keys:
    """The organisation's signing key and what the world knows of it."""

    def __init__(self) -> None:
        self.key = SoftwareKey.generate(KID)
        self.public = {KID: self.key.public}

    async def signing(self) -> PrivateKey:
        return self.key
