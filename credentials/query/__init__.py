"""Presentation exchange: what a verifier asks for, and which credentials answer it.

::

    definition.py    what a verifier asks for, parsed; a stranger wrote it, so everything has a limit
    requirements.py  … which descriptors suffice: all, or pick, over groups or over each other
    filters.py       … what a value has to look like
    paths.py         … where the value is: a part of JSONPath
    patterns.py      … regular expressions of ECMAScript, in linear time
    candidates.py    the credentials at hand as a definition sees them, and whether one fits
    matching.py      which credentials to show
    selection.py     which of several fitting ones is meant, by field id
    explanation.py   why a credential does not fit, in a sentence
    submission.py    which credential answers what: written by the holder, checked by the verifier

Holder and verifier run the same matching, so that they come to the same choice. Nothing here verifies a signature.

>>> definition = PresentationDefinition.parse(body)                           # doctest: +SKIP
>>> match = match_wallet(definition, wallet)                                  # doctest: +SKIP
>>> submission = build_submission(definition, match, submission_id=uuid)      # doctest: +SKIP
>>> fulfil(definition, PresentationSubmission.parse(text), verified)          # doctest: +SKIP
"""

from credentials.query.candidates import Claim
from credentials.query.definition import PresentationDefinition
from credentials.query.explanation import Explanation, explain
from credentials.query.matching import Match, NoMatch, match_wallet
from credentials.query.selection import check_selection
from credentials.query.submission import PresentationSubmission, build_submission, fulfil, fulfilment

__all__ = [
    "Claim",
    "Explanation",
    "Match",
    "NoMatch",
    "PresentationDefinition",
    "PresentationSubmission",
    "build_submission",
    "check_selection",
    "explain",
    "fulfil",
    "fulfilment",
    "match_wallet",
]
