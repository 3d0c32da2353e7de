"""Huisartsenpraktijk De Gouwe: the general practitioner's file of all four patients (R4, and STU3 on request)."""

from examples.region.data import codes, treatments
from examples.region.data.administration import coverage, patient_resource, related_person, whole_address_book
from examples.region.data.care_team import (
    care_team,
    organisation_both_ways,
    organisation_by_number,
    organisation_in_address_book,
    own_professional,
    professional_in_role,
    professional_on_behalf,
)
from examples.region.data.codes import CREATININE, CRP, EGFR, HAEMOGLOBIN, HBA1C, INR, POTASSIUM, SODIUM
from examples.region.data.contacts import encounter, note
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.medication import prescribed
from examples.region.data.nursing import treatment_limit
from examples.region.data.problems import alert, allergy, episode
from examples.region.data.staff import (
    APOTHEKER,
    CARDIOLOOG,
    HUISARTS,
    LONGARTS,
    PRAKTIJKVERPLEEGKUNDIGE,
    WIJKVERPLEEGKUNDIGE,
)
from examples.region.data.vitals import blood_pressure, laboratory, pulse, saturation, weight
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE, OEVER, WENDING
from examples.region.patients import AICHA, JOHAN, TRUUS, WIM


def fill(cabinet: Cabinet) -> None:
    """Fill the practice's cabinet."""
    whole_address_book(cabinet, OEVER, LINDE, WENDING)
    _truus(Dossier(cabinet, TRUUS))
    _johan(Dossier(cabinet, JOHAN))
    _aicha(Dossier(cabinet, AICHA))
    _wim(Dossier(cabinet, WIM))


