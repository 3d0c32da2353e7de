"""did:x509: what it names, and what a chain has to show for it."""

import hashlib
import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from credentials.did.did_x509 import CertificateChain, X509Identifier, resolve_x509, uzi_other_names, x509_did
from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.errors import MalformedError, NotCurrentError, UntrustedError
from tests.support.certificates import (
    NOT_AFTER,
    NOW,
    a_certificate,
    a_name,
    a_uzi_chain,
    key_usage,
    leaf_extensions,
    other_name,
    uzi_number,
    x5c_of,
)
from tests.support.keys import ec_private_key

UZI = a_uzi_chain()
CHAIN = UZI.chain
MIDDLE, ROOT = CHAIN.fingerprints("sha256")
NAME = uzi_number("00001111")


def did_over(fingerprint: str = ROOT, policies: str = "subject:L:Gouda", algorithm: str = "sha256") -> DID:
    return DID(f"did:x509:0:{algorithm}:{fingerprint}::{policies}")


def a_chain(
    *names: x509.GeneralName,
    subject: x509.Name | None = None,
    extensions: list[tuple[x509.ExtensionType, bool]] | None = None,
) -> CertificateChain:
    root, key = a_name(CN="root"), ec_private_key("root")
    leaf = a_certificate(
        subject=subject or a_name(CN="leaf"),
        key=ec_private_key("leaf"),
        issuer=root,
        issuer_key=key,
        extensions=leaf_extensions(*names) if extensions is None else extensions,
    )
    return CertificateChain.parse(x5c_of((leaf, a_certificate(subject=root, key=key, issuer=root, issuer_key=key))))


def test_the_identifier_of_a_uzi_certificate() -> None:
    assert x509_did(CHAIN) == (
        f"did:x509:0:sha256:{ROOT}::san:otherName:{NAME}::subject:L:Gouda:O:Huisartsenpraktijk%20De%20Oever"
    )


def test_it_resolves_to_the_key_of_the_leaf() -> None:
    assert resolve_x509(x509_did(CHAIN), CHAIN, NOW) == UZI.key.public
    assert resolve_x509(X509Identifier.parse(x509_did(CHAIN)), CHAIN, NOW) == UZI.key.public


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("index", [0, 1])
def test_it_may_name_any_ca_in_the_chain_by_any_hash(algorithm: str, index: int) -> None:
    did = did_over(CHAIN.fingerprints(algorithm)[index], algorithm=algorithm)
    resolve_x509(did, CHAIN, NOW)
    assert X509Identifier.parse(did).chain_in(x5c_of(UZI.certificates)) == CHAIN
    leaf = b64url_encode(hashlib.new(algorithm, CHAIN.leaf.der).digest())
    with pytest.raises(UntrustedError, match="not in the chain"):
        resolve_x509(did_over(leaf, algorithm=algorithm), CHAIN, NOW)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_it_is_made_with_any_strong_hash(algorithm: str) -> None:
    assert x509_did(CHAIN, hash=algorithm, policies=["san:dns"]).startswith(f"did:x509:0:{algorithm}:")


def test_it_may_not_name_the_leaf_or_a_ca_elsewhere() -> None:
    leaf = b64url_encode(hashlib.sha256(CHAIN.leaf.der).digest())
    for fingerprint in (leaf, a_uzi_chain("linde", region="Other").chain.fingerprints("sha256")[1], "AAAA"):
        with pytest.raises(UntrustedError, match="not in the chain"):
            resolve_x509(did_over(fingerprint), CHAIN, NOW)


@pytest.mark.parametrize(
    "policies",
    [
        "subject:O:Huisartsenpraktijk%20De%20Oever",
        "subject:C:NL:L:Gouda:CN:oever.localhost",
        "subject:C:NL::subject:L:Gouda",
        f"san:otherName:{NAME}",
        f"san:otherName:{NAME}:dns:oever.localhost",
        "san:dns:oever.localhost::subject:L:Goud%61",
    ],
)
def test_every_value_it_names_has_to_be_in_the_leaf(policies: str) -> None:
    resolve_x509(did_over(policies=policies), CHAIN, NOW)


