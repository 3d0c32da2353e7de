"""Apotheek Hofstede: what was agreed and handed out, and what people say they take (R4)."""

from examples.region.data import treatments
from examples.region.data.administration import patient_resource, whole_address_book
from examples.region.data.care_team import (
    care_team,
    organisation_both_ways,
    organisation_by_number,
    organisation_in_address_book,
    own_professional,
    professional_in_role,
    professional_on_behalf,
)
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.medication import Treatment, agreed_at_pharmacy, handed_out, taken
from examples.region.data.staff import APOTHEKER, CARDIOLOOG, HUISARTS, PSYCHIATER
from examples.region.organisations import GOUWE, LINDE, OEVER, WENDING
from examples.region.patients import AICHA, JOHAN, TRUUS


def fill(cabinet: Cabinet) -> None:
    """Fill the pharmacy's cabinet."""
    whole_address_book(cabinet)
    _truus(Dossier(cabinet, TRUUS))
    _johan(Dossier(cabinet, JOHAN))
    _aicha(Dossier(cabinet, AICHA))


def _truus(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-09 15:00")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, APOTHEKER),
        professional_in_role(cabinet, CARDIOLOOG, LINDE, known=False),
        professional_on_behalf(cabinet, HUISARTS, GOUWE, known=True),
        organisation_by_number(cabinet, OEVER),
        since="2025-01-09",
    )
    # The general practitioner's file still has this one.
    agreed_at_pharmacy(file, treatments.TRUUS_ACENOCOUMAROL, "2015-03-13", until="2026-11-02", by=APOTHEKER)
    current: tuple[tuple[Treatment, str], ...] = (
        (treatments.TRUUS_APIXABAN, "2026-11-03"),
        (treatments.TRUUS_FUROSEMIDE, "2019-05-22"),
        (treatments.TRUUS_BISOPROLOL, "2015-03-13"),
        (treatments.TRUUS_METFORMIN, "2008-09-05"),
    )
    for treatment, since in current:
        agreed_at_pharmacy(file, treatment, since, by=APOTHEKER)
    handed_out(file, treatments.TRUUS_APIXABAN, "2026-11-03 11:15", by=APOTHEKER, pieces=60)
    handed_out(file, treatments.TRUUS_FUROSEMIDE, "2026-11-03 11:15", by=APOTHEKER, pieces=30)
    taken(
        file,
        treatments.TRUUS_APIXABAN,
        "2026-11-03",
        told="2026-11-09",
        note="Dochter bevestigt: acenocoumarol is gestopt.",
    )
    taken(
        file,
        treatments.TRUUS_IBUPROFEN,
        "2026-11-09",
        told="2026-11-09",
        note="Zelfzorg. Ontraden in verband met apixaban, hartfalen en nierfunctie.",
    )


def _johan(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-09 15:10")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, APOTHEKER),
        organisation_in_address_book(cabinet, GOUWE),
        organisation_by_number(cabinet, LINDE),
        since="2025-01-09",
    )
    for treatment, since in (
        (treatments.JOHAN_TIOTROPIUM, "2017-02-11"),
        (treatments.JOHAN_SALBUTAMOL, "2014-11-04"),
        (treatments.JOHAN_AMLODIPINE, "2012-06-08"),
    ):
        agreed_at_pharmacy(file, treatment, since, by=APOTHEKER)
    handed_out(file, treatments.JOHAN_SALBUTAMOL, "2026-10-05 09:40", by=APOTHEKER, pieces=1)
    taken(
        file,
        treatments.JOHAN_SALBUTAMOL,
        "2014-11-04",
        told="2026-10-05",
        note="Gebruikt vaker dan voorgeschreven, tot 8 pufjes per dag.",
    )


def _aicha(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-09 15:20")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, APOTHEKER),
        organisation_both_ways(cabinet, GOUWE),
        professional_in_role(cabinet, PSYCHIATER, WENDING, known=True),
        since="2026-03-18",
    )
    agreed_at_pharmacy(file, treatments.AICHA_SERTRALINE, "2026-03-18", by=APOTHEKER)
    agreed_at_pharmacy(file, treatments.AICHA_SUMATRIPTAN, "2021-04-16", by=APOTHEKER)
    handed_out(file, treatments.AICHA_SERTRALINE, "2026-09-21 16:05", by=APOTHEKER, pieces=90)
    taken(file, treatments.AICHA_SERTRALINE, "2026-03-18", told="2026-09-21")
