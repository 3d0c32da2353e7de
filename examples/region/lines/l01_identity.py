"""1. Six nodes run; each shows who it is (did:web, URA) and who vouches for that."""

import asyncio
import json
from datetime import UTC, datetime

from cryptography import x509

from credentials.did.did_web import document_url
from credentials.did.did_x509 import X509Identifier
from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.verify import verify_credential
from examples.region.running_node import OK, RunningNode
from examples.region.stage import Stage, StoryError, expect, expect_equal
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation import Revocation
from node.pki.revocation_lists import RevocationLists
from node.ports import HttpRequest
from node.world import SystemClock

TITLE = "Six nodes start; each shows its identity and who vouches for it"


async def tell(stage: Stage) -> str:
    """See that six processes of their own answer, each under its own did:web, vouched for by the region's root."""
    nodes = list(stage.region.nodes.values())
    pids = {node.child.pid for node in nodes if node.child is not None and node.child.is_running}
    expect_equal("number of node processes", len(pids), len(nodes))
    lists = RevocationLists(stage.region.peers, SystemClock(), KnownAuthorities([stage.region.uzi_root]))
    shown = await asyncio.gather(*(_identity(stage, node, Revocation(lists, None)) for node in nodes))
    expect_equal("number of different identities", len({did for did, _ in shown}), len(nodes))
    stage.display.rows(
        [
            (node.organisation.name, f"URA {node.organisation.ura}", did)
            for node, (did, _) in zip(nodes, shown, strict=True)
        ]
    )
    vouchers = {voucher for _, voucher in shown}
    expect_equal("number of different roots that vouch", len(vouchers), 1)
    root = x509.load_pem_x509_certificate(stage.region.certificates.uzi_root.read_bytes())
    name = root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    stage.display.seen(f"all vouched for by a certificate under “{name!s}” (SHA-256 {vouchers.pop()[:16]}…)")
    read = [state for state in lists.states() if state.failure is None]
    expect_equal("number of revocation lists of the authorities above them", len(read), 2)
    stage.display.seen("none of these certificates is on the revocation list of its authority")
    slowest = max(node.started_ms for node in nodes)
    return f"{len(pids)} processes, each with TLS, ready within {slowest / 1000:.1f} s of their start"


async def _identity(stage: Stage, node: RunningNode, revocation: Revocation) -> tuple[str, str]:
    """Return one node's DID, published under TLS, and the hash of the root that vouches for it."""
    vendor = stage.vendor(node.key)
    did = DID(await vendor.did())
    # (1) published: anybody can fetch its document over TLS, and it is about this DID
    answer = await stage.region.peers.send(HttpRequest(method="GET", url=document_url(did)))
    expect_equal(f"{node.key}: status of its did.json", answer.status, OK)
    document = json.loads(answer.body)
    expect_equal(f"{node.key}: id in its did.json", document["id"], did)
    expect(f"{node.key} publishes a key", is_true=bool(document.get("assertionMethod")))
    # (2) vouched for: a credential by certificate, about this DID, with this URA
    for raw in await vendor.get(f"/vcr/v2/holder/{node.key}/vc"):
        credential = SignedCredential.parse(raw)
        if "X509Credential" not in credential.types:
            continue
        found = await revocation.gather(Needed.of(credential).chains.values())
        try:
            verify_credential(credential, Evidence(keys={}, revocation=found), now=datetime.now(UTC))
        except CredentialError as error:
            raise StoryError(f"the credential of {node.key} is not good: {error}") from error
        expect_equal(f"{node.key}: subject of its credential", credential.subject_id, did)
        issuer = X509Identifier.parse(credential.issuer)
        expect_equal(f"{node.key}: root that vouches for it", issuer.fingerprint, stage.region.uzi_root)
        number = issuer.policies["san", "otherName"]
        expect(f"the certificate of {node.key} has its URA", is_true=f"-S-{node.organisation.ura}-" in number)
        return did, issuer.fingerprint
    raise StoryError(f"{node.key} has no X509Credential in its wallet")
