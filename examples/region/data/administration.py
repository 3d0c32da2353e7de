"""Who is who in a record system: organisations, professionals, the patient and the first contact."""

from dataclasses import dataclass

from examples.region.data.codes import (
    AGB,
    KVK,
    ORGANISATION_TYPE,
    ROLE_OF_CONTACT,
    SBI,
    URA,
    UZI,
    UZOVI,
    Code,
    v3,
)
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.elements import (
    Json,
    concept,
    human_name,
    local_time,
    phone,
    postal_address,
    reference,
    term,
)
from examples.region.organisations import Organisation
from examples.region.patients import BSN_SYSTEM, Family

# When the record systems were filled with addresses; nothing in them changed since.
SET_UP = "2025-01-06 08:30"

FIRST_CONTACT = Code(ROLE_OF_CONTACT, "01", "Eerste relatie/contactpersoon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Professional:
    """Somebody who works in care.

    Attributes:
        key: logical id of the Practitioner resource, wherever that lies.
        initials: such as ``M.J.``.
        title: profession in words.
        role: UZI role code, where we know one for this profession.
        uzi: nine digits, of a range that is not given out.
    """

    key: str
    initials: str
    family: Family
    title: str
    uzi: str
    role: Code | None = None

    @property
    def name(self) -> str:
        """Initials and surname."""
        return f"{self.initials} {self.family.text}"


def organisation_resource(cabinet: Cabinet, one: Organisation) -> Json:
    """Add an Organization, the house itself or another from the address book, unless it is there already."""
    known = cabinet.find("Organization", one.key)
    if known is not None:
        return known
    numbers = [(URA, one.ura), (AGB, one.agb), (KVK, one.kvk)]
    kinds = [
        Code(ORGANISATION_TYPE, one.facility_type, one.name.split()[0]) if one.facility_type else None,
        Code(SBI, one.sbi, "SBI 2025") if one.sbi else None,
    ]
    return cabinet.add(
        "Organization",
        one.key,
        profile=cabinet.profile(r4="nl-core-HealthcareProvider-Organization", stu3="nl-core-organization"),
        at=SET_UP,
        identifier=[{"system": system, "value": value} for system, value in numbers if value],
        active=True,
        type=[concept(kind) for kind in kinds if kind is not None],
        name=one.name,
        telecom=[phone(f"+3118200{one.ura[-4:]}", "work")],
        address=[{"use": "work", "city": one.city, "country": "NL"}],
    )


def practitioner(cabinet: Cabinet, person: Professional) -> Json:
    """Add a Practitioner, unless it is there already."""
    known = cabinet.find("Practitioner", person.key)
    if known is not None:
        return known
    return cabinet.add(
        "Practitioner",
        person.key,
        profile=cabinet.profile(r4="nl-core-HealthProfessional-Practitioner", stu3="nl-core-practitioner"),
        at=SET_UP,
        identifier=[{"system": UZI, "value": person.uzi}],
        active=True,
        name=[human_name("", person.family, initials=person.initials)],
    )


def practitioner_role(cabinet: Cabinet, person: Professional, organisation: Json) -> Json:
    """Add a PractitionerRole, unless it is there already.

    Args:
        cabinet: where it and its Practitioner are added.
        person: who.
        organisation: the Reference that goes into ``organization``.
    """
    who = practitioner(cabinet, person)
    known = cabinet.find("PractitionerRole", f"{person.key}-role")
    if known is not None:
        return known
    return cabinet.add(
        "PractitionerRole",
        f"{person.key}-role",
        profile=cabinet.profile(r4="nl-core-HealthProfessional-PractitionerRole", stu3="nl-core-practitionerrole"),
        at=SET_UP,
        active=True,
        practitioner=reference(who, person.name),
        organization=organisation,
        specialty=[concept(person.role) if person.role else concept(text=person.title)],
    )


def by_ura(one: Organisation) -> Json:
    """Refer to an organisation by its number alone, without a resource of our own."""
    return {"identifier": {"system": URA, "value": one.ura}, "display": one.name}


def patient_resource(
    dossier: Dossier, *, general_practitioner: Professional, practice: Organisation, since: str
) -> Json:
    """Add the Patient (exactly one BSN) with the general practitioner and the practice."""
    citizen, cabinet = dossier.citizen, dossier.cabinet
    doctor = practitioner(cabinet, general_practitioner)
    house = organisation_resource(cabinet, practice)
    contact = citizen.contact
    relation = term(v3(dossier.version, "RoleCode"), contact.relation)
    return cabinet.add(
        "Patient",
        dossier.patient_id,
        profile=dossier.profile(r4="nl-core-Patient", stu3="nl-core-patient"),
        at=since,
        identifier=[{"use": "official", "system": BSN_SYSTEM, "value": citizen.bsn}],
        active=True,
        name=[human_name(citizen.given, citizen.family), {"use": "usual", "given": [citizen.usual]}],
        telecom=[phone(citizen.phone, "home")],
        gender=citizen.gender,
        birthDate=citizen.birth_date,
        address=[postal_address(citizen.address, use="home")],
        contact=[
            {
                "relationship": [concept(FIRST_CONTACT), relation],
                "name": human_name(contact.given, contact.family),
                "telecom": [phone(contact.phone, "mobile")],
            }
        ],
        generalPractitioner=[
            reference(doctor, general_practitioner.name),
            reference(house, practice.name),
        ],
    )


def related_person(dossier: Dossier, *, since: str) -> Json:
    """Add the first contact as a RelatedPerson."""
    contact = dossier.citizen.contact
    relation = term(v3(dossier.version, "RoleCode"), contact.relation)
    return dossier.add(
        "RelatedPerson",
        "contact",
        profile=dossier.profile(r4="nl-core-ContactPerson", stu3="nl-core-relatedperson"),
        at=since,
        active=True,
        patient=dossier.patient,
        # STU3 has room for one relationship, R4 for several.
        relationship=relation if dossier.version == "stu3" else [concept(FIRST_CONTACT), relation],
        name=[human_name(contact.given, contact.family)],
        telecom=[phone(contact.phone, "mobile")],
    )


def coverage(dossier: Dossier, *, since: str) -> Json:
    """Add the health insurance; the insurer is invented."""
    payer: Json = {"identifier": {"system": UZOVI, "value": "9999"}, "display": "Zorgverzekeraar Het Gouwse Fonds"}
    return dossier.add(
        "Coverage",
        "insurance",
        profile=dossier.profile(r4="nl-core-Payer.InsuranceCompany", stu3="zib-Payer"),
        at=since,
        status="active",
        type=term(v3(dossier.version, "ActCode"), "EHCPOL"),
        subscriberId=f"GF{dossier.citizen.bsn[-4:]}01",
        beneficiary=dossier.patient,
        period={"start": local_time(since).date().replace(month=1, day=1).isoformat()},
        payor=[payer],
    )


def whole_address_book(cabinet: Cabinet, *others: Organisation) -> None:
    """Add the house itself and the organisations it knows by their number."""
    for one in (cabinet.organisation, *others):
        organisation_resource(cabinet, one)
