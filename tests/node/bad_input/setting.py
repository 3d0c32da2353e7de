"""One whole node, founded and open, on real listeners, in a world that writes down every call; and what may not change."""

import asyncio
import hashlib
import io
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.did.document import build_document
from credentials.encoding import b64url_encode
from credentials.vc.issue import issue_x509_credential
from examples.region.discovery import write_definitions
from node.app import Node, open_node
from node.config.load import load_config
from node.config.template import Chosen
from node.founding import Certificate, Founded, found_node
from node.identity.routes import SUBJECTS
from node.logs import log_handler
from node.ports import World
from node.web.server import listen
from tests.node.bad_input.wire import Answer, Headers, send
from tests.node.consent.setting import a_consent, a_provision
from tests.support.builders import a_presentation, an_employee_credential, an_id
from tests.support.certificates import Uzi, a_uzi_chain
from tests.support.keys import a_did, a_key
from tests.support.world import NOON, FixedEntropy, ManualClock, SimulatedInternet, pages, reply

SUBJECT = "oever"
URL = "https://oever.example"
ISSUER = f"{URL}/oauth2/{SUBJECT}"
SERVICE = "HuisartsVVTInzage"
FOLLOWED = "medicatieoverdracht-gf"
STRANGER = "linde"
SETTLED_ROWS = 4
"""In the audit log: its beginning, a token, a consent and the outcome of that."""


class RestingClock(ManualClock):
    """A clock on which nobody waits: what is paced in earnest goes on at once."""

    async def sleep(self, seconds: float) -> None:
        """Let others run."""
        del seconds
        await asyncio.sleep(0)


def root_hash(uzi: Uzi) -> str:
    """What a use case trusts."""
    return b64url_encode(hashlib.sha256(uzi.certificates[-1].public_bytes(Encoding.DER)).digest())


async def found(directory: Path, **changes: Any) -> Founded:
    """Make a node with a certificate, one FHIR server, one use case and one hosted service; ``changes`` to what was chosen."""
    uzi = a_uzi_chain(SUBJECT)
    definitions = write_definitions(directory.with_name("definitions"), host_url=URL, uzi_root=root_hash(uzi))
    chosen: dict[str, Any] = {
        "organisation": {
            "name": "Huisartsenpraktijk De Oever",
            "city": "Gouda",
            "ura": "00001111",
            "subject": SUBJECT,
            "facility_type": "Z3",
        },
        "url": URL,
        "public": {"address": "127.0.0.1:0"},
        "internal": "127.0.0.1:0",
        "fhir": {"r4": "http://own.example/fhir"},
        "usecases": ["ha-vvt"],
        "host": [SERVICE],
        "uzi": [root_hash(uzi)],
    }
    return await found_node(
        directory,
        Chosen(**(chosen | changes)),
        clock=ManualClock(),
        entropy=FixedEntropy("founding"),
        certificate=Certificate(chain=uzi.pem, key=uzi.key.to_pem()),
        definitions=definitions,
    )


_made: dict[str, bytes] = {}


async def a_founded_node(directory: Path) -> None:
    """Found the node, or put back what was founded before: founding takes longer than most tests."""
    if not _made:
        await found(directory)
        _made.update(
            {str(each.relative_to(directory)): each.read_bytes() for each in directory.rglob("*") if each.is_file()}
        )
    for name, content in _made.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


@dataclass(slots=True, kw_only=True, repr=False)
class NodeUnderAttack:
    """The node, its doors, and everything in which a trace of bad input could be left.

    Attributes:
        did: of the organisation.
        key: API key for the internal listener.
        token: access token of a stranger who proved who it is.
        kid: of the organisation's key; ``credential`` what is in its wallet; ``consent`` the id of one that is kept.
        log: what reached the log, at the level ``debug``.
    """

    node: Node
    did: str
    key: str
    peers: SimulatedInternet
    own: SimulatedInternet
    ports: Mapping[str, int]
    databases: Mapping[str, sqlite3.Connection]
    log: io.StringIO
    token: str = ""
    kid: str = ""
    credential: str = ""
    consent: str = ""
    _seen: dict[str, int] = field(default_factory=dict)

    def app(self, listener: str) -> web.Application:
        """One of the two applications."""
        return self.node.public if listener == "public" else self.node.internal

    async def send(
        self,
        listener: str,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes | None = None,
        *,
        chunked: bool = False,
        after: bytes = b"",
    ) -> Answer:
        """Send one request."""
        return await send(self.ports[listener], method, target, headers, body, chunked=chunked, after=after)

    def authorised(self, listener: str, *more: tuple[str, str]) -> Headers:
        """Headers of a caller whom the listener lets in."""
        return [("Authorization", f"Bearer {self.key if listener == 'internal' else self.token}"), *more]

    def written(self) -> bool:
        """Say whether anybody wrote to a database since the last time this was asked."""
        now = {name: each.execute("PRAGMA data_version").fetchone()[0] for name, each in self.databases.items()}
        changed = now != self._seen
        self._seen = now
        return changed

    def rows(self) -> dict[str, int]:
        """Rows per table of both databases."""
        counted = {}
        for name, database in self.databases.items():
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                counted[f"{name}.{table}"] = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        return counted

    def last_records(self, count: int) -> list[str]:
        """The newest audit records, as they stand in the file."""
        rows = self.databases["audit"].execute("SELECT body FROM audit ORDER BY seq DESC LIMIT ?", (count,))
        return [bytes(body).decode() for (body,) in rows]

    def forget_calls_and_log(self) -> None:
        """Begin a new page."""
        self.peers.calls.clear()
        self.own.calls.clear()
        self.log.seek(0)
        self.log.truncate()


