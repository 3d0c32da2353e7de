"""The shipped use cases, and pages made of plain dictionaries, for the tests of this folder."""

import json
from typing import Any

from node.exchange.references import Bases
from node.usecases.load import load_shipped
from node.usecases.model import Step, Table

BSN = "999990135"
OTHER_BSN = "999990147"
BASE = "https://gouwe.localhost/fhir"
BASES = Bases.of([BASE])
TABLES: dict[str, Table] = {table.id: table for loaded in load_shipped() for table in loaded.usecase.tables}


def a_step(table: str, step: str) -> Step:
    """Return a step of a shipped table."""
    found = TABLES[table].step(step)
    assert found is not None
    return found


def a_patient(patient_id: str = "1", bsn: str = BSN, **more: Any) -> dict[str, Any]:
    """Return a Patient with one BSN."""
    identifier = [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": bsn}]
    return {"resourceType": "Patient", "id": patient_id, "identifier": identifier, **more}


def an_observation(observation_id: str = "o1", subject: Any = "Patient/1", **more: Any) -> dict[str, Any]:
    """Return an Observation about ``subject``."""
    reference = {"reference": subject} if isinstance(subject, str) else subject
    return {"resourceType": "Observation", "id": observation_id, "subject": reference, "status": "final", **more}


def an_entry(resource: Any, mode: str | None = "match", **more: Any) -> dict[str, Any]:
    """Return a Bundle entry."""
    return {"resource": resource, **({"search": {"mode": mode}} if mode else {}), **more}


def a_page(*entries: Any, **more: Any) -> bytes:
    """Return a searchset."""
    body: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", **more}
    if entries:
        body["entry"] = list(entries)
    return json.dumps(body).encode()
