"""What a holder's answer means for a step: a checked page, or one of the states of API.md §2. Pure; nothing of it is quoted."""

import re
from http import HTTPStatus

from node.exchange.events import State
from node.exchange.references import Bases
from node.exchange.response import AnswerError, CheckedPage, MismatchError, check_page
from node.exchange.under_way import StepError
from node.ports import HttpResponse
from node.usecases.model import FhirVersion, Step

_NOT_OFFERED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
"""What a server says to a search that it doesn't know; only to the search itself, not to a paging link it gave."""

_VERSION_PARAMETER = re.compile(r';\s*fhirversion\s*=\s*"?([0-9]+\.[0-9]+)', re.IGNORECASE)
_VERSIONS: dict[FhirVersion, str] = {"r4": "4.0", "stu3": "3.0"}

_GONE = CheckedPage(kind="resource", resources=())


def read_answer(
    answer: HttpResponse,
    *,
    step: Step,
    fhir_version: FhirVersion,
    patient_ids: frozenset[str],
    bases: Bases,
    bsn: str,
    read_id: str | None,
    following: bool,
) -> CheckedPage:
    """Return the page, every resource of which belongs to the patient and the step.

    Args:
        answer: as received.
        step: what was asked; ``read_id`` where it was a read.
        fhir_version: in which it was asked.
        patient_ids: of our patient at this holder, as the match found them.
        bases: addresses of the holder.
        bsn: of our patient.
        read_id: logical id that was read, ``None`` for a search.
        following: whether it was asked by a paging link of the holder.

    Raises:
        StepError: there is none.
    """
    status = answer.status
    # (1) it says no
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise StepError("not_available", "refused")
    # (2) it isn't there: the resource that a page named, or the step as such
    if read_id is not None and status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return _GONE
    if read_id is None and not following and status in _NOT_OFFERED:
        raise StepError("not_offered", f"status_{status}")
    # (3) it can't
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise StepError("failed", "throttled")
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        raise StepError("timeout", "holder_timeout")
    if status != HTTPStatus.OK:
        raise StepError("failed", f"status_{status}")
    # (4) it answers in another version of FHIR than it was asked in, and says so
    stated = _VERSION_PARAMETER.search(answer.headers.get("content-type", ""))
    if stated is not None and stated[1] != _VERSIONS[fhir_version]:
        raise StepError("failed", "other_fhir_version")
    # (5) the page, whole or not at all
    try:
        return check_page(
            answer.body,
            step=step,
            fhir_version=fhir_version,
            patient_ids=patient_ids,
            bases=bases,
            bsn=bsn,
            read_id=read_id,
            origin="peer",
        )
    except AnswerError as error:
        state: State = "mismatch" if isinstance(error, MismatchError) else "failed"
        raise StepError(state, error.code) from None  # what follows this error would hold the page
