"""A list with a thousand members: more than a nuts-node reads in one answer (1 MiB), so a host has to page (WIRE §2.10.1).

A nuts-node looks at every member again between two pages, so a thousand take it minutes; where a machine is busy, ``HAZEL_INTEROP_MEMBERS``
makes it fewer. A hundred fill a page.
"""

import asyncio
import os
from uuid import uuid4

from credentials.did.identifier import DID
from credentials.vc.issue import issue_x509_credential
from tests.interop.registries import register
from tests.interop.seat import Seat
from tests.interop.step import Step, StepFailedError, require
from tests.interop.waiting import until
from tests.support.certificates import Uzi, a_uzi_chain
from tests.support.foreign_node.issuing import registration

MEMBERS = int(os.environ.get("HAZEL_INTEROP_MEMBERS", "1000"))
_AT_ONCE = 8
_CITY = "Menigte"
_SECONDS = 2_400.0
_LOOK_AGAIN = 5.0
"""Seconds; each look reads the whole list."""


def _vouching() -> Uzi:
    """One certificate vouches for all of them: what is tried is the list, not who is on it."""
    return a_uzi_chain("menigte", ura="90200000", organization="Menigte", city=_CITY)


async def _join(host: Seat, count: int) -> int:
    """Make organisations and let each register at the list that ``host`` hosts; return how many had to try again."""
    crowd, uzi, turns = host.crowd, _vouching(), asyncio.Semaphore(_AT_ONCE)

    async def join() -> None:
        async with turns:
            tenant = crowd.found(uuid4().hex)
            credential = issue_x509_credential(
                chain=uzi.chain, key=uzi.key, subject_id=DID(tenant.did), credential_id=str(uuid4()), now=crowd.now()
            )
            stated = registration(tenant.did, crowd.now(), authServerURL=tenant.issuer)
            url = f"{host.public}/discovery/{host.hosted}"
            asker = crowd.asker(tenant.subject)
            answer = await asker.register(host.hosted, url, [credential, stated], seconds=1_800)
            if answer.status >= 500:  # a host that is too busy; any registrant tries again
                busy.append(answer.status)
                answer = await asker.register(host.hosted, url, [credential, stated], seconds=1_800)
            if answer.status != 201:
                raise StepFailedError(f"a registration was answered with {answer.status}")

    busy: list[int] = []
    await asyncio.gather(*(join() for _ in range(count)))
    return len(busy)


async def follows_a_crowd(acting: Seat, other: Seat) -> str:
    """So many organisations register at the other's list; we find every one of them."""
    await register(other, other.hosted)
    before = len(await other.vendor.search(other.hosted))
    again = await _join(other, MEMBERS)
    loop = asyncio.get_running_loop()
    began, found = loop.time(), 0

    async def all_there() -> bool:
        nonlocal found
        found = len(await acting.vendor.search(other.hosted))
        if found < before + MEMBERS:
            await asyncio.sleep(_LOOK_AGAIN)
        return found >= before + MEMBERS

    is_complete = await until(all_there, seconds=_SECONDS / 2)
    require(f"all are found (of {before + MEMBERS}: {found})", holds=is_complete)
    return f"{found} found, the last within {loop.time() - began:.0f} s; {again} had to register twice"


STEPS = (
    Step(
        id="discovery-crowd", chapter="A long list", title="follows the other's list, far longer than one answer may be, to its end",
        run=follows_a_crowd, needs=("discovery-follow",), seconds=_SECONDS,
    ),
)  # fmt: skip
