"""Code systems and codes that the records of the region use, each with its Dutch wording.

Identifiers only: no drug table (the G-Standaard is licensed content) and nothing of SNOMED CT beyond what is used.
"""

from typing import NamedTuple

from examples.region.organisations import FhirVersion

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"
ICPC = "http://hl7.org/fhir/sid/icpc-1-nl"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
NAMING = "http://fhir.nl/fhir/NamingSystem"
NICTIZ = "http://nictiz.nl/fhir/StructureDefinition"
NL_CORE_STU3 = "http://fhir.nl/fhir/StructureDefinition"

URA = f"{NAMING}/ura"
AGB = f"{NAMING}/agb-z"
KVK = f"{NAMING}/kvk"
UZI = f"{NAMING}/uzi-nr-pers"
UZI_ROLE = f"{NAMING}/uzi-rolcode"
UZOVI = f"{NAMING}/uzovi"
ORGANISATION_TYPE = "http://nictiz.nl/fhir/NamingSystem/organization-type"
SBI = "urn:oid:2.16.840.1.113883.2.4.15.4"
ROLE_OF_CONTACT = "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"
MEDICATION_KIND = "urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3"
LIVING_WILL_KIND = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.14.1"
HOUSE_KIND = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.13.1"


class Code(NamedTuple):
    """One code of one system, with the words a Dutch screen shows for it."""

    system: str
    code: str
    display: str


def v3(version: FhirVersion, name: str) -> str:
    """The canonical of a code system of HL7 version 3, which moved between STU3 and R4."""
    return f"{TERMINOLOGY}/v3-{name}" if version == "r4" else f"http://hl7.org/fhir/v3/{name}"


def observation_category(version: FhirVersion, code: str) -> Code:
    """A category of observations, ``vital-signs`` or ``laboratory``; its system moved as well."""
    system = f"{TERMINOLOGY}/observation-category" if version == "r4" else "http://hl7.org/fhir/observation-category"
    return Code(system, code, {"vital-signs": "Vital Signs", "laboratory": "Laboratory"}[code])


# --- problems: SNOMED CT and, for general practice, ICPC ------------------------------------------------------------
HEART_FAILURE = (Code(SNOMED, "84114007", "Hartfalen"), Code(ICPC, "K77", "Decompensatio cordis"))
ATRIAL_FIBRILLATION = (Code(SNOMED, "49436004", "Atriumfibrilleren"), Code(ICPC, "K78", "Boezemfibrilleren/-fladderen"))
DIABETES = (Code(SNOMED, "44054006", "Diabetes mellitus type 2"), Code(ICPC, "T90.02", "Diabetes mellitus type 2"))
LEG_ULCER = (Code(SNOMED, "95344007", "Ulcus van onderste extremiteit"), Code(ICPC, "S97", "Chronisch ulcus huid"))
CYSTITIS = (Code(SNOMED, "38822007", "Cystitis"), Code(ICPC, "U71", "Cystitis/urineweginfectie"))
COPD = (Code(SNOMED, "13645005", "COPD"), Code(ICPC, "R95", "Emfyseem/COPD"))
HYPERTENSION = (
    Code(SNOMED, "38341003", "Hypertensie"),
    Code(ICPC, "K86", "Essentiële hypertensie zonder orgaanschade"),
)
DEPRESSION = (Code(SNOMED, "35489007", "Depressieve stoornis"), Code(ICPC, "P76", "Depressie"))
PTSD = (
    Code(SNOMED, "47505003", "Posttraumatische stressstoornis"),
    Code(ICPC, "P82", "Posttraumatische stressstoornis"),
)
MIGRAINE = (Code(SNOMED, "37796009", "Migraine"), Code(ICPC, "N89", "Migraine"))
DEMENTIA = (Code(SNOMED, "52448006", "Dementie"), Code(ICPC, "P70", "Seniele dementie/Alzheimer"))
KNEE_OSTEOARTHRITIS = (Code(SNOMED, "239873007", "Artrose van knie"), Code(ICPC, "L90", "Gonartrose"))

# --- alerts ---------------------------------------------------------------------------------------------------------
FALL_RISK = Code(SNOMED, "129839007", "Risico op vallen")
MRSA_CARRIER = Code(SNOMED, "432415000", "Drager van meticillineresistente Staphylococcus aureus")
ALERT_CONDITION = Code(LOINC, "75323-6", "Condition")
ALERT_WARNING = Code(LOINC, "74018-3", "Alert")

