"""Which Endpoint of an organisation to use, by the rules of the directory (LANDSCAPE §2.1.1), and why not the others.

In use and within its period (R4 has no search for that); a FHIR server by its connection type, for this data by its payload type, in a
version that we read by its mime type; never by its name. At a cutover the one that began last comes first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from credentials.errors import MalformedError
from registry.directory import FhirVersion
from registry.mcsd.ownership import codings
from registry.mcsd.values import milliseconds, span

REST: Final = "hl7-fhir-rest"
AUTHORIZATION_SERVERS: Final = ("oauth-nuts", "oauth2", "oauth2-fapi2")
"""Connection types of authorization servers, the one that we speak best first."""
ANY: Final = "any"
"""The payload type of an endpoint that takes everything."""
MAX_ADDRESS: Final = 2_048

_FHIR_VERSION = re.compile(r"fhirversion=\"?([0-9]+)\.([0-9]+)", re.ASCII | re.IGNORECASE)
_VERSIONS: Final[Mapping[str, FhirVersion]] = {"4.0": "r4", "3.0": "stu3"}

Outcome = Literal[
    "usable",
    "not_active",
    "not_now",
    "not_fhir",
    "another_payload",
    "another_version",
    "no_address",
    "no_authorization_server",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One Endpoint that was looked at.

    Attributes:
        address: as it is written there, without a slash at the end; empty when it has none that can be used.
        fhir_version: that it is for, where it is usable.
        authorization_server: where a token for it is had.
        outcome: a stable code.
        reason: a sentence for people.
        since: when it began, milliseconds since 1970; 0 when it does not say.
    """

    id: str
    address: str
    fhir_version: FhirVersion | None
    authorization_server: str | None
    outcome: Outcome
    reason: str
    since: int


def select_endpoints(
    endpoints: Iterable[Mapping[str, Any]],
    *,
    payloads: frozenset[str],
    versions: Sequence[FhirVersion],
    now: datetime,
) -> tuple[Selected, ...]:
    """Judge the Endpoints of one organisation.

    Args:
        endpoints: resources, as a directory has them.
        payloads: codes of payload types that stand for what is asked (the use case's names).
        versions: FHIR versions that we can use, best first.
        now: aware UTC.

    Returns:
        All of them: usable ones first, by version, then the one that began last; then the others.
    """
    listed = list(endpoints)
    server = _authorization_server(listed, now)
    judged = [_judge(each, payloads, versions, server, now) for each in listed if not _is_authorization_server(each)]

    def order(each: Selected) -> tuple[bool, int, int]:
        rank = versions.index(each.fhir_version) if each.fhir_version in versions else len(versions)
        return each.outcome != "usable", rank, -each.since

    return tuple(sorted(judged, key=order))


def fhir_versions(endpoint: Mapping[str, Any]) -> frozenset[FhirVersion]:
    """The versions that the mime types of an Endpoint name; R4, that of the directory, when they name none."""
    types = endpoint.get("payloadMimeType")
    found = [_FHIR_VERSION.search(each) for each in types if isinstance(each, str)] if isinstance(types, list) else []
    named = [f"{match[1]}.{match[2]}" for match in found if match is not None]
    return frozenset(_VERSIONS[each] for each in named if each in _VERSIONS) if named else frozenset({"r4"})


def _judge(
    endpoint: Mapping[str, Any],
    payloads: frozenset[str],
    versions: Sequence[FhirVersion],
    server: str | None,
    now: datetime,
) -> Selected:
    address = _address(endpoint) or ""
    since = _period(endpoint)[0]

    def judged(outcome: Outcome, reason: str, version: FhirVersion | None = None) -> Selected:
        return Selected(
            id=str(endpoint.get("id", "")), address=address, fhir_version=version, authorization_server=server,
            outcome=outcome, reason=reason, since=since,
        )  # fmt: skip

    # (1) it is in use, at this moment
    if endpoint.get("status") != "active":
        return judged("not_active", "its status is not active")
    if not _is_current(endpoint, now):
        return judged("not_now", "its period has not begun, or is over")
    # (2) a FHIR server, for this
    if not _is_connection(endpoint, (REST,)):
        return judged("not_fhir", "it is no FHIR server")
    codes = {code for _, code in codings(endpoint.get("payloadType"))}
    if codes and not codes & (payloads | {ANY}):
        return judged("another_payload", "it is for other data")
    # (3) in a version that we read
    offered = fhir_versions(endpoint)
    version = next((each for each in versions if each in offered), None)
    if version is None:
        return judged("another_version", f"it does not speak FHIR {' or '.join(versions)}")
    # (4) at an address that we call, where a token can be had
    if not address:
        return judged("no_address", "its address is not plain https")
    if server is None:
        return judged(
            "no_authorization_server", "the organisation has no authorization server in the directory", version
        )
    return judged("usable", f"active, for FHIR {version}", version)


def _authorization_server(endpoints: Sequence[Mapping[str, Any]], now: datetime) -> str | None:
    for kind in AUTHORIZATION_SERVERS:
        found = [
            (_period(each)[0], address)
            for each in endpoints
            if each.get("status") == "active" and _is_current(each, now) and _is_connection(each, (kind,))
            if (address := _address(each)) is not None
        ]
        if found:
            return max(found)[1]
    return None


def _is_authorization_server(endpoint: Mapping[str, Any]) -> bool:
    return _is_connection(endpoint, AUTHORIZATION_SERVERS)


def _is_connection(endpoint: Mapping[str, Any], codes: tuple[str, ...]) -> bool:
    connection = endpoint.get("connectionType")
    return isinstance(connection, dict) and connection.get("code") in codes


def _is_current(endpoint: Mapping[str, Any], now: datetime) -> bool:
    """Within its period: the end is the moment at which another one begins, so it is not in it."""
    since, until = _period(endpoint)
    return since <= milliseconds(now) < until


def _period(endpoint: Mapping[str, Any]) -> tuple[int, int]:
    """First and last moment; a period that can not be read is over."""
    period = endpoint.get("period", {})
    if not isinstance(period, dict):
        return 0, 0
    try:
        since = span(period["start"])[0] if "start" in period else 0
        end = period.get("end")
        if end is None:
            return since, 2**62
        first, last = span(end)
    except MalformedError:
        return 0, 0
    return since, last + 1 if isinstance(end, str) and len(end) <= len("2026-11-22") else first


def _address(endpoint: Mapping[str, Any]) -> str | None:
    address = endpoint.get("address")
    if not isinstance(address, str) or len(address) > MAX_ADDRESS or not (address.isascii() and address.isprintable()):
        return None
    try:
        parts = urlsplit(address)
        plain = parts.scheme == "https" and parts.hostname and parts.username is None and parts.password is None
        _ = parts.port  # a port that is no number raises
    except ValueError:
        return None
    if not plain or parts.query or parts.fragment or " " in address or address.endswith(("?", "#")):
        return None
    return address.rstrip("/")
