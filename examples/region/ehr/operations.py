"""What real servers offer beside read and search: everything of one patient, or of nobody in particular.

Nobody outside the house should reach any of it; keeping it away is the node's work.

``Observation/$lastn`` ignores patient and code, as seen on a real server: never trust the query, check what comes back.
"""

from collections.abc import Iterator

from examples.region.data.elements import Json
from examples.region.ehr import search as searching
from examples.region.ehr.parameters import PARAMETERS, parameters_of
from examples.region.ehr.query import Criterion, Search
from examples.region.ehr.records import Records
from examples.region.organisations import FhirVersion

LAST = 50


def everything(records: Records, patient: str, version: FhirVersion, *, base: str) -> list[tuple[str, str]]:
    """``Patient/{id}/$everything``: the patient and all that refers to them."""
    return [("Patient", patient), *_compartment(records, patient, version, base)]


def last_observations(records: Records, version: FhirVersion, *, base: str) -> list[tuple[str, str]]:
    """``Observation/$lastn``: the latest ones, whoever they belong to."""
    latest = Search(type="Observation", criteria=(), sort=(("date", True),))
    return [("Observation", one) for one in searching.matches(records, latest, version, base=base)][:LAST]


def batch_requests(bundle: Json) -> list[str]:
    """The relative URLs that a batch asks to GET.

    Raises:
        ValueError: not a batch of GETs.
    """
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "batch" or not isinstance(entries, list):
        msg = "expected a Bundle of type batch"
        raise ValueError(msg)
    urls = []
    for entry in entries:
        request = entry.get("request", {}) if isinstance(entry, dict) else {}
        if request.get("method") != "GET" or not isinstance(request.get("url"), str):
            msg = "only GET is supported in a batch"
            raise ValueError(msg)
        urls.append(request["url"])
    return urls


def _compartment(records: Records, patient: str, version: FhirVersion, base: str) -> Iterator[tuple[str, str]]:
    for kind in PARAMETERS:
        if "patient" in parameters_of(kind, version):
            criterion = Criterion(parameter="patient", values=(patient,))
            search = Search(type=kind, criteria=(criterion,))
            for identity in searching.matches(records, search, version, base=base):
                yield kind, identity
