"""How the directory says no: an OperationOutcome, since who asks speaks FHIR. Our own systems may read what is wrong and what to do.

Nothing of what was sent is repeated.
"""

import json
from http import HTTPStatus

from node.exchange.outcome import FHIR_JSON
from node.web.replies import ErrorReply, RequestError
from registry.mcsd.errors import SearchError

_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid",
    HTTPStatus.UNAUTHORIZED: "login",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not-supported",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.PRECONDITION_FAILED: "conflict",
    HTTPStatus.SERVICE_UNAVAILABLE: "transient",
    HTTPStatus.INTERNAL_SERVER_ERROR: "exception",
}


def as_directory_outcome(error: RequestError) -> ErrorReply:
    """Render ``error`` with its sentence and its remedy."""
    text = error.message if error.remedy is None else f"{error.message}; {error.remedy}"
    issue = {
        "severity": "error",
        "code": _CODES.get(HTTPStatus(error.status), "processing"),
        "details": {"text": error.code},
        "diagnostics": text,
    }
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    return ErrorReply(status=error.status, content_type=FHIR_JSON, body=body, headers=error.headers)


def as_request_error(error: Exception) -> RequestError | None:
    """Translate this room's errors for the boundary."""
    match error:
        case SearchError():
            return RequestError(400, "search", str(error), error.remedy)
        case _:
            return None
