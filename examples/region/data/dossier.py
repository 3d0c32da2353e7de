"""What the builders write in: a record system's cabinet, and one patient's dossier in it.

A ``Cabinet`` is all that one organisation keeps, in one FHIR version. ``Cabinet.add`` gives every resource its id, its
``meta`` (profile, version, last update) and leaves out what has no value. A ``Dossier`` adds resources that belong to
one patient; builders of ``vitals``, ``problems`` and the rest take one and add to it.
"""

from collections import Counter
from dataclasses import dataclass, field

from examples.region.data.codes import NICTIZ, NL_CORE_STU3
from examples.region.data.elements import Json, instant, point
from examples.region.organisations import FhirVersion, Organisation
from examples.region.patients import Citizen

# Minutes between what happened and its being written down.
WRITING_TIME = 7


@dataclass(slots=True)
class Cabinet:
    """All resources of one organisation in one FHIR version, in the order in which they were added."""

    organisation: Organisation
    version: FhirVersion
    resources: list[Json] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, identity: str, *, profile: str | None, at: str, **members: object) -> Json:
        """Add one resource.

        Args:
            kind: resource type.
            identity: logical id.
            profile: canonical of the profile it claims, if any.
            at: local time at which it was recorded; ``meta.lastUpdated`` is a few minutes later.
            members: the other members; None and empty ones are left out.
        """
        meta: Json = {"versionId": "1", "lastUpdated": instant(at, WRITING_TIME)}
        if profile is not None:
            meta["profile"] = [profile]
        given = {name: value for name, value in members.items() if value not in (None, [], {}, "")}
        resource: Json = {"resourceType": kind, "id": identity, "meta": meta, **given}
        self.resources.append(resource)
        return resource

    def find(self, kind: str, identity: str) -> Json | None:
        """Find a resource that was added before."""
        return next((r for r in self.resources if (r["resourceType"], r["id"]) == (kind, identity)), None)

    def profile(self, *, r4: str, stu3: str) -> str:
        """The canonical of a Nictiz profile, by its name in either version (STU3's nl-core lives elsewhere)."""
        if self.version == "r4":
            return f"{NICTIZ}/{r4}"
        return f"{NL_CORE_STU3 if stu3.startswith('nl-core-') else NICTIZ}/{stu3}"


@dataclass(slots=True)
class Dossier:
    """One patient's part of a cabinet."""

    cabinet: Cabinet
    citizen: Citizen

    @property
    def version(self) -> FhirVersion:
        """FHIR version of the resources."""
        return self.cabinet.version

    @property
    def patient_id(self) -> str:
        """Logical id of the Patient here."""
        return self.citizen.in_care[self.cabinet.organisation.key]

    @property
    def patient(self) -> Json:
        """Reference to the Patient."""
        return point(f"Patient/{self.patient_id}", self.citizen.name)

    def add(self, kind: str, slug: str, *, profile: str | None, at: str, **members: object) -> Json:
        """Add a resource of this patient; its id is made of ``slug`` and a number that runs on per organisation."""
        self.cabinet.numbers[slug] += 1
        number = 1000 + self.cabinet.numbers[slug]
        return self.cabinet.add(kind, f"{slug}-{number}", profile=profile, at=at, **members)

    def profile(self, *, r4: str, stu3: str) -> str:
        """See ``Cabinet.profile``."""
        return self.cabinet.profile(r4=r4, stu3=stu3)
