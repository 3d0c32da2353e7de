"""Organisations and their endpoints, from what was registered; and why an endpoint was chosen or passed over.

Who an organisation is comes from its certificate: the URA (the national number of a care organisation), name and city are believed
only where they were read from an X509Credential that was verified. Everything else, the endpoints and the kind of organisation,
it says about itself (LANDSCAPE §6.6); an address is taken only when it is a plain https URL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from credentials.did.identifier import DID
from registry.entry import Registered
from registry.registration import AUTH_SERVER_URL

FhirVersion = Literal["r4", "stu3"]

URA: Final = "organization_ura"
NAME: Final = "organization_name"
CITY: Final = "organization_city"
FACILITY_TYPE: Final = "organization_facility_type"
"""Self-stated kind of organisation: a Vektis code such as Z3."""
FHIR_BASES: Final[Mapping[FhirVersion, str]] = MappingProxyType(
    {"r4": "fhir_base_url_r4", "stu3": "fhir_base_url_stu3"}
)
"""Parameters with the FHIR base URLs."""
MAX_URL_LENGTH: Final = 2_048
URA_DIGITS: Final = 8

Outcome = Literal["chosen", "older", "not_in_service", "no_authorization_server", "no_fhir_base"]
"""What became of a registration when an endpoint was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation as registered under one DID.

    Attributes:
        ura: from its certificate.
        name: from its certificate, empty when that has none.
        city: likewise.
        holder: the DID that registered.
        authorization_server: issuer URL, None when it gave none that can be used.
        fhir_bases: FHIR version to base URL, without a slash at the end.
        facility_type: self-stated, None when it gave none.
        services: ids of the services where this DID is registered.
    """

    ura: str
    name: str
    city: str
    holder: DID
    authorization_server: str | None
    fhir_bases: Mapping[FhirVersion, str]
    facility_type: str | None
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to ask an organisation for something."""

    organisation: Organisation
    service: str
    fhir_version: FhirVersion
    fhir_base: str
    authorization_server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One registration that was looked at for an endpoint.

    Attributes:
        holder: who registered.
        service: where.
        outcome: a stable code.
        reason: a sentence for people.
    """

    holder: DID
    service: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The endpoint for a question, or why there is none.

    Attributes:
        endpoint: None when nothing fits.
        considered: every registration of that organisation, best first; empty when it isn't registered anywhere.
    """

    endpoint: Endpoint | None
    considered: tuple[Considered, ...]


