"""Where the directory is found in an application, and under which paths. Light: loaded at start, the rest with the first use."""

from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from node.directory.endpoints import Endpoints
    from node.directory.finding import Finder
    from node.directory.own import OwnEntries
    from node.directory.publishing import Publisher
    from node.directory.replica import Replica
    from node.directory.rounds import Rounds
    from node.usecases.book import UseCaseBook

FHIR: Final = "/internal/directory/v1/fhir"
"""Search on the replica."""
OWN_PATH: Final = "/internal/directory/v1/own"
"""Our own entries, for our own systems."""
PUBLIC: Final = "/directory/fhir"
"""The small directory that others may follow."""

FINDER: "web.AppKey[Finder]" = web.AppKey("FINDER")
REPLICA: "web.AppKey[Replica]" = web.AppKey("REPLICA")
ROUNDS: "web.AppKey[Rounds]" = web.AppKey("ROUNDS")
OWN: "web.AppKey[OwnEntries]" = web.AppKey("OWN")
PUBLISHER: "web.AppKey[Publisher]" = web.AppKey("PUBLISHER")
ENDPOINTS: "web.AppKey[Endpoints]" = web.AppKey("ENDPOINTS")
ENDPOINT_USECASES: "web.AppKey[UseCaseBook]" = web.AppKey("ENDPOINT_USECASES")