@pytest.mark.parametrize(
    "policies",
    [
        "subject:L:gouda",
        "subject:L:Gouda%20",
        "subject:L:Gouda:C:BE",
        "subject:OU:x",
        "san:dns:localhost",
        f"san:otherName:{NAME}0",
        "san:email:a%40b",
        "san:ip:127.0.0.1",
        "subject:L:Gouda::san:dns:linde.localhost",
    ],
)
def test_a_value_that_is_not_in_the_leaf_is_refused(policies: str) -> None:
    with pytest.raises(UntrustedError, match="not in the certificate"):
        resolve_x509(did_over(policies=policies), CHAIN, NOW)


@pytest.mark.parametrize(
    "did",
    [
        "did:web:a.example",
        "did:x509:0",
        f"did:x509:0:sha256:{ROOT}",
        f"did:x509:1:sha256:{ROOT}::subject:L:Gouda",
        f"did:x509:0:md5:{ROOT}::subject:L:Gouda",
        "did:x509:0:sha256::subject:L:Gouda",
        f"did:x509:0:sha256:{ROOT}:x::subject:L:Gouda",
        f"did:x509:0:sha256:{ROOT}::subject",
        f"did:x509:0:sha256:{ROOT}::subject:L",
        f"did:x509:0:sha256:{ROOT}::subject:L:Gouda:O",
        f"did:x509:0:sha256:{ROOT}::eku:1.3.6.1.5.5.7.3.2",
        f"did:x509:0:sha256:{ROOT}::fulcio-issuer:a.example",
        f"did:x509:0:sha256:{ROOT}::san:uri:a.example",
        f"did:x509:0:sha256:{ROOT}::subject:X:Gouda",
        f"did:x509:0:sha256:{ROOT}::subject:L:Gouda:L:Gouda",
        f"did:x509:0:sha256:{ROOT}::subject:L:Gouda::subject:L:Gouda",
        f"did:x509:0:sha256:{ROOT}::subject:L:Gouda::::subject:O:x",
        f"did:x509:0:sha256:{ROOT}::subject:L:%FF",
        f"did:x509:0:sha256:{ROOT}::subject:L:Gouda+",
    ],
    ids=lambda did: str(did).replace(ROOT, "ROOT"),
)
def test_what_is_no_did_x509_of_a_kind_we_know_is_refused(did: str) -> None:
    with pytest.raises(MalformedError):
        X509Identifier.parse(DID(did))


def test_every_part_of_the_subject_that_has_a_name_can_be_asked_for() -> None:
    oids = {
        "serialNumber": NameOID.SERIAL_NUMBER,
        "CN": NameOID.COMMON_NAME,
        "L": NameOID.LOCALITY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "C": NameOID.COUNTRY_NAME,
        "STREET": NameOID.STREET_ADDRESS,
    }
    values = {key: "NL" if key == "C" else f"a {key}" for key in oids}
    chain = a_chain(subject=x509.Name([x509.NameAttribute(oid, values[key]) for key, oid in oids.items()]))
    did = x509_did(chain, policies=[f"subject:{key}" for key in oids])
    assert X509Identifier.parse(did).policies == {("subject", key): value for key, value in values.items()}
    assert resolve_x509(did, chain, NOW) == chain.leaf.key
    for key in oids:
        with pytest.raises(UntrustedError, match=f"subject:{key}"):
            resolve_x509(did_over(chain.fingerprints("sha256")[-1], f"subject:{key}:other"), chain, NOW)


