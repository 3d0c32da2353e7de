"""Would our wallet do for a scope, and where not: which field of which credential fails, and why.

The answer to "no credentials available". It is asked of what another organisation's authorization server publishes, or of our
own definitions when no server is named. The same matching runs that a token request would run; besides, credentials that are
expired, revoked or not valid yet are told, since they are a common reason. Nothing is presented, and nothing is sent but the question
which definition a scope has.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from credentials.claims import CLOCK_SKEW, to_rfc3339
from credentials.did.identifier import DID, did_method
from credentials.query.definition import InputDescriptor, PresentationDefinition
from credentials.query.explanation import Explanation, explain
from credentials.query.matching import Match, NoMatch, match_wallet
from credentials.query.selection import MAX_SELECTED_LENGTH, MAX_SELECTION, check_selection
from credentials.vc.credential import VC_TYPE, SignedCredential
from node.identity.subjects import Subjects
from node.identity.wallet import Held, Wallet
from node.oauth.definitions import ORGANIZATION, Definitions
from node.oauth.errors import OAuthCode
from node.oauth.messages import MAX_CLIENT_ID, MAX_SCOPE
from node.oauth.peer_servers import PeerServers
from node.oauth.self_attested import MAX_CREDENTIALS, own_word
from node.oauth.user import User
from node.ports import Clock, Entropy
from node.web.replies import RequestError

MAX_TOLD = 50
"""Credentials told of per input descriptor: those that fit, then those of the right type, then the others."""


class UserAsked(BaseModel):
    """On whose behalf a token would be asked."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    identifier: str
    name: str
    role: str

    @model_validator(mode="after")
    def _as_user(self) -> Self:
        self.to_user()
        return self

    def to_user(self) -> User:
        """Return the person, whose texts have limits."""
        return User(identifier=self.identifier, name=self.name, role=self.role)


