"""The person on whose behalf a token is asked (WIRE §2.12, NutsEmployeeCredential).

Stated by the vendor's system, signed by the organisation: the other side records it as self-attested.
"""

from dataclasses import dataclass

EMPLOYEE_TYPE = "NutsEmployeeCredential"

MAX_LENGTH = 256
"""Characters of each member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person in our organisation.

    Attributes:
        identifier: ours, stable.
        name: as shown to the other side.
        role: UZI role code, for example ``01.015`` (general practitioner).
    """

    identifier: str
    name: str
    role: str

    def __post_init__(self) -> None:
        for value in (self.identifier, self.name, self.role):
            if not value.strip() or len(value) > MAX_LENGTH or not value.isprintable():
                raise ValueError(f"a user has an identifier, a name and a role of at most {MAX_LENGTH} characters each")

    def to_subject(self) -> dict[str, str]:
        """Return the members of a ``credentialSubject``, without its id."""
        return {"identifier": self.identifier, "name": self.name, "roleName": self.role}
