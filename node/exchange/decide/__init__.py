"""May this organisation have this, about this citizen, now: rules over facts, and a decision that explains itself.

Readable in half an hour, in this order::

    question.py  Question (what is asked, by whom, why), Facts (what we know of the citizen), Decision
    rules.py     the rules, one function each, in the order in which they are evaluated
    engine.py    runs them; what the peer may see of a no

Nothing here looks anything up: who is registered, who is in a care team and what a citizen recorded come in as facts
that were fetched before (``node/exchange`` collects them), and the same question with the same facts always gives the same
decision. So "why" can be answered later, and "what if" before.
"""

from node.exchange.decide.engine import decide, refuse_early
from node.exchange.decide.question import (
    BreakGlass,
    CareTeamFact,
    ConsentFact,
    Decision,
    Facts,
    Question,
    Requester,
    User,
)

__all__ = [
    "BreakGlass",
    "CareTeamFact",
    "ConsentFact",
    "Decision",
    "Facts",
    "Question",
    "Requester",
    "User",
    "decide",
    "refuse_early",
]
