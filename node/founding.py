"""Making a node: directory, configuration, keys, identity, credential, API key (``hazel init``).

All or nothing: everything is made in a directory beside the wanted one and moved into place at the end, so that a failure in the
middle leaves no half node that looks like a whole one.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_x509 import uzi_other_names
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, MalformedError, NotCurrentError
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_x509_credential
from node.config.load import load_config
from node.config.template import Chosen, config_text
from node.identity.credential_seal import CredentialSeal
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.keys.choosing import open_vault
from node.keys.key_files import write_private
from node.ports import Clock, Entropy
from node.storage.database import open_database
from node.storage.migrate import bring_up_to_date
from node.web.internal_auth import EVERYTHING, ApiKeys
from registry.service import ServiceDefinition

CONFIG_FILE = "hazel.yaml"
API_KEY_FILE = "api.key"

_URA = re.compile(r"[0-9.]+-[0-9]+-[0-9]+-S-([0-9]{8})-[0-9]{2}\.[0-9]{3}-[0-9]+", re.ASCII)
"""The otherName of a UZI server certificate (WIRE §2.14)."""


class FoundingError(Exception):
    """The node was not made, and nothing was left behind.

    Attributes:
        remedy: what to do next.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate that vouches for the organisation (UZI, chain with the leaf first) and its key, both PEM."""

    chain: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """The node that was made.

    Attributes:
        credential_id: of the X509Credential; ``None`` without a certificate.
    """

    did: DID
    config: Path
    api_key: Path
    credential_id: str | None


async def found_node(
    directory: Path,
    chosen: Chosen,
    *,
    clock: Clock,
    entropy: Entropy,
    certificate: Certificate | None = None,
    files: Mapping[str, bytes] | None = None,
    definitions: Sequence[Path] = (),
) -> Founded:
    """Make a node in ``directory``.

    Args:
        directory: must not exist, or be empty.
        chosen: what goes into ``hazel.yaml``.
        clock: for the dates of what is made.
        entropy: for keys and identifiers.
        certificate: gives the organisation its X509Credential.
        files: further files by relative name, such as the TLS certificate and its key; readable by us alone.
        definitions: discovery definition files to copy.

    Raises:
        FoundingError: the directory is taken, or the certificate or a definition can not be used.
        ConfigError: what was chosen can not stand in ``hazel.yaml``.
        OSError: the disk says no, or a definition file is not there.
    """
    directory = directory.absolute()  # "." has no name to put another directory beside
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FoundingError(f"{directory} is not empty", "name a new directory; a node is never made over another one")
    unfinished = directory.with_name(f".{directory.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        did, credential_id = await _fill(unfinished, chosen, clock, entropy, certificate, files or {}, definitions)
        if directory.exists():
            directory.rmdir()
        unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Founded(
        did=did, config=directory / CONFIG_FILE, api_key=directory / API_KEY_FILE, credential_id=credential_id
    )


async def _fill(
    folder: Path,
    chosen: Chosen,
    clock: Clock,
    entropy: Entropy,
    certificate: Certificate | None,
    files: Mapping[str, bytes],
    definitions: Sequence[Path],
) -> tuple[DID, str | None]:
    for name, content in files.items():
        write_private(folder / name, content)
    (folder / "discovery").mkdir()
    for definition in definitions:
        _take_definition(definition, folder / "discovery")
    (folder / CONFIG_FILE).write_text(config_text(chosen), encoding="utf-8")
    config = load_config(folder / CONFIG_FILE)
    config.data.mkdir(mode=0o700)
    async with AsyncExitStack() as stack:
        vault = open_vault(config, entropy, new=True)
        stack.callback(vault.close)
        database = await stack.enter_async_context(open_database(config.database_url))
        await bring_up_to_date(database)
        subjects = Subjects(database, vault, clock, entropy, config.url, methods=config.did_methods)
        subject = await subjects.create(config.organisation.subject)
        did = next(each for each in subject.dids if did_method(each) == "web")
        credential_id = None
        if certificate is not None:
            raw = _x509_credential(certificate, did, config.organisation.ura, clock, entropy)
            wallet = Wallet(database, subjects, clock, CredentialSeal.of(vault, "wallet", entropy))
            held = await wallet.load(subject.name, raw, clock.now())
            credential_id = held.id
        key = await ApiKeys(database).create(
            "api.key", entropy=entropy, now=clock.now(), subjects=EVERYTHING, operations=EVERYTHING
        )
    write_private(folder / API_KEY_FILE, key.encode() + b"\n")
    return did, credential_id


def _take_definition(definition: Path, directory: Path) -> None:
    """Put a discovery definition where the node looks for it, when it is one."""
    body = definition.read_bytes()
    try:
        ServiceDefinition.parse(body)
    except MalformedError as error:
        raise FoundingError(f"{definition}: {error}", "get the file from who hosts the service") from error
    place = directory / f"{definition.stem}.json"
    if place.exists():
        raise FoundingError(f"two definition files are called {place.name}", "name one of them otherwise")
    place.write_bytes(body)


def _x509_credential(certificate: Certificate, did: DID, ura: str, clock: Clock, entropy: Entropy) -> str:
    unusable = "the certificate can not be used"
    # (1) a chain and a key that can be read
    try:
        chain = CertificateChain.from_pem(certificate.chain)
    except CredentialError as error:
        raise FoundingError(f"{unusable}: {error}", "give the chain complete, leaf first, in PEM") from error
    try:
        key = SoftwareKey.from_pem(certificate.key, KeyId(f"{did}#certificate"), alg="PS256")
    except (CredentialError, ValueError) as error:
        raise FoundingError(f"the certificate's key can not be used: {error}", "give its RSA key, in PEM") from error
    # (2) that belong together
    if key.public != chain.leaf.key:
        raise FoundingError(
            f"{unusable}: the key is not that of the certificate", "give the key of the first certificate in the chain"
        )
    # (3) of this organisation, since others will know it by the number in the certificate
    numbers = {found[1] for name in uzi_other_names(chain.leaf) if (found := _URA.fullmatch(name)) is not None}
    if ura not in numbers:
        raise FoundingError(
            f"{unusable}: it is not of an organisation with URA {ura}",
            f"it is of {', '.join(sorted(numbers))}"
            if numbers
            else "a UZI server certificate has the URA in its otherName",
        )
    # (4) and are valid now
    try:
        return issue_x509_credential(
            chain=chain, key=key, subject_id=did, credential_id=entropy.uuid(), now=clock.now()
        )
    except NotCurrentError as error:
        raise FoundingError(f"{unusable}: {error}", "have it renewed; is the clock of this machine right?") from error
    except (CredentialError, ValueError) as error:
        raise FoundingError(f"{unusable}: {error}", "give the chain complete, leaf first, in PEM") from error
