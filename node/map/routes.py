"""``GET /internal/map/v1/{subject}``: the question and the answer as JSON."""

import re

from aiohttp import web

from node.map.drawing import Means, draw
from node.web.parameters import read_parameters
from node.web.replies import RequestError

_FLAGS = {"true": True, "false": False}
_URA = re.compile(r"[0-9]{8}", re.ASCII)


async def answer(request: web.Request, subject: str, means: Means) -> web.Response:
    """Draw what the parameters ask for: ``usecase``, ``ura``, ``inactive``, ``look``."""
    asked = read_parameters(request, "usecase", "ura", "inactive", "look")
    ura = asked.get("ura")
    if ura is not None and _URA.fullmatch(ura) is None:
        raise RequestError(400, "invalid_parameter", "ura: a URA number has eight digits")
    drawn = await draw(
        means,
        subject,
        usecase=asked.get("usecase"),
        ura=ura,
        inactive=_flag(asked.get("inactive", "false"), "inactive"),
        look=_flag(asked.get("look", "true"), "look"),
    )
    if drawn is None:
        raise RequestError(
            400,
            "unknown_usecase",
            "usecase: not one of this node",
            "see: hazel usecase list; inactive=true shows the others",
        )
    return web.json_response(drawn, headers={"Cache-Control": "no-store"})


def _flag(text: str, name: str) -> bool:
    if text not in _FLAGS:
        raise RequestError(400, "invalid_parameter", f"{name}: true or false")
    return _FLAGS[text]
