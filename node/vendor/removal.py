"""The record of a credential that was taken out of a wallet (WIRE §4.6: VerifiableCredentialRemovedEvent)."""

from datetime import datetime

from node.audit.record import AuditRecord


def removal_record(subject: str, credential_id: str, caller: str, now: datetime) -> AuditRecord:
    """Say who took which credential out of whose wallet."""
    return AuditRecord(
        kind="change",
        direction="local",
        subject=subject,
        at=now,
        decision="permit",
        code="credential_removed",
        user_id=caller,
        user_evidence="API key",
        interaction=f"removed from the wallet: {credential_id}",
    )
