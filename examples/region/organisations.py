"""The organisations of the region, and the one that does not belong to it.

Each organisation runs a node of its own under ``<key>.localhost`` (always loopback, RFC 6761) and, except for the
regional organisation, a record system. ``ORGANISATIONS`` holds the six in the order in which the demo starts them.
"""

from dataclasses import dataclass
from typing import Literal

FhirVersion = Literal["r4", "stu3"]

HA_VVT = "HuisartsVVTInzage"
MEDICATION = "medicatieoverdracht-gf"

# What stands in a UZI certificate where an organisation has no AGB number.
NO_AGB = "00000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One care organisation.

    Attributes:
        key: short name, used for its directory, its host and its subject in the node.
        name: statutory name, as in its certificate (``O``) and its credential.
        city: place of business, as in its certificate (``L``).
        ura: eight digits, the number under which it is known to the others.
        kvk: eight digits, the trade register's number.
        agb: eight digits, or None where it has none.
        facility_type: letter and number of the Vektis table, None for what is no care facility.
        sbi: activity code of the trade register (SBI 2025).
        fhir_versions: what its record system speaks; empty when it has none.
        services: wire scopes of the use cases in which it takes part.
    """

    key: str
    name: str
    city: str
    ura: str
    kvk: str
    agb: str | None = None
    facility_type: str | None = None
    sbi: str | None = None
    fhir_versions: tuple[FhirVersion, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Name of its node on this machine."""
        return f"{self.key}.localhost"


GOUWE = Organisation(
    key="gouwe",
    name="Huisartsenpraktijk De Gouwe",
    city="Gouda",
    ura="90000101",
    kvk="90010001",
    agb="01000101",
    facility_type="Z3",
    sbi="8621",
    fhir_versions=("r4",),
    services=(HA_VVT, MEDICATION),
)
OEVER = Organisation(
    key="oever",
    name="Thuiszorg De Oever",
    city="Waddinxveen",
    ura="90000102",
    kvk="90010002",
    agb="75000102",
    facility_type="T2",
    sbi="86942",
    fhir_versions=("stu3",),
    services=(HA_VVT,),
)
LINDE = Organisation(
    key="linde",
    name="Ziekenhuis De Linde",
    city="Gouda",
    ura="90000103",
    kvk="90010003",
    agb="06000103",
    facility_type="V6",
    sbi="86102",
    fhir_versions=("r4",),
    services=(MEDICATION,),
)
WENDING = Organisation(
    key="wending",
    name="GGZ De Wending",
    city="Woerden",
    ura="90000104",
    kvk="90010004",
    facility_type="G5",
    sbi="86222",
    fhir_versions=("r4",),
    services=(MEDICATION,),
)
HOFSTEDE = Organisation(
    key="hofstede",
    name="Apotheek Hofstede",
    city="Gouda",
    ura="90000105",
    kvk="90010005",
    agb="02000105",
    facility_type="J8",
    sbi="47730",
    fhir_versions=("r4",),
    services=(MEDICATION,),
)
RSO = Organisation(key="rso", name="RSO Rijn en Gouwe", city="Bodegraven", ura="90000106", kvk="90010006")

ORGANISATIONS: tuple[Organisation, ...] = (GOUWE, OEVER, LINDE, WENDING, HOFSTEDE, RSO)

# Not of this region: it has a name, a number and a certificate of the same shape, under a root that nobody trusts.
INTRUDER = Organisation(
    key="intruder",
    name="Datamakelaar Nergens",
    city="Nergenshuizen",
    ura="90000199",
    kvk="90010099",
    facility_type="Z3",
)


def organisation(key: str) -> Organisation:
    """Find one of the six by its key.

    Raises:
        KeyError: no organisation of the region has this key; the message names those that exist.
    """
    for candidate in ORGANISATIONS:
        if candidate.key == key:
            return candidate
    msg = f"no organisation {key!r}; there are {', '.join(o.key for o in ORGANISATIONS)}"
    raise KeyError(msg)