class Directory:
    """Organisations in the discovery services, as of one moment."""

    def __init__(self, registered: Iterable[Registered]) -> None:
        """Sort registrations by organisation.

        Args:
            registered: unexpired registrations of any number of services; those without a proven URA are left out.
        """
        self._entries: dict[str, list[Registered]] = {}  # by URA, newest registration first
        services: dict[DID, set[str]] = {}
        for entry in sorted(registered, key=lambda each: (each.issued_at, each.timestamp), reverse=True):
            ura = _proven(entry, URA)
            if ura is not None:
                self._entries.setdefault(ura_key(ura), []).append(entry)
                services.setdefault(entry.holder, set()).add(entry.service)
        self._services = {holder: tuple(sorted(names)) for holder, names in services.items()}
        self._read: dict[int, Organisation] = {}  # by the identity of an entry in `_entries`, which keeps it alive

    def find(self, ura: str, service: str | None = None) -> Organisation | None:
        """The organisation with this URA, by its newest registration in the service, or in any."""
        for entry in self._entries.get(ura_key(ura), ()):
            if service in {None, entry.service}:
                return self._organisation(entry)
        return None

    def organisations(self, service: str) -> tuple[Organisation, ...]:
        """All organisations in a service, by URA, each once."""
        found = (self.find(ura, service) for ura in sorted(self._entries))
        return tuple(organisation for organisation in found if organisation is not None)

    def choose(self, ura: str, service: str, versions: Sequence[FhirVersion]) -> Choice:
        """Choose where to ask.

        Args:
            ura: whom.
            service: the service in which it has to be registered.
            versions: FHIR versions that we can use, best first.

        Returns:
            The endpoint of its newest registration there that has one. An organisation with two nodes, or one that moved, has
            several registrations; the others are passed over and say so.
        """
        endpoint: Endpoint | None = None
        considered = []
        for entry in self._entries.get(ura_key(ura), ()):
            found, outcome, reason = self._endpoint(entry, service, versions)
            if found is not None and endpoint is not None:
                outcome, reason = "older", "a newer registration of this organisation is used"
            endpoint = endpoint or found
            considered.append(Considered(holder=entry.holder, service=entry.service, outcome=outcome, reason=reason))
        considered.sort(key=lambda each: each.outcome != "chosen")
        return Choice(endpoint=endpoint, considered=tuple(considered))

    def endpoints(self, ura: str, service: str, versions: Sequence[FhirVersion]) -> tuple[Endpoint, ...]:
        """Everywhere an organisation can be asked: as :meth:`choose` reads them, the newest registration first."""
        found = (self._endpoint(entry, service, versions)[0] for entry in self._entries.get(ura_key(ura), ()))
        return tuple(endpoint for endpoint in found if endpoint is not None)

    def _endpoint(
        self, entry: Registered, service: str, versions: Sequence[FhirVersion]
    ) -> tuple[Endpoint | None, Outcome, str]:
        # (1) registered for this: that is what says it offers and asks this
        if entry.service != service:
            return None, "not_in_service", f"registered for {entry.service}, not for {service}"
        organisation = self._organisation(entry)
        # (2) a token can be had
        if organisation.authorization_server is None:
            return None, "no_authorization_server", f"gives no {AUTH_SERVER_URL} with https"
        # (3) and data, in a version that we read
        for version in versions:
            base = organisation.fhir_bases.get(version)
            if base is not None:
                found = Endpoint(
                    organisation=organisation,
                    service=service,
                    fhir_version=version,
                    fhir_base=base,
                    authorization_server=organisation.authorization_server,
                )
                return found, "chosen", f"newest registration with FHIR {version}"
        return None, "no_fhir_base", f"gives no FHIR address for {' or '.join(versions)}"

    def _organisation(self, entry: Registered) -> Organisation:
        """The organisation as this entry registers it; read once, since it is asked for with every request."""
        known = self._read.get(id(entry))
        if known is None:
            known = self._read[id(entry)] = self._read_organisation(entry)
        return known

    def _read_organisation(self, entry: Registered) -> Organisation:
        bases = {version: _address(entry.parameters.get(name)) for version, name in FHIR_BASES.items()}
        return Organisation(
            ura=_proven(entry, URA) or "",
            name=_proven(entry, NAME) or "",
            city=_proven(entry, CITY) or "",
            holder=entry.holder,
            authorization_server=_address(entry.parameters.get(AUTH_SERVER_URL)),
            fhir_bases={version: base.rstrip("/") for version, base in bases.items() if base is not None},
            facility_type=_text(entry.parameters.get(FACILITY_TYPE)),
            services=self._services[entry.holder],
        )


def ura_key(ura: str) -> str:
    """A URA as it is compared: eight digits, however many leading zeros were written."""
    return ura.strip().zfill(URA_DIGITS)


def _proven(entry: Registered, name: str) -> str | None:
    return _text(entry.claims.get(name)) if name in entry.proven else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _address(value: object) -> str | None:
    """An https URL without anything but host and path, as it was written; None for everything else."""
    text = _text(value)
    if text is None or len(text) > MAX_URL_LENGTH or not (text.isascii() and text.isprintable()) or " " in text:
        return None
    try:
        parts = urlsplit(text)
        plain = parts.scheme == "https" and parts.hostname and parts.username is None and parts.password is None
        _ = parts.port  # a port that is no number raises
    except ValueError:
        return None
    return text if plain and not parts.query and not parts.fragment and not text.endswith(("?", "#")) else None
