"""What an operator may see and do about tokens that were given: list them, end one, end those of a party (``hazel token``).

The tokens themselves nobody can see: only a hash is kept. An end is recorded, counts for every request from then on, and makes decisions
that are under way be made again.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from credentials.claims import to_rfc3339
from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.identity.subjects import Subjects
from node.oauth.grants import Grant
from node.oauth.store import MAX_LISTED, TokenStore
from node.ports import Clock
from node.web.internal_auth import caller_name
from node.web.parameters import read_parameters
from node.web.replies import RequestError

MAX_PARTY = 2_048
"""Characters of a DID in a question."""


class GivenTokens:
    """Lists and ends tokens of the organisations hosted here.

    Args:
        store: where grants are kept.
        subjects: who is hosted here.
        audit: an end is recorded.
        clock: decides what stands.
    """

    def __init__(self, store: TokenStore, subjects: Subjects, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._subjects = subjects
        self._audit = audit
        self._clock = clock

    async def listed(self, subject: str, party: str | None) -> list[dict[str, Any]]:
        """Return the tokens that stand, the newest first.

        Raises:
            UnknownSubjectError: no such subject of ours.
        """
        await self._subjects.get(subject)
        return [_to_json(grant) for grant in await self._store.standing(subject, self._clock.now(), party=party)]

    async def end(self, subject: str, grant_id: str, *, caller: str) -> bool:
        """End one token; returns whether it stood.

        Raises:
            UnknownSubjectError: no such subject of ours.
            AuditUnavailableError: ended, and not recorded.
        """
        await self._subjects.get(subject)
        now = self._clock.now()
        standing = await self._store.find_grant(subject, grant_id, now)
        if standing is None or not await self._store.end(grant_id, now):
            return False
        await self._record(subject, caller, f"token ended: {grant_id}", standing)
        return True

    async def end_all(self, subject: str, party: str | None, *, caller: str) -> int:
        """End every token of a party, or of everybody; returns how many stood.

        Raises:
            UnknownSubjectError: no such subject of ours.
            AuditUnavailableError: ended, and not recorded.
        """
        await self._subjects.get(subject)
        ended = await self._store.end_all(subject, self._clock.now(), party=party)
        if ended:
            whose = "of everybody" if party is None else f"of {party}"
            await self._record(subject, caller, f"{ended} tokens ended, {whose}", None)
        return ended

    async def end_of_subject(self, subject: str) -> None:
        """End every token of an organisation that was taken out of service."""
        await self._store.end_all(subject, self._clock.now())

    async def _record(self, subject: str, caller: str, what: str, grant: Grant | None) -> None:
        await self._audit.record(
            AuditRecord(
                kind="change",
                direction="local",
                subject=subject,
                at=self._clock.now(),
                decision="permit",
                code="tokens_ended",
                user_id=caller,
                user_evidence="API key",
                interaction=what,
                peer_did=None if grant is None else grant.holder,
                grant_id=None if grant is None else grant.grant_id,
            )
        )


GIVEN = web.AppKey("GIVEN", GivenTokens)


def routes() -> list[web.RouteDef]:
    """Return the routes; ``{subject}`` in a path is the organisation whose data the tokens open."""
    path = "/internal/oauth/v1/{subject}/tokens"
    return [
        web.get(path, get_tokens),
        web.delete(path, delete_tokens),
        web.delete(f"{path}/{{grant}}", delete_token),
    ]


async def get_tokens(request: web.Request) -> web.Response:
    """``GET …/tokens?party=``: the tokens that stand; ``more`` says that there are others, older ones."""
    party = _party(read_parameters(request, "party"))
    tokens = await request.app[GIVEN].listed(request.match_info["subject"], party)
    return web.json_response(
        {"tokens": tokens, "more": len(tokens) == MAX_LISTED}, headers={"Cache-Control": "no-store"}
    )


async def delete_tokens(request: web.Request) -> web.Response:
    """``DELETE …/tokens?party=`` or ``?everybody=true``: end them; one of the two has to be said."""
    given = read_parameters(request, "party", "everybody")
    party = _party(given)
    if (party is None) != (given.get("everybody") == "true") or given.get("everybody", "true") != "true":
        raise RequestError(
            HTTPStatus.BAD_REQUEST, "whose_tokens", "say whose tokens: party, or everybody=true", "never both"
        )
    ended = await request.app[GIVEN].end_all(request.match_info["subject"], party, caller=caller_name(request))
    return web.json_response({"ended": ended})


async def delete_token(request: web.Request) -> web.Response:
    """``DELETE …/tokens/{grant}``: end one."""
    read_parameters(request)
    subject, grant = request.match_info["subject"], request.match_info["grant"]
    if not await request.app[GIVEN].end(subject, grant, caller=caller_name(request)):
        raise RequestError(
            HTTPStatus.NOT_FOUND, "unknown_token", "no token that stands is called so", "list them: hazel token list"
        )
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _party(given: dict[str, str]) -> str | None:
    party = given.get("party")
    if party is not None and not (party.startswith("did:") and len(party) <= MAX_PARTY and party.isprintable()):
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_party", "party is the DID of who got the tokens")
    return party


def _to_json(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.grant_id,
        "scope": grant.granted_scope,
        "holder": grant.holder,
        "ura": grant.organization_ura,
        "name": grant.organization_name,
        "service_provider": grant.provider,
        "client_id": grant.client_id,
        "user": (
            None
            if grant.user_evidence is None
            else {
                "identifier": grant.user_identifier,
                "name": grant.user_name,
                "role": grant.user_role,
                "evidence": grant.user_evidence,
            }
        ),
        "token_type": grant.token_type,
        "issued_at": to_rfc3339(grant.issued_at),
        "expires_at": to_rfc3339(grant.expires_at),
    }
