"""Medication: what was prescribed, what the pharmacy agreed and handed out, and what is really taken.

Rows carry the categories that the use cases ask for: MedicationRequest SNOMED CT 16076005, MedicationDispense
422037009, MedicationStatement ``…77.5.3|6``. The product is a Medication resource of its own, which a search brings
along with ``_include``. One pharmaceutical treatment has one identifier, given out by whoever started it.
"""

from typing import Literal, NamedTuple

from examples.region.data import codes
from examples.region.data.administration import Professional, practitioner
from examples.region.data.codes import ATC, NICTIZ, Code
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.elements import Json, concept, extension, moment, point, reference

# A test branch of Nictiz' identifiers: who wants to number treatments in examples does it here.
TREATMENT_NUMBERS = "urn:oid:2.16.840.1.113883.2.4.3.11.999.77.1"

# What happens to a prescription; FHIR R4 and STU3 share these.
RequestStatus = Literal["active", "stopped", "completed"]


class Product(NamedTuple):
    """A medicinal product as it is prescribed, by ATC code and in words."""

    atc: str
    substance: str
    text: str

    @property
    def key(self) -> str:
        """Logical id of the Medication."""
        return f"med-{self.atc.lower()}"


ACENOCOUMAROL = Product("B01AA07", "acenocoumarol", "Acenocoumarol tablet 1 mg")
APIXABAN = Product("B01AF02", "apixaban", "Apixaban tablet 5 mg")
FUROSEMIDE = Product("C03CA01", "furosemide", "Furosemide tablet 40 mg")
BISOPROLOL = Product("C07AB07", "bisoprolol", "Bisoprolol tablet 2,5 mg")
METFORMIN = Product("A10BA02", "metformine", "Metformine tablet 500 mg")
PARACETAMOL = Product("N02BE01", "paracetamol", "Paracetamol tablet 500 mg")
IBUPROFEN = Product("M01AE01", "ibuprofen", "Ibuprofen tablet 400 mg (zelfzorg)")
SALBUTAMOL = Product("R03AC02", "salbutamol", "Salbutamol aerosol 100 microgram/dosis")
TIOTROPIUM = Product("R03BB04", "tiotropium", "Tiotropium inhalatiepoeder 18 microgram")
PREDNISOLONE = Product("H02AB06", "prednisolon", "Prednisolon tablet 30 mg")
DOXYCYCLINE = Product("J01AA02", "doxycycline", "Doxycycline tablet 100 mg")
AMLODIPINE = Product("C08CA01", "amlodipine", "Amlodipine tablet 5 mg")
SERTRALINE = Product("N06AB06", "sertraline", "Sertraline tablet 50 mg")
PRAZOSIN = Product("C02CA01", "prazosine", "Prazosine tablet 1 mg")
SUMATRIPTAN = Product("N02CC01", "sumatriptan", "Sumatriptan tablet 50 mg")


class Treatment(NamedTuple):
    """One pharmaceutical treatment: the product, its number and how it is to be taken."""

    product: Product
    number: str
    dosage: str
    per_day: int = 1


def prescribed(
    dossier: Dossier,
    treatment: Treatment,
    since: str,
    *,
    by: Professional,
    status: RequestStatus = "active",
    until: str | None = None,
    reason: str | None = None,
) -> Json:
    """Add a MedicationRequest (medication agreement)."""
    r4 = dossier.version == "r4"
    category = concept(codes.PRESCRIPTION, codes.MEDICATION_AGREEMENT)
    person = reference(practitioner(dossier.cabinet, by), by.name)
    return dossier.add(
        "MedicationRequest",
        "prescription",
        profile=dossier.profile(r4="mp-MedicationAgreement", stu3="zib-MedicationAgreement"),
        at=until or since,
        extension=_numbered(treatment),
        status=status,
        intent="order",
        category=[category] if r4 else category,
        medicationReference=_product(dossier.cabinet, treatment.product),
        subject=dossier.patient,
        authoredOn=moment(since),
        requester=person if r4 else {"agent": person},
        reasonCode=[concept(text=reason)] if reason else None,
        dosageInstruction=[_dosage(treatment, since, until)],
    )


