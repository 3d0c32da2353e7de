"""The presentation that asks for a token: which form both sides know, and making it (WIRE §2.5.3, §2.5.4).

A JWT where that is possible: it is smaller, and takes a hundredth of the work. JSON-LD where the other side takes nothing else; making
that one costs milliseconds of CPU, so it is made beside the event loop.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from credentials.claims import ISSUE_BACKDATE
from credentials.did.identifier import DID
from credentials.ports import PrivateKey
from credentials.query.submission import PresentationShape
from credentials.vc.credential import SignedCredential
from credentials.vc.present import present_jwt, present_ldp
from node.keys.signing import sign_with
from node.oauth.grant import MAX_PRESENTATION_LIFETIME
from node.oauth.messages import to_json

PresentationForm = Literal["jwt_vp", "ldp_vp"]

FORMS: Final[tuple[PresentationForm, ...]] = ("jwt_vp", "ldp_vp")
"""The forms that we make, the preferred one first."""

PROOF_TYPE: Final = "JsonWebSignature2020"
"""How we sign JSON-LD."""


def choose_form(
    server: Mapping[str, Collection[str]], asked: Mapping[str, Mapping[str, Collection[str]]], alg: str
) -> PresentationForm | None:
    """Return the first form of ours that the other side takes; ``None`` when there is none.

    Among those it names, one that may be signed as we sign comes first. Where it says that of none, the first one will do all the same:
    nuts-node does not compare the algorithm of a presentation with what it lists (WIRE §2.5.4).

    Args:
        server: formats in the metadata, in the short spelling, with algorithms or kinds of proof; empty when it does not say.
        asked: formats in the presentation definition, with lists of these by name; where none of them is a presentation's, any will do.
        alg: how our key signs, for example ``ES256``.
    """
    wanted = {name: _listed(lists) for name, lists in asked.items() if name.endswith("_vp")}
    known = [form for form in FORMS if (not server or form in server) and (not wanted or form in wanted)]
    ways: Mapping[PresentationForm, str] = {"jwt_vp": alg, "ldp_vp": PROOF_TYPE}

    def is_said(form: PresentationForm) -> bool:
        return all(not listed or ways[form] in listed for listed in (server.get(form, ()), wanted.get(form, ())))

    return next((form for form in known if is_said(form)), known[0] if known else None)


def _listed(lists: Mapping[str, Collection[str]]) -> frozenset[str]:
    return frozenset(each for methods in lists.values() for each in methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A presentation as it is sent.

    Attributes:
        text: the form parameter: a compact JWT, or JSON.
        shape: how it writes a single credential; a submission has to point accordingly.
    """

    text: str
    shape: PresentationShape


async def make_assertion(
    form: PresentationForm,
    *,
    holder: DID,
    key: PrivateKey,
    audience: str,
    credentials: Sequence[SignedCredential],
    nonce: str,
    presentation_id: str,
    now: datetime,
) -> Assertion:
    """Sign a presentation for ``audience`` that lives for five seconds.

    Raises:
        MalformedError: one of the credentials has something in it that a JSON-LD signature would not cover.
        VaultAwayError: the key's vault does not answer.
    """
    raw = [each.raw for each in credentials]
    if form == "jwt_vp":
        compact = await sign_with(
            key,
            lambda key: present_jwt(
                holder=holder,
                key=key,
                audience=audience,
                credentials=raw,
                nonce=nonce,
                presentation_id=presentation_id,
                now=now,
                lifetime=MAX_PRESENTATION_LIFETIME,
            ),
        )
        return Assertion(text=compact, shape="array")
    created = (now - ISSUE_BACKDATE).replace(microsecond=0)
    document = await asyncio.to_thread(
        present_ldp,
        holder=holder,
        key=key,
        audience=audience,
        credentials=raw,
        nonce=nonce,
        presentation_id=presentation_id,
        now=created,
        expires=created + MAX_PRESENTATION_LIFETIME,
    )
    return Assertion(text=to_json(document), shape="collapsed")
