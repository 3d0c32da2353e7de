"""A token asked for and given, both nodes: match the wallet, sign, verify, decide, record, keep (the signatures of certificates
and credential remembered by the holder, as after the first request of a peer)."""

import itertools
import json
from collections.abc import Sequence

from examples.region.askers import ASKERS
from examples.region.organisations import HA_VVT, OEVER
from node.ports import HttpRequest
from tests.bench.measure import Series
from tests.bench.pair import Pair, repeat
from tests.bench.result import Result
from tests.bench.setting import Setting
from tests.bench.unit import measure_units

GROUP = "Tokens"
CONNECTIONS = 16
OK = 200


def request(pair: Pair, worker: int) -> HttpRequest:
    """A vendor's request for a token of the holder that is not in the cache, for a person of its own: who asks the same shares one."""
    asker = ASKERS[OEVER.key]
    body = {
        "authorization_server": pair.holder.issuer,
        "scope": HA_VVT,
        "token_type": "DPoP",
        "credentials": [
            {
                "@context": ["https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1"],
                "type": ["VerifiableCredential", "NutsEmployeeCredential"],
                "credentialSubject": {
                    "identifier": f"{asker.identifier}-{worker}",
                    "name": asker.name,
                    "roleName": asker.role,
                },
            }
        ],
    }
    return HttpRequest(
        method="POST",
        url=f"{pair.asker.internal}/internal/auth/v2/{OEVER.key}/request-service-access-token",
        headers={
            "Authorization": f"Bearer {pair.asker.api_key}",
            "Content-Type": "application/json",
            "Cache-Control": "no-cache",
        },
        body=json.dumps(body).encode(),
    )


async def run(setting: Setting) -> Sequence[Result]:
    """Ask for tokens that are not in the cache."""
    pair = setting.pair
    requests = itertools.cycle([request(pair, worker) for worker in range(CONNECTIONS * 2)])

    async def ask() -> None:
        answer = await pair.client.send(next(requests))
        if answer.status != OK:
            raise RuntimeError(f"no token: {answer.status} {answer.body[:300]!r}")

    await repeat(ask, connections=CONNECTIONS, seconds=0.3)
    holder, asker = [], []
    for _ in range(setting.repetitions):
        before = pair.used()
        done = await repeat(ask, connections=CONNECTIONS, seconds=setting.seconds)
        after = pair.used()
        holder.append((after["holder"] - before["holder"]) * 1000 / done)
        asker.append((after["asker"] - before["asker"]) * 1000 / done)
    given, units = Series(tuple(holder)), measure_units(seconds=setting.seconds / 3)
    return [
        Result(
            group=GROUP,
            what="A token given (warm): holder's node, over TLS, recorded and kept",
            measured=given,
            unit="ms",
            baseline=("asked for, asker's node", Series(tuple(asker)), "ms"),
            ratio=f"{given.median * 1000 / units.verification:.0f} ES256 verifications; "
            f"{given.median * 1000 / units.parsing:.1f} json.loads of 30 kB; {1000 / given.median:,.0f} a second of one core",
        )
    ]
