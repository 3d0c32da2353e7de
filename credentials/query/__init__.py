"""Presentation exchange: what a verifier asks for, and which credentials answer it.

``definition`` reads what is asked (``paths``, ``patterns`` and ``requirements`` are compiled and limited, because a stranger
wrote them), ``matching`` chooses credentials, ``submission`` says which credential answers what, and checks a sender's word
for it. Holder and verifier run the same matching, so that they come to the same choice. Nothing here verifies a signature.

>>> definition = PresentationDefinition.parse(body)                           # doctest: +SKIP
>>> match = match_wallet(definition, wallet)                                  # doctest: +SKIP
>>> submission = build_submission(definition, match, submission_id=uuid)      # doctest: +SKIP
>>> fulfil(definition, PresentationSubmission.parse(text), verified)          # doctest: +SKIP
"""

from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Claim, Explanation, Match, NoMatch, explain, match_wallet
from credentials.query.submission import PresentationSubmission, build_submission, fulfil, fulfilment

__all__ = [
    "Claim",
    "Explanation",
    "Match",
    "NoMatch",
    "PresentationDefinition",
    "PresentationSubmission",
    "build_submission",
    "explain",
    "fulfil",
    "fulfilment",
    "match_wallet",
]
