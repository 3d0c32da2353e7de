"""Tokens: given, asked for, looked at; by one process over TLS, 16 callers at once.

*Warm* means what a peer's second request meets: keys, status list and the signatures of its credential are known; its presentation and
proof never are. What is sent is made here, on the other core, so that only the node is measured.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from examples.region.askers import ASKERS
from examples.region.organisations import HA_VVT, OEVER
from node.ports import HttpRequest
from tests.bench.measure import Series
from tests.bench.pair import Pair, repeat
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.token_caller import Caller, a_caller, beside, new_credentials, send
from tests.bench.unit import measure_units

GROUP = "Tokens"
CONNECTIONS = 16
OK = 200
LATE_PERCENT = 0.99
LATE_MS = 25.0

Work = Callable[[], Awaitable[object]]


async def run(setting: Setting) -> Sequence[Result]:
    """Measure each kind of request by itself."""
    pair = setting.pair
    jwt, ldp = await a_caller(pair, "jwt_vc"), await a_caller(pair, "ldp_vc")
    unseen = itertools.cycle(await beside(lambda: new_credentials(jwt, 3_000)))
    fresh, kept = itertools.cycle(_calls(pair, fresh=True)), itertools.cycle(_calls(pair, fresh=False))
    token = json.loads(await send(jwt, jwt.request()))["access_token"]
    looked_at = _introspection(pair, token)

    async def given_ldp() -> None:
        await send(ldp, await beside(ldp.request))

    async def asked(requests: "itertools.cycle[HttpRequest]") -> None:
        answer = await pair.client.send(next(requests))
        if answer.status != OK:
            raise RuntimeError(f"no token: {answer.status} {answer.body[:300]!r}")

    given = await _given(setting, jwt)
    return [
        *given,
        await _measured(
            setting, "holder", "A token given for a credential that was never seen, under a key that was", 20,
            lambda: send(jwt, jwt.request(next(unseen))),
            note="Nothing of the credential is remembered; its issuer is its key.",
        ),
        await _measured(
            setting, "holder", "A token given for a certificate: X509Credential with its chain, and an employee (warm)", 30,
            lambda: asked(fresh),
        ),
        await _measured(
            setting, "holder", "A token given: JSON-LD presentation with one JSON-LD credential and its status (warm)", 30,
            given_ldp,
        ),
        await _measured(
            setting, "asker", "A token asked for by a vendor and not in memory: wallet, presentation, proof", 13.6,
            lambda: asked(fresh),
        ),
        await _measured(setting, "asker", "A token asked for by a vendor, in memory", 1.4, lambda: asked(kept)),
        await _measured(
            setting, "holder", "A token looked at by the vendor (introspection)", 1.4, lambda: _ok(pair, looked_at)
        ),
    ]  # fmt: skip


async def _given(setting: Setting, caller: Caller) -> Sequence[Result]:
    """The usual request, and how late answers are at half of the rate that it allows."""
    began = time.monotonic()
    done = await repeat(lambda: send(caller, caller.request()), connections=CONNECTIONS, seconds=setting.seconds)
    peak = done / (time.monotonic() - began)
    result = await _measured(
        setting, "holder", "A token given: DPoP, JWT presentation with one JWT credential and its status (warm)", 12,
        lambda: send(caller, caller.request()),
    )  # fmt: skip
    waited = await _waited(lambda: send(caller, caller.request()), rate=peak / 2, seconds=setting.seconds * 2)
    late = Series((sorted(waited)[int(len(waited) * LATE_PERCENT)] * 1000,))
    return [
        result,
        Result(
            group=GROUP,
            what="How long a token takes at half of the highest rate, 99 % of them",
            measured=late,
            unit="ms",
            ratio=f"{peak / 2:,.0f} a second; half of them within {sorted(waited)[len(waited) // 2] * 1000:.1f} ms",
            target=Target(kind="less than", limit=LATE_MS),
            note="Wall time, seen by the caller, who made presentation and proof before; asked at fixed moments, answered or not.",
        ),
    ]


async def _measured(
    setting: Setting, role: str, what: str, limit: float, work: Work, *, note: str | None = None
) -> Result:
    """Return the CPU of one node per request, in ES256 verifications measured right after."""
    await repeat(work, connections=CONNECTIONS, seconds=0.3)
    milliseconds, verifications = [], []
    for _ in range(setting.repetitions):
        before = setting.pair.used()
        done = await repeat(work, connections=CONNECTIONS, seconds=setting.seconds)
        used = (setting.pair.used()[role] - before[role]) * 1000 / done
        unit = measure_units(seconds=setting.seconds / 4).verification
        milliseconds.append(used)
        verifications.append(used * 1000 / unit)
    took = Series(tuple(milliseconds))
    return Result(
        group=GROUP,
        what=what,
        measured=Series(tuple(verifications)),
        unit="ES256 verifications",
        baseline=("CPU of that node", took, "ms"),
        ratio=f"{1000 / took.median:,.0f} a second of one core",
        target=Target(kind="at most", limit=limit),
        note=note,
    )


async def _waited(work: Work, *, rate: float, seconds: float) -> list[float]:
    """Do ``work`` at fixed moments, whether the one before has ended or not; return how long each took."""
    took: list[float] = []

    async def one() -> None:
        began = time.monotonic()
        await work()
        took.append(time.monotonic() - began)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(one())
    return took


def _calls(pair: Pair, *, fresh: bool) -> list[HttpRequest]:
    """A vendor's requests for a token of the holder, each for a person of its own: who asks the same shares one."""
    asker = ASKERS[OEVER.key]
    headers = {"Authorization": f"Bearer {pair.asker.api_key}", "Content-Type": "application/json"}
    if fresh:
        headers["Cache-Control"] = "no-cache"
    return [
        HttpRequest(
            method="POST",
            url=f"{pair.asker.internal}/internal/auth/v2/{OEVER.key}/request-service-access-token",
            headers=headers,
            body=json.dumps(
                {
                    "authorization_server": pair.holder.issuer,
                    "scope": HA_VVT,
                    "token_type": "DPoP",
                    "credentials": [
                        {
                            "@context": [
                                "https://www.w3.org/2018/credentials/v1",
                                "https://nuts.nl/credentials/v1",
                            ],
                            "type": ["VerifiableCredential", "NutsEmployeeCredential"],
                            "credentialSubject": {
                                "identifier": f"{asker.identifier}-{worker}",
                                "name": asker.name,
                                "roleName": asker.role,
                            },
                        }
                    ],
                }
            ).encode(),
        )
        for worker in range(CONNECTIONS * 2)
    ]


def _introspection(pair: Pair, token: str) -> HttpRequest:
    return HttpRequest(
        method="POST",
        url=f"{pair.holder.internal}/internal/auth/v2/accesstoken/introspect",
        headers={
            "Authorization": f"Bearer {pair.holder.api_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=urlencode({"token": token}).encode(),
    )


async def _ok(pair: Pair, request: HttpRequest) -> None:
    answer = await pair.client.send(request)
    if answer.status != OK or b'"active":true' not in answer.body.replace(b" ", b""):
        raise RuntimeError(f"not active: {answer.status} {answer.body[:300]!r}")
