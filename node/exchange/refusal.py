"""A refusal on its way to the record, and the plain answers that need none."""

from node.exchange.about import About
from node.exchange.decide.question import Decision, Question
from node.exchange.interaction import Interaction
from node.oauth.errors import LoginError
from node.oauth.nonces import HEADER as NONCE_HEADER
from node.oauth.resource import CHALLENGE, NONCE_CHALLENGE
from node.web.replies import RequestError


class Refusal(Exception):  # noqa: N818  # carries a decision to the one place that records it
    """A caller who proved who they are is refused.

    Attributes:
        decision: with its rules; ``None`` when the request is none that could be decided on.
        code: stable, for our own operator.
        interaction: what was understood of the request; likewise ``question`` and ``about``, as far as it got.
    """

    def __init__(
        self,
        *,
        decision: Decision | None,
        code: str,
        question: Question | None = None,
        about: About | None = None,
        interaction: Interaction | None = None,
    ) -> None:
        super().__init__(code)
        self.decision = decision
        self.code = code
        self.question = question
        self.about = about
        self.interaction = interaction


def login(error: LoginError | None = None) -> RequestError:
    """Return the answer to who didn't prove who they are; the same whatever was wrong, but where a nonce in the proof would do."""
    if error is None or error.nonce is None:
        return RequestError(401, "login", "log in", headers={"WWW-Authenticate": CHALLENGE})
    headers = {"WWW-Authenticate": NONCE_CHALLENGE, NONCE_HEADER: error.nonce}
    return RequestError(401, "login", "log in", headers=headers)


def later(code: str) -> RequestError:
    """Return the answer when it can't be done now."""
    return RequestError(503, code, "not available now", "try again later", headers={"Retry-After": "5"})
