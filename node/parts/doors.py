"""The two listeners: which routes each has, who may use them, and how errors are told there."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from credentials.errors import CredentialError, MalformedError
from node import health
from node.audit import routes as audit_routes
from node.config.model import Config
from node.consent import routes as consent_routes
from node.directory import opening as directory_opening
from node.directory.boundary import as_directory_outcome
from node.doctor.opening import internal_routes as doctor_routes
from node.exchange import direct_routes
from node.exchange import routes as exchange_routes
from node.exchange.opening import internal_routes as holder_routes
from node.exchange.outcome import as_operation_outcome
from node.identity import boundary as identity_boundary
from node.identity import routes as identity_routes
from node.identity.known_subject import known_subject
from node.identity.subjects import Subjects
from node.issuing import boundary as issuing_boundary
from node.issuing import routes as issuing_routes
from node.map.opening import internal_routes as map_routes
from node.oauth import boundary as oauth_boundary
from node.oauth import routes as oauth_routes
from node.oauth.metadata import WELL_KNOWN
from node.registries import routes as registry_routes
from node.storage.database import Database
from node.vendor.opening import internal_routes as vendor_routes
from node.web.boundary import boundary
from node.web.internal_auth import ApiKeys, internal_auth
from node.web.limits import Strangers
from node.web.replies import RequestError


def base_path(config: Config) -> str:
    """The path of our public address: empty, or ``/path``."""
    return urlsplit(config.url).path


def public_door(config: Config, strangers: Strangers) -> web.Application:
    """What the world reaches; ``strangers`` counts who proves nothing, and says who has to wait."""
    path = base_path(config)
    return _application(
        boundary(
            [
                (f"{path}/oauth2/", oauth_boundary.as_oauth_reply),
                (f"{WELL_KNOWN}/", oauth_boundary.as_oauth_reply),  # the path comes behind it (RFC 8414 §3.1)
                (f"{path}/fhir/", as_operation_outcome),
                (f"{path}{directory_opening.PUBLIC}/", as_directory_outcome),
            ],
            _TRANSLATIONS,
            strangers,
            behind_proxy=config.public.tls_certificate is None,
        ),
        [
            *identity_routes.public_routes(path),
            *issuing_routes.public_routes(path),
            *oauth_routes.public_routes(path),
            *registry_routes.public_routes(path),
            *directory_opening.public_routes(path),
            *exchange_routes.public_routes(path),
            web.get("/status", health.get_alive),
        ],
    )


def internal_door(config: Config, database: Database, subjects: Subjects) -> web.Application:
    """What our own systems reach."""
    return _application(
        boundary([(f"{each}/", as_directory_outcome) for each in directory_opening.INTERNAL], _TRANSLATIONS),
        [
            *identity_routes.internal_routes(),
            *vendor_routes(),
            *oauth_routes.internal_routes(),
            *registry_routes.internal_routes(),
            *exchange_routes.internal_routes(),
            *direct_routes.internal_routes(),
            *holder_routes(),
            *audit_routes.ROUTES,
            *consent_routes.ROUTES,
            *directory_opening.internal_routes(),
            *doctor_routes(),
            *map_routes(),
            web.get("/internal/status/v1", health.get_status),
            web.get("/status", health.get_alive),
            web.get("/health", health.get_health),
        ],
        internal_auth(ApiKeys(database), open_to_all=config.unsafe_open_internal_api),
        known_subject(subjects),
    )


def _application(around: Middleware, routes: Iterable[web.AbstractRouteDef], *inner: Middleware) -> web.Application:
    app = web.Application(middlewares=[around, *inner])
    app.router.add_routes(routes)
    return app


def _credential_errors(error: Exception) -> RequestError | None:
    match error:
        case MalformedError():
            return RequestError(400, "malformed", str(error))
        case CredentialError():
            return RequestError(400, "refused", str(error))
        case _:
            return None


_TRANSLATIONS = (
    identity_boundary.as_request_error,
    issuing_boundary.as_request_error,
    oauth_boundary.as_request_error,
    audit_routes.as_request_error,
    directory_opening.as_request_error,
    registry_routes.as_request_error,
    _credential_errors,
)
