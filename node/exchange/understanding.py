"""A peer's request understood, or refused with what was understood of it."""

from node.exchange.incoming import Incoming, Stated, read_interaction, read_stated
from node.exchange.interaction import Interaction, NotAllowedError
from node.exchange.refusal import Refusal


def understand(incoming: Incoming) -> Interaction:
    """Return what is asked.

    Raises:
        Refusal: not understood, or never allowed.
    """
    try:
        return read_interaction(incoming)
    except NotAllowedError as error:
        raise Refusal(decision=None, code=error.code) from error


def understand_stated(incoming: Incoming, interaction: Interaction) -> Stated:
    """Return what is stated in headers.

    Raises:
        Refusal: a header is there twice, or is not of its form.
    """
    try:
        return read_stated(incoming)
    except NotAllowedError as error:
        raise Refusal(decision=None, code=error.code, interaction=interaction) from error
