"""Somebody's whole record in FHIR R4 or STU3, invented: one thing for every query of the shipped use cases to find.

Profiles and codes are those of the zibs as their specifications print them. Beside nearly everything stands one of the same
type that a query must leave alone: another code, category or status, an earlier day, no profile.

``citizen`` makes the record of one patient, ids beginning with theirs; ``FOUND`` says which of it each step has to find.
"""

from collections.abc import Iterator
from typing import Any, Literal

Json = dict[str, Any]
Version = Literal["r4", "stu3"]

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
ASKED, OTHER = "uc-asked", "uc-other"
BSN = {ASKED: "999990500", OTHER: "999990512"}

URA_SYSTEM, ASKER = "http://fhir.nl/fhir/NamingSystem/ura", "90000103"  # an organisation in the care team

SCT, LOINC = "http://snomed.info/sct", "http://loinc.org"
USE = "urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3"
NICTIZ = "http://nictiz.nl/fhir/StructureDefinition"
NURSING_REPORT = "https://nuts.nl/fhir/StructureDefinition/nl-core-nursingreport"
IKNL = "https://fhir.iknl.nl/fhir"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_CATEGORY = "http://terminology.hl7.org/CodeSystem/consentcategorycodes"
DECOY = "decoy"

FOUND: dict[str, tuple[str, ...]] = {
    "administration-agreements": ("administration-agreement",),
    "administrations": ("administration",),
    "advance-directives": ("advance-directive",),
    "alcohol-use": ("alcohol",),
    "alerts": ("alert",),
    "allergies": ("allergy",),
    "appointments": ("appointment",),
    "attention-flags": ("alert",),
    "blood-pressure": ("blood-pressure",),
    "body-height": ("height",),
    "body-temperature": ("temperature",),
    "body-weight": ("weight",),
    "care-plan": ("care-plan",),
    "care-team": ("care-team",),
    "communications": ("conversation-offered",),
    "consultation-notes": ("consultation",),
    "contact-persons": ("daughter",),
    "contacts": ("admission",),
    "conversation-contacts": ("conversation-contact",),
    "conversations": ("conversation",),
    "correspondence": ("letter",),
    "coverage": ("coverage",),
    "devices": ("device-use",),
    "dispense-requests": ("dispense-request",),
    "dispenses": ("administration-agreement",),
    "document": ("letter",),
    "documents": ("letter",),
    "drug-use": ("drugs",),
    "encounters": ("admission",),
    "episodes": ("episode",),
    "family-situation": ("family",),
    "form": ("form",),
    "functional-status": ("functional", "mobility"),
    "general-practitioner": ("gp",),
    "goals": ("goal",),
    "interventions": ("nursing-procedure",),
    "laboratory": ("haemoglobin",),
    "last-contact": ("admission",),
    "latest": ("haemoglobin",),
    "living-situation": ("living",),
    "medication": ("agreement",),
    "medication-agreements": ("agreement",),
    "medication-intolerance": ("allergy",),
    "medication-self-management": ("self-management",),
    "medication-use": ("use",),
    "mobility": ("mobility",),
    "nursing-procedures": ("nursing-procedure",),
    "nursing-reports": ("nursing-report",),
    "nutrition": ("diet",),
    "patient": ("",),
    "planned-devices": ("planned-device",),
    "planned-procedures": ("planned-procedure",),
    "planned-vaccinations": ("planned-vaccination",),
    "practice": ("practice",),
    "pressure-ulcers": ("pressure-ulcer",),
    "problems": ("problem",),
    "procedures": ("operation",),
    "pulse-rate": ("pulse",),
    "reports": ("lab-report",),
    "respiration": ("respiration",),
    "restrictions": ("restriction",),
    "results": ("haemoglobin",),
    "snaq": ("snaq",),
    "substance-use": ("drugs", "alcohol", "tobacco"),
    "text-results": ("text-result",),
    "tobacco-use": ("tobacco",),
    "treatment-directives": ("treatment-directive",),
    "vaccinations": ("vaccination",),
    "what-happened": ("consultation",),
    "wishes": ("wishes",),
    "wounds": ("wound",),
}
"""Step -> what it has to find, by the end of the id; the patient is found by the patient's own id."""

