"""A distinguished name as text, in the form in which deny lists name issuers.

Those lists are compared as text, and are written with what the standard library of Go says: the nine attributes it has
fields for in a fixed order, whatever the order in the certificate, last first; of several of a kind the values together;
everything else as OID and DER. RFC 4514 alone leaves room for other spellings, so this is written after that one form.
"""

from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

_ORDER: Final = (
    (NameOID.COUNTRY_NAME, "C"),
    (NameOID.STATE_OR_PROVINCE_NAME, "ST"),
    (NameOID.LOCALITY_NAME, "L"),
    (NameOID.STREET_ADDRESS, "STREET"),
    (NameOID.POSTAL_CODE, "POSTALCODE"),
    (NameOID.ORGANIZATION_NAME, "O"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
    (NameOID.COMMON_NAME, "CN"),
    (NameOID.SERIAL_NUMBER, "SERIALNUMBER"),
)
_NAMED: Final = frozenset(oid for oid, _ in _ORDER)
_LAST_COUNTS: Final = frozenset({NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER})
_ESCAPED: Final = frozenset(',+"\\<>;')
_SHORT_LENGTH: Final = 0x7F  # X.690 §8.1.3
_PRINTABLE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


def issuer_text(certificate: x509.Certificate) -> str:
    """Write the issuer of a certificate as a deny list does: ``CN=…,O=…,C=NL``.

    Raises:
        ValueError: the name is not readable.
    """
    attributes = list(certificate.issuer)
    parts = [f"{each.oid.dotted_string}=#{_der(str(each.value))}" for each in attributes if each.oid not in _NAMED]
    for oid, name in _ORDER:
        values = [str(each.value) for each in attributes if each.oid == oid]
        if oid in _LAST_COUNTS:
            values = [value for value in values[-1:] if value]
        if values:
            parts.append("+".join(f"{name}={''.join(_escaped(value))}" for value in values))
    return ",".join(reversed(parts))


def _escaped(value: str) -> Iterator[str]:
    last = len(value.encode()) - 1
    at = 0
    for character in value:
        special = character in _ESCAPED or (character == " " and at in (0, last)) or (character == "#" and at == 0)
        yield f"\\{character}" if special else character
        at += len(character.encode())


def _der(value: str) -> str:
    """Hexadecimal DER of a text: PrintableString where the alphabet allows it, UTF8String elsewhere."""
    content = value.encode()
    tag = 0x13 if _PRINTABLE.issuperset(value) else 0x0C
    size = len(content)
    digits = size.to_bytes((size.bit_length() + 7) // 8 or 1)
    length = digits if size <= _SHORT_LENGTH else bytes((_SHORT_LENGTH + 1 + len(digits),)) + digits
    return (bytes((tag,)) + length + content).hex()
