"""Parameters in the address of our own APIs: the known ones, each at most once; anything else is refused.

A misspelt or repeated parameter must not quietly widen what is asked for.
"""

from aiohttp import web

from node.web.replies import RequestError


def read_parameters(request: web.Request, *known: str) -> dict[str, str]:
    """Return the parameters in the address by name.

    Args:
        request: whose address is read.
        known: names that may be there.

    Raises:
        RequestError: 400 ``unknown_parameter`` or ``repeated_parameter``; does not repeat what was sent.
    """
    given = dict(request.query)
    if set(given) - set(known):
        remedy = f"known here: {', '.join(known)}" if known else "send the address without a question mark"
        raise RequestError(400, "unknown_parameter", "there is a parameter that is not known here", remedy)
    if len(given) != len(request.query):
        raise RequestError(400, "repeated_parameter", "a parameter is given twice")
    return given
