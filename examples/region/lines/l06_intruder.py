"""6. An unknown organisation with a certificate of its own making asks for a token."""

from examples.region.intruder import open_intruder
from examples.region.organisations import GOUWE, INTRUDER, MEDICATION
from examples.region.stage import Stage, expect, expect_equal
from node.ports import HttpRequest

TITLE = f"{INTRUDER.name}, unknown here, asks for a token with a self-made certificate"


async def tell(stage: Stage) -> str:
    """See that a token request that is right in everything but its root is refused, and that it is on record."""
    gouwe = stage.node(GOUWE.key)
    before = await _refusals(stage)
    async with open_intruder(stage.region, stage.region.certificates.organisations[INTRUDER.key]) as intruder:
        answer = await intruder.ask_token(gouwe, MEDICATION)
        fetched = intruder.times_fetched
    expect_equal("status of the token request", answer.status, 400)
    expect_equal("error of the token request", answer.error, "invalid_request")
    expect("no token was given", is_true=not answer.has_token)
    expect("its signature was checked with the key that it publishes", is_true=fetched >= 1)
    stage.display.seen(f"refused with {answer.status} {answer.error}: {answer.description}")
    reference = answer.description.rpartition("reference ")[2].rstrip(")")
    why = await stage.vendor(GOUWE.key).post(f"/explain/v1/{GOUWE.key}", {"reference": reference})
    paths = {rule["evidence"].get("paths") for rule in why["rules"]}
    expect("the GP's operator is told that it is the issuer that does not fit", is_true="$.issuer" in paths)
    stage.display.seen(
        "its number leads the GP's operator to the field that does not fit: the issuer, and with it the root"
    )
    # Without a token, the data itself is just as far away.
    url = f"{gouwe.public}/fhir/{gouwe.key}/r4/Patient/_search"
    bare = await stage.region.peers.send(HttpRequest(method="POST", url=url, body=b""))
    expect_equal("status of a request without a token", bare.status, 401)
    refusals = await _refusals(stage)
    expect_equal("refusals on record that the token request added", len(refusals) - len(before), 1)
    stage.refusals.setdefault(GOUWE.key, []).append(intruder.did)
    return f"refused in {answer.ms} ms: nobody here trusts its root; on record under {intruder.did[:34]}…"


async def _refusals(stage: Stage) -> list[object]:
    bundle = await stage.vendor(GOUWE.key).get(f"/audit/v1/{GOUWE.key}", outcome="deny")
    return list(bundle.get("entry", ()))
