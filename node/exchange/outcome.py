"""Refusals under ``/fhir``: a FHIR OperationOutcome that says no without saying more than the peer may know (API.md §5).

``issue.code`` is ``login``, ``forbidden``, ``throttled``, ``not-supported`` or ``transient``; ``diagnostics`` holds a reference
number that our own operator can look up with ``hazel explain``, and nothing else.
"""

import json
from http import HTTPStatus

from node.web.replies import ErrorReply, RequestError

FHIR_JSON = "application/fhir+json"

_ISSUE_CODES = {
    HTTPStatus.UNAUTHORIZED: "login",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
    HTTPStatus.BAD_GATEWAY: "transient",
    HTTPStatus.SERVICE_UNAVAILABLE: "transient",
    HTTPStatus.GATEWAY_TIMEOUT: "transient",
    HTTPStatus.INTERNAL_SERVER_ERROR: "exception",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.PRECONDITION_FAILED: "conflict",
    HTTPStatus.UNPROCESSABLE_ENTITY: "processing",
}

REFERENCE_HEADER = "X-Reference"
"""Set on a :class:`RequestError` by who refuses; becomes the reference number in the outcome."""


def as_operation_outcome(error: RequestError) -> ErrorReply:
    """Render ``error``; the peer learns the kind of refusal and a reference number."""
    issue: dict[str, str] = {"severity": "error", "code": _ISSUE_CODES.get(HTTPStatus(error.status), "not-supported")}
    headers = dict(error.headers)
    reference = headers.pop(REFERENCE_HEADER, None)
    if reference is not None:
        issue["diagnostics"] = f"reference {reference}"
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    return ErrorReply(status=error.status, content_type=FHIR_JSON, body=body, headers=headers)
