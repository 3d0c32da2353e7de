"""A node with its vendor's API and its public side, alone on a simulated internet, with keys that open it for some."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from credentials.did.identifier import DID
from credentials.errors import CredentialError, MalformedError
from credentials.types.catalogue import CredentialTypes
from node.audit.routes import as_request_error as audit_error
from node.identity import routes as identity
from node.identity.boundary import as_request_error as identity_error
from node.identity.credential_seal import CredentialSeal
from node.identity.resolver import DidResolver
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing.boundary import as_request_error as issuing_error
from node.issuing.issuer import Issuer
from node.issuing.renewal import Renewal
from node.issuing.routes import STATUS_LISTS
from node.issuing.routes import public_routes as status_routes
from node.issuing.status_lists import IssuedLists
from node.issuing.store import IssuedStore
from node.storage.database import Database, open_database
from node.storage.schema import metadata
from node.vendor import crypto, holder, issuer, verifier
from node.vendor.keys import AUDIT, CLOCK, ISSUER, PRESENTER, RENEWAL, SIGNATURES, TRUST, VERIFIER
from node.vendor.presenting import Presenter
from node.vendor.signing import OwnSignatures
from node.vendor.trust import TrustList
from node.verification.verifier import Verifier
from node.web.boundary import boundary
from node.web.internal_auth import EVERYTHING, ApiKeys, internal_auth
from node.web.replies import RequestError
from tests.support.world import (
    FixedEntropy,
    ManualClock,
    MemoryVault,
    RecordingAuditLog,
    SimulatedInternet,
    serve,
)

URL_OF_NODE = "https://gouwe.example:8443"
VCR = "/internal/vcr/v2"
CRYPTO = "/internal/crypto/v1"
BITSTRING: dict[str, Any] = {"withStatusList2021Revocation": None, "withBitstringStatusListRevocation": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the node answered."""

    status: int
    body: Any
    text: str
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class VendorNode:
    """The node with its parts."""

    database: Database
    clock: ManualClock
    vault: MemoryVault
    audit: RecordingAuditLog
    internet: SimulatedInternet
    subjects: Subjects
    wallet: Wallet
    store: IssuedStore
    lists: IssuedLists
    issuer: Issuer
    renewal: Renewal
    keys: ApiKeys
    public: TestClient[web.Request, web.Application]
    internal: TestClient[web.Request, web.Application]
    key: str = ""

    async def found(self, name: str) -> DID:
        """Make an organisation."""
        return (await self.subjects.create(name)).dids[0]

    async def key_for(self, name: str, *subjects: str) -> str:
        """An API key that is limited to some organisations."""
        return await self.keys.create(
            name,
            entropy=FixedEntropy(name),
            now=self.clock.now(),
            subjects=subjects or EVERYTHING,
            operations=EVERYTHING,
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """Call the internal API with the key that opens everything, or another."""
        return await _call(
            self.internal, method, path, body, {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        )

    async def get_public(self, path: str, **headers: str) -> Said:
        """Fetch something from the public side."""
        return await _call(self.public, "GET", path, None, headers)


async def _call(
    client: TestClient[web.Request, web.Application], method: str, path: str, body: Any, headers: Mapping[str, str]
) -> Said:
    async with client.request(method, URL(path, encoded=True), json=body, headers=headers) as answer:
        text = await answer.text()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Said(
            status=answer.status,
            body=json.loads(text) if text and is_json else None,
            text=text,
            headers=answer.headers,
        )


def _credential_error(error: Exception) -> RequestError | None:
    return RequestError(400, "malformed", str(error)) if isinstance(error, CredentialError | MalformedError) else None


@asynccontextmanager
async def a_vendor_node(
    folder: Path, types: CredentialTypes | None = None, url: str | None = None
) -> AsyncIterator[VendorNode]:
    """Open a node; on SQLite unless told otherwise."""
    clock, entropy, vault, audit = ManualClock(), FixedEntropy("vendor"), MemoryVault(), RecordingAuditLog()
    internet = SimulatedInternet()
    async with open_database(url or f"sqlite+aiosqlite:///{folder / 'vendor.db'}") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        subjects = Subjects(database, vault, clock, entropy, URL_OF_NODE)
        wallet = Wallet(database, subjects, clock, CredentialSeal.of(vault, "wallet", FixedEntropy("wallet")))
        resolver = DidResolver(subjects, internet, clock, URL_OF_NODE)
        checker = Verifier(resolver=resolver, peers=internet, clock=clock)
        lists = IssuedLists(database, subjects, clock, entropy, URL_OF_NODE)
        store = IssuedStore(database, CredentialSeal.of(vault, "issued", FixedEntropy("issued")))
        issuing = Issuer(
            store=store,
            lists=lists,
            subjects=subjects,
            types=types or CredentialTypes(),
            audit=audit,
            clock=clock,
            entropy=entropy,
        )
        issuing.on_revoked.append(checker.status_lists.forget)
        renewal = Renewal(issuer=issuing, store=store, wallet=wallet, subjects=subjects, clock=clock)
        keys = ApiKeys(database)
        translations = (identity_error, issuing_error, audit_error, _credential_error)
        public = web.Application(middlewares=[boundary([], translations)])
        public.add_routes([*identity.public_routes(), *status_routes()])
        internal = web.Application(middlewares=[boundary([], translations), internal_auth(keys, open_to_all=False)])
        internal.add_routes([*issuer.routes(), *holder.routes(), *verifier.routes(), *crypto.routes()])
        for app in (public, internal):
            app[identity.SUBJECTS], app[identity.WALLET], app[identity.RESOLVER] = subjects, wallet, resolver
            app[identity.PUBLIC_URL], app[identity.CLOCK] = URL_OF_NODE, clock
            app[STATUS_LISTS], app[ISSUER], app[RENEWAL], app[AUDIT], app[CLOCK] = lists, issuing, renewal, audit, clock
            app[PRESENTER] = Presenter(subjects=subjects, verifier=checker, audit=audit, clock=clock, entropy=entropy)
            app[SIGNATURES] = OwnSignatures(subjects, vault, audit, clock)
            app[TRUST], app[VERIFIER] = TrustList(database), checker
        async with (
            serve(internet, URL_OF_NODE, public) as public_client,
            TestClient(TestServer(internal)) as internal_client,
        ):
            node = VendorNode(
                database=database,
                clock=clock,
                vault=vault,
                audit=audit,
                internet=internet,
                subjects=subjects,
                wallet=wallet,
                store=store,
                lists=lists,
                issuer=issuing,
                renewal=renewal,
                keys=keys,
                public=public_client,
                internal=internal_client,
            )
            node.key = await node.key_for("ehr")
            try:
                yield node
            finally:
                checker.close()


def organization(issuer_did: str, holder_did: str, **members: Any) -> dict[str, Any]:
    """A good request to issue; JWT with a status unless told otherwise."""
    body = {
        "type": "NutsOrganizationCredential",
        "issuer": issuer_did,
        "format": "jwt_vc",
        "withStatusList2021Revocation": True,
        "credentialSubject": {"id": holder_did, "organization": {"name": "De Gouwe", "city": "Gouda"}},
    } | members
    return {name: value for name, value in body.items() if value is not None}
