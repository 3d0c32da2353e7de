"""What a directory may speak about, where there are many (Nuts IG, LANDSCAPE §2.1.2).

The root directory says which organisations there are, by URA number and name, and an Endpoint of an organisation names the directory
where the rest stands. That directory speaks for the organisations that registered it, and for nobody else: their departments,
locations, services, endpoints and affiliations. Whatever else it publishes is not shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from registry.mcsd.resource import ResourceType

URA_SYSTEM: Final = "http://fhir.nl/fhir/NamingSystem/ura"
CAPABILITIES: Final = (
    "http://nuts-foundation.github.io/nl-generic-functions-ig/CodeSystem/nl-gf-data-exchange-capabilities"
)
UPDATE_CLIENT: Final = (
    "http://nuts-foundation.github.io/nl-generic-functions-ig/CapabilityStatement/nl-gf-admin-directory-update-client"
)
"""The payload type of an Endpoint that is a directory to follow."""

MAX_DIRECTORIES: Final = 2_000
"""Directories that one root may name."""
MAX_DEPTH: Final = 16
"""Organisations above an organisation."""
MAX_URL: Final = 1_024

_ORGANISATION_OF: Final[Mapping[ResourceType, str]] = {
    "Location": "organization",
    "HealthcareService": "organization",
    "OrganizationAffiliation": "primary-organization",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What counts of one resource, in the words of the search parameters.

    Attributes:
        reference: ``Type/id`` in the replica.
        uras: its URA numbers.
        references: parameter name to what it refers to, in the replica.
    """

    type: ResourceType
    reference: str
    uras: tuple[str, ...]
    references: Mapping[str, tuple[str, ...]]


def directory_address(endpoint: Mapping[str, Any]) -> str | None:
    """The base URL of the directory that an Endpoint stands for; None when it is for something else, or not in use.

    The address has to be plain https: it is a stranger's word, and we connect to it.
    """
    # (1) in use, and for this
    if endpoint.get("status") != "active" or (CAPABILITIES, UPDATE_CLIENT) not in set(
        codings(endpoint.get("payloadType"))
    ):
        return None
    # (2) an address that can be one
    address = endpoint.get("address")
    if not isinstance(address, str) or len(address) > MAX_URL or not (address.isascii() and address.isprintable()):
        return None
    try:
        parts = urlsplit(address)
        plain = parts.scheme == "https" and parts.hostname and parts.username is None and not parts.query
        _ = parts.port  # a port that is no number raises
    except ValueError:
        return None
    return address.rstrip("/") if plain and not parts.fragment and " " not in address else None


def codings(concepts: object) -> Iterable[tuple[str, str]]:
    """System and code of every coding in a list of concepts, whatever shape it really has."""
    for concept in concepts if isinstance(concepts, list) else [concepts]:
        listed = concept.get("coding") if isinstance(concept, dict) else None
        for coding in listed if isinstance(listed, list) else ():
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                system = coding.get("system")
                yield (system if isinstance(system, str) else "", coding["code"])


def not_owned(resources: Sequence[Facts], uras: frozenset[str], anchors: frozenset[str]) -> Mapping[str, str]:
    """Which resources of a directory it may not speak about, and why.

    Args:
        resources: all that it publishes.
        uras: the organisations that registered it at the root.
        anchors: ``Organization/id`` of those organisations at the root, which departments may be part of.

    Returns:
        ``Type/id`` to a sentence for our operator.
    """
    known = {each.reference: each for each in resources}
    refused: dict[str, str] = {}
    # (1) organisations: by their number, or as part of one that has it
    ours = set(anchors)
    for each in resources:
        if each.type == "Organization":
            reason = _organisation(each, known, uras, anchors)
            if reason is None:
                ours.add(each.reference)
            else:
                refused[each.reference] = reason
    # (2) what belongs to exactly one organisation
    for each in resources:
        name = _ORGANISATION_OF.get(each.type)
        if name is not None and not ours.intersection(each.references.get(name, ())):
            refused[each.reference] = "belongs to no organisation that registered this directory"
    # (3) endpoints: of such an organisation, or offered by something accepted
    offered = {
        target for each in resources if each.reference not in refused for target in each.references.get("endpoint", ())
    }
    for each in resources:
        if (
            each.type == "Endpoint"
            and each.reference not in offered
            and not ours.intersection(each.references.get("organization", ()))
        ):
            refused[each.reference] = "is an endpoint of no organisation that registered this directory"
    return refused


def _organisation(
    start: Facts, known: Mapping[str, Facts], uras: frozenset[str], anchors: frozenset[str]
) -> str | None:
    current = start
    for _ in range(MAX_DEPTH):
        if len(current.uras) > 1:
            return "has more than one URA number"
        if current.uras:
            return (
                None
                if current.uras[0] in uras
                else "has the URA number of an organisation that did not register this directory"
            )
        above = current.references.get("partof", ())
        if len(above) != 1:
            return "has no URA number and is part of nothing"
        if above[0] in anchors:
            return None
        if above[0] not in known:
            return "is part of an organisation that is not known"
        current = known[above[0]]
    return "is part of a circle, or too deep"
