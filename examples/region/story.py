"""The story in ten lines, told on a running region: each line is real calls to real nodes, and checks everything it sees.

``tell`` stops at nothing: a line that fails is told with its reason and the next one follows, so that one look shows all that is
wrong. ``examples/region/lines`` has one file per line.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from credentials.errors import CredentialError
from examples.region.answer import AnswerShapeError
from examples.region.lines import (
    l01_identity,
    l02_registration,
    l03_general_practitioner,
    l04_home_care,
    l05_objection,
    l06_intruder,
    l07_stolen_token,
    l08_extra_parameter,
    l09_failure,
    l10_accounting,
)
from examples.region.processes import StartError
from examples.region.stage import Stage, StopWatch, StoryError
from examples.region.vendor import UnexpectedStatusError
from node.ports import PeerError

BUDGET_SECONDS = 30.0
"""For the whole story after set-up, on two cores."""

FORESEEN = (StoryError, UnexpectedStatusError, AnswerShapeError, PeerError, StartError, CredentialError)
"""What can go wrong in a line and says for itself what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the story."""

    number: int
    title: str
    tell: Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a line went.

    Attributes:
        outcome: the sentence with what was measured, or what went wrong.
    """

    line: Line
    is_true: bool
    outcome: str
    seconds: float


LINES: Sequence[Line] = tuple(
    Line(number=number, title=module.TITLE, tell=module.tell)
    for number, module in enumerate(
        (
            l01_identity,
            l02_registration,
            l03_general_practitioner,
            l04_home_care,
            l05_objection,
            l06_intruder,
            l07_stolen_token,
            l08_extra_parameter,
            l09_failure,
            l10_accounting,
        ),
        1,
    )
)


async def tell(stage: Stage) -> tuple[Told, ...]:
    """Tell all lines in order and return how each went."""
    return tuple([await _tell(stage, line) for line in LINES])


async def _tell(stage: Stage, line: Line) -> Told:
    stage.display.line(line.number, line.title)
    watch = StopWatch()
    try:
        outcome = await line.tell(stage)
    except FORESEEN as error:
        outcome = str(error)
    except Exception as error:  # noqa: BLE001  # a line that can not be told does not hold, whatever it is that went wrong
        outcome = f"an answer was not of the shape that is promised: {type(error).__name__}, see {_kept(stage, line)}"
    else:
        stage.display.done(outcome, watch.ms / 1000)
        return Told(line=line, is_true=True, outcome=outcome, seconds=watch.ms / 1000)
    stage.display.failed(outcome)
    return Told(line=line, is_true=False, outcome=outcome, seconds=watch.ms / 1000)


def _kept(stage: Stage, line: Line) -> Path:
    """Keep the trace of the exception that is being handled, and return where."""
    file = stage.region.logs / f"story-line-{line.number}.log"
    file.write_text(traceback.format_exc(), encoding="utf-8")
    return file
