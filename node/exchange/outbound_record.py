"""The audit record of a query of ours: whom we ask what about whom, on whose behalf and why."""

from datetime import datetime

from node.audit.record import AuditRecord
from node.exchange.under_way import Exchange, Holder
from node.usecases.model import Step
from node.usecases.plan import FhirRequest


def request_record(
    exchange: Exchange,
    holder: Holder,
    step: Step,
    request: FhirRequest,
    *,
    method: str,
    patient: str,
    now: datetime,
    code: str = "asked",
) -> AuditRecord:
    """Return the promise to be written before a query, or one of its further pages, is sent.

    Args:
        exchange: what it is part of.
        holder: who is asked.
        step: of the use case.
        request: as the step has it; a further page is asked about the same.
        method: of this request.
        patient: pseudonym.
        now: aware UTC.
        code: ``asked``, or ``from_memory`` where nothing is sent and somebody sees again what came before.
    """
    user, glass = exchange.question.user, exchange.question.break_glass
    parameters = "&".join(f"{name}={value}" for name, value in (*request.query, *request.form))
    return AuditRecord(
        kind="request",
        direction="outbound",
        subject=exchange.subject,
        at=now,
        usecase=exchange.usecase.id,
        step=step.id,
        purpose=exchange.question.purpose,
        patient=patient,
        peer_ura=holder.ura,
        peer_name=holder.name,
        user_id=user.identifier,
        user_name=user.name,
        user_role=user.role,
        user_evidence="stated by caller",
        interaction=f"{step.kind} {step.resource_type}",
        query=f"{method} {request.path}?{parameters}" if parameters else f"{method} {request.path}",
        reason=glass.reason if glass is not None else None,
        decision="permit",
        code=code,
        exchange_id=exchange.id,
    )
