"""The audit record of a peer's request: who asked what about whom, why, and what we decided."""

from datetime import datetime

from node.audit.record import AuditRecord
from node.exchange.about import About
from node.exchange.decide.question import Decision, Question
from node.exchange.incoming import Incoming
from node.exchange.interaction import Interaction
from node.oauth.grants import Grant


def disclosure(
    incoming: Incoming,
    grant: Grant,
    interaction: Interaction,
    question: Question,
    about: About,
    decision: Decision,
    *,
    reference: str,
    now: datetime,
) -> AuditRecord:
    """Return the promise to be written before anything leaves.

    Raises:
        ValueError: the decision is not to permit.
    """
    if not decision.permit:
        raise ValueError("only what was permitted is promised")
    return _record(
        incoming, grant, interaction, question, about, decision, code=decision.code, reference=reference, now=now
    )


def refusal(
    incoming: Incoming,
    grant: Grant,
    interaction: Interaction | None,
    question: Question | None,
    about: About | None,
    decision: Decision | None,
    *,
    code: str,
    reference: str,
    now: datetime,
) -> AuditRecord:
    """Return the record of a refusal, as far as the request was understood.

    Raises:
        ValueError: the decision is to permit.
    """
    if decision is not None and decision.permit:
        raise ValueError("what was permitted is not refused")
    return _record(incoming, grant, interaction, question, about, decision, code=code, reference=reference, now=now)


def _record(
    incoming: Incoming,
    grant: Grant,
    interaction: Interaction | None,
    question: Question | None,
    about: About | None,
    decision: Decision | None,
    *,
    code: str,
    reference: str | None,
    now: datetime,
) -> AuditRecord:
    permit = decision is not None and decision.permit
    usecase = question.usecase if question is not None else None
    step = question.step if question is not None else None
    stated = question.purpose if question is not None else None
    emergency = question.break_glass if question is not None else None
    return AuditRecord(
        kind="disclosure" if permit else "refusal",
        direction="inbound",
        subject=grant.subject,
        at=now,
        usecase=usecase.id if usecase is not None else None,
        step=step.id if step is not None else None,
        purpose=stated or (usecase.purposes[0] if usecase is not None else None),
        patient=about.pseudonym if about is not None else None,
        peer_ura=grant.organization_ura,
        peer_name=grant.organization_name,
        peer_did=grant.holder,
        address=incoming.address,
        user_id=grant.user_identifier,
        user_name=grant.user_name,
        user_role=grant.user_role,
        user_evidence=grant.user_evidence,
        interaction=interaction.summary if interaction is not None else incoming.label,
        query=_query_text(interaction),
        reason=emergency.reason if emergency is not None else None,
        decision="permit" if permit else "deny",
        code=code,
        rules=decision.rules if decision is not None else (),
        reference=reference,
        grant_id=grant.grant_id,
    )


def _query_text(interaction: Interaction | None) -> str | None:
    if interaction is None:
        return None
    pairs = "&".join(f"{name}={value}" for name, value in interaction.params)
    target = f"{interaction.type}/{interaction.id}" if interaction.id else interaction.type
    return f"{target}?{pairs}" if pairs else target
