"""Is this data sound? Structure by ``fhir.resources`` (R4B stands in for R4), and the region's own rules.

``fhir.resources`` checks structure only, so the rules that the story hangs on are checked here. Importing it and
checking takes seconds when five record systems start at once, so it happens only when there is something new to check:
``validated.json`` names the data that was found sound, by digest. After a change of the data, write it anew with

    python -m examples.region.ehr.validation

A test holds it to the truth. Data that it does not name is checked when a record system loads it.
"""

import hashlib
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from examples.region.data import AVAILABLE, records
from examples.region.data.elements import Json
from examples.region.ehr.index import index_rows, values_at
from examples.region.ehr.parameters import PARAMETERS
from examples.region.organisations import FhirVersion
from examples.region.patients import BSN_SYSTEM

VALIDATED = Path(__file__).parent / "validated.json"
# FHIR's own rule for logical ids.
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_PACKAGES = {"r4": "fhir.resources.R4B", "stu3": "fhir.resources.STU3"}
# A wrong file has one cause and a thousand faults; this many are shown.
MAX_FAULTS = 10


class InvalidDataError(Exception):
    """The records cannot be served; the message lists what is wrong with which resource."""


def check(resource: Json, version: FhirVersion) -> None:
    """Check one resource on its own, as it is written by somebody: its structure, nothing else.

    Raises:
        InvalidDataError: with the first things that are wrong.
    """
    faults = list(_faults(resource, version))
    if faults:
        raise InvalidDataError("\n".join(faults[:MAX_FAULTS]))


def check_all(resources: Sequence[Json], version: FhirVersion) -> None:
    """Check all records of one organisation, each on its own and together.

    Raises:
        InvalidDataError: with the first things that are wrong.
    """
    faults = [fault for resource in resources for fault in _faults(resource, version)]
    faults += _faults_together(resources)
    if faults:
        more = f"\n(and {len(faults) - MAX_FAULTS} more)" if len(faults) > MAX_FAULTS else ""
        raise InvalidDataError("\n".join(faults[:MAX_FAULTS]) + more)


def _faults(resource: Json, version: FhirVersion) -> Iterator[str]:
    kind, identity = resource.get("resourceType"), resource.get("id")
    name = f"{kind}/{identity} ({version})"
    # (1) a type that this server knows, with an id that FHIR allows
    if not isinstance(kind, str) or kind not in PARAMETERS:
        yield f"{name}: unknown resource type"
        return
    if not isinstance(identity, str) or _ID.fullmatch(identity) is None:
        yield f"{name}: not a logical id"
        return
    # (2) the structure of this FHIR version
    from pydantic import ValidationError  # late, for the same reason as fhir.resources

    model = getattr(_module(kind, version), kind)
    try:
        model.model_validate(resource)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            yield f"{name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        return
    # (3) dates and codes that can be searched for
    try:
        list(index_rows(resource, version))
    except (ValueError, KeyError) as error:
        yield f"{name}: cannot be indexed: {error}"


def _faults_together(resources: Sequence[Json]) -> Iterator[str]:
    present: set[str] = set()
    for resource in resources:
        name = f"{resource.get('resourceType')}/{resource.get('id')}"
        # (4) a patient is known by one citizen service number, not by two and not by none
        if resource.get("resourceType") == "Patient":
            numbers = [one for one in resource.get("identifier", []) if one.get("system") == BSN_SYSTEM]
            if len(numbers) != 1:
                yield f"{name}: has {len(numbers)} BSNs instead of one"
        # (5) no two of the same type and id
        if name in present:
            yield f"{name}: is there twice"
        present.add(name)
    # (6) references lead somewhere
    for resource in resources:
        for target in _references(resource):
            if target not in present:
                yield f"{resource.get('resourceType')}/{resource.get('id')}: refers to {target}, which is not there"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for text in values_at(value, "reference") if isinstance(text, str))
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _module(kind: str, version: FhirVersion) -> object:
    try:
        return importlib.import_module(f"{_PACKAGES[version]}.{kind.lower()}")
    except ModuleNotFoundError as error:
        msg = "fhir.resources is needed to check the records: pip install 'hazel-node[region]'"
        raise InvalidDataError(msg) from error


def digest_of(resources: Iterable[Json]) -> str:
    """Digest of records, whatever the order of their members."""
    text = json.dumps(list(resources), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def validated_digests() -> Mapping[str, str]:
    """What was found sound: ``organisation/version`` to digest; nothing when the file is gone."""
    try:
        digests: dict[str, str] = json.loads(VALIDATED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return digests


def main() -> int:
    """Check all data of the region and write ``validated.json``."""
    digests: dict[str, str] = {}
    for key, versions in AVAILABLE.items():
        for version in versions:
            resources = records(key, version)
            try:
                check_all(resources, version)
            except InvalidDataError as error:
                print(f"The records of {key} are not sound:\n{error}", file=sys.stderr)
                return 1
            digests[f"{key}/{version}"] = digest_of(resources)
            print(f"{key} {version}: {len(resources)} resources are sound")
    VALIDATED.write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
