"""8. A request with one parameter more than the use case lists: ``_revinclude`` would bring everything along."""

import json

from examples.region.commands import hazel
from examples.region.organisations import GOUWE, LINDE, MEDICATION
from examples.region.patients import TRUUS
from examples.region.peer import Peer, issue_of
from examples.region.running_node import OK
from examples.region.stage import Stage, expect, expect_equal

TITLE = "A request with one extra parameter, _revinclude"

REFUSED = 403
EXTRA = "_revinclude"


async def tell(stage: Stage) -> str:
    """Ask the same twice, with and without; see the refusal, and its reason at the holder's."""
    peer = Peer(stage.vendor(GOUWE.key), stage.node(LINDE.key), stage.region.peers)
    token = await peer.token(MEDICATION)
    plain = await peer.search_patient(token, "r4", TRUUS.bsn)
    expect_equal("status without the extra parameter", plain.status, OK)
    expect_equal("patients found without it", len(json.loads(plain.body).get("entry", ())), 1)

    extra = await peer.search_patient(token, "r4", TRUUS.bsn, **{EXTRA: "Observation:subject"})
    expect_equal("status with the extra parameter", extra.status, REFUSED)
    code, diagnostics = issue_of(json.loads(extra.body))
    expect_equal("issue.code of the refusal", code, "forbidden")
    word, _, reference = diagnostics.partition(" ")
    expect(
        "the refusal carries a reference number and nothing else", is_true=word == "reference" and reference.isalnum()
    )
    stage.refusals.setdefault(LINDE.key, []).append(reference)
    stage.display.seen(f"with {EXTRA}: {extra.status} {code}, {diagnostics}; without: {plain.status}")

    outcome = await hazel("explain", reference, "--json", config=stage.node(LINDE.key).config)
    expect_equal(f"exit code of {outcome.command} ({outcome.err.strip()})", outcome.code, 0)
    explained = outcome.data()
    expect_equal("decision explained", explained["decision"], "deny")
    stage.display.seen(f"{outcome.command}, at the hospital: {explained['code']}")
    return f"refused with {extra.status}; the hospital's operator finds it by its number"