def agreed_at_pharmacy(
    dossier: Dossier, treatment: Treatment, since: str, *, by: Professional, until: str | None = None
) -> Json:
    """Add a MedicationDispense of the kind "administration agreement": how it is to be taken, as labelled (R4)."""
    return _dispense(
        dossier,
        "agreement",
        treatment,
        since,
        category=codes.ADMINISTRATION_AGREEMENT,
        profile="mp-AdministrationAgreement",
        by=by,
        status="in-progress" if until is None else "completed",
        dosageInstruction=[_dosage(treatment, since, until)],
    )


def handed_out(dossier: Dossier, treatment: Treatment, at: str, *, by: Professional, pieces: int) -> Json:
    """Add a MedicationDispense of the kind "dispense": what went over the counter (R4)."""
    return _dispense(
        dossier,
        "dispense",
        treatment,
        at,
        category=codes.DISPENSE,
        profile="mp-MedicationDispense",
        by=by,
        status="completed",
        quantity={"value": pieces, "unit": "stuks"},
        whenHandedOver=moment(at),
    )


def taken(dossier: Dossier, treatment: Treatment, since: str, *, told: str, note: str | None = None) -> Json:
    """Add a MedicationStatement: what the patient really takes, on what was told on the day ``told`` (R4)."""
    return dossier.add(
        "MedicationStatement",
        "use",
        profile=f"{NICTIZ}/mp-MedicationUse2",
        at=told,
        extension=_numbered(treatment),
        status="active",
        category=concept(codes.MEDICATION_USE_ROW, codes.MEDICATION_USE),
        medicationReference=_product(dossier.cabinet, treatment.product),
        subject=dossier.patient,
        effectivePeriod={"start": moment(since)},
        dateAsserted=moment(told),
        informationSource=dossier.patient,
        note=[{"text": note}] if note else None,
        dosage=[_dosage(treatment, since, None)],
    )


def _dispense(
    dossier: Dossier,
    slug: str,
    treatment: Treatment,
    at: str,
    *,
    category: Code,
    profile: str,
    by: Professional,
    **members: object,
) -> Json:
    return dossier.add(
        "MedicationDispense",
        slug,
        profile=f"{NICTIZ}/{profile}",
        at=at,
        extension=_numbered(treatment),
        category=concept(category),
        medicationReference=_product(dossier.cabinet, treatment.product),
        subject=dossier.patient,
        performer=[{"actor": reference(practitioner(dossier.cabinet, by), by.name)}],
        **members,
    )


def _product(cabinet: Cabinet, product: Product) -> Json:
    """Add the Medication unless it is there, and refer to it."""
    known = cabinet.find("Medication", product.key) or cabinet.add(
        "Medication",
        product.key,
        profile=cabinet.profile(r4="nl-core-PharmaceuticalProduct", stu3="zib-Product"),
        at="2025-01-06 08:30",
        code=concept(Code(ATC, product.atc, product.substance), text=product.text),
    )
    return point(f"Medication/{known['id']}", product.text)


def _numbered(treatment: Treatment) -> list[Json]:
    number = {"system": TREATMENT_NUMBERS, "value": treatment.number}
    return [extension(f"{NICTIZ}/ext-PharmaceuticalTreatment.Identifier", "Identifier", number)]


def _dosage(treatment: Treatment, since: str, until: str | None) -> Json:
    bounds = {"start": since[:10]} if until is None else {"start": since[:10], "end": until[:10]}
    return {
        "text": treatment.dosage,
        "timing": {"repeat": {"boundsPeriod": bounds, "frequency": treatment.per_day, "period": 1, "periodUnit": "d"}},
    }
