"""Making a node: all of it or nothing, never over another one, and only with a certificate that will be believed."""

import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.region.discovery import write_definitions
from node.app import open_node
from node.config.load import ConfigError, load_config
from node.config.template import Chosen
from node.founding import Certificate, Founded, FoundingError, found_node
from node.identity.routes import SUBJECTS, WALLET
from node.ports import World
from node.storage.database import open_database
from node.web.internal_auth import EVERYTHING, ApiKeys
from tests.support.certificates import NOT_AFTER, a_uzi_chain
from tests.support.keys import ec_private_key, rsa_private_key
from tests.support.world import NOON, FixedEntropy, ManualClock, SimulatedInternet

URA = "00001111"
UZI = a_uzi_chain("oever", ura=URA)


def chosen(**changes: Any) -> Chosen:
    organisation = {"name": "De Oever", "city": "Gouda", "ura": URA, "subject": "oever"}
    values: dict[str, Any] = {
        "organisation": organisation,
        "url": "https://oever.example",
        "public": {"address": "127.0.0.1:0"},
        "internal": "127.0.0.1:0",
    }
    return Chosen(**(values | changes))


def a_certificate(**changes: bytes) -> Certificate:
    return Certificate(**({"chain": UZI.pem, "key": UZI.key.to_pem()} | changes))


async def found(directory: Path, *, clock: ManualClock | None = None, **rest: Any) -> Founded:
    rest.setdefault("chosen", chosen())
    return await found_node(directory, clock=clock or ManualClock(), entropy=FixedEntropy(), **rest)


