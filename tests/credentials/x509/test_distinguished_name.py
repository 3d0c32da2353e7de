"""Names as deny lists write them. The expected texts were compared once with what Go's standard library makes of the same names."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import NameAttribute
from cryptography.x509.oid import NameOID

from credentials.x509.distinguished_name import issuer_text
from tests.support.certificates import a_certificate, a_name
from tests.support.keys import ec_private_key

KEY = ec_private_key("issuer")


def text_of(*attributes: Any) -> str:
    name = x509.Name(attributes)
    return issuer_text(a_certificate(subject=a_name(CN="s"), key=KEY, issuer=name, issuer_key=KEY))


def test_a_name_is_written_last_part_first() -> None:
    assert (
        text_of(
            NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            NameAttribute(NameOID.ORGANIZATION_NAME, "CIBG"),
            NameAttribute(NameOID.COMMON_NAME, "UZI-register Private Server CA G1"),
        )
        == "CN=UZI-register Private Server CA G1,O=CIBG,C=NL"
    )


def test_the_order_is_always_the_same() -> None:
    values = {
        NameOID.ORGANIZATIONAL_UNIT_NAME: "unit",
        NameOID.LOCALITY_NAME: "Den Haag",
        NameOID.STATE_OR_PROVINCE_NAME: "ZH",
        NameOID.SERIAL_NUMBER: "007",
        NameOID.STREET_ADDRESS: "s 1",
        NameOID.COMMON_NAME: "n",
        NameOID.POSTAL_CODE: "1234AB",
        NameOID.ORGANIZATION_NAME: "o",
        NameOID.COUNTRY_NAME: "NL",
    }
    attributes = [NameAttribute(oid, value) for oid, value in values.items()]
    expected = "SERIALNUMBER=007,CN=n,OU=unit,O=o,POSTALCODE=1234AB,STREET=s 1,L=Den Haag,ST=ZH,C=NL"
    assert text_of(*attributes) == text_of(*reversed(attributes)) == expected


def test_several_of_a_kind_stand_together_and_of_common_names_the_last_counts() -> None:
    assert (
        text_of(
            NameAttribute(NameOID.COMMON_NAME, "first"),
            NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "one"),
            NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "two"),
            NameAttribute(NameOID.COMMON_NAME, "last"),
        )
        == "CN=last,OU=one+OU=two"
    )
    together = x509.RelativeDistinguishedName(
        [NameAttribute(NameOID.COMMON_NAME, "m"), NameAttribute(NameOID.ORGANIZATION_NAME, "n")]
    )
    assert text_of(together) == "CN=m,O=n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('a, b+c "d" <e>;\\ ', 'a\\, b\\+c \\"d\\" \\<e\\>\\;\\\\\\ '),
        (" #x #", "\\ #x #"),
        ("#é ", "\\#é\\ "),
        ("x é", "x é"),
    ],
)
def test_what_has_a_meaning_of_its_own_is_escaped(value: str, written: str) -> None:
    assert text_of(NameAttribute(NameOID.ORGANIZATION_NAME, value)) == f"O={written}"


@pytest.mark.parametrize(
    ("value", "der"),
    [
        ("NTRNL-50000535", "130e" + b"NTRNL-50000535".hex()),
        ("é", "0c02c3a9"),
        ("a&b*", "0c04" + b"a&b*".hex()),
        ("g" * 130, "138182" + "67" * 130),
        ("é" * 130, "0c820104" + "c3a9" * 130),
    ],
)
def test_other_attributes_are_written_as_their_bytes_in_front_of_the_order(value: str, der: str) -> None:
    organisation_id = NameAttribute(x509.ObjectIdentifier("2.5.4.97"), value)
    assert text_of(organisation_id, NameAttribute(NameOID.COMMON_NAME, "z")) == f"CN=z,2.5.4.97=#{der}"
