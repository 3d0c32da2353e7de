"""A good ``credentialSubject`` of every shipped type, and ways to spoil it."""

from typing import Any

HOLDER = "did:web:oever.example:iam:1"
URA = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90000102"}
BSN = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}

GOOD: dict[str, list[dict[str, Any]]] = {
    "NutsOrganizationCredential": [{"organization": {"name": "Thuiszorg De Oever", "city": "Waddinxveen"}}],
    "NutsUraCredential": [{"organization": {"ura": "90000102", "name": "Thuiszorg De Oever", "city": "Waddinxveen"}}],
    "NutsEmployeeCredential": [
        {"identifier": "U-1001", "name": "J. Jansen", "roleName": "01.015"},
        {
            "type": "Organization",
            "member": {
                "type": "EmployeeRole",
                "identifier": "U-1001",
                "roleName": "arts",
                "member": {"type": "Person", "initials": "J", "familyName": "Jansen"},
            },
        },
    ],
    "X509Credential": [{"subject": {"O": "De Oever", "L": "Gouda"}, "san": {"otherName": "2.16.528.1.1007"}}],
    "DiscoveryRegistrationCredential": [{"authServerURL": "https://oever.example/oauth2/oever", "free": "text"}, {}],
    "NutsAuthorizationCredential": [
        {
            "purposeOfUse": "eOverdracht-receiver",
            "resources": [{"path": "/Task/1", "operations": ["read", "update"], "userContext": True}],
        }
    ],
    "PatientEnrollmentCredential": [
        {"hasEnrollment": {"patient": {"identifier": [BSN]}, "enrolledBy": {"identifier": URA}}},
        {"hasEnrollment": {"patient": {"identifier": BSN}}},
        {
            "patientId": "http://fhir.nl/fhir/NamingSystem/bsn|999990019",
            "registeredBy": "urn:oid:2.16.528.1.1007.3.1.1",
        },
    ],
    "HealthcareProviderCredential": [
        {"@type": "HealthcareProvider", "identifier": URA, "name": "De Oever"},
        {"identifier": [URA]},
    ],
    "HealthcareProviderRoleTypeCredential": [{"roleCodeNL": "Z3"}],
    "ServiceProviderCredential": [{"name": "Dienstverlener B.V.", "services": ["gbc-client"]}, {"name": "Dienst"}],
    "ServiceProviderDelegationCredential": [
        {
            "hasDelegation": {
                "issuedBy": {"identifier": URA},
                "scope": {"authorizationRule": "https://rules.example/gtk", "authorizedActions": ["tokenRequest"]},
            }
        },
        {"hasDelegation": {"delegatedBy": {"identifier": [URA]}}},
    ],
    "DeziUserCredential": [
        {"identifier": "90000102", "employee": {"identifier": "900000009", "role": "01.015"}},
        {"abonnee_nummer": "90000102", "dezi_nummer": "900000009", "rol_code": "01.015"},
    ],
}

BAD: list[tuple[str, dict[str, Any], str]] = [
    (
        "NutsOrganizationCredential",
        {"organization": {"name": "De Oever"}},
        "credentialSubject.organization.city is missing",
    ),
    (
        "NutsOrganizationCredential",
        {"organization": {"name": " ", "city": "x"}},
        "credentialSubject.organization.name does",
    ),
    (
        "NutsOrganizationCredential",
        {"organization": ["De Oever"]},
        "credentialSubject.organization is of the wrong kind",
    ),
    (
        "NutsUraCredential",
        {"organization": {"ura": "9000010\n", "name": "a", "city": "b"}},
        "organization.ura does not have",
    ),
    (
        "NutsUraCredential",
        {"organization": {"ura": 90000102, "name": "a", "city": "b"}},
        "organization.ura is of the wrong",
    ),
    ("NutsEmployeeCredential", {"name": "J. Jansen"}, "NutsEmployeeCredential: "),
    ("X509Credential", {}, "X509Credential: "),
    ("X509Credential", {"subject": {"X": "y"}}, "has a member that is not accepted"),
    ("X509Credential", {"san": {"otherName": 7}}, "credentialSubject.san.* is of the wrong kind"),
    ("DiscoveryRegistrationCredential", {"authServerURL": "ftp://x"}, "authServerURL does not have the form"),
    ("NutsAuthorizationCredential", {"purposeOfUse": ""}, "credentialSubject.purposeOfUse does not have the form"),
    (
        "NutsAuthorizationCredential",
        {"purposeOfUse": "x", "resources": [{"path": "/", "operations": ["steal"]}]},
        "credentialSubject.resources.0.operations.0 is not one of the values",
    ),
    ("PatientEnrollmentCredential", {"patientId": 7}, "PatientEnrollmentCredential: "),
    ("HealthcareProviderCredential", {"name": "De Oever"}, "credentialSubject.identifier is missing"),
    ("HealthcareProviderRoleTypeCredential", {"roleCodeNL": "z3"}, "roleCodeNL does not have the form"),
    ("ServiceProviderCredential", {"name": "x", "services": []}, "credentialSubject.services "),
    ("ServiceProviderDelegationCredential", {"hasDelegation": {}}, "ServiceProviderDelegationCredential: "),
    ("DeziUserCredential", {"dezi_nummer": "9"}, "DeziUserCredential: "),
]
