"""Errors, as FHIR servers give them: a status and an OperationOutcome."""

from http import HTTPStatus

from examples.region.data.elements import Json


class FhirError(Exception):
    """A request that is answered with an OperationOutcome.

    Attributes:
        status: HTTP status.
        code: of FHIR's issue-type, such as ``not-found``.
    """

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def invalid(message: str) -> FhirError:
    """The request cannot be understood."""
    return FhirError(HTTPStatus.BAD_REQUEST, "processing", message)


def not_found(message: str) -> FhirError:
    """There is no such thing here."""
    return FhirError(HTTPStatus.NOT_FOUND, "not-found", message)


def operation_outcome(code: str, message: str) -> Json:
    """Render one error."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": message}],
    }
