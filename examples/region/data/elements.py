"""Pieces that FHIR resources are made of: codings, references, names, addresses, times.

Everything here is the same in STU3 and R4. Times are written as Dutch local time with its offset.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from examples.region.data.codes import UCUM, Code
from examples.region.patients import Address, Family

Json = dict[str, Any]

# Half a year of summer time is near enough: no record lies in the last week of March or October.
SUMMER_MONTHS = range(4, 11)

UNITS = {"mm[Hg]": "mm[Hg]", "kg": "kg", "cm": "cm", "Cel": "°C", "/min": "/min", "%": "%", "{INR}": "INR"}


def concept(*codes: Code, text: str | None = None) -> Json:
    """Make a CodeableConcept out of one or more codes that mean the same."""
    made: Json = {"coding": [coding(code) for code in codes]} if codes else {}
    if text is not None:
        made["text"] = text
    return made


def coding(code: Code) -> Json:
    """Make a Coding."""
    return {"system": code.system, "code": code.code, "display": code.display}


def term(system: str, code: str) -> Json:
    """Make a CodeableConcept of one code of HL7's own terminology, which needs no wording."""
    return {"coding": [{"system": system, "code": code}]}


def reference(resource: Mapping[str, Any], display: str | None = None) -> Json:
    """Refer to a resource of the same record system."""
    return point(f"{resource['resourceType']}/{resource['id']}", display)


def point(target: str, display: str | None = None) -> Json:
    """Refer to ``Type/id``."""
    return {"reference": target} if display is None else {"reference": target, "display": display}


def quantity(value: float, unit: str) -> Json:
    """Make a Quantity in a UCUM unit."""
    return {"value": value, "unit": UNITS.get(unit, unit), "system": UCUM, "code": unit}


def local_time(text: str) -> datetime:
    """Read ``2026-11-16 09:40`` as Dutch local time; a date alone means noon."""
    moment = datetime.fromisoformat(text if " " in text else f"{text} 12:00")
    return moment.replace(tzinfo=timezone(timedelta(hours=2 if moment.month in SUMMER_MONTHS else 1)))


def instant(text: str, minutes_later: int = 0) -> str:
    """Write a moment, possibly some minutes later, as a FHIR instant or dateTime."""
    return (local_time(text) + timedelta(minutes=minutes_later)).isoformat(timespec="seconds")


def moment(text: str) -> str:
    """Write a FHIR dateTime: a date stays a date, a time gets its offset."""
    return instant(text) if " " in text else text


def extension(url: str, kind: str, value: object) -> Json:
    """Make an Extension, for example ``extension(url, "String", "van")``."""
    return {"url": url, f"value{kind}": value}


def human_name(given: str, family: Family, *, initials: str = "") -> Json:
    """Make an official Dutch name: parts of the surname and the kind of each given name are extensions.

    Args:
        given: full first name, or empty when only initials are known.
        family: the surname in its parts.
        initials: such as ``G.M.``; taken from ``given`` when not said.
    """
    hl7 = "http://hl7.org/fhir/StructureDefinition"
    parts = (
        ("humanname-own-prefix", family.own_prefix),
        ("humanname-own-name", family.own_name),
        ("humanname-partner-prefix", family.partner_prefix),
        ("humanname-partner-name", family.partner_name),
    )
    names = [(given, "BR")] if given else []
    names.append((initials or f"{given[0]}.", "IN"))
    return {
        "extension": [extension(f"{hl7}/humanname-assembly-order", "Code", family.order)],
        "use": "official",
        "text": f"{names[0][0]} {family.text}",
        "family": family.text,
        "_family": {"extension": [extension(f"{hl7}/{url}", "String", part) for url, part in parts if part]},
        "given": [name for name, _ in names],
        "_given": [{"extension": [extension(f"{hl7}/iso21090-EN-qualifier", "Code", kind)]} for _, kind in names],
    }


def postal_address(address: Address, *, use: str) -> Json:
    """Make an Address whose line says which part is the street and which the number."""
    hl7 = "http://hl7.org/fhir/StructureDefinition"
    return {
        "use": use,
        "line": [f"{address.street} {address.number}"],
        "_line": [
            {
                "extension": [
                    extension(f"{hl7}/iso21090-ADXP-streetName", "String", address.street),
                    extension(f"{hl7}/iso21090-ADXP-houseNumber", "String", address.number),
                ]
            }
        ],
        "city": address.city,
        "postalCode": address.postal_code,
        "country": "NL",
    }


def phone(number: str, use: str) -> Json:
    """Make a ContactPoint."""
    return {"system": "phone", "value": number, "use": use}


def narrative(text: str) -> Json:
    """Make a Narrative of plain sentences."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escaped}</p></div>'}
