"""Thuiszorg De Oever: the home nurse's file of Truus (STU3)."""

from examples.region.data import codes
from examples.region.data.administration import patient_resource, related_person, whole_address_book
from examples.region.data.care_team import (
    care_team,
    organisation_both_ways,
    organisation_by_number,
    own_professional,
    professional_on_behalf,
)
from examples.region.data.contacts import encounter
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.nursing import advance_directive, barthel, living_situation, report
from examples.region.data.problems import alert, allergy, condition
from examples.region.data.staff import HUISARTS, VERZORGENDE, WIJKVERPLEEGKUNDIGE
from examples.region.data.vitals import blood_pressure, height, pulse, respiration, temperature, weight
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE
from examples.region.patients import TRUUS

BLOOD_PRESSURES = (
    ("2026-09-01 09:10", 146, 80, None),
    ("2026-09-15 09:05", 144, 78, None),
    ("2026-09-29 09:20", 141, 79, None),
    ("2026-10-13 09:00", 138, 76, None),
    ("2026-10-20 09:15", 136, 74, None),
    ("2026-11-03 09:10", 132, 72, None),
    ("2026-11-12 09:25", 126, 68, "Duizelig bij opstaan."),
    ("2026-11-16 09:30", 118, 64, "Zittend gemeten; staand 102/58."),
)
WEIGHTS = (
    ("2026-09-01 09:12", 67.9, None),
    ("2026-09-29 09:22", 68.3, None),
    ("2026-10-13 09:02", 69.0, None),
    ("2026-10-20 09:17", 69.8, None),
    ("2026-11-03 09:12", 70.2, None),
    ("2026-11-12 09:27", 71.6, "1,4 kg erbij sinds vorige week, huisarts gebeld."),
    ("2026-11-16 09:32", 70.7, None),
)
TEMPERATURES = (("2026-10-20 09:18", 36.7), ("2026-11-12 09:28", 37.2), ("2026-11-16 09:33", 36.9))
BREATHING = (
    ("2026-10-20 09:19", 16, None),
    ("2026-11-12 09:29", 22, "Kortademig bij het aankleden."),
    ("2026-11-16 09:34", 20, "In rust rustig, bij inspanning nog kortademig."),
)
REPORTS = (
    ("2026-10-20 09:40", WIJKVERPLEEGKUNDIGE, "Wond linkeronderbeen 3 x 2 cm, schoon. Verband verwisseld."),
    ("2026-10-22 09:10", VERZORGENDE, "Geholpen bij wassen en aankleden. Mevrouw had goed geslapen."),
    ("2026-10-29 09:15", VERZORGENDE, "Steunkousen aangetrokken. Benen dikker dan vorige week, doorgegeven."),
    ("2026-11-03 09:35", WIJKVERPLEEGKUNDIGE, "Nieuwe tabletten van de cardioloog op tafel; mevrouw weet niet wat eraf gaat."),
    ("2026-11-05 09:05", VERZORGENDE, "Medicijnen uit de baxterrol aangereikt. Losse tabletten niet, nagevraagd."),
    ("2026-11-07 09:20", WIJKVERPLEEGKUNDIGE, "Wond 2,5 x 2 cm, randen rustig. Pijn 3 op 10 bij verzorging."),
    ("2026-11-09 18:10", VERZORGENDE, "Dochter heeft ibuprofen meegebracht tegen de pijn. Gemeld."),
    ("2026-11-10 09:15", VERZORGENDE, "Weinig gegeten, zegt geen trek te hebben. Drinkt wel."),
    ("2026-11-12 09:45", WIJKVERPLEEGKUNDIGE, "Oedeem tot de knie, 1,4 kg erbij, kortademig. Huisarts belt terug."),
    ("2026-11-13 09:10", VERZORGENDE, "Extra plastablet volgens afspraak huisarts. Loopt onzeker."),
    ("2026-11-14 10:05", VERZORGENDE, "Bijna gevallen in de badkamer, geen letsel. Douchestoel gebruikt."),
    ("2026-11-15 09:20", VERZORGENDE, "Rustige ochtend. Benen minder dik."),
    ("2026-11-16 09:50", WIJKVERPLEEGKUNDIGE, "Duizelig, bloeddruk laag bij opstaan. Wond 2 x 1,5 cm. Morgen huisarts."),
)  # fmt: skip


