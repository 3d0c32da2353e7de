"""HTTP of this room for the world: status lists (WIRE §2.13)."""

import re

from aiohttp import hdrs, web

from node.identity.path_ids import id_in_path
from node.issuing.errors import UnknownListError
from node.issuing.status_lists import MAX_AGE, IssuedLists

STATUS_LISTS = web.AppKey("STATUS_LISTS", IssuedLists)

_PAGE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def public_routes(base_path: str = "") -> list[web.RouteDef]:
    """Return the routes of the public listener.

    Args:
        base_path: the path of the node's public URL, without a trailing slash.
    """
    return [web.get(base_path + "/statuslist/{did}/{page}", get_status_list)]


async def get_status_list(request: web.Request) -> web.Response:
    """``GET /statuslist/{did}/{page}`` (WIRE §2.13): a signed status list; ``304`` for who has it already.

    The DID comes as ``%3A``, ``%253A`` or ``:`` before a port; all three are understood.
    """
    page = request.match_info["page"]
    if _PAGE.fullmatch(page) is None:
        raise UnknownListError
    found = await request.app[STATUS_LISTS].published(id_in_path(request.match_info["did"]), int(page))
    headers = {
        hdrs.CACHE_CONTROL: f"max-age={MAX_AGE.total_seconds():.0f}",
        hdrs.ETAG: found.etag,
        hdrs.CONTENT_TYPE: found.content_type,
    }
    known = {each.strip().removeprefix("W/") for each in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")}
    if found.etag in known or "*" in known:
        return web.Response(status=304, headers={name: headers[name] for name in (hdrs.CACHE_CONTROL, hdrs.ETAG)})
    return web.Response(text=found.body, headers=headers)
