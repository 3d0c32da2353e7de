"""What to do about each mistake in a use case file: the forms that members take, and the way out of each contradiction."""

from collections.abc import Sequence

_FORMS = {
    "id": "lower case letters, digits and hyphens: blood-pressure",
    "version": "three numbers: 1.0.0",
    "date": "year, month and day: 2026-11-22",
    "digest": "sha256: and 64 hexadecimal digits",
    "wire_scope": "letters, digits, dots, hyphens and underscores, no spaces",
    "discovery_service": "the id of the discovery service, no spaces",
    "user_roles": "UZI role codes in quotes or not: 01.015",
    "role": "a UZI role code: 01.015",
    "on_behalf_of": "UZI role codes: [01.015]",
    "asker_types": "Vektis letters and digits: [Z3, T2]",
    "holder_types": "Vektis letters and digits: [Z3, T2]",
    "data_category": "GGC and three digits: GGC002",
    "audit_code": "system|code: http://dicom.nema.org/resources/ontology/DCM|110110",
    "peers": "URA numbers of eight digits",
    "patients": "pseudonyms as the audit log shows them (k1.…), never citizen service numbers",
    "evidence": "credential types: [NutsEmployeeCredential]",
    "binds": "name: [Type.field] or [Type.field:TargetType]",
    "nl": "one sentence of at most 200 characters",
    "en": "one sentence of at most 200 characters",
    "note": "at most 600 characters",
    "specification": "one sentence of at most 200 characters",
}
"""Per member: what may stand there."""

_WAYS_OUT = (
    ("whole number", "write digits only"),
    ("deadline_ms is at most", "shorten it: a person waits for the answer"),
    ("is not 'GET Type'", "write one of these four"),
    ("is not 'POST Type'", "write one of these two; a change names what an earlier step bound"),
    ("POST goes with", "write GET Type, or POST Type/_search"),
    ("asked by operation", "take operation out of this form"),
    ("of the operations", "ask the same with a search, or leave the step out"),
    ("FHIR resource type", "write it as FHIR does, with a capital: Observation"),
    ("does not come back in this step", "add the type to types.included, or bind from one that does"),
    ("that type does not come back", "add the type to types.included, or bind from one that does"),
    ("bind {patient}", "let the first step be POST Patient/_search with the BSN, and bind patient: [Patient.id]"),
    ("is about one patient", "name the patient: patient={patient}"),
    ("patient match has paging", "write paging: first_page"),
    ("two steps are called", "give one of them another id"),
    ("two tables have the same id", "give one of them another id"),
    ("accept the same request", "take the form out of one of the steps, or make them one step"),
    ("only the first step asks", "ask later steps by {patient}"),
    ("no earlier step binds", "bind it in a step before this one"),
    ("no step binds", "bind it in a step"),
    ("goes with break_the_glass", "add or take out both"),
    ("tables ", "one direction and version has one table: join them, or narrow asker_types or holder_types"),
    ("is not name=value", "write name=value, unencoded"),
    ("control character", "take it out"),
    ("placeholder", "a value ends in at most one {lower_case} placeholder"),
    ("no parameters", "take send and accept out"),
    ("asks for every patient", "add patient={patient} to send"),
    ("travels only in the body", "write POST Patient/_search for the match, and {patient} elsewhere"),
    ("fills the same placeholders", "name the patient in every form"),
    ("max_matched", "leave it out: the limit of a page holds anyway"),
    ("presentation_definitions", "copy the definition from a shipped use case (hazel usecase show) or a nuts-node policy file"),
    ("on_request goes with", "add on_request: {purposes: […]}, or take the tier out of the steps"),
    ("on_request names a purpose", "take it from purposes"),
    ("match is handed over", "take the tier out of the first step"),
    ("may not ask itself", "add the role to user_roles, or take the delegation out"),
    ("goes with writes", "name what is written in the table's writes, or take write_back out"),
    ("nobody writes", "take this write out"),
    ("two writes", "take one of them out"),
    ("hours is at most", "shorten it"),
    ("nobody delegates", "name the role that is delegated"),
    ("status_list_grace_ms", "shorten it"),
    ("a pilot names", "add peers or patients, or take pilot out"),
    ("step_deadline_ms", "shorten it: a step ends before the question"),
)  # fmt: skip
"""Part of a message, and the way out."""


def remedy_for(message: str, location: Sequence[str | int]) -> str:
    """Return what to do about a mistake at ``location``."""
    for part, way in _WAYS_OUT:
        if part in message:
            return way
    for name in reversed([part for part in location if isinstance(part, str)]):
        if name in _FORMS:
            return _FORMS[name]
    return "compare with a shipped use case: hazel usecase show"
