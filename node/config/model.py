"""What may be set, what it means, and what it is when it is not set.

Every member is documented where it stands; ``docs/config.md`` and the comments in ``hazel.yaml`` are generated from here. What
weakens security starts with ``unsafe_`` and is told at start-up. Paths are relative to the file they stand in.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Ura = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]
SubjectName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,128}$")]
FhirVersion = Literal["r4", "stu3"]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
AnchorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
DidMethod = Literal["web", "key", "jwk"]


class Section(BaseModel):
    """A part of the configuration: frozen, and unknown members are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Organisation(Section):
    """Who we are."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """Name of the organisation, as in its certificate."""
    city: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """Where it is."""
    ura: Ura
    """URA number, eight digits."""
    subject: SubjectName
    """Short name of the organisation on this node; appears in addresses."""
    facility_type: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9A-Z]{0,2}$|^AMB$")] = "X"
    """Vektis code of the kind of organisation (Z3 GP, T2 home care, V6 hospital, G5 mental health, J8 pharmacy)."""


class Listener(Section):
    """An address to listen on."""

    address: str
    """``host:port``."""
    tls_certificate: Path | None = None
    """PEM file, leaf first; absent when a proxy in front does TLS."""
    tls_key: Path | None = None
    """PEM file with its key."""

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004  # the highest port
            raise ValueError("must be host:port")
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> "Listener":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self

    @property
    def host_port(self) -> tuple[str, int]:
        """Host and port to bind."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)


