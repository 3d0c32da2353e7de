"""A certificate that its authority takes back, in the running region: the next token request is refused."""

import re
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from credentials.did.certificate_chain import CertificateChain
from credentials.x509.distribution_points import distribution_urls
from examples.region.certificates import (
    OrganisationCertificates,
    issuing_authority,
    publish_revocations,
    uzi_leaf,
    write_chain,
    write_key,
)
from examples.region.intruder import open_intruder
from examples.region.network import Region
from examples.region.organisations import GOUWE, INTRUDER, MEDICATION
from tests.scenarios.marks import SCENARIO
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO


async def test_a_newcomer_gets_tokens_until_its_certificate_is_revoked(region: Region, tmp_path: Path) -> None:
    files = region.certificates
    authority = issuing_authority(files)
    neighbour = CertificateChain.from_pem(files.organisations[GOUWE.key].uzi_chain.read_bytes())
    (address,) = distribution_urls(neighbour.leaf) or ()
    key = rsa.generate_private_key(65537, 2048)
    leaf = uzi_leaf(INTRUDER, key, authority, now=datetime.now(UTC), revocation_list=address)
    tls = files.organisations[INTRUDER.key]
    mine = OrganisationCertificates(
        uzi_chain=tmp_path / "uzi.pem", uzi_key=tmp_path / "uzi.key", tls_chain=tls.tls_chain, tls_key=tls.tls_key
    )
    write_chain(mine.uzi_chain, [leaf, authority.certificate, *authority.above])
    write_key(mine.uzi_key, key)
    gouwe = region.nodes[GOUWE.key]
    async with open_intruder(region, mine) as newcomer:
        assert (await newcomer.ask_token(gouwe, MEDICATION)).has_token
        assert await lists_of(region, GOUWE.key) == "2 revocation lists, all current"
        publish_revocations(files, [leaf], now=datetime.now(UTC))
        try:

            async def is_refused() -> bool:
                return not (await newcomer.ask_token(gouwe, MEDICATION)).has_token

            await eventually(is_refused, seconds=60)
        finally:
            publish_revocations(files, now=datetime.now(UTC))


async def test_every_node_tells_that_the_lists_it_has_are_current(region: Region) -> None:
    """How many that are depends on whom it verified since it was started."""
    for node in region.nodes:
        assert re.fullmatch("[012] revocation lists, all current", await lists_of(region, node))


async def lists_of(region: Region, node: str) -> str:
    """What a node tells about its revocation lists, all of which have to be well."""
    report = await region.vendor(node).get("/status/v1")
    found = next(check for check in report["checks"] if check["name"] == "revocation lists")
    assert found["state"] == "ok"
    return str(found["detail"])
