"""The queries as their specifications print them, restated per use case and table: (step, query); for ``acute``, ``bglz`` and ``ggz``,
of which no query set is published, as their files say that they are asked.

``{p}`` is the patient's logical id. Where a specification asks for "a patient search or subject beside it", ``patient`` stands
first. What is left out of a list is named in ``NOT_LET_THROUGH`` with the reason.
"""

SCT, LOINC = "http://snomed.info/sct|", "http://loinc.org|"
ZIB, NL = "http://nictiz.nl/fhir/StructureDefinition/zib-", "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
MP = "http://nictiz.nl/fhir/StructureDefinition/mp-"
ACT = "http://hl7.org/fhir/v3/ActCode|"
P = "patient={p}"
USE = "urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3|6"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope|"
IKNL = "https://fhir.iknl.nl/fhir/"

_VITALS = [("blood-pressure", "BloodPressure"), ("body-weight", "BodyWeight"), ("body-height", "BodyHeight")]
_VITALS += [("body-temperature", "BodyTemperature"), ("respiration", "Respiration")]

HOME_CARE = [
    ("alerts", f"Flag?{P}&_profile={ZIB}Alert"),
    ("allergies", f"AllergyIntolerance?{P}&_profile={ZIB}AllergyIntolerance"),
    *((step, f"Observation?{P}&_profile={ZIB}{zib}&_sort=-date&_count=5") for step, zib in _VITALS),
    (
        "nursing-reports",
        f"Observation?{P}&_profile=https://nuts.nl/fhir/StructureDefinition/nl-core-nursingreport&_sort=-date&_count=10",
    ),
    ("advance-directives", f"Consent?{P}&_profile={ZIB}AdvanceDirective"),
    ("living-situation", f"Observation?{P}&_profile={ZIB}LivingSituation"),
]
GP_BOTH = [
    ("attention-flags", f"Flag?{P}"),
    ("episodes", f"EpisodeOfCare?{P}"),
    ("medication-intolerance", f"AllergyIntolerance?{P}&category=medication"),
    ("results", f"Observation?{P}&category=http://hl7.org/fhir/observation-category|vital-signs,laboratory"),
    ("consultation-notes", f"Composition?{P}&type={LOINC}67781-5"),
    ("contacts", f"Encounter?{P}"),
]
BGZ_MEDICATION = [
    ("medication-use", f"MedicationStatement?{P}&category={USE}&_include=MedicationStatement:medication"),
    ("medication-agreements", f"MedicationRequest?{P}&category={SCT}16076005&_include=MedicationRequest:medication"),
    ("dispenses", f"MedicationDispense?{P}&category={SCT}422037009&_include=MedicationDispense:medication"),
]
BGZ = [
    ("treatment-directives", f"Consent?{P}&category={SCT}11291000146105"),
    ("advance-directives", f"Consent?{P}&category={SCT}11341000146107"),
    ("functional-status", f"Observation/$lastn?{P}&category={SCT}118228005,{SCT}384821006"),
    ("problems", f"Condition?{P}"),
    ("living-situation", f"Observation/$lastn?{P}&code={SCT}365508006"),
    ("drug-use", f"Observation?{P}&code={SCT}228366006"),
    ("alcohol-use", f"Observation?{P}&code={SCT}228273003"),
    ("tobacco-use", f"Observation?{P}&code={SCT}365980008"),
    ("nutrition", f"NutritionOrder?{P}"),
    ("alerts", f"Flag?{P}"),
    ("allergies", f"AllergyIntolerance?{P}"),
    *BGZ_MEDICATION,
    ("devices", f"DeviceUseStatement?{P}&_include=DeviceUseStatement:device"),
    ("vaccinations", f"Immunization?{P}&status=completed"),
    ("blood-pressure", f"Observation/$lastn?{P}&code={LOINC}85354-9"),
    ("body-weight", f"Observation/$lastn?{P}&code={LOINC}29463-7"),
    ("body-height", f"Observation/$lastn?{P}&code={LOINC}8302-2,{LOINC}8306-3,{LOINC}8308-9"),
    ("procedures", f"Procedure?{P}&category={SCT}387713003"),
    ("procedures", f"Procedure?{P}&category={SCT}387713003,{SCT}258174001"),
    ("encounters", f"Encounter?{P}&class={ACT}IMP,{ACT}ACUTE,{ACT}NONAC"),
    ("planned-vaccinations", f"ImmunizationRecommendation?{P}"),
    ("planned-devices", f"DeviceRequest?{P}&status=active&_include=DeviceRequest:device"),
    ("appointments", f"Appointment?{P}&status=booked,pending,proposed"),
    ("documents", f"DocumentReference?{P}&status=current"),
    ("document", "DocumentReference/d1"),
]
_PAYERS = "_include=Coverage:payor:Patient&_include=Coverage:payor:Organization"
_360 = [
    ("blood-pressure", f"Observation?{P}&_profile={NL}BloodPressure,{ZIB}BloodPressure"),
    ("respiration", f"Observation?{P}&_code={SCT}422834003"),
    ("family-situation", f"Observation?{P}&_code={SCT}365470003"),
    ("nursing-procedures", f"Procedure?{P}&_code={SCT}303074009"),
    ("medication-self-management", f"Observation?{P}&_code={SCT}285033005"),
    ("correspondence", f"DocumentReference?{P}&status=current"),
    ("document", "DocumentReference/d1"),
    ("care-team", f"CareTeam?{P}&_profile={NL}CareTeam"),
]
_ZORGINZAGE = {"alerts", "allergies", "blood-pressure", "body-weight", "body-temperature"}
_ZORGINZAGE |= {"nursing-reports", "advance-directives", "living-situation"}
ZORGINZAGE = [row for row in HOME_CARE if row[0] in _ZORGINZAGE]
_OF_BGZ = ("treatment-directives", "advance-directives", "problems", "alerts", "allergies")
OF_BGZ = [*(row for row in BGZ if row[0] in _OF_BGZ), *BGZ_MEDICATION]
LONG_TERM = [
    *OF_BGZ,
    ("functional-status", f"Observation?{P}&category={SCT}384821006,{SCT}118228005&_sort=-date&_count=50"),
    ("living-situation", f"Observation?{P}&code={SCT}365508006"),
    ("care-plan", f"CarePlan?{P}&status=active"),
    ("goals", f"Goal?{P}"),
    ("interventions", f"Procedure?{P}&code={SCT}303074009"),
]
MENTAL = [
    *OF_BGZ,
    ("laboratory", f"Observation?{P}&category={SCT}275711006"),
    ("substance-use", f"Observation?{P}&code={SCT}228366006,{SCT}228273003,{SCT}365980008"),
    ("care-plan", f"CarePlan?{P}&status=active"),
]
ESSENTIALS = [
    ("medication-agreements", f"MedicationRequest?{P}&status=active&_include=MedicationRequest:medication"),
    ("medication-use", f"MedicationStatement?{P}&status=active&_include=MedicationStatement:medication"),
    ("allergies", f"AllergyIntolerance?{P}"),
    ("problems", f"Condition?{P}&clinical-status=active"),
    ("last-contact", f"Encounter?{P}&_sort=-date&_count=1"),
    ("what-happened", f"Composition?{P}&_sort=-date&_count=1"),
    ("alerts", f"Flag?{P}"),
]
_LATEST = f"Observation/$lastn?{P}&category={SCT}275711006"
_FOUR = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
_THREE = "http://hl7.org/fhir/observation-category|laboratory"

