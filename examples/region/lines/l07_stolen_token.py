"""7. A token is stolen on its way: without the key that it is bound to it opens nothing."""

from datetime import UTC, datetime
from uuid import uuid4

from credentials.keys import KeyId, SoftwareKey
from examples.region.organisations import GOUWE, LINDE, MEDICATION
from examples.region.patients import BSN_SYSTEM, TRUUS
from examples.region.peer import Peer, bound
from examples.region.running_node import OK
from examples.region.stage import Stage, expect, expect_equal
from node.oauth.dpop import make_proof

TITLE = "A token is stolen; its key is not"

REFUSED = 401


async def tell(stage: Stage) -> str:
    """Use one token rightly, then in every way a thief could; only the first may work."""
    peer = Peer(stage.vendor(GOUWE.key), stage.node(LINDE.key), stage.region.peers)
    token = await peer.token(MEDICATION)
    url = peer.url("r4", "Patient/_search")
    form = [("identifier", f"{BSN_SYSTEM}|{TRUUS.bsn}")]
    proof = await peer.proof(token, "POST", url)
    rightful = await peer.send("POST", url, form=form, headers=bound(token, proof))
    expect_equal("status for the rightful holder of the token", rightful.status, OK)

    thief = SoftwareKey.generate(KeyId("did:web:thief.invalid#0"))
    own_proof = make_proof(
        thief, method="POST", url=url, access_token=token.value, jti=str(uuid4()), now=datetime.now(UTC)
    )
    elsewhere = await peer.proof(token, "GET", peer.url("r4", "MedicationRequest"))
    attempts = {
        "as a bearer token": {"Authorization": f"Bearer {token.value}"},
        "without a proof": {"Authorization": f"DPoP {token.value}"},
        "with a proof by the thief's own key": bound(token, own_proof),
        "with the proof of the request just seen": bound(token, proof),
        "with a proof for another request": bound(token, elsewhere),
    }
    for how, headers in attempts.items():
        answer = await peer.send("POST", url, form=form, headers=headers)
        expect_equal(f"status for the token {how}", answer.status, REFUSED)
        expect(f"nothing is told for the token {how}", is_true=TRUUS.in_care[LINDE.key].encode() not in answer.body)
        stage.display.seen(f"{how}: {answer.status}")
    return f"{len(attempts)} ways to use a stolen token, all refused; its holder was served once"
