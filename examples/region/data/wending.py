"""GGZ De Wending: the file of Aïcha (R4). She does not want her general practitioner to read it.

That objection is a Consent in the node of De Wending, not in this record system: here her care team names the general
practitioner like anybody's, and it is the node that answers De Gouwe as if she were unknown.
"""

from examples.region.data import codes, treatments
from examples.region.data.administration import patient_resource, whole_address_book
from examples.region.data.care_team import care_team, organisation_by_number, own_professional, professional_in_role
from examples.region.data.contacts import encounter
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.medication import prescribed, taken
from examples.region.data.problems import condition
from examples.region.data.staff import HUISARTS, PSYCHIATER
from examples.region.organisations import GOUWE, HOFSTEDE
from examples.region.patients import AICHA


def fill(cabinet: Cabinet) -> None:
    """Fill the mental health organisation's cabinet."""
    whole_address_book(cabinet)
    file = Dossier(cabinet, AICHA)
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2026-03-16 10:00")
    care_team(
        file,
        own_professional(cabinet, PSYCHIATER),
        professional_in_role(cabinet, HUISARTS, GOUWE, known=True),
        organisation_by_number(cabinet, HOFSTEDE),
        since="2026-03-16",
    )
    condition(file, codes.PTSD[:1], "2026-03-17", by=PSYCHIATER)
    condition(file, codes.DEPRESSION[:1], "2026-03-17", by=PSYCHIATER)
    prescribed(file, treatments.AICHA_SERTRALINE, "2026-03-17", by=PSYCHIATER, reason="Posttraumatische stressstoornis")
    prescribed(file, treatments.AICHA_PRAZOSIN, "2026-06-02", by=PSYCHIATER, reason="Nachtmerries")
    taken(file, treatments.AICHA_PRAZOSIN, "2026-06-02", told="2026-10-06", note="Neemt de tablet niet elke avond.")
    for at in ("2026-03-17 10:00", "2026-06-02 10:00", "2026-10-06 10:00"):
        encounter(file, at, by=PSYCHIATER, reason="Behandelcontact")
