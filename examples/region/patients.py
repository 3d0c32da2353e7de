"""The four citizens of the story and the organisations where each of them is in care.

"In care" means: that organisation's own record system holds a Patient, data, and an active CareTeam naming the
patient's other organisations. The logical id differs per organisation, as it does in life; only the BSN is shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A Dutch surname in its parts: own name first, with the partner's where it is used.

    Attributes:
        own_prefix: for example ``van``, empty when there is none.
        order: how the two are put together: ``NL1`` own name, ``NL3`` partner first, ``NL4`` own name first.
    """

    own_name: str
    own_prefix: str = ""
    partner_name: str = ""
    partner_prefix: str = ""
    order: Literal["NL1", "NL3", "NL4"] = "NL1"

    @property
    def text(self) -> str:
        """The surname as it is written, for example ``de Boer-van Dijk``."""
        own = f"{self.own_prefix} {self.own_name}".strip()
        partner = f"{self.partner_prefix} {self.partner_name}".strip()
        match self.order:
            case "NL1":
                return own
            case "NL3":
                return f"{partner}-{own}"
            case "NL4":
                return f"{own}-{partner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A street address; the streets are invented."""

    street: str
    number: str
    postal_code: str
    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPerson:
    """The first contact of a patient."""

    given: str
    family: Family
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """One patient of the story.

    Attributes:
        key: ``P1`` to ``P4``.
        given: full first name, as officially recorded.
        usual: what people call them.
        bsn: nine digits that pass the elfproef and are never given out.
        birth_date: ISO date.
        in_care: organisation key to the logical id of their Patient resource there.
    """

    key: str
    given: str
    usual: str
    family: Family
    bsn: str
    birth_date: str
    gender: Literal["female", "male"]
    address: Address
    phone: str
    contact: ContactPerson
    in_care: Mapping[str, str]

    @property
    def name(self) -> str:
        """Usual name, for screens and for ``region.json``."""
        return f"{self.usual} {self.family.text}"


TRUUS = Citizen(
    key="P1",
    given="Geertruida",
    usual="Truus",
    family=Family(own_name="Dijk", own_prefix="van", partner_name="Boer", partner_prefix="de", order="NL3"),
    bsn="999990135",
    birth_date="1939-03-14",
    gender="female",
    address=Address(street="Turfsingelhof", number="12", postal_code="2800 XA", city="Gouda"),
    phone="+31182000135",
    contact=ContactPerson(
        given="Annelies",
        family=Family(own_name="Boer", own_prefix="de"),
        relation="DAUC",
        phone="+31600000135",
    ),
    in_care={"gouwe": "10421", "oever": "Client.5b1f0a77-135", "linde": "700135", "hofstede": "hk-2135"},
)
JOHAN = Citizen(
    key="P2",
    given="Johan",
    usual="Johan",
    family=Family(own_name="Vermeer"),
    bsn="999990147",
    birth_date="1956-08-02",
    gender="male",
    address=Address(street="Pijpmakerspad", number="7", postal_code="2800 XB", city="Gouda"),
    phone="+31182000147",
    contact=ContactPerson(given="Ria", family=Family(own_name="Koster"), relation="WIFE", phone="+31600000147"),
    in_care={"gouwe": "10977", "linde": "700147", "hofstede": "hk-2147"},
)
AICHA = Citizen(
    key="P3",
    given="Aïcha",
    usual="Aïcha",
    family=Family(own_name="Idrissi", own_prefix="el"),
    bsn="999990196",
    birth_date="1988-11-20",
    gender="female",
    address=Address(street="Stroopwafelkade", number="31 B", postal_code="2740 XC", city="Waddinxveen"),
    phone="+31182000196",
    contact=ContactPerson(
        given="Samira", family=Family(own_name="Idrissi", own_prefix="el"), relation="SIS", phone="+31600000196"
    ),
    in_care={"gouwe": "11530", "wending": "W-88196", "hofstede": "hk-2196"},
)
WIM = Citizen(
    key="P4",
    given="Willem",
    usual="Wim",
    family=Family(own_name="Kolff", partner_name="Janssen", order="NL4"),
    bsn="999990202",
    birth_date="1931-01-05",
    gender="male",
    address=Address(street="Kaaswaagplantsoen", number="3", postal_code="2410 XD", city="Bodegraven"),
    phone="+31182000202",
    contact=ContactPerson(given="Peter", family=Family(own_name="Kolff"), relation="SONC", phone="+31600000202"),
    in_care={"gouwe": "10063"},
)

PATIENTS: tuple[Citizen, ...] = (TRUUS, JOHAN, AICHA, WIM)


def patients_of(organisation_key: str) -> tuple[Citizen, ...]:
    """The citizens in care at one organisation, in the order of the story."""
    return tuple(citizen for citizen in PATIENTS if organisation_key in citizen.in_care)
