"""All steps in order, each walked by both sides."""

import asyncio
from collections.abc import Callable

from node.ports import PeerError
from tests.interop import calls, certificates, crowds, exchange, holding, identity, registries, status, stranger, tokens
from tests.interop.seat import Seat
from tests.interop.step import ListedDivergenceError, NotOfferedError, Outcome, Step, StepFailedError
from tests.interop.vendor import UnexpectedReplyError
from tests.interop.world import World

STEPS: tuple[Step, ...] = (
    *identity.STEPS,
    *holding.STEPS,
    *tokens.STEPS,
    *stranger.STEPS,
    *registries.STEPS,
    *exchange.STEPS,
    *certificates.STEPS,
    *status.STEPS,
    *calls.STEPS,
    *crowds.STEPS,
)


async def walk(world: World, tell: Callable[[Outcome], None]) -> tuple[Outcome, ...]:
    """Walk every step, both sides, and tell each outcome as it comes; a failure ends nothing but what needs that step."""
    outcomes: list[Outcome] = []
    done: set[tuple[str, str]] = set()
    for step in STEPS:
        for acting, other in ((world.hazel, world.nuts), (world.nuts, world.hazel)):
            if acting.name not in step.sides:
                continue
            outcome = await _walk_one(step, acting, other, done)
            if outcome.state == "ok":
                done.add((step.id, acting.name))
            outcomes.append(outcome)
            tell(outcome)
    return tuple(outcomes)


async def _walk_one(step: Step, acting: Seat, other: Seat, done: set[tuple[str, str]]) -> Outcome:
    missing = [need for need in step.needs if (need, acting.name) not in done]
    if missing:
        return Outcome(step=step.id, acting=acting.name, state="not reached", said=f"needs {missing[0]}")
    try:
        async with asyncio.timeout(step.seconds):
            said = await step.run(acting, other)
    except NotOfferedError as error:
        return Outcome(step=step.id, acting=acting.name, state="not offered", said=str(error))
    except ListedDivergenceError as error:
        return Outcome(step=step.id, acting=acting.name, state="listed", said=str(error))
    except (StepFailedError, UnexpectedReplyError) as error:
        return Outcome(step=step.id, acting=acting.name, state="failed", said=str(error))
    except TimeoutError:
        return Outcome(step=step.id, acting=acting.name, state="failed", said=f"not done within {step.seconds:.0f} s")
    except (PeerError, LookupError, TypeError, ValueError) as error:  # a reply of another shape than agreed
        return Outcome(step=step.id, acting=acting.name, state="failed", said=f"{type(error).__name__}: {error}")
    return Outcome(step=step.id, acting=acting.name, state="ok", said=said)
