"""`hazel doctor` over real sockets: a foreign node of each dialect, this node from outside, and a port where nobody is."""

from typing import Any

import pytest

from examples.region.commands import Outcome, hazel
from examples.region.organisations import GOUWE, HOFSTEDE
from tests.interop.agreements import X509
from tests.scenarios.marks import OPPOSITE
from tests.scenarios.opposite import Opposite
from tests.support.foreign_node.dialect import DIALECTS, RELEASE, Dialect

pytestmark = OPPOSITE

PERSON = ("--user", "U-1001", "--role", "01.015")
both = pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])


async def doctor(opposite: Opposite, *words: str) -> Outcome:
    return await hazel("doctor", *words, "--json", config=opposite.log.parent / "hazel.yaml")


def steps(ran: Outcome) -> dict[str, Any]:
    assert ran.out, ran.err
    return {each["step"]: (each["outcome"], each["code"]) for each in ran.data()["steps"]}


@both
async def test_a_foreign_node_is_walked_to_its_token_and_known_by_its_dialect(
    opposite: Opposite, dialect: Dialect
) -> None:
    issuer = opposite.foreign[dialect.name].servers[HOFSTEDE.key].tenant.issuer
    ran = await doctor(opposite, issuer, "--scope", X509, *PERSON)
    found = steps(ran)
    for step in ("dns", "metadata", "kind", "definition", "wallet", "token"):
        assert found[step][0] == "ok", (step, ran.out)
    assert found["tls"] == ("warning", "expires_soon")  # a certificate of the tests lives for days
    kind = ran.data()["kind"]
    assert (kind["software"], kind["dialect"]) == ("nuts-node", "6.2" if dialect is RELEASE else "master")
    assert "revoked credentials" in {each["topic"] for each in ran.data()["differences"]}
    assert ran.code == 0


async def test_a_server_that_refuses_everybody_is_found_at_the_token(opposite: Opposite) -> None:
    node = opposite.foreign[RELEASE.name]
    node.misbehave("token", "error_500")
    try:
        ran = await doctor(opposite, node.servers[HOFSTEDE.key].tenant.issuer, "--scope", X509, *PERSON)
    finally:
        node.behave()
    assert steps(ran)["token"] == ("failed", "failed")
    assert steps(ran)["wallet"] == ("ok", "ok")
    assert ran.code == 1


async def test_this_node_is_seen_as_the_world_sees_it(opposite: Opposite) -> None:
    ran = await doctor(opposite, "--scope", X509, *PERSON)
    found = steps(ran)
    for step in ("dns", "metadata", "kind", "definition", "wallet", "token"):
        assert found[step][0] == "ok", (step, ran.out)
    assert found["tls"] == ("warning", "expires_soon")  # a certificate of the tests lives for days
    assert ran.data()["kind"]["software"] == "hazel"


async def test_a_port_where_nobody_is_ends_with_exit_code_3_and_a_remedy(opposite: Opposite) -> None:
    ran = await doctor(opposite, "https://gouwe.localhost:1/oauth2/gouwe", *PERSON)
    assert steps(ran)["tls"] == ("failed", "no_connection")
    assert ran.code == 3


async def test_the_map_is_drawn_by_the_running_node(opposite: Opposite) -> None:
    config = opposite.log.parent / "hazel.yaml"
    ran = await hazel("map", "--all", "--json", config=config)
    assert ran.code == 0, ran.err
    assert {"ha-vvt", "medication"} <= {each["id"] for each in ran.data()["usecases"]}
    assert ran.data()["own"]["ura"] == GOUWE.ura
    assert (await hazel("map", "--no-look", config=config)).code == 0