PUBLISHED: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("ha-vvt", "gp-reads-home-care"): HOME_CARE,
    ("ha-vvt", "home-care-reads-gp-r4"): [
        ("general-practitioner", "Practitioner/hp"),
        ("practice", "Organization/org"),
        ("episodes", f"EpisodeOfCare?{P}&_include=condition:diagnosis"),
        ("medication", f"MedicationRequest?{P}&category={SCT}16076005&_include=MedicationRequest:medication"),
        *GP_BOTH,
    ],
    ("ha-vvt", "home-care-reads-gp-stu3"): [
        ("general-practitioner", "Practitioner/hp"),
        ("practice", "Organization/org"),
        ("medication", f"MedicationRequest?{P}"),
        *GP_BOTH,
    ],
    ("medication", "medication-r4"): [
        *BGZ_MEDICATION,
        ("medication-use", f"MedicationStatement?{P}&category={SCT}422979000&_include=MedicationStatement:medication"),
        (
            "medication-agreements",
            f"MedicationRequest?{P}&category={SCT}33633005&_include=MedicationRequest:medication",
        ),
        (
            "medication-agreements",
            f"MedicationRequest?{P}&category={SCT}395067002&_include=MedicationRequest:medication",
        ),
        (
            "dispense-requests",
            f"MedicationRequest?{P}&category={SCT}52711000146108&_include=MedicationRequest:medication",
        ),
        (
            "dispenses",
            f"MedicationDispense?{P}&category={SCT}373784005&_include=MedicationDispense:medication",
        ),
        (
            "administrations",
            f"MedicationAdministration?{P}&category={SCT}18629005&_include=MedicationAdministration:medication",
        ),
    ],
    ("bgz", "bgz-stu3"): [
        ("coverage", f"Coverage?beneficiary={{p}}&{_PAYERS}"),
        (
            "laboratory",
            f"Observation/$lastn?{P}&category={SCT}275711006&_include=Observation:related-target&_include=Observation:specimen",
        ),
        ("planned-procedures", f"ProcedureRequest?{P}&status=active"),
        *BGZ,
    ],
    ("bgz", "bgz-r4"): [("coverage", f"Coverage?{P}&{_PAYERS}"), *BGZ],
    ("pzp", "pzp-r4"): [
        ("conversations", f"Procedure?{P}&code={SCT}713603004&_include=Procedure:encounter"),
        (
            "conversation-contacts",
            f"Encounter?{P}&reason-reference:Procedure.code={SCT}713603004&_include=Encounter:reason-reference",
        ),
        ("treatment-directives", f"Consent?{P}&scope={SCOPE}treatment&category={SCT}129125009&_include=Consent:actor"),
        ("treatment-directives", f"Consent?patient=Patient/{{p}}&scope={SCOPE}treatment&category={SCT}129125009"),
        (
            "advance-directives",
            f"Consent?{P}&scope={SCOPE}adr&category=http://terminology.hl7.org/CodeSystem/consentcategorycodes|acd&_include=Consent:actor",
        ),
        ("goals", f"Goal?{P}&description:in={IKNL}ValueSet/ACP-MedicalPolicyGoal"),
        ("wishes", f"Observation?{P}&code={SCT}153851000146100,395091006,340171000146104,247751003"),
        (
            "devices",
            f"DeviceUseStatement?{P}&device.type:in={IKNL}ValueSet/ACP-MedicalDeviceProductType-ICD&_include=DeviceUseStatement:device",
        ),
        ("communications", f"Communication?{P}&reason-code={SCT}713603004"),
        ("form", f"QuestionnaireResponse?subject=Patient/{{p}}&questionnaire={IKNL}Questionnaire/ACP-zib2020"),
    ],
    ("care-team", "care-team-r4"): [("care-team", f"CareTeam?{P}&_profile={NL}CareTeam")],
    ("360", "360-r4"): [("coverage", f"Coverage?{P}&{_PAYERS}"), *_360],
    ("360", "360-stu3"): [("coverage", f"Coverage?beneficiary={{p}}&{_PAYERS}"), *_360],
    ("zorginzage", "zorginzage-stu3"): ZORGINZAGE,
    ("zorginzage", "zorginzage-r4"): [(step, query.replace(ZIB, NL)) for step, query in ZORGINZAGE],
    ("lab", "lab-stu3"): [
        ("latest", f"{_LATEST}&_include=Observation:related-target&_include=Observation:specimen"),
        ("results", f"Observation?{P}&category={SCT}275711006,{_THREE}&_include=Observation:specimen"),
        ("results", f"Observation?{P}&category={SCT}275711006"),
        ("reports", f"DiagnosticReport?{P}"),
    ],
    ("lab", "lab-r4"): [
        ("latest", f"{_LATEST}&_include=Observation:has-member&_include=Observation:specimen"),
        ("results", f"Observation?{P}&category={SCT}275711006,{_FOUR}&_include=Observation:specimen"),
        ("results", f"Observation?{P}&category={_THREE}&_include=Observation:specimen"),
        ("reports", f"DiagnosticReport?{P}&_include=DiagnosticReport:result"),
    ],
    **{("bglz", f"bglz-{version}"): LONG_TERM for version in ("stu3", "r4")},
    **{("ggz", f"ggz-{version}"): MENTAL for version in ("stu3", "r4")},
    ("acute", "acute-stu3"): [*ESSENTIALS, *BGZ[:2]],
    ("acute", "acute-r4"): [
        *ESSENTIALS,
        ("treatment-directives", f"Consent?{P}&category={SCT}11291000146105,{SCT}129125009"),
        ("episodes", f"EpisodeOfCare?{P}&status=active&_include=EpisodeOfCare:condition"),
    ],
    ("anw", "anw-stu3"): [
        *HOME_CARE,
        ("pulse-rate", f"Observation?{P}&_profile={ZIB}PulseRate&_sort=-date&_count=5"),
    ],
}