def test_two_blocks_of_one_policy_are_both_read_and_one_is_written() -> None:
    """As an example of RFC023 has it; nuts-node compares a credential with the last block only, so we never write two."""
    two = did_over(policies="subject:O:Huisartsenpraktijk%20De%20Oever::subject:L:Gouda")
    assert X509Identifier.parse(two).policies == {
        ("subject", "O"): "Huisartsenpraktijk De Oever",
        ("subject", "L"): "Gouda",
    }
    resolve_x509(two, CHAIN, NOW)
    with pytest.raises(UntrustedError, match="subject:O"):
        resolve_x509(did_over(policies="subject:O:Other::subject:L:Gouda"), CHAIN, NOW)
    written = x509_did(CHAIN, policies=["subject:O", "san:dns", "subject:L", "subject:C"])
    assert written.count("::subject:") == written.count("::san:") == 1


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize(
    "purposes", [[], ["1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.10.3.12"], ["1.3.6.1.5.5.7.3.1"], ["1.2.3.4.5"]]
)
def test_any_extended_key_usage_will_do(purposes: list[str], critical: bool) -> None:
    """UZI cards of people are for clients and documents, not for servers."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [(key_usage("digital_signature"), True)]
    if purposes:
        extensions.append((x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in purposes]), critical))
    chain = a_chain(extensions=extensions)
    resolve_x509(x509_did(chain, policies=["subject:CN"]), chain, NOW)


def test_the_leaf_has_to_be_meant_for_signatures() -> None:
    for usage, accepted in ((["digital_signature"], True), (["key_agreement"], False), (["content_commitment"], False)):
        chain = a_chain(extensions=[(key_usage(*usage), True)])
        did = x509_did(chain, policies=["subject:CN"])
        if accepted:
            resolve_x509(did, chain, NOW)
        else:
            with pytest.raises(UntrustedError, match="not meant for signatures"):
                resolve_x509(did, chain, NOW)
    without = a_chain(extensions=[])
    resolve_x509(x509_did(without, policies=["subject:CN"]), without, NOW)


def test_the_chain_has_to_hold() -> None:
    with pytest.raises(NotCurrentError):
        resolve_x509(x509_did(CHAIN), CHAIN, NOT_AFTER + timedelta(seconds=1))
    forged = CertificateChain((CHAIN.leaf, a_chain().root, CHAIN.root))
    with pytest.raises(UntrustedError, match="next one"):
        resolve_x509(x509_did(CHAIN), forged, NOW)


def test_of_several_values_of_one_kind_any_may_match() -> None:
    chain = a_chain(
        other_name("one"),
        other_name("two", tag=0x16),
        other_name("three", tag=0x13),
        other_name("elsewhere", oid=x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")),
        x509.DNSName("a.example"),
        x509.RFC822Name("a@b.example"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
    )
    assert uzi_other_names(chain.leaf) == ("one", "two", "three")
    root = chain.fingerprints("sha256")[-1]
    for policy in (
        "san:otherName:one",
        "san:otherName:two",
        "san:email:a%40b.example",
        "san:ip:192.0.2.1",
        "san:dns:a.example",
    ):
        resolve_x509(did_over(root, policy), chain, NOW)
    with pytest.raises(UntrustedError):
        resolve_x509(did_over(root, "san:otherName:elsewhere"), chain, NOW)
    with pytest.raises(MalformedError, match="exactly one san:otherName"):
        x509_did(chain)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x0c",
        b"\x0c\x05abc",
        b"\x0c\x01ab",
        b"\x02\x01a",
        b"\x0c\x02\xff\xfe",
        b"\x16\x02\xc3\xa9",
        b"\x0c\x81\x80" + b"a" * 128,
    ],
)
def test_an_other_name_that_is_no_short_text_is_passed_over(der: bytes) -> None:
    name = x509.OtherName(x509.ObjectIdentifier("2.5.5.5"), der)
    try:
        chain = a_chain(name)
    except (MalformedError, ValueError):
        return
    assert uzi_other_names(chain.leaf) == ()


def test_an_identifier_is_only_made_of_what_is_there_once() -> None:
    empty = a_chain(extensions=[])
    assert uzi_other_names(empty.leaf) == ()
    for policies, reason in (
        (["san:dns"], "exactly one"),
        (["subject:O"], "exactly one"),
        (["eku:x"], "no policy"),
        (["subject"], "no policy"),
    ):
        with pytest.raises(MalformedError, match=reason):
            x509_did(empty, policies=policies)
    with pytest.raises(MalformedError, match="hash"):
        x509_did(empty, hash="sha1", policies=["subject:CN"])


def test_values_are_percent_encoded_so_that_they_survive() -> None:
    chain = a_chain(subject=a_name(O="Zorg: \u2019t Hof ~ 50% + é/#", CN="x"))
    did = x509_did(chain, policies=["subject:O"])
    assert "~" not in did
    assert X509Identifier.parse(did).policies == {("subject", "O"): "Zorg: \u2019t Hof ~ 50% + é/#"}
    resolve_x509(did, chain, NOW)