def fill(cabinet: Cabinet) -> None:
    """Fill the home care organisation's cabinet."""
    whole_address_book(cabinet)
    file = Dossier(cabinet, TRUUS)
    patient_resource(file, general_practitioner=HUISARTS, practice=GOUWE, since="2026-08-25 10:00")
    daughter = related_person(file, since="2026-08-25 10:02")
    care_team(
        file,
        own_professional(cabinet, WIJKVERPLEEGKUNDIGE),
        professional_on_behalf(cabinet, HUISARTS, GOUWE, known=True),
        organisation_by_number(cabinet, LINDE),
        organisation_both_ways(cabinet, HOFSTEDE),
        family=daughter,
        since="2026-08-25",
    )
    condition(file, codes.LEG_ULCER[:1], "2026-08-24", by=WIJKVERPLEEGKUNDIGE)
    condition(file, codes.HEART_FAILURE[:1], "2019-05-21", by=WIJKVERPLEEGKUNDIGE)
    alert(file, codes.FALL_RISK, "2026-08-25", by=WIJKVERPLEEGKUNDIGE, kind=codes.ALERT_CONDITION)
    alert(file, codes.MRSA_CARRIER, "2026-09-22", by=WIJKVERPLEEGKUNDIGE, text="MRSA-drager; handschoenen en schort")
    allergy(
        file,
        codes.ADHESIVE_PLASTER,
        "2026-09-01",
        by=WIJKVERPLEEGKUNDIGE,
        category="environment",
        criticality="low",
        reaction=codes.RASH,
        note="Alleen siliconenverband gebruiken.",
    )
    _measurements(file)
    for at, by, text in REPORTS:
        report(file, at, text, by=by)
    living_situation(
        file,
        "2026-08-25 10:30",
        house=codes.UPSTAIRS_FLAT,
        conditions=(codes.STAIRS,),
        adaptions=(codes.ADAPTED_TOILET,),
        note="Woont alleen op de eerste verdieping zonder lift. Dochter komt dagelijks.",
        by=WIJKVERPLEEGKUNDIGE,
    )
    barthel(file, "2026-08-25 10:40", 15, by=WIJKVERPLEEGKUNDIGE)
    barthel(file, "2026-11-16 09:55", 13, by=WIJKVERPLEEGKUNDIGE)
    advance_directive(
        file,
        "2026-09-10",
        kind=codes.DO_NOT_RESUSCITATE,
        note="Verklaring ligt in de map bij de voordeur.",
        representative=daughter,
    )
    encounter(file, "2026-11-12 09:20", by=WIJKVERPLEEGKUNDIGE, kind="HH", reason="Wondzorg en metingen")
    encounter(file, "2026-11-16 09:25", by=WIJKVERPLEEGKUNDIGE, kind="HH", reason="Wondzorg en metingen")


def _measurements(file: Dossier) -> None:
    for at, systolic, diastolic, remark in BLOOD_PRESSURES:
        blood_pressure(file, at, systolic, diastolic, by=WIJKVERPLEEGKUNDIGE, note=remark)
    for at, kilograms, remark in WEIGHTS:
        weight(file, at, kilograms, by=WIJKVERPLEEGKUNDIGE, note=remark)
    height(file, "2026-08-25 10:15", 161, by=WIJKVERPLEEGKUNDIGE)
    for at, celsius in TEMPERATURES:
        temperature(file, at, celsius, by=WIJKVERPLEEGKUNDIGE)
    for at, per_minute, remark in BREATHING:
        respiration(file, at, per_minute, by=WIJKVERPLEEGKUNDIGE, note=remark)
    # Measured, but not in the query table of the use case: these stay here.
    pulse(file, "2026-11-12 09:26", 92, by=WIJKVERPLEEGKUNDIGE)
    pulse(file, "2026-11-16 09:31", 84, by=WIJKVERPLEEGKUNDIGE)