FORWARDED = {
    f"EpisodeOfCare?{P}&_include=condition:diagnosis": f"EpisodeOfCare?{P}&_include=EpisodeOfCare:condition",
    f"Observation?{P}&_code={SCT}422834003": f"Observation?{P}&code={SCT}422834003",
    f"Procedure?{P}&_code={SCT}303074009": f"Procedure?{P}&code={SCT}303074009",
    f"Observation?{P}&code={SCT}153851000146100,395091006,340171000146104,247751003": (
        f"Observation?{P}&code={SCT}153851000146100,{SCT}395091006,{SCT}340171000146104,{SCT}247751003"
    ),
}
"""Printed with a defect: what the own server is asked instead, in every table."""

NOT_LET_THROUGH = {
    "ha-vvt": [f"Patient/$match?{P}", "Patient?identifier=x", f"EpisodeOfCare?{P}&status=active"],
    "bgz": [f"Observation?{P}", f"Observation/$lastn?{P}", "Condition", f"Patient/{'{p}'}/$everything", "Coverage"],
    "pzp": [f"Consent?{P}", f"Goal?{P}", f"Consent?{P}&scope={SCOPE}research", f"Observation?{P}&code={SCT}1"],
    "anw": ["Patient?_query=ANW-zorg", "Practitioner?_query=ANW-zorg", "Task/1", "ChargeItem?patient={p}"],
    "360": [
        f"Observation?{P}&_profile={NL}Anything",
        f"DocumentReference?{P}",
        f"Observation?{P}",
        "Bundle/1",
        "List/1",
    ],
    "zorginzage": ["List/1", "Composition/1", "Bundle/1", f"Composition?{P}"],
    "medication": [f"MedicationRequest?{P}", f"MedicationRequest?{P}&category={SCT}1", f"Condition?{P}"],
    "care-team": [f"CareTeam?{P}", f"CareTeam?{P}&_include=*", "Organization?name=x"],
    "lab": [f"Observation?{P}", f"Observation?{P}&category=vital-signs"],
    "ggz": [f"Composition?{P}", f"DocumentReference?{P}", f"Encounter?{P}"],
    "bglz": [f"DocumentReference?{P}", f"Encounter?{P}"],
    "acute": [
        f"Observation?{P}",
        f"DocumentReference?{P}&status=current",
        f"Encounter?{P}",
        f"Flag?{P}&status=active",
    ],
    "patient-access": [f"Observation?{P}", f"Encounter?{P}", f"Composition?{P}"],
}
"""Per use case: requests of other kinds, wider ones, and parts of the specification that are deliberately not listed."""