class WalletQuestion(BaseModel):
    """Body of ``POST /internal/explain/v1/{subject}/credentials``."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    scope: str = Field(min_length=1, max_length=MAX_SCOPE)
    authorization_server: str | None = Field(default=None, min_length=1, max_length=MAX_CLIENT_ID)
    user: UserAsked | None = None
    credentials: list[dict[str, Any]] = Field(default=[], max_length=MAX_CREDENTIALS)
    credential_selection: dict[str, Annotated[str, Field(max_length=MAX_SELECTED_LENGTH)]] = Field(
        default={}, max_length=MAX_SELECTION
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holding:
    """What one of our DIDs could present.

    Attributes:
        valid: what would be tried, in order.
        outdated: what would not, and why.
    """

    did: DID
    valid: tuple[SignedCredential, ...]
    outdated: tuple[tuple[SignedCredential, str], ...]


class WalletExplainer:
    """Compares wallets with definitions.

    Args:
        definitions: our own, by scope.
        servers: what other organisations publish.
        subjects: whose wallets there are.
        wallet: with the credentials.
        clock: decides what has expired.
        entropy: for ids of what an organisation says itself.
    """

    def __init__(
        self,
        *,
        definitions: Definitions,
        servers: PeerServers,
        subjects: Subjects,
        wallet: Wallet,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._definitions = definitions
        self._servers = servers
        self._subjects = subjects
        self._wallet = wallet
        self._clock = clock
        self._entropy = entropy

    async def explain(self, subject: str, asked: WalletQuestion) -> dict[str, Any]:
        """Return what would happen, as the vendor's API says it (``docs/api.md``).

        Raises:
            UnknownSubjectError: no such subject of ours.
            RequestError: the scope is not known here; with those that are.
            TokenRefusedError: the other server does not say what it asks.
            MalformedError: a credential of the question is none, a selection names no field, or the definition takes too much work.
        """
        holdings = await self._holdings(subject, asked)
        definitions, methods = await self._asked_by(asked)
        check_selection(asked.credential_selection, definitions.values())
        told: list[dict[str, Any]] = []
        for owner, definition in definitions.items():
            fields = {each.id for one in definition.input_descriptors for each in one.fields if each.id is not None}
            holders = [
                # a large wallet against a long definition takes a while, which others should not wait for
                await asyncio.to_thread(_told, definition, holding, asked.credential_selection, methods)
                for holding in holdings
            ]
            told.append({"wallet_owner": owner, "id": definition.id, "fields": sorted(fields), "holders": holders})
        return {
            "scope": asked.scope,
            "authorization_server": asked.authorization_server,
            "satisfied": _is_satisfied([one["holders"] for one in told]),
            "definitions": told,
        }

    async def _asked_by(self, asked: WalletQuestion) -> tuple[Mapping[str, PresentationDefinition], Collection[str]]:
        """Return what is asked, by wallet owner, and the kinds of DID that are understood, empty for all.

        A server shows what it asks of the organisation only.
        """
        if asked.authorization_server is None:
            scopes = self._definitions.scopes
            if asked.scope not in scopes:
                raise RequestError(
                    HTTPStatus.BAD_REQUEST,
                    OAuthCode.INVALID_SCOPE,
                    "scope is not known here",
                    f"the scopes known here: {', '.join(sorted(scopes)) or 'none'}; of a use case: hazel usecase list",
                )
            return self._definitions.required(asked.scope), ()
        metadata = await self._servers.server(asked.authorization_server)
        return {ORGANIZATION: await self._servers.definition(metadata, asked.scope)}, metadata.did_methods

    async def _holdings(self, subject: str, asked: WalletQuestion) -> Sequence[_Holding]:
        now = self._clock.now()
        user = None if asked.user is None else asked.user.to_user()
        held = await self._wallet.list(subject)
        holdings = []
        for did in (await self._subjects.get(subject)).dids:
            mine = [each for each in held if each.credential.subject_id == did]
            said = own_word(asked.credentials, user, holder=did, fresh_id=self._entropy.uuid, now=now)
            reasons = [(each.credential, _outdated(each, now)) for each in mine]
            holdings.append(
                _Holding(
                    did=did,
                    valid=(*(each for each, reason in reasons if reason is None), *said),
                    outdated=tuple((each, reason) for each, reason in reasons if reason is not None),
                )
            )
        return holdings


def _outdated(held: Held, now: datetime) -> str | None:
    credential = held.credential
    if held.revoked_at is not None:
        return "it was revoked"
    if credential.expires_at is not None and now >= credential.expires_at:
        return f"it expired on {to_rfc3339(credential.expires_at)}"
    if now + CLOCK_SKEW < credential.issued_at:
        return f"it is not valid before {to_rfc3339(credential.issued_at)}"
    return None


def _is_satisfied(holders: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    """One of our DIDs has to satisfy every definition: a presentation has one holder."""
    return any(all(one["satisfied"] for one in of_one) for of_one in zip(*holders, strict=True))


def _told(
    definition: PresentationDefinition, holding: _Holding, selection: Mapping[str, str], methods: Collection[str]
) -> dict[str, Any]:
    match: Match | None = None
    if methods and did_method(holding.did) not in methods:
        message = f"the other side understands only did:{', did:'.join(sorted(methods))}"
    else:
        try:
            match = match_wallet(definition, holding.valid, selection=selection)
            message = "the wallet has what is asked"
        except NoMatch as error:
            message = str(error)
    misfits = {(each.descriptor_id, each.position): each for each in explain(definition, holding.valid)}
    chosen = {} if match is None else {name: credential.id for name, credential in match.selected}
    return {
        "did": holding.did,
        "satisfied": match is not None,
        "message": message,
        "input_descriptors": [
            _told_of(descriptor, holding, misfits, chosen.get(descriptor.id))
            for descriptor in definition.input_descriptors
        ],
    }


def _told_of(
    descriptor: InputDescriptor,
    holding: _Holding,
    misfits: Mapping[tuple[str, int], Explanation],
    chosen: str | None,
) -> dict[str, Any]:
    lines = [_line(each, misfits.get((descriptor.id, place))) for place, each in enumerate(holding.valid)]
    lines += [{**_line(each, None), "fits": False, "reason": reason} for each, reason in holding.outdated]

    def distance(line: Mapping[str, Any]) -> int:
        """Sort what fits before what has the type asked for, and that before the rest."""
        is_of_type = descriptor.types is None or line["type"] in descriptor.types
        return 0 if line["fits"] else 1 if is_of_type else 2

    return {
        "id": descriptor.id,
        "name": descriptor.name,
        "purpose": descriptor.purpose,
        "types": sorted(descriptor.types or ()),
        "groups": sorted(descriptor.groups),
        "chosen": chosen,
        "credentials": sorted(lines, key=distance)[:MAX_TOLD],
        "not_told": max(0, len(lines) - MAX_TOLD),
    }


def _line(credential: SignedCredential, misfit: Explanation | None) -> dict[str, Any]:
    return {
        "id": credential.id,
        "type": next((name for name in credential.types if name != VC_TYPE), VC_TYPE),
        "issuer": credential.issuer,
        "self_attested": credential.is_self_attested,
        "expires": None if credential.expires_at is None else to_rfc3339(credential.expires_at),
        "fits": misfit is None,
        "field": None if misfit is None else misfit.field_id,
        "paths": [] if misfit is None else list(misfit.paths),
        "reason": None if misfit is None else misfit.reason,
    }