FOUND_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("ha-vvt", "results"): ("haemoglobin", "blood-pressure"),
    ("patient-access", "results"): ("haemoglobin", "blood-pressure"),
    ("medication", "medication-agreements"): ("agreement", "mp9-agreement", "mp9-dosing"),
    ("medication", "medication-use"): ("use", "mp9-use"),
    ("medication", "dispenses"): ("administration-agreement", "dispense"),
    ("ggz", "procedures"): ("operation",),
    ("pzp", "advance-directives"): ("acp-advance",),
    ("pzp", "treatment-directives"): ("acp-treatment",),
    ("acute", "advance-directives"): ("advance-directive",),
}
"""The same for steps that mean something else, or more, in one use case."""

OF_ONE_CATEGORY = {
    f"{SCT}|16076005": "agreement",
    f"{SCT}|33633005": "mp9-agreement",
    f"{SCT}|395067002": "mp9-dosing",
    f"{SCT}|422979000": "mp9-use",
    f"{USE}|6": "use",
    f"{SCT}|422037009": "administration-agreement",
    f"{SCT}|373784005": "dispense",
}
"""What a form finds that asks for one of the categories of a step of several."""

INCLUDED: dict[str, tuple[str, ...]] = {
    "CareTeam:participant": ("gp",),
    "Consent:actor": ("gp",),
    "Coverage:payor:Organization": ("practice",),
    "Coverage:payor:Patient": (),
    "DeviceRequest:device": ("device",),
    "DeviceUseStatement:device": ("device",),
    "DiagnosticReport:result": ("haemoglobin",),
    "Encounter:reason-reference": ("conversation",),
    "EpisodeOfCare:condition": ("problem",),
    "MedicationAdministration:medication": ("medication",),
    "MedicationDispense:medication": ("medication",),
    "MedicationRequest:medication": ("medication",),
    "MedicationStatement:medication": ("medication",),
    "Observation:has-member": (),
    "Observation:related-target": (),
    "Observation:specimen": ("specimen",),
    "Patient:general-practitioner": ("gp", "practice"),
    "Procedure:encounter": ("conversation-contact",),
}
"""``_include`` -> what has to come along."""

VITALS = (
    ("blood-pressure", "BloodPressure", LOINC, "85354-9"),
    ("height", "BodyHeight", LOINC, "8302-2"),
    ("temperature", "BodyTemperature", LOINC, "8310-5"),
    ("weight", "BodyWeight", LOINC, "29463-7"),
    ("pulse", "PulseRate", LOINC, "8867-4"),
    ("respiration", "Respiration", SCT, "422834003"),
)
SOCIAL = (
    ("living", "LivingSituation", "365508006"),
    ("family", "FamilySituation", "365470003"),
    ("self-management", "MedicationSelfManagement", "285033005"),
    ("drugs", "DrugUse", "228366006"),
    ("alcohol", "AlcoholUse", "228273003"),
    ("tobacco", "TobaccoUse", "365980008"),
)


def citizen(patient: str, version: Version) -> list[Json]:
    """Return the record of one patient, all of it in one FHIR version."""
    made = _Record(patient, version)
    return [
        *made.people(),
        *made.medication(),
        *made.observations(),
        *made.problems(),
        *made.agreements(),
        *made.care(),
    ]


