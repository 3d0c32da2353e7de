"""A verifier, the parties whose documents it finds, and an issuer that publishes a status list."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from credentials.did.did_web import document_url
from credentials.did.document import build_document
from credentials.did.identifier import DID
from credentials.errors import UntrustedError
from credentials.jsonld.proof import sign_document
from credentials.keys import KeyId, PublicKey
from node.ports import HttpRequest, HttpResponse
from node.verification.verifier import Verifier
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key
from tests.support.status_lists import LIST_URL, a_list_document, sign_list
from tests.support.world import ManualClock, SimulatedInternet, reply

ORIGIN = "https://ministry.example"


@dataclass(slots=True)
class KnownParties:
    """Finds the keys of the parties of the tests.

    Attributes:
        names: whose documents there are.
        asked: every DID that was looked up.
    """

    names: set[str] = field(default_factory=lambda: {"oever", "ministry", "linde"})
    asked: list[DID] = field(default_factory=list)

    async def keys(self, dids: Iterable[DID], *, wanted: Iterable[str] = ()) -> Mapping[KeyId, PublicKey]:
        """The keys, or an error that names who is away."""
        found: dict[KeyId, PublicKey] = {}
        for did in dids:
            self.asked.append(did)
            name = next((each for each in self.names if a_did(each) == did), None)
            if name is None:
                raise UntrustedError(f"{did}: can not be resolved")
            found[a_key(name).kid] = a_key(name).public
        return found

    async def seen(self, did: DID, within: float) -> tuple[frozenset[KeyId], float]:
        """The ids of those keys, seen a moment ago."""
        return frozenset(await self.keys([did])), -within


class Publisher:
    """An issuer with a DID document and a status list at `LIST_URL`.

    Attributes:
        revoked: bits that are set.
        changes: to the unsigned list.
        issuer: who signs, and says to be the issuer.
        as_jwt: whether the list is a JWT.
        headers: of the answer.
        answer: given instead, when there is one.
        every_page: whether any other address has a list of that name too.
        tagged: whether it gives entity tags, and answers 304.
        calls: conditional or not, in order.
    """

    def __init__(self, internet: SimulatedInternet, clock: ManualClock) -> None:
        self.revoked: set[int] = set()
        self.changes: dict[str, Any] = {}
        self.issuer = "ministry"
        self.options: dict[str, Any] = {}
        self.as_jwt = True
        self.headers: dict[str, Any] = {"cache_control": "max-age=300"}
        self.answer: HttpResponse | None = None
        self.tagged = False
        self.every_page = False
        self.calls: list[str] = []
        self._clock = clock
        internet.sites[ORIGIN] = self._site

    def list(self, url: str = LIST_URL) -> object:
        """The list as it is now."""
        usual: dict[str, Any] = {"revoked": self.revoked, "now": self._clock.now(), "url": url}
        options = usual | self.options
        document = a_list_document(self.issuer, **options) | self.changes
        if self.as_jwt:
            return sign_list(document, self.issuer)
        return sign_document(document, a_key(self.issuer), created=self._clock.now())

    async def _site(self, request: HttpRequest) -> HttpResponse:
        if request.url == document_url(a_did("ministry")):
            key = a_key("ministry")
            return reply(build_document(a_did("ministry"), [(key.kid, key.public)]), cache_control="max-age=300")
        self.calls.append(request.headers.get("If-None-Match", ""))
        if self.answer is not None:
            return self.answer
        if request.url != LIST_URL and not self.every_page:
            return reply({}, status=404)
        tag = f'"{sorted(self.revoked)}"'
        if self.tagged and request.headers.get("If-None-Match") == tag:
            return reply(b"", status=304, **self.headers)
        if self.tagged:
            return reply(json.dumps(self.list()), etag=tag, **self.headers)
        return reply(json.dumps(self.list(request.url)), **self.headers)


class Setting:
    """All of it, with time standing still."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.internet = SimulatedInternet()
        self.parties = KnownParties()
        self.publisher = Publisher(self.internet, self.clock)
        self.verifier = Verifier(resolver=self.parties, peers=self.internet, clock=self.clock)