# --- allergy --------------------------------------------------------------------------------------------------------
PENICILLIN = Code(SNOMED, "764146007", "Penicilline")
NITROFURANTOIN = Code(SNOMED, "373543005", "Nitrofurantoïne")
ADHESIVE_PLASTER = Code(SNOMED, "118414004", "Hechtpleister")
RASH = Code(SNOMED, "271807003", "Huiduitslag")
NAUSEA = Code(SNOMED, "422587007", "Misselijkheid")

# --- measurements ---------------------------------------------------------------------------------------------------
BLOOD_PRESSURE = Code(LOINC, "85354-9", "Bloeddruk")
SYSTOLIC = Code(LOINC, "8480-6", "Systolische bloeddruk")
DIASTOLIC = Code(LOINC, "8462-4", "Diastolische bloeddruk")
WEIGHT = Code(LOINC, "29463-7", "Lichaamsgewicht")
HEIGHT = Code(LOINC, "8302-2", "Lichaamslengte")
TEMPERATURE = Code(LOINC, "8310-5", "Lichaamstemperatuur")
PULSE = Code(LOINC, "8867-4", "Hartfrequentie")
SATURATION = Code(LOINC, "59408-5", "Zuurstofsaturatie (pulsoximetrie)")
RESPIRATION = Code(SNOMED, "422834003", "Beoordeling van ademhaling")
RESPIRATORY_RATE = Code(LOINC, "9279-1", "Ademfrequentie")
CREATININE = Code(LOINC, "14682-9", "Kreatinine")
EGFR = Code(LOINC, "62238-1", "eGFR (CKD-EPI)")
HBA1C = Code(LOINC, "59261-8", "HbA1c")
HAEMOGLOBIN = Code(LOINC, "59260-0", "Hemoglobine")
SODIUM = Code(LOINC, "2951-2", "Natrium")
POTASSIUM = Code(LOINC, "2823-3", "Kalium")
INR = Code(LOINC, "6301-6", "INR")
CRP = Code(LOINC, "1988-5", "CRP")
SERUM_TEST = Code(SNOMED, "275711006", "Serumtest")

# --- nursing --------------------------------------------------------------------------------------------------------
REPORT = Code(SNOMED, "11591000146107", "Rapportage")
LIVING_SITUATION = Code(SNOMED, "365508006", "Woonsituatie")
HOUSE_TYPE = Code(SNOMED, "272497004", "Soort woning")
LIVING_CONDITION = Code(SNOMED, "224249004", "Woonomstandigheid")
HOUSE_ADAPTION = Code(SNOMED, "118871000146108", "Woningaanpassing")
UPSTAIRS_FLAT = Code(HOUSE_KIND, "BOVENW", "Bovenwoning")
STAIRS = Code(SNOMED, "715758005", "Toegang tot woning via trap")
ADAPTED_TOILET = Code(SNOMED, "465302005", "Aangepast toilet")
BARTHEL = Code(SNOMED, "273302005", "Barthel-index")

# --- directives -----------------------------------------------------------------------------------------------------
ADVANCE_DIRECTIVE = Code(SNOMED, "11341000146107", "Wilsverklaring")
TREATMENT_DIRECTIVE = Code(SNOMED, "11291000146105", "Behandelaanwijzing")
TREATMENT_LIMITS = Code(SNOMED, "129125009", "Procedure met uitdrukkelijke context")
DO_NOT_RESUSCITATE = Code(LIVING_WILL_KIND, "NR", "Niet reanimeren verklaring")
RESUSCITATION = Code(SNOMED, "89666000", "Cardiopulmonale resuscitatie")
INTENSIVE_CARE = Code(SNOMED, "305351004", "Opname op intensive care")
HOSPITAL_ADMISSION = Code(SNOMED, "32485007", "Opname in ziekenhuis")

# --- medication: what a row is --------------------------------------------------------------------------------------
PRESCRIPTION = Code(SNOMED, "16076005", "Voorschrift")
MEDICATION_AGREEMENT = Code(SNOMED, "33633005", "Medicatieafspraak")
MEDICATION_USE_ROW = Code(MEDICATION_KIND, "6", "Medicatiegebruik")
MEDICATION_USE = Code(SNOMED, "422979000", "Medicatiegebruik")
ADMINISTRATION_AGREEMENT = Code(SNOMED, "422037009", "Toedieningsafspraak")
DISPENSE = Code(SNOMED, "373784005", "Medicatieverstrekking")

# --- roles of professionals (UZI); other professions are written in words --------------------------------------------
GENERAL_PRACTITIONER = Code(UZI_ROLE, "01.015", "Huisarts")
NURSE = Code(UZI_ROLE, "30.000", "Verpleegkundige")
