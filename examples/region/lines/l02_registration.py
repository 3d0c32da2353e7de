"""2. Five organisations are registered at the two discovery services, and all replicas agree."""

import asyncio

from examples.region.joining import MEMBERS, replica
from examples.region.stage import Stage, StopWatch, expect_equal

TITLE = "Five register at the two discovery services, and all replicas agree"


async def tell(stage: Stage) -> str:
    """Compare every node's own copy of both lists."""
    watch = StopWatch()
    copies = 0
    for service, members in MEMBERS.items():
        held = dict(
            zip(
                stage.region.nodes,
                await asyncio.gather(*(replica(stage.vendor(key), service) for key in stage.region.nodes)),
                strict=True,
            )
        )
        for key, copy in held.items():
            expect_equal(f"{service}: members in the replica of {key}", {ura for ura, _, _ in copy}, set(members))
        expect_equal(f"{service}: number of different replicas", len(set(held.values())), 1)
        copies += len(held)
        names = ", ".join(sorted(stage.name(ura) for ura in members))
        stage.display.seen(f"{service}: {len(members)} members ({names}), {len(held)} equal replicas")
    registered = set[str]().union(*MEMBERS.values())
    expect_equal("number of organisations registered", len(registered), 5)
    return (
        f"{len(registered)} organisations, {copies} replicas agree {stage.region.joined_ms} ms after the last node started; "
        f"compared in {watch.ms} ms"
    )