def _truus(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-06 09:12")
    daughter = related_person(file, since="2025-01-06 09:15")
    coverage(file, since="2026-01-02")
    cabinet, r4 = file.cabinet, file.version == "r4"
    care_team(
        file,
        own_professional(cabinet, HUISARTS),
        organisation_in_address_book(cabinet, OEVER),
        professional_in_role(cabinet, CARDIOLOOG, LINDE, known=True)
        if r4
        else professional_on_behalf(cabinet, CARDIOLOOG, LINDE, known=True),
        professional_on_behalf(cabinet, APOTHEKER, HOFSTEDE, known=False),
        family=daughter,
        since="2025-03-04",
    )
    # A team of the past: whoever forgets to ask for active ones finds an organisation that has no business here.
    care_team(
        file, organisation_in_address_book(cabinet, WENDING), since="2018-02-01", until="2019-06-30", status="inactive"
    )

    episode(file, "Decompensatio cordis", codes.HEART_FAILURE, "2019-05-21", by=HUISARTS)
    episode(file, "Boezemfibrilleren", codes.ATRIAL_FIBRILLATION, "2015-03-12", by=HUISARTS)
    episode(file, "Diabetes mellitus type 2", codes.DIABETES, "2008-09-04", by=HUISARTS)
    episode(file, "Ulcus cruris links", codes.LEG_ULCER, "2026-08-24", by=HUISARTS)
    episode(file, "Blaasontsteking", codes.CYSTITIS, "2026-02-03", until="2026-02-12", by=HUISARTS)
    alert(file, codes.FALL_RISK, "2026-08-24", by=HUISARTS, kind=codes.ALERT_CONDITION)
    allergy(
        file,
        codes.PENICILLIN,
        "1987-06-01",
        by=HUISARTS,
        category="medication",
        criticality="high",
        reaction=codes.RASH,
        note="Gegeneraliseerde huiduitslag met benauwdheid na amoxicilline.",
    )

    prescribed(file, treatments.TRUUS_ACENOCOUMAROL, "2015-03-12", by=HUISARTS, reason="Atriumfibrilleren")
    prescribed(file, treatments.TRUUS_FUROSEMIDE, "2019-05-21", by=HUISARTS, reason="Hartfalen")
    prescribed(file, treatments.TRUUS_BISOPROLOL, "2015-03-12", by=HUISARTS, reason="Atriumfibrilleren")
    prescribed(file, treatments.TRUUS_METFORMIN, "2008-09-04", by=HUISARTS, reason="Diabetes mellitus type 2")
    prescribed(file, treatments.TRUUS_PARACETAMOL, "2026-09-10", by=HUISARTS, reason="Pijn bij wondverzorging")

    for at, creatinine, egfr, hba1c, inr in (
        ("2025-10-06 08:20", 96, 48, 55, 2.6),
        ("2026-01-12 08:15", 99, 46, 57, 3.1),
        ("2026-04-13 08:25", 104, 43, 58, 2.9),
        ("2026-07-13 08:20", 107, 42, 60, 3.4),
        ("2026-10-12 08:10", 112, 39, 59, 4.2),
    ):
        laboratory(
            file,
            at,
            [
                (CREATININE, creatinine, "umol/L"),
                (EGFR, egfr, "mL/min/{1.73_m2}"),
                (HBA1C, hba1c, "mmol/mol"),
                (INR, inr, "{INR}"),
            ],
            by=HUISARTS,
        )
    laboratory(
        file,
        "2026-10-12 08:10",
        [(HAEMOGLOBIN, 7.3, "mmol/L"), (SODIUM, 137, "mmol/L"), (POTASSIUM, 4.6, "mmol/L")],
        by=HUISARTS,
    )
    for at, systolic, diastolic in (
        ("2026-01-19 10:05", 148, 78),
        ("2026-04-20 10:10", 142, 80),
        ("2026-07-20 09:50", 139, 74),
        ("2026-10-19 10:20", 134, 72),
    ):
        blood_pressure(file, at, systolic, diastolic, by=PRAKTIJKVERPLEEGKUNDIGE)
    weight(file, "2026-07-20 09:52", 68.4, by=PRAKTIJKVERPLEEGKUNDIGE)
    weight(file, "2026-10-19 10:22", 70.1, by=PRAKTIJKVERPLEEGKUNDIGE)
    pulse(file, "2026-10-19 10:21", 76, by=PRAKTIJKVERPLEEGKUNDIGE)

    seen = encounter(file, "2026-08-24 11:00", by=HUISARTS, kind="HH", reason="Wond linkerbeen")
    note(
        file,
        seen,
        "2026-08-24 11:35",
        title="Ulcus cruris links",
        evaluation="Ulcus cruris links, 3 x 2 cm, geen tekenen van infectie. Verhoogd valrisico.",
        plan="Wondzorg door thuiszorg, om de dag. Controle over drie weken.",
        by=HUISARTS,
    )
    seen = encounter(file, "2026-10-19 10:00", by=PRAKTIJKVERPLEEGKUNDIGE, reason="Diabetescontrole")
    note(
        file,
        seen,
        "2026-10-19 10:30",
        title="Diabetescontrole",
        evaluation="HbA1c 59, acceptabel voor de leeftijd. Nierfunctie neemt af; gewicht 1,7 kg toegenomen.",
        plan="Metformine niet ophogen. Weegbeleid met thuiszorg afgesproken: bellen bij meer dan 2 kg in 3 dagen.",
        by=PRAKTIJKVERPLEEGKUNDIGE,
    )
    seen = encounter(file, "2026-11-12 16:40", by=HUISARTS, kind="VR", reason="Toename kortademigheid")
    note(
        file,
        seen,
        "2026-11-12 16:55",
        title="Hartfalen",
        evaluation="Toegenomen oedeem en kortademig bij inspanning, geen koorts.",
        plan="Furosemide tijdelijk 2x per dag 40 mg. Huisbezoek dinsdag 17 november.",
        by=HUISARTS,
    )
    if r4:
        treatment_limit(file, "2026-09-10", codes.RESUSCITATION, permitted=False)
        treatment_limit(file, "2026-09-10", codes.INTENSIVE_CARE, permitted=False)
        treatment_limit(file, "2026-09-10", codes.HOSPITAL_ADMISSION, permitted=True)


def _johan(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-06 09:20")
    wife = related_person(file, since="2025-01-06 09:22")
    cabinet, r4 = file.cabinet, file.version == "r4"
    care_team(
        file,
        own_professional(cabinet, HUISARTS),
        professional_in_role(cabinet, LONGARTS, LINDE, known=False)
        if r4
        else professional_on_behalf(cabinet, LONGARTS, LINDE, known=False),
        organisation_by_number(cabinet, HOFSTEDE),
        family=wife,
        since="2025-02-11",
    )
    # Home care is to come in after the admission; it is not there yet.
    care_team(
        file,
        professional_on_behalf(cabinet, WIJKVERPLEEGKUNDIGE, OEVER, known=True),
        since="2026-11-16",
        status="proposed",
    )
    episode(file, "COPD GOLD 3", codes.COPD, "2014-11-03", by=HUISARTS)
    episode(file, "Hypertensie", codes.HYPERTENSION, "2012-06-07", by=HUISARTS)
    allergy(
        file,
        codes.NITROFURANTOIN,
        "2016-04-18",
        by=HUISARTS,
        category="medication",
        criticality="low",
        reaction=codes.NAUSEA,
    )
    prescribed(file, treatments.JOHAN_TIOTROPIUM, "2017-02-10", by=HUISARTS, reason="COPD")
    prescribed(file, treatments.JOHAN_SALBUTAMOL, "2014-11-03", by=HUISARTS, reason="COPD")
    prescribed(file, treatments.JOHAN_AMLODIPINE, "2012-06-07", by=HUISARTS, reason="Hypertensie")
    laboratory(
        file,
        "2026-06-08 08:40",
        [(CREATININE, 84, "umol/L"), (EGFR, 82, "mL/min/{1.73_m2}"), (CRP, 11, "mg/L")],
        by=HUISARTS,
    )
    for at, percent in (("2026-06-08 09:00", 93), ("2026-09-14 09:30", 92), ("2026-11-12 15:10", 86)):
        saturation(file, at, percent, by=HUISARTS)
    blood_pressure(file, "2026-09-14 09:32", 138, 84, by=PRAKTIJKVERPLEEGKUNDIGE)
    seen = encounter(file, "2026-11-12 15:00", by=HUISARTS, reason="Exacerbatie COPD")
    note(
        file,
        seen,
        "2026-11-12 15:25",
        title="Exacerbatie COPD",
        evaluation="Ernstige exacerbatie COPD, saturatie 86 %.",
        plan="Ingestuurd naar de longarts van Ziekenhuis De Linde.",
        by=HUISARTS,
    )


def _aicha(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-06 09:31")
    sister = related_person(file, since="2025-01-06 09:33")
    cabinet = file.cabinet
    care_team(
        file,
        own_professional(cabinet, HUISARTS),
        organisation_in_address_book(cabinet, WENDING),
        organisation_both_ways(cabinet, HOFSTEDE),
        family=sister,
        since="2026-03-10",
    )
    episode(file, "PTSS, onder behandeling", codes.PTSD, "2026-03-10", by=HUISARTS)
    episode(file, "Migraine", codes.MIGRAINE, "2021-04-15", by=HUISARTS)
    prescribed(file, treatments.AICHA_SUMATRIPTAN, "2021-04-15", by=HUISARTS, reason="Migraine")
    blood_pressure(file, "2026-03-10 14:20", 118, 72, by=HUISARTS)
    seen = encounter(file, "2026-03-10 14:00", by=HUISARTS, reason="Slaapklachten en herbelevingen")
    note(
        file,
        seen,
        "2026-03-10 14:30",
        title="Verwijzing",
        evaluation="Klachten passend bij posttraumatische stressstoornis.",
        plan="Verwezen naar GGZ De Wending.",
        by=HUISARTS,
    )


def _wim(file: Dossier) -> None:
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2025-01-06 09:40")
    son = related_person(file, since="2025-01-06 09:41")
    cabinet = file.cabinet
    care_team(file, own_professional(cabinet, HUISARTS), family=son, since="2025-01-06")
    episode(file, "Geheugenstoornis, dementie", codes.DEMENTIA, "2024-01-18", by=HUISARTS)
    episode(file, "Gonartrose rechts", codes.KNEE_OSTEOARTHRITIS, "2016-10-05", by=HUISARTS)
    episode(file, "Hypertensie", codes.HYPERTENSION, "2009-03-30", by=HUISARTS)
    alert(file, codes.MRSA_CARRIER, "2026-05-11", by=HUISARTS, text="MRSA-drager, vastgesteld bij opname elders")
    alert(file, codes.FALL_RISK, "2026-11-14", by=HUISARTS, kind=codes.ALERT_CONDITION)
    prescribed(file, treatments.WIM_PARACETAMOL, "2024-01-18", by=HUISARTS, reason="Gonartrose")
    prescribed(file, treatments.WIM_AMLODIPINE, "2009-03-30", by=HUISARTS, reason="Hypertensie")
    blood_pressure(file, "2026-11-14 11:20", 156, 82, by=HUISARTS)
    laboratory(file, "2026-05-11 08:30", [(CREATININE, 121, "umol/L"), (EGFR, 44, "mL/min/{1.73_m2}")], by=HUISARTS)
    seen = encounter(file, "2026-11-14 11:00", by=HUISARTS, kind="HH", reason="Val in huis")
    note(
        file,
        seen,
        "2026-11-14 11:45",
        title="Val, kan niet alleen thuis blijven",
        evaluation="Gevallen zonder fractuur. Zoon kan de zorg niet meer opbrengen.",
        plan="Spoedplaatsing aanvragen.",
        by=HUISARTS,
    )