@contextmanager
def _logging_to(stream: io.StringIO) -> Iterator[None]:
    """Log as the node does, at its most talkative level, beside what pytest listens to.

    But for one library, which would say ten lines per query, and of which nothing is written (``test_logs.py``).
    """
    root, noisy = logging.getLogger(), logging.getLogger("aiosqlite")
    handler, level = log_handler(stream, "text"), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    noisy.setLevel(logging.INFO)
    try:
        yield
    finally:
        noisy.setLevel(logging.NOTSET)
        root.setLevel(level)
        root.removeHandler(handler)


def _stranger_site() -> Any:
    did, key = a_did(STRANGER), a_key(STRANGER)
    document = build_document(did, [(key.kid, key.public)])
    return pages({f"/iam/{did.rpartition(':')[2]}/did.json": reply(document)})


def token_request(seed: str = "token") -> list[tuple[str, str]]:
    """A good token request of the stranger."""
    uzi = a_uzi_chain(STRANGER, ura="00002222", organization="Thuiszorg Linde")
    x509 = issue_x509_credential(
        chain=uzi.chain, key=uzi.key, subject_id=a_did(STRANGER), credential_id=an_id(f"x509 {seed}"), now=NOON
    )
    credentials: list[Any] = [x509, an_employee_credential(STRANGER, now=NOON)]
    descriptors = [
        {"id": "id_x509credential", "format": "jwt_vc", "path": "$.verifiableCredential[0]"},
        {"id": "id_employeecredential", "format": "ldp_vc", "path": "$.verifiableCredential[1]"},
    ]
    return [
        ("grant_type", "vp_token-bearer"),
        ("client_id", "https://linde.example/oauth2/linde"),
        ("scope", SERVICE),
        ("assertion", a_presentation(STRANGER, credentials=credentials, audience=ISSUER, now=NOON, seed=seed)),
        (
            "presentation_submission",
            json.dumps({"id": "1", "definition_id": "pd_ha_vvt_organization", "descriptor_map": descriptors}),
        ),
    ]


async def _settle(node: NodeUnderAttack) -> None:
    """Give the node a guest and a consent, and look up what its doors want to be told."""
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    body = urlencode(token_request()).encode()
    node.token = (await node.send("public", "POST", f"/oauth2/{SUBJECT}/token", form, body)).json()["access_token"]
    document = (await node.send("public", "GET", f"/iam/{node.did.rpartition(':')[2]}/did.json")).json()
    node.kid = document["assertionMethod"][0]
    wallet = f"/internal/vcr/v2/holder/{SUBJECT}/vc"
    (node.credential,) = (await node.send("internal", "GET", wallet, node.authorised("internal"))).json()
    headers = node.authorised("internal", ("Content-Type", "application/json"))
    consent = json.dumps(a_consent(a_provision("permit"), bsn="176286603")).encode()
    kept = await node.send("internal", "POST", f"/internal/consent/v1/{SUBJECT}/Consent", headers, consent)
    node.consent = kept.json()["id"]
    while node.rows()["audit.audit"] < SETTLED_ROWS:  # noqa: ASYNC110  # another process might as well have written it
        await asyncio.sleep(0.01)


@asynccontextmanager
async def a_node_under_attack(folder: Path) -> AsyncIterator[NodeUnderAttack]:
    """Found a node in ``folder``, open it, listen, and give it one guest with a token."""
    clock = RestingClock()
    peers, own, log = SimulatedInternet(), SimulatedInternet(), io.StringIO()
    peers.sites[f"https://{STRANGER}.example"] = _stranger_site()
    await a_founded_node(folder / "node")
    world = World(clock=clock, entropy=FixedEntropy("node"), peers=peers, own=own)
    with _logging_to(log):
        async with (
            open_node(load_config(folder / "node" / "hazel.yaml"), world) as node,
            listen(node.public, ("127.0.0.1", 0)) as public,
            listen(node.internal, ("127.0.0.1", 0)) as internal,
        ):
            databases = {
                name: sqlite3.connect(f"file:{node.config.data / f'{name}.db'}?mode=ro", uri=True)
                for name in ("hazel", "audit")
            }
            attacked = NodeUnderAttack(
                node=node,
                did=(await node.public[SUBJECTS].get(SUBJECT)).dids[0],
                key=(folder / "node" / "api.key").read_text().strip(),
                peers=peers,
                own=own,
                ports={"public": public, "internal": internal},
                databases=databases,
                log=log,
            )
            try:
                await _settle(attacked)
                yield attacked
            finally:
                for database in databases.values():
                    database.close()