class FhirServer(Section):
    """One of our own FHIR servers, behind the node."""

    url: str
    """Base URL, ``http`` or ``https``."""
    known_as: tuple[str, ...] = ()
    """Other base URLs under which the server speaks of itself, in links and references."""
    authorization_file: Path | None = None
    """File holding the value of the ``Authorization`` header that the server wants, ``Bearer …`` or ``Basic …``."""
    client_certificate: Path | None = None
    """PEM file with the certificate by which the server knows us (mutual TLS), and its key."""

    @field_validator("url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        return _checked_url(value, ("http", "https"))

    @model_validator(mode="after")
    def _certificate_goes_with_tls(self) -> "FhirServer":
        if self.client_certificate is not None and not self.url.startswith("https://"):
            raise ValueError("client_certificate goes with an https address")
        return self

    @field_validator("known_as")
    @classmethod
    def _base_urls(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked_url(value, ("http", "https")) for value in values)


class Trust(Section):
    """Whom we believe."""

    ca_file: Path | None = None
    """PEM file with TLS authorities trusted beside the system's."""
    uzi: tuple[Fingerprint, ...] = ("vdhg746H4rLH67NN1unhdxo6PF3shQunCA4-KQTb2Jc",)
    """SHA-256 (base64url) of the root certificates that vouch for care organisations; replaces ``{{uzi}}`` in use case files."""
    anchors: dict[AnchorName, tuple[Fingerprint, ...]] = {}
    """Further roots by the name that use case files have for them: ``dezi`` replaces ``{{dezi}}``."""
    usecases: dict[str, dict[AnchorName, tuple[Fingerprint, ...]]] = {}
    """Roots for one use case alone, in place of those above: id of the use case, name, fingerprints."""

    def of_usecase(self, usecase_id: str) -> dict[str, tuple[str, ...]]:
        """Roots by name, as they count for one use case."""
        return {"uzi": self.uzi, **self.anchors, **self.usecases.get(usecase_id, {})}


class Pki(Section):
    """Certificates that are barred although their authority has not revoked them."""

    deny_list: str | None = None
    """Address of the deny list (``https``). None by default; the Nuts foundation publishes one, which nuts-node uses."""
    deny_list_key: str | None = None
    """Public key of who signs it: what stands between BEGIN and END PUBLIC KEY in its PEM file."""

    @field_validator("deny_list")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return None if value is None else _checked_url(value, ("https",))

    @model_validator(mode="after")
    def _both_or_none(self) -> "Pki":
        if (self.deny_list is None) != (self.deny_list_key is None):
            raise ValueError("deny_list and deny_list_key go together")
        return self


class Pkcs11(Section):
    """A PKCS #11 token, such as a hardware security module, in which signing keys are made and stay; needs ``hazel-node[hsm]``."""

    module: Path
    """The shared library that comes with the device."""
    token: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    """Label of the token."""
    pin_file: Path
    """File holding the PIN of the token's user."""


class Discovery(Section):
    """Where organisations that take part in a use case find each other."""

    definitions: Path = Path("discovery")
    """Directory with a JSON definition file per service, the same for every participant."""
    join: tuple[str, ...] = ()
    """Services to register at and to follow."""
    host: tuple[str, ...] = ()
    """Services whose list is kept by this node."""
    refresh_ms: Annotated[int, Field(ge=200, le=86_400_000)] = 600_000
    """How often lists are asked for and registrations looked at, in milliseconds."""


class CareDirectory(Section):
    """The care services directory (mCSD): where others say who and where they are."""

    url: str | None = None
    """FHIR address of the directory to follow; our own systems search in a copy of it."""
    dialect: Literal["vws", "nuts"] = "vws"
    """``vws``: it is the one national directory. ``nuts``: it names the directories of others, which are followed too."""
    publish_to: str | None = None
    """FHIR address of a directory that our own entries are sent to as well; they always stand at ``/directory/fhir`` of this node."""

    @field_validator("url", "publish_to")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return None if value is None else _checked_url(value, ("https",))


class CliUser(Section):
    """Who ``hazel ask`` asks for when nobody is named."""

    identifier: str
    """Identifier at our organisation."""
    name: str
    """Name, as other organisations will see it."""
    role: str
    """UZI role code, for example 01.015."""


class Limits(Section):
    """How much and how long."""

    step_ms: Annotated[int, Field(ge=100, le=60_000)] = 4_000
    """The longest that one query to one organisation may take."""
    question_ms: Annotated[int, Field(ge=500, le=60_000)] = 30_000
    """The longest that a whole question may take."""
    queries_per_peer: Annotated[int, Field(ge=1, le=64)] = 8
    """Queries at one organisation at the same time."""
    page_bytes: Annotated[int, Field(ge=65_536, le=8_388_608)] = 8_388_608
    """The largest page of answers."""
    facts_ms: Annotated[int, Field(ge=0, le=900_000)] = 60_000
    """How long facts of our own FHIR server (identity, care team) are remembered; memory only."""


class Config(Section):
    """The whole file."""

    organisation: Organisation
    """Who we are."""
    url: str
    """Public base URL of the node; our identifiers are made of it, so it can not change later."""
    data: Path = Path("data")
    """Directory for databases and keys; keys in it are encrypted."""
    vault_key: Path = Path("vault.key")
    """File with the key that the private keys in ``data`` are encrypted under; keep it elsewhere than the data."""
    pkcs11: Pkcs11 | None = None
    """A token in which signing keys are made and stay, instead of files in ``data``."""
    did_methods: tuple[DidMethod, ...] = ("web",)
    """Kinds of identifiers that a new organisation gets (web, key, jwk), in order of preference; the first one signs."""
    database: str | None = None
    """Not supported yet: a running node uses SQLite in ``data``. Meant for ``postgresql+asyncpg://…`` with several replicas."""
    public: Listener
    """What the world reaches."""
    internal: Listener = Listener(address="127.0.0.1:8081")
    """What our own systems reach."""
    fhir: dict[FhirVersion, FhirServer] = {}
    """Our FHIR servers, by version."""
    usecases: tuple[str, ...] = ()
    """Use cases we take part in; files ``<id>.yaml`` shipped or in ``usecase_directory``, pinned as ``<id>@sha256:…`` where of our own."""
    usecase_directory: Path | None = None
    """Directory with use case files of our own, and policy files of a nuts-node (``*.json``)."""
    decision_point: str | None = None
    """Address of the AuthZEN decision point that is asked about further scopes, where a use case says ``scope_policy: dynamic``."""
    credential_types: Path | None = None
    """Directory with JSON Schemas of credential types of our own, one file ``<Type>.json`` each; what we issue is held to them."""
    trust: Trust = Trust()
    """Whom we believe."""
    pki: Pki = Pki()
    """Certificates that are barred although their authority has not revoked them."""
    discovery: Discovery = Discovery()
    """Where we find others."""
    directory: CareDirectory = CareDirectory()
    """The care services directory."""
    cli_user: CliUser | None = None
    """Who ``hazel ask`` asks for."""
    limits: Limits = Limits()
    """How much and how long."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written to standard error."""
    log_format: Literal["text", "json"] = "text"
    """How it is written."""
    unsafe_loopback_peers: bool = False
    """Let peers live on 127.0.0.0/8 and under ``.localhost``: for development on one machine."""
    unsafe_plain_keys: bool = False
    """Keep the keys in ``data`` unencrypted: for development; chosen when a node is made."""
    unsafe_pki_soft_fail: bool = False
    """Accept certificates although nobody can tell whether they were revoked or denied, as nuts-node does by default."""
    unsafe_open_internal_api: bool = False
    """Let everybody on this machine use the internal API without a key, as nuts-node does."""

    @field_validator("url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        return _checked_url(value, ("https",))

    @field_validator("decision_point")
    @classmethod
    def _decision_point(cls, value: str | None) -> str | None:
        return None if value is None else _checked_url(value, ("http", "https"))

    @field_validator("did_methods")
    @classmethod
    def _with_web(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "web" not in value or len(set(value)) != len(value):
            raise ValueError("has to name web, and nothing twice")
        return value

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Names of the settings that weaken security and are on."""
        return tuple(name for name in type(self).model_fields if name.startswith("unsafe_") and getattr(self, name))

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the node's database."""
        return self.database or f"sqlite+aiosqlite:///{self.data / 'hazel.db'}"


def _checked_url(value: str, schemes: tuple[str, ...]) -> str:
    """Return ``value`` without a trailing slash when it is a plain base URL; ``ValueError`` otherwise."""
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"must be a plain {' or '.join(schemes)} address without query")
    return value.rstrip("/")
