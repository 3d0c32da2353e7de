"""A holder that wants a nonce in every proof (RFC 9449 §9) gets it, and one that never has enough gets no further."""

from itertools import count

import pytest

from credentials.encoding import b64url_decode
from credentials.fields import parse_json
from node.ports import HttpRequest, HttpResponse
from tests.node.exchange.cases import BSN
from tests.node.exchange.setting import GOUWE, Asker, an_asker, resources, sources
from tests.support.world import SimulatedInternet

STEP = "attention-flags"


def demanding(asker: Asker, *, endless: bool = False) -> list[str | None]:
    """Let every holder demand a nonce, a new one each time where ``endless``; return the nonces that came."""
    internet = asker.world.peers
    assert isinstance(internet, SimulatedInternet)
    seen: list[str | None] = []
    numbers = count()
    for origin, site in list(internet.sites.items()):

        async def demands(request: HttpRequest, site: object = site) -> HttpResponse:
            nonce = parse_json(b64url_decode(request.headers["DPoP"].split(".")[1])).get("nonce")
            seen.append(nonce)
            if nonce is None or endless:
                challenge = {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": f"n-{next(numbers)}"}
                return HttpResponse(status=401, headers=challenge, body=b"")
            assert callable(site)
            answer = await site(request)
            assert isinstance(answer, HttpResponse)
            return answer

        internet.sites[origin] = demands
    return seen


@pytest.mark.spec("RFC 9449 §9")
async def test_a_holder_that_demands_a_nonce_gets_it_with_the_same_token_and_is_answered_from_then_on() -> None:
    asker = an_asker(in_care=(GOUWE,))
    asker.add(GOUWE)
    seen = demanding(asker)
    events = await asker.ask(steps=[STEP])
    assert sources(events)[GOUWE, STEP].state == "ok"
    assert f"{GOUWE} Flag/f1" in resources(events)
    assert seen[0] is None
    assert len(asker.tokens.given) == 1
    assert BSN not in str(seen)


async def test_a_holder_that_never_has_enough_is_a_refusal() -> None:
    asker = an_asker(in_care=(GOUWE,))
    asker.add(GOUWE)
    seen = demanding(asker, endless=True)
    events = await asker.ask(steps=[STEP])
    assert sources(events)[GOUWE, None].state == "not_available"
    assert len(seen) <= 4, "the request, again with a nonce, and both once more with a fresh token"
    assert len(asker.tokens.given) == 2