class _Record:
    def __init__(self, patient: str, version: Version) -> None:
        self.patient = patient
        self.version = version
        self.r4 = version == "r4"
        self.subject = {"reference": f"Patient/{patient}"}

    def people(self) -> Iterator[Json]:
        yield {
            "resourceType": "Patient",
            "id": self.patient,
            "identifier": [{"system": BSN_SYSTEM, "value": BSN[self.patient]}],
            "name": [{"family": "Zoek"}],
            "generalPractitioner": [self.to("Practitioner", "gp"), self.to("Organization", "practice")],
        }
        yield self.made("Practitioner", "gp", name=[{"family": "De Gouwe"}])
        yield self.made("Organization", "practice", name="Praktijk De Gouwe")
        yield self.made("RelatedPerson", "daughter", patient=self.subject)
        asker = {"identifier": {"system": URA_SYSTEM, "value": ASKER}}
        team = {"subject": self.subject, "participant": [{"member": self.to("Practitioner", "gp")}, {"member": asker}]}
        yield self.made("CareTeam", "care-team", f"{NICTIZ}/nl-core-CareTeam", status="active", **team)
        yield self.made("CareTeam", DECOY, status="inactive", **team)

    def medication(self) -> Iterator[Json]:
        yield self.made("Medication", "medication", code={"text": "metoprolol"})
        what = {"subject": self.subject, "medicationReference": self.to("Medication", "medication")}
        agreement = self.zib("mp-MedicationAgreement", "zib-MedicationAgreement")
        for name, code, profile, status in (
            ("agreement", "16076005", agreement, "active"),
            ("mp9-agreement", "33633005", None, "active"),
            ("mp9-dosing", "395067002", None, "active"),
            ("dispense-request", "52711000146108", None, "active"),
            (DECOY, "1", None, "stopped"),
        ):
            category = self.listed(coded(SCT, code))
            yield self.made(
                "MedicationRequest", name, profile, status=status, intent="order", category=category, **what
            )
        use = self.zib("mp-MedicationUse2", "zib-MedicationUse")
        for name, system, code, profile, status in (
            ("use", USE, "6", use, "active"),
            ("mp9-use", SCT, "422979000", None, "active"),
            (DECOY, SCT, "1", None, "stopped"),
        ):
            taken = {} if self.r4 else {"taken": "y"}
            category = coded(system, code)
            yield self.made("MedicationStatement", name, profile, status=status, category=category, **taken, **what)
        handed = self.zib("mp-AdministrationAgreement", "zib-AdministrationAgreement")
        for name, code, profile in (
            ("administration-agreement", "422037009", handed),
            ("dispense", "373784005", None),
            (DECOY, "1", None),
        ):
            category = coded(SCT, code)
            yield self.made("MedicationDispense", name, profile, status="completed", category=category, **what)
        if self.r4:
            for name, code in (("administration", "18629005"), (DECOY, "1")):
                category = coded(SCT, code)
                yield self.made("MedicationAdministration", name, status="completed", category=category, **what)

    def observations(self) -> Iterator[Json]:
        for name, zib, system, code in VITALS:
            yield self.observed(name, coded(system, code), self.nictiz(zib), category=[self.category("vital-signs")])
        older = coded(LOINC, "29463-7")
        yield self.observed("older-weight", older, self.nictiz("BodyWeight"), effectiveDateTime="2025-01-01")
        for name, zib, code in SOCIAL:
            yield self.observed(name, coded(SCT, code), self.nictiz(zib))
        yield self.observed("nursing-report", coded(SCT, "11591000146107"), NURSING_REPORT)
        yield self.observed("snaq", coded(SCT, "1"), self.nictiz("SNAQScore"))
        mental = [coded(SCT, "384821006")]
        yield self.observed("functional", coded(SCT, "1"), category=mental)
        bodily = [coded(SCT, "118228005")]
        yield self.observed("mobility", coded(SCT, "1"), self.nictiz("Mobility"), category=bodily)
        yield self.made("Specimen", "specimen", subject=self.subject)
        yield self.observed(
            "haemoglobin",
            coded(LOINC, "718-7"),
            category=[coded(SCT, "275711006"), self.category("laboratory")],
            specimen=self.to("Specimen", "specimen"),
        )
        yield self.observed("wishes", coded(SCT, "395091006"))
        yield self.observed(DECOY, coded(SCT, "1"), category=[self.category("survey")])
        report = {"status": "final", "subject": self.subject, "code": {"text": "report"}}
        yield self.made("DiagnosticReport", "lab-report", result=[self.to("Observation", "haemoglobin")], **report)
        yield self.made("DiagnosticReport", "text-result", self.nictiz("TextResult"), **report)

    def problems(self) -> Iterator[Json]:
        for name, zib in (("problem", "Problem"), ("wound", "Wound"), ("pressure-ulcer", "PressureUlcer")):
            status = self.clinical("condition-clinical", "active")
            yield self.made("Condition", name, self.nictiz(zib), clinicalStatus=status, subject=self.subject)
        over = self.clinical("condition-clinical", "resolved")
        yield self.made("Condition", DECOY, clinicalStatus=over, subject=self.subject)
        allergy = {"patient": self.subject, "clinicalStatus": self.clinical("allergyintolerance-clinical", "active")}
        profile = self.nictiz("AllergyIntolerance")
        yield self.made("AllergyIntolerance", "allergy", profile, category=["medication"], **allergy)
        yield self.made("AllergyIntolerance", DECOY, category=["food"], **allergy)
        flag = {"subject": self.subject, "code": {"text": "alert"}}
        yield self.made("Flag", "alert", self.nictiz("Alert"), status="active", **flag)
        yield self.made("Flag", DECOY, status="inactive", **flag)
        diagnosis = [{"condition": self.to("Condition", "problem")}]
        yield self.made("EpisodeOfCare", "episode", status="active", patient=self.subject, diagnosis=diagnosis)
        yield self.made("EpisodeOfCare", DECOY, status="finished", patient=self.subject)

    def agreements(self) -> Iterator[Json]:
        limits = self.zib("nl-core-TreatmentDirective2", "zib-TreatmentDirective")
        yield self.consent("treatment-directive", coded(SCT, "11291000146105"), "treatment", limits)
        yield self.consent("advance-directive", coded(SCT, "11341000146107"), "adr", self.nictiz("AdvanceDirective"))
        yield self.consent(DECOY, coded(SCT, "1"), "research")
        if not self.r4:
            return
        yield self.consent("acp-treatment", coded(SCT, "129125009"), "treatment")
        yield self.consent("acp-advance", coded(CONSENT_CATEGORY, "acd"), "adr")
        about = coded(SCT, "713603004")
        met = self.to("Encounter", "conversation-contact")
        done = {"status": "completed", "subject": self.subject}
        yield self.made("Procedure", "conversation", code=about, encounter=met, **done)
        why = [self.to("Procedure", "conversation")]
        contact = {"subject": self.subject, "reasonReference": why, "period": {"start": "2025-02-01"}}
        yield self.made("Encounter", "conversation-contact", status="finished", **contact)
        yield self.made("Communication", "conversation-offered", reasonCode=[about], **done)
        yield self.made("Communication", DECOY, reasonCode=[coded(SCT, "1")], **done)
        yield self.made("QuestionnaireResponse", "form", questionnaire=f"{IKNL}/Questionnaire/ACP-zib2020", **done)
        yield self.made("QuestionnaireResponse", DECOY, questionnaire=f"{IKNL}/Questionnaire/other", **done)

    def care(self) -> Iterator[Json]:
        yield from self._contacts()
        yield from self._plans()
        yield from self._devices()
        payers = [self.subject, self.to("Organization", "practice")]
        yield self.made("Coverage", "coverage", status="active", beneficiary=self.subject, payor=payers)
        when = {"occurrenceDateTime": "2026-10-01"} if self.r4 else {"date": "2026-10-01", "primarySource": True}
        vaccine = {"patient": self.subject, "vaccineCode": {"text": "influenza"}, **when}
        yield self.made("Immunization", "vaccination", status="completed", **vaccine)
        yield self.made("Immunization", DECOY, status="entered-in-error", **vaccine)
        yield self.made("ImmunizationRecommendation", "planned-vaccination", patient=self.subject, date="2026-11-01")
        file = {"subject": self.subject, "type": {"text": "letter"}, "content": [{"attachment": {"title": "letter"}}]}
        file |= {} if self.r4 else {"indexed": "2026-11-01T10:00:00Z"}
        yield self.made("DocumentReference", "letter", status="current", **file)
        yield self.made("DocumentReference", DECOY, status="superseded", **file)

    def _contacts(self) -> Iterator[Json]:
        act = "http://terminology.hl7.org/CodeSystem/v3-ActCode" if self.r4 else "http://hl7.org/fhir/v3/ActCode"
        for name, kind, day in (("admission", "IMP", "2026-11-02"), (DECOY, "HH", "2025-01-01")):
            met = {"class": {"system": act, "code": kind}, "period": {"start": day}}
            yield self.made("Encounter", name, status="finished", subject=self.subject, **met)
        for name, code, day in (("consultation", "67781-5", "2026-11-02"), (DECOY, "1-8", "2025-01-01")):
            note = {"type": coded(LOINC, code), "date": day, "title": "note", "author": [self.to("Practitioner", "gp")]}
            yield self.made("Composition", name, status="final", subject=self.subject, **note)
        for name, status in (("appointment", "booked"), (DECOY, "cancelled")):
            here = [{"actor": self.subject, "status": "accepted"}]
            yield self.made("Appointment", name, status=status, participant=here)

    def _plans(self) -> Iterator[Json]:
        for name, status in (("care-plan", "active"), (DECOY, "completed")):
            by = {"careTeam": [self.to("CareTeam", "care-team")], "goal": [self.to("Goal", "goal")]}
            yield self.made("CarePlan", name, status=status, intent="plan", subject=self.subject, **by)
        aim = {"lifecycleStatus": "active"} if self.r4 else {"status": "in-progress"}
        life = {"description": coded(SCT, "1351964001"), "subject": self.subject, **aim}
        yield self.made("Goal", "goal", self.nictiz("TreatmentObjective"), **life)
        yield self.made("Goal", DECOY, **{**life, "description": coded(SCT, "1")})
        done = {"status": "completed", "subject": self.subject}
        yield self.made("Procedure", "operation", category=coded(SCT, "387713003"), code={"text": "hip"}, **done)
        yield self.made("Procedure", "nursing-procedure", code=coded(SCT, "303074009"), **done)
        restriction = self.nictiz("FreedomRestrictingIntervention")
        yield self.made("Procedure", "restriction", restriction, code={"text": "bed rail"}, **done)
        yield self.made("Procedure", DECOY, category=coded(SCT, "1"), code=coded(SCT, "1"), **done)
        kind = "ServiceRequest" if self.r4 else "ProcedureRequest"
        for name, status in (("planned-procedure", "active"), (DECOY, "completed")):
            yield self.made(kind, name, status=status, intent="order", code={"text": "scan"}, subject=self.subject)
        diet = {"status": "active", "dateTime": "2026-11-01", "patient": self.subject}
        yield self.made("NutritionOrder", "diet", **diet, **({"intent": "order"} if self.r4 else {}))

    def _devices(self) -> Iterator[Json]:
        icd = coded(SCT, "72506001")
        yield self.made("Device", "device", type=icd, patient=self.subject)
        used = {"status": "active", "subject": self.subject}
        yield self.made("DeviceUseStatement", "device-use", device=self.to("Device", "device"), **used)
        intent = "order" if self.r4 else {"coding": [{"code": "order"}]}
        for name, status in (("planned-device", "active"), (DECOY, "completed")):
            wanted = {"intent": intent, "codeReference": self.to("Device", "device"), "subject": self.subject}
            yield self.made("DeviceRequest", name, status=status, **wanted)

    def made(self, kind: str, name: str, profile: str | None = None, /, **content: object) -> Json:
        meta = {} if profile is None else {"meta": {"profile": [profile]}}
        return {"resourceType": kind, "id": f"{self.patient}-{name}", **meta, **content}

    def to(self, kind: str, name: str) -> Json:
        return {"reference": f"{kind}/{self.patient}-{name}"}

    def observed(self, name: str, code: Json, profile: str | None = None, **content: object) -> Json:
        base = {"status": "final", "code": code, "subject": self.subject, "effectiveDateTime": "2026-11-01"}
        return self.made("Observation", name, profile, **{**base, **content})

    def consent(self, name: str, category: Json, scope: str, profile: str | None = None) -> Json:
        given: Json = {"status": "active", "patient": self.subject, "category": [category]}
        who = {"role": {"text": "treats"}, "reference": self.to("Practitioner", "gp")}
        given |= {"scope": coded(CONSENT_SCOPE, scope), "provision": {"actor": [who]}} if self.r4 else {"actor": [who]}
        return self.made("Consent", name, profile, **given)

    def zib(self, r4: str, stu3: str) -> str:
        return f"{NICTIZ}/{r4 if self.r4 else stu3}"

    def nictiz(self, name: str) -> str:
        return self.zib(f"nl-core-{name}", f"zib-{name}")

    def category(self, code: str) -> Json:
        system = "http://terminology.hl7.org/CodeSystem/observation-category"
        return coded(system if self.r4 else "http://hl7.org/fhir/observation-category", code)

    def clinical(self, system: str, code: str) -> Json | str:
        return coded(f"http://terminology.hl7.org/CodeSystem/{system}", code) if self.r4 else code

    def listed(self, category: Json) -> Json | list[Json]:
        return [category] if self.r4 else category


def coded(system: str, code: str) -> Json:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}
