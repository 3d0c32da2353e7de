"""When a patient was seen, and what was concluded: encounters and the notes on them."""

from examples.region.data.administration import Professional, practitioner
from examples.region.data.codes import LOINC, SNOMED, Code, v3
from examples.region.data.dossier import Dossier
from examples.region.data.elements import Json, concept, instant, moment, narrative, point, reference, term

ENCOUNTER_NOTE = Code(LOINC, "67781-5", "Samenvatting van contact")
EVALUATION = Code(SNOMED, "129265001", "Evaluatie")
PLAN = Code(SNOMED, "129271007", "Beleid")
HOME = Code(SNOMED, "264362003", "Thuis")


def encounter(
    dossier: Dossier, at: str, *, by: Professional, kind: str = "AMB", reason: str, until: str | None = None
) -> Json:
    """Add a contact; ``kind`` is of v3 ActCode: AMB surgery, HH home visit, VR by phone, IMP admission."""
    house = dossier.cabinet.organisation
    admission: Json | None = None
    if kind == "IMP":
        admission = {"admitSource": concept(HOME), "dischargeDisposition": concept(HOME)}
    return dossier.add(
        "Encounter",
        "contact-moment",
        profile=dossier.profile(r4="nl-core-Encounter", stu3="zib-Encounter"),
        at=until or at,
        status="finished",
        **{"class": {"system": v3(dossier.version, "ActCode"), "code": kind}},
        subject=dossier.patient,
        participant=[{"individual": reference(practitioner(dossier.cabinet, by), by.name)}],
        period={"start": moment(at), "end": moment(until) if until else instant(at, 15)},
        hospitalization=admission,
        serviceProvider=point(f"Organization/{house.key}", house.name),
        **({"reasonCode": [concept(text=reason)]} if dossier.version == "r4" else {"reason": [concept(text=reason)]}),
    )


def note(dossier: Dossier, seen: Json, at: str, *, title: str, evaluation: str, plan: str, by: Professional) -> Json:
    """Add the E and P lines of a note; S and O are the doctor's working notes and stay in the practice's own file."""
    sections = [(EVALUATION, evaluation), (PLAN, plan)]
    return dossier.add(
        "Composition",
        "note",
        profile=dossier.profile(r4="nl-core-SOAPReport", stu3="gp-EncounterReport"),
        at=at,
        status="final",
        type=concept(ENCOUNTER_NOTE),
        subject=dossier.patient,
        encounter=reference(seen),
        date=moment(at),
        author=[reference(practitioner(dossier.cabinet, by), by.name)],
        title=title,
        section=[{"title": code.display, "code": concept(code), "text": narrative(text)} for code, text in sections],
    )


def letter(dossier: Dossier, at: str, *, title: str, text: str, by: Professional) -> Json:
    """Add a letter, as a pointer with its description; the document itself is not in this example."""
    r4 = dossier.version == "r4"
    kind = term(LOINC, "18842-5")
    detail: dict[str, object] = {"date": instant(at)} if r4 else {"indexed": instant(at), "created": moment(at)}
    return dossier.add(
        "DocumentReference",
        "letter",
        profile=None,
        at=at,
        status="current",
        type=kind,
        subject=dossier.patient,
        author=[reference(practitioner(dossier.cabinet, by), by.name)],
        description=text,
        content=[{"attachment": {"contentType": "application/pdf", "title": title}}],
        **detail,
    )
