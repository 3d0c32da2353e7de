"""Ziekenhuis De Linde: the outpatient file of Truus and the admission of Johan (R4)."""

from examples.region.data import codes, treatments
from examples.region.data.administration import patient_resource, related_person, whole_address_book
from examples.region.data.care_team import (
    care_team,
    organisation_both_ways,
    organisation_by_number,
    organisation_in_address_book,
    own_professional,
    professional_in_role,
)
from examples.region.data.codes import CREATININE, CRP, EGFR, HAEMOGLOBIN
from examples.region.data.contacts import encounter, letter
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.medication import prescribed
from examples.region.data.problems import alert, condition
from examples.region.data.staff import APOTHEKER, CARDIOLOOG, HUISARTS, LONGARTS
from examples.region.data.vitals import blood_pressure, laboratory, saturation, temperature, weight
from examples.region.organisations import GOUWE, HOFSTEDE, OEVER
from examples.region.patients import JOHAN, TRUUS


def fill(cabinet: Cabinet) -> None:
    """Fill the hospital's cabinet."""
    whole_address_book(cabinet, GOUWE)
    _truus(Dossier(cabinet, TRUUS))
    _johan(Dossier(cabinet, JOHAN))


def _truus(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-02-03 13:10")
    daughter = related_person(file, since="2025-02-03 13:12")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, CARDIOLOOG),
        professional_in_role(cabinet, HUISARTS, GOUWE, known=True),
        professional_in_role(cabinet, APOTHEKER, HOFSTEDE, known=False),
        organisation_by_number(cabinet, OEVER),
        family=daughter,
        since="2025-02-03",
    )
    condition(file, codes.HEART_FAILURE[:1], "2019-05-21", by=CARDIOLOOG)
    condition(file, codes.ATRIAL_FIBRILLATION[:1], "2015-03-12", by=CARDIOLOOG)
    alert(file, codes.MRSA_CARRIER, "2026-09-22", by=CARDIOLOOG)
    prescribed(
        file,
        treatments.TRUUS_ACENOCOUMAROL,
        "2015-03-12",
        by=CARDIOLOOG,
        status="stopped",
        until="2026-11-02",
        reason="INR schommelt, vervangen door apixaban",
    )
    prescribed(file, treatments.TRUUS_APIXABAN, "2026-11-02", by=CARDIOLOOG, reason="Atriumfibrilleren")
    prescribed(file, treatments.TRUUS_BISOPROLOL, "2026-11-02", by=CARDIOLOOG, reason="Atriumfibrilleren")
    laboratory(
        file,
        "2026-11-02 13:20",
        [(CREATININE, 110, "umol/L"), (EGFR, 40, "mL/min/{1.73_m2}"), (HAEMOGLOBIN, 7.2, "mmol/L")],
        by=CARDIOLOOG,
    )
    blood_pressure(file, "2026-11-02 13:40", 134, 74, by=CARDIOLOOG)
    weight(file, "2026-11-02 13:42", 70.0, by=CARDIOLOOG)
    encounter(file, "2026-11-02 13:30", by=CARDIOLOOG, reason="Controle cardiologie")
    letter(
        file,
        "2026-11-06 17:05",
        title="Brief cardiologie",
        text="Controle cardiologie: acenocoumarol gestopt, apixaban gestart.",
        by=CARDIOLOOG,
    )


def _johan(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-05-12 11:00")
    wife = related_person(file, since="2025-05-12 11:02")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, LONGARTS),
        organisation_in_address_book(cabinet, GOUWE),
        organisation_both_ways(cabinet, HOFSTEDE),
        family=wife,
        since="2025-05-12",
    )
    condition(file, codes.COPD[:1], "2014-11-03", by=LONGARTS)
    condition(file, codes.HYPERTENSION[:1], "2012-06-07", by=LONGARTS)
    prescribed(file, treatments.JOHAN_TIOTROPIUM, "2026-11-12", by=LONGARTS, reason="COPD")
    prescribed(file, treatments.JOHAN_PREDNISOLONE, "2026-11-13", by=LONGARTS, reason="Exacerbatie COPD")
    prescribed(file, treatments.JOHAN_DOXYCYCLINE, "2026-11-13", by=LONGARTS, reason="Exacerbatie COPD")
    encounter(file, "2026-11-12 16:30", until="2026-11-20 11:00", by=LONGARTS, kind="IMP", reason="Exacerbatie COPD")
    for at, percent, celsius in (
        ("2026-11-12 17:00", 87, 38.4),
        ("2026-11-14 08:00", 90, 37.6),
        ("2026-11-17 08:00", 93, 36.8),
    ):
        saturation(file, at, percent, by=LONGARTS)
        temperature(file, at, celsius, by=LONGARTS)
    for at, crp in (("2026-11-12 17:20", 142), ("2026-11-16 08:15", 38)):
        laboratory(file, at, [(CRP, crp, "mg/L"), (CREATININE, 88, "umol/L")], by=LONGARTS)
