"""Decides for enforcement points of others: the same rules over the same facts, recorded before it is answered."""

from collections.abc import Sequence
from typing import Any

from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.exchange.explaining import Described, Explainer, ExplainRequest
from node.exchange.pdp.messages import Evaluation, Semantic
from node.exchange.refusal import later
from node.ports import Clock


class DecisionPoint:
    """Answers evaluations."""

    def __init__(self, explainer: Explainer, log: AuditLog, clock: Clock) -> None:
        self._explainer = explainer
        self._log = log
        self._clock = clock

    async def evaluate(self, asked: Evaluation, *, caller: str) -> dict[str, Any]:
        """Return ``{"decision": bool, "context": {…}}``; a yes that can not be recorded is none.

        Raises:
            RequestError: 404 unknown organisation; 503 something was withdrawn meanwhile.
            AuditUnavailableError: it can not be recorded.
        """
        subject, resource = asked.subject, asked.resource.properties
        described = ExplainRequest(
            requester_ura=subject.id,
            scope=subject.properties.scope,
            user=subject.properties.user,
            purpose=asked.context.purpose,
            fhir_version=resource.fhir_version,
            method=asked.action.name,
            path=asked.resource.id,
            query=resource.query,
            content_type=resource.content_type,
            body=resource.body,
        )
        epoch = self._log.current_epoch()
        decided = await self._explainer.described(resource.holder, described)
        receipt = await self._log.record(self._record(asked, decided, caller))
        if self._log.current_epoch() != epoch:
            raise later("decision_unstable")
        return {"decision": decided.permit, "context": _context(decided, receipt.seq)}

    async def evaluate_all(
        self, asked: Sequence[Evaluation], semantic: Semantic, *, caller: str
    ) -> list[dict[str, Any]]:
        """Return the answers in order, as far as ``semantic`` goes."""
        answers: list[dict[str, Any]] = []
        for each in asked:
            answer = await self.evaluate(each, caller=caller)
            answers.append(answer)
            if (semantic, answer["decision"]) in {("deny_on_first_deny", False), ("permit_on_first_permit", True)}:
                break
        return answers

    def _record(self, asked: Evaluation, decided: Described, caller: str) -> AuditRecord:
        user = asked.subject.properties.user
        what = decided.interaction.summary if decided.interaction is not None else "not understood"
        return AuditRecord(
            kind="disclosure" if decided.permit else "refusal",
            direction="inbound",
            subject=asked.resource.properties.holder,
            at=self._clock.now(),
            purpose=asked.context.purpose if (asked.context.purpose or "").isalpha() else None,
            patient=decided.about.pseudonym if decided.about is not None else None,
            peer_ura=asked.subject.id,
            user_id=user.identifier if user is not None else None,
            user_name=user.name if user is not None else None,
            user_role=user.role if user is not None else None,
            user_evidence=f"stated by {caller}",
            interaction=f"{what} (decided for another enforcement point)",
            decision="permit" if decided.permit else "deny",
            code=decided.code,
            rules=tuple(decided.rules),
        )


def _context(decided: Described, seq: int) -> dict[str, Any]:
    message = next((rule.message for rule in decided.rules if rule.code == decided.code), "")
    answer: dict[str, Any] = {
        "code": decided.code,
        "reason_admin": {"en": message},
        "rules": [rule.to_json() for rule in decided.rules],
        "audit": seq,
    }
    return answer if decided.permit else answer | {"reason_user": {"en": "refused"}}
