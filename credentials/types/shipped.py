"""The schemas that come with the package, read like its code when one is needed, each compiled once for the process."""

import pkgutil
from functools import cache
from typing import Final

from credentials.types.schema import TypeSchema

SHIPPED: Final = (
    "DeziUserCredential",
    "DiscoveryRegistrationCredential",
    "HealthcareProviderCredential",
    "HealthcareProviderRoleTypeCredential",
    "NutsAuthorizationCredential",
    "NutsEmployeeCredential",
    "NutsOrganizationCredential",
    "NutsUraCredential",
    "PatientEnrollmentCredential",
    "ServiceProviderCredential",
    "ServiceProviderDelegationCredential",
    "X509Credential",
)
"""Types with a schema of ours, in alphabetical order."""


@cache
def shipped_schema(type_: str) -> TypeSchema:
    """Return the schema of one of `SHIPPED`."""
    body = pkgutil.get_data("credentials.types", f"{type_}.json")
    assert body is not None  # part of the package
    return TypeSchema.parse(body, type_)