def everything_below(directory: Path) -> Mapping[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


async def test_a_node_is_made_that_opens_as_who_it_was_made_for(tmp_path: Path) -> None:
    founded = await found(tmp_path / "node", certificate=a_certificate())
    config = load_config(founded.config)
    world = World(clock=ManualClock(), entropy=FixedEntropy("x"), peers=SimulatedInternet(), own=SimulatedInternet())
    async with open_node(config, world) as node:
        assert (await node.public[SUBJECTS].get("oever")).dids == (founded.did,)
        (held,) = await node.public[WALLET].credentials("oever")
    assert held.id == founded.credential_id
    assert held.subject_id == founded.did
    assert held.issuer.startswith("did:x509:0:sha256:")
    assert held.expires_at == NOT_AFTER


async def test_without_a_certificate_the_node_has_an_identity_and_an_empty_wallet(tmp_path: Path) -> None:
    founded = await found(tmp_path / "node")
    assert founded.did.startswith("did:web:oever.example:iam:")
    assert founded.credential_id is None


async def test_what_is_secret_is_readable_by_its_owner_alone_and_nowhere_in_clear(tmp_path: Path) -> None:
    founded = await found(tmp_path / "node", certificate=a_certificate(), files={"tls.key": b"private"})
    folder = founded.config.parent
    for name in ("api.key", "vault.key", "tls.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    key = founded.api_key.read_text().strip()
    files = everything_below(folder)
    for name, content in files.items():
        assert b"PRIVATE KEY" not in content
        assert name == "api.key" or key.encode() not in content
    async with open_database(load_config(founded.config).database_url) as database:
        caller = await ApiKeys(database).caller(key)
    assert caller is not None
    assert (caller.subjects, caller.operations) == (EVERYTHING, EVERYTHING)


async def test_an_empty_directory_is_taken_and_any_other_is_left_as_it_is(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    await found(empty)
    before = everything_below(empty)
    with pytest.raises(FoundingError, match="not empty") as caught:
        await found(empty)
    assert caught.value.remedy
    assert everything_below(empty) == before
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(FoundingError, match="not empty"):
        await found(file)
    assert file.read_text() == "mine"


async def test_a_node_can_be_made_in_the_directory_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    founded = await found(Path())
    assert founded.config == here / "hazel.yaml"
    assert founded.config.exists()


async def test_what_an_attempt_that_was_killed_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    unfinished = tmp_path / ".node.unfinished"
    unfinished.mkdir()
    (unfinished / "vault.key").write_text("half")
    await found(tmp_path / "node")
    assert [file.name for file in tmp_path.iterdir()] == ["node"]


EXPIRED = a_uzi_chain("expired", ura=URA, region="expired", not_after=NOON - timedelta(days=1))
OTHER = a_uzi_chain("other", ura="00009999")


def _reversed() -> bytes:
    end = b"-----END CERTIFICATE-----\n"
    return b"".join(reversed([part + end for part in UZI.pem.split(end) if part]))


def _without_root() -> bytes:
    end = b"-----END CERTIFICATE-----\n"
    return b"".join(part + end for part in UZI.pem.split(end)[:2])


WRONG: dict[str, tuple[Certificate, str]] = {
    "expired": (Certificate(chain=EXPIRED.pem, key=EXPIRED.key.to_pem()), "certificate can not be used"),
    "incomplete": (a_certificate(chain=_without_root()), "certificate can not be used"),
    "the leaf alone": (a_certificate(chain=UZI.pem[: UZI.pem.index(b"-----END") + 26]), "certificate can not be used"),
    "no certificate": (a_certificate(chain=b"geheim"), "certificate can not be used"),
    "nothing": (a_certificate(chain=b""), "certificate can not be used"),
    "a broken one": (a_certificate(chain=UZI.pem.replace(b"MII", b"MIJ", 1)), "certificate can not be used"),
    "another chain behind it": (
        a_certificate(
            chain=UZI.pem[: UZI.pem.index(b"-----END") + 26] + EXPIRED.pem[EXPIRED.pem.index(b"-----END") + 26 :]
        ),
        "certificate can not be used",
    ),
    "another's key": (a_certificate(key=OTHER.key.to_pem()), "the key is not that of the certificate"),
    "no key": (a_certificate(key=b"geheim"), "key can not be used"),
    "the certificate as key": (a_certificate(key=UZI.pem), "key can not be used"),
    "another organisation": (Certificate(chain=OTHER.pem, key=OTHER.key.to_pem()), "URA 00001111"),
}


@pytest.mark.parametrize(("certificate", "message"), WRONG.values(), ids=WRONG)
async def test_a_certificate_that_nobody_would_believe_makes_no_node(
    tmp_path: Path, certificate: Certificate, message: str
) -> None:
    with pytest.raises(FoundingError, match=message) as caught:
        await found(tmp_path / "node", certificate=certificate)
    assert caught.value.remedy
    assert "geheim" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


async def test_a_chain_with_its_root_first_is_the_same_chain(tmp_path: Path) -> None:
    assert (await found(tmp_path / "node", certificate=a_certificate(chain=_reversed()))).credential_id


async def test_a_certificate_is_good_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    late = ManualClock(NOT_AFTER - timedelta(hours=1))
    assert (await found(tmp_path / "late", clock=late, certificate=a_certificate())).credential_id
    for name, clock in {
        "early": ManualClock(NOON.replace(year=2025)),
        "later": ManualClock(NOT_AFTER + timedelta(hours=1)),
    }.items():
        with pytest.raises(FoundingError) as caught:
            await found(tmp_path / name, clock=clock, certificate=a_certificate())
        assert "renewed" in (caught.value.remedy or "")


@pytest.mark.parametrize("key", [ec_private_key("x"), rsa_private_key("x")])
async def test_a_key_of_any_other_kind_is_refused(tmp_path: Path, key: Any) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(FoundingError):
        await found(tmp_path / "node", certificate=a_certificate(key=pem))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://oever.example"},
        {"url": "https://oever.example/?x"},
        {"public": {"address": "nowhere"}},
        {"fhir": {"r4": "ftp://own.example"}},
        {"organisation": {"name": "x", "city": "x", "ura": "1", "subject": "oever"}},
        {"organisation": {"name": "x", "city": "x", "ura": URA, "subject": "a/b"}},
        {"uzi": ["short"]},
    ],
)
async def test_what_can_not_stand_in_the_configuration_makes_no_node(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        await found(tmp_path / "node", chosen=chosen(**changes))
    assert list(tmp_path.iterdir()) == []


async def test_whatever_was_chosen_is_read_back_as_it_was(tmp_path: Path) -> None:
    name = 'Praktijk "De \\ Oever": é # {nee}'
    organisation = {"name": name, "city": "'s-Gravenhage", "ura": URA, "subject": "oever"}
    founded = await found(tmp_path / "node", chosen=chosen(organisation=organisation))
    config = load_config(founded.config)
    assert (config.organisation.name, config.organisation.city) == (name, "'s-Gravenhage")


async def test_definitions_are_copied_when_they_are_definitions(tmp_path: Path) -> None:
    files = write_definitions(tmp_path / "given", host_url="https://x.example", uzi_root="A" * 43)
    founded = await found(tmp_path / "node", definitions=files)
    copied = founded.config.parent / "discovery"
    assert everything_below(copied) == everything_below(tmp_path / "given")
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    for definitions, error in [
        ([bad], FoundingError),
        ([files[0], files[0]], FoundingError),
        ([tmp_path / "absent.json"], FileNotFoundError),
    ]:
        with pytest.raises(error):
            await found(tmp_path / "other", definitions=definitions)
        assert not [file.name for file in tmp_path.iterdir() if "other" in file.name]


async def test_a_failure_at_the_last_moment_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ApiKeys, "create", full)
    with pytest.raises(OSError, match="No space"):
        await found(tmp_path / "node", certificate=a_certificate())
    assert list(tmp_path.iterdir()) == []


async def test_the_credential_is_the_certificates_own_word(tmp_path: Path) -> None:
    founded = await found(tmp_path / "node", certificate=a_certificate())
    world = World(clock=ManualClock(), entropy=FixedEntropy("x"), peers=SimulatedInternet(), own=SimulatedInternet())
    async with open_node(load_config(founded.config), world) as node:
        (credential,) = await node.public[WALLET].credentials("oever")
    assert credential.subjects[0]["san"]["otherName"].split("-")[4] == URA
    assert credential.jws is not None
    UZI.key.public.verify(credential.jws.signature, credential.jws.signing_input, "PS256")
