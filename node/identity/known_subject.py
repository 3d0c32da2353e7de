"""Our own APIs about one organisation: it has to be hosted here, before anything else is looked at."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from node.identity.subjects import Subjects

ABOUT_ONE_OF_OURS = ("/internal/audit/", "/internal/consent/", "/internal/exchange/", "/internal/explain/")
"""Where ``{subject}`` in the path is one of ours; nuts-node's own paths say it in their own ways."""


def known_subject(subjects: Subjects) -> Middleware:
    """Make the middleware that refuses paths about organisations that are not hosted here."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        subject = request.match_info.get("subject")
        if subject is not None and request.path.startswith(ABOUT_ONE_OF_OURS):
            await subjects.get(subject)  # raises: unknown here
        return await handler(request)

    return middleware
