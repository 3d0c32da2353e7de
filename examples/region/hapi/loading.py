"""Put resources into a running server, with the search parameters that it lacks.

HAPI FHIR indexes a resource when it is stored, for the search parameters it knows at that moment. So these come first
and are seen to work before any data arrives; what was there before them stays unfound until it is indexed again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from examples.region.hapi.client import Answer, send
from examples.region.hapi.install import HapiFailedError

PARAMETER_DEADLINE = 30.0  # seconds until a new search parameter works; it takes less than one
PARAMETER_PAUSE = 0.2  # seconds between two looks
LOAD_TIMEOUT = 300.0  # seconds; 271 resources take 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingParameter:
    """A search parameter that use cases send and neither FHIR version defines.

    Attributes:
        resource_type: what is searched.
        code: the parameter's name in the query.
        element: FHIRPath below the resource, the same in both versions.
    """

    resource_type: str
    code: str
    element: str

    def to_resource(self) -> Mapping[str, Any]:
        """The SearchParameter, valid in STU3 and R4."""
        name = f"{self.resource_type}-{self.code}"
        return {
            "resourceType": "SearchParameter",
            "id": name,
            "url": f"https://region.example/SearchParameter/{name}",
            "name": name,
            "status": "active",
            "description": f"{self.resource_type} by {self.code}",
            "code": self.code,
            "base": [self.resource_type],
            "type": "token",
            "expression": f"{self.resource_type}.{self.element}",
        }


LACKING = (
    LackingParameter(resource_type="MedicationDispense", code="category", element="category"),
    LackingParameter(resource_type="Goal", code="description", element="description"),
    LackingParameter(resource_type="Communication", code="reason-code", element="reasonCode"),
)


def load(base_url: str, resources: Sequence[Mapping[str, Any]]) -> None:
    """Store ``resources`` under the ids they carry; repeat it and nothing changes.

    One transaction takes them all, because HAPI only indexes references to what it already has or gets along with them.

    Args:
        base_url: of a FHIR server that is ready.
        resources: each with ``resourceType`` and ``id``, in the server's FHIR version.

    Raises:
        HapiFailedError: refused; the message carries the server's own words, so load nothing real.
    """
    # (1) the parameters, while there is nothing to index yet
    for parameter in LACKING:
        if not _works(base_url, parameter):
            url = f"{base_url}/SearchParameter/{parameter.resource_type}-{parameter.code}"
            _expect_success(send("PUT", url, resource=parameter.to_resource()))
            _wait_for(base_url, parameter)
    # (2) the data
    if not resources:
        return
    entries = [
        {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
        for resource in resources
    ]
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    _expect_success(send("POST", base_url, resource=transaction, timeout=LOAD_TIMEOUT))


def _works(base_url: str, parameter: LackingParameter) -> bool:
    """Whether the server knows it: HAPI answers 400 to parameters that it does not."""
    answer = send("GET", f"{base_url}/{parameter.resource_type}?{parameter.code}=none&_summary=count")
    return answer.status == HTTPStatus.OK


def _wait_for(base_url: str, parameter: LackingParameter) -> None:
    deadline = time.monotonic() + PARAMETER_DEADLINE
    while not _works(base_url, parameter):
        if time.monotonic() > deadline:
            raise HapiFailedError(f"{parameter.resource_type}.{parameter.code} cannot be searched, though posted")
        time.sleep(PARAMETER_PAUSE)


def _expect_success(answer: Answer) -> None:
    if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
        return
    said = [str(issue.get("diagnostics", "")) for issue in answer.body.get("issue", [])]
    raise HapiFailedError(f"the server refused with {answer.status}: {' '.join(said)}")
