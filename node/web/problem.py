"""RFC 9457 problem documents: how our own APIs say no.

Members: ``title``, ``status``, ``detail`` (as nuts-node's vendors know them, WIRE §2.1) and ours: ``code`` (stable) and
``remedy`` (what to do next).
"""

import json
from http import HTTPStatus

from node.web.replies import ErrorReply, RequestError

PROBLEM_JSON = "application/problem+json"


def as_problem(error: RequestError) -> ErrorReply:
    """Render ``error``; nothing but its own safe members appears."""
    document = {
        "title": error.title or HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    if error.remedy is not None:
        document["remedy"] = error.remedy
    body = json.dumps(document).encode() + b"\n"
    return ErrorReply(status=error.status, content_type=PROBLEM_JSON, body=body, headers=error.headers)
