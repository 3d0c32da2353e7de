"""Every table of the node's database, with what its columns mean.

Times are whole milliseconds since 1970 in UTC. Text columns named ``…_json`` hold canonical JSON. Nothing clinical is stored,
and no citizen number: a citizen is a keyed pseudonym (LANDSCAPE §6.6). Changes go through ``migrations/``; a test compares the
two.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

subjects = Table(
    "subjects",
    metadata,
    Column("name", String(128), primary_key=True),  # appears in /oauth2/{subject}
    Column("created_at", BigInteger, nullable=False),
    Column("deactivated_at", BigInteger),
    comment="organisations that this node hosts",
)

dids = Table(
    "dids",
    metadata,
    Column("did", String(512), primary_key=True),
    Column("subject", ForeignKey("subjects.name"), nullable=False, index=True),
    Column("position", Integer, nullable=False),  # the first one signs
    Column("created_at", BigInteger, nullable=False),
    comment="identifiers of our organisations, in order of preference",
)

did_keys = Table(
    "did_keys",
    metadata,
    Column("kid", String(640), primary_key=True),  # absolute: <did>#<uuid>
    Column("did", ForeignKey("dids.did"), nullable=False, index=True),
    Column(
        "position", Integer, nullable=False
    ),  # order in the document, falling with every rotation: the first one signs
    Column("public_jwk_json", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),  # set: no longer in the document; kept, since old records were signed with it
    Column("removed_because", String(16)),  # "retired" or "compromised"
    comment="public halves of our signing keys; the private ones are in the vault",
)

did_services = Table(
    "did_services",
    metadata,
    Column("did", ForeignKey("dids.did"), primary_key=True),
    Column("fragment", String(64), primary_key=True),  # of the service's id: base58 of a digest of its content
    Column("position", Integer, nullable=False),  # order in the document
    Column("type", String(256), nullable=False),
    Column("endpoint_json", Text, nullable=False),  # text, object or array, as the vendor gave it
    Column("created_at", BigInteger, nullable=False),
    comment="what the documents of our organisations say about where to reach them",
)

wallet = Table(
    "wallet",
    metadata,
    Column("subject", ForeignKey("subjects.name"), primary_key=True),
    Column("credential_id", String(1024), primary_key=True),  # or a keyed digest of it, see credential_seal.py
    Column("sealed", LargeBinary, nullable=False),  # compact JWT or JSON exactly as received, AES-256-GCM
    Column("issuer", String(1024), nullable=False),
    Column("types_json", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("loaded_at", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),  # matching takes the first that fits
    comment="credentials that our organisations hold",
)

# What we issued, also after it expired: revoking needs it. The bits of a status list are the revoked rows that point at it.
issued_credentials = Table(
    "issued_credentials",
    metadata,
    Column("credential_id", String(1024), primary_key=True),  # <issuer>#<uuid>
    Column("subject", ForeignKey("subjects.name"), nullable=False, index=True),  # the organisation here that issued it
    Column("issuer", String(512), nullable=False),  # one of its DIDs
    Column("holder", String(2048), nullable=False),  # credentialSubject.id
    Column("type", String(512), nullable=False),  # the one beside VerifiableCredential
    Column("kid", String(640), nullable=False, index=True),  # the key that signed
    Column("sealed", LargeBinary, nullable=False),  # compact JWT or JSON exactly as given out, AES-256-GCM
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("status_list", ForeignKey("status_lists.url")),  # null: it can not be revoked
    Column("status_index", Integer),
    Column("revoked_at", BigInteger),
    Column("renews", String(1024), unique=True),  # the credential that this one replaces; one successor each
    Column("request_key", String(255)),  # keyed digest of the caller's Idempotency-Key
    Column("request_sealed", LargeBinary),  # SHA-256 of the request that had it, hexadecimal, AES-256-GCM
    UniqueConstraint("issuer", "request_key"),
    UniqueConstraint("status_list", "status_index"),
    Index("issued_credentials_of_a_type", "issuer", "type"),
    comment="credentials that our organisations issued",
)

# One page of 131,072 entries. `version` goes up with every revocation; what was signed of an older version is not served.
status_lists = Table(
    "status_lists",
    metadata,
    Column("url", String(1024), primary_key=True),  # where it is served, and what entries point at
    Column("issuer", String(512), nullable=False),
    Column("page", Integer, nullable=False),  # 1, 2, …
    Column("kind", String(32), nullable=False),  # StatusList2021 or BitstringStatusList
    Column("next_index", Integer, nullable=False),  # the first entry that was not given out
    Column("version", Integer, nullable=False),
    Column("signed", Text),  # the list credential as served; null: not signed yet
    Column("signed_version", Integer),
    Column("signed_kid", String(640)),
    Column("expires_at", BigInteger),  # of what is signed
    UniqueConstraint("issuer", "page"),
    comment="status lists of what our organisations issued",
)

trusted_issuers = Table(
    "trusted_issuers",
    metadata,
    Column("credential_type", String(512), primary_key=True),
    Column("issuer", String(1024), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    comment="issuers that a vendor marked as trusted for a type, as nuts-node keeps them",
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("grant_id", String(64), nullable=False, unique=True),
    Column("subject", ForeignKey("subjects.name"), nullable=False),
    Column("holder_did", String(512), nullable=False, index=True),  # whose key and credentials earned it
    Column("grant_json", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("ended_at", BigInteger),
    comment="access tokens we gave out, hashed",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_sha256", LargeBinary(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("subjects_json", Text, nullable=False),  # list of subjects, or ["*"]
    Column("operations_json", Text, nullable=False),  # list of operations, or ["*"]
    Column("created_at", BigInteger, nullable=False),
    comment="who may use the internal API",
)

# Every version of every consent, one row each. `is_current` is 1 on the newest version only.
# The primary key is what makes an update optimistic: two writers of version n + 1 collide.
consents = Table(
    "consents",
    metadata,
    Column("subject", String(200), primary_key=True),  # the organisation hosted here whose consent it is
    Column("id", String(64), primary_key=True),  # FHIR logical id
    Column("version", Integer, primary_key=True),  # 1, 2, …: meta.versionId
    Column("patient", String(64), nullable=False),  # pseudonym k1.…, never a BSN
    Column("status", String(32), nullable=False),  # FHIR Consent.status
    Column("is_current", Integer, nullable=False),  # 1 for the newest version, else 0
    Column("updated_at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # AES-256-GCM of the resource's JSON
    Index("consents_by_patient", "subject", "patient", "is_current"),
)

# One row per discovery service, hosted here or followed: which incarnation of the log, and how far.
registry_logs = Table(
    "registry_logs",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("seed", String(256), nullable=False),  # "" before the first registration
    Column("last", BigInteger, nullable=False),  # Lamport counter of a hosted log, cursor of a followed one
)

# The latest message of each holder per service; a replaced one is deleted and its id remembered in registry_spent.
registry_entries = Table(
    "registry_entries",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True, autoincrement=False),  # the log's counter, not wall time
    Column("holder", String(512), nullable=False),
    Column("presentation_id", String(1024), nullable=False),
    Column("retracts", String(1024)),  # set: a withdrawal of that presentation; null: a registration
    Column("compact", Text, nullable=False),  # the signed message exactly as received
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("claims", Text, nullable=False),  # JSON object: presentation definition field id -> value
    Column("proven", Text, nullable=False),  # JSON array: ids of the claims read from an X509Credential
    Column("parameters", Text, nullable=False),  # JSON object: subject of the DiscoveryRegistrationCredential
    UniqueConstraint("service", "holder", name="registry_entries_one_per_holder"),
    Index("registry_entries_expiry", "expires_at"),
)

# Searchable values of the credentials in an entry, one row per credential, path and value.
registry_properties = Table(
    "registry_properties",
    metadata,
    Column("service", String(256), nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("credential", Integer, nullable=False),  # position in the presentation
    Column("path", String(512), nullable=False),  # e.g. credentialSubject.organization.name
    Column("value", String(1024), nullable=False),
    Column("folded", String(2048), nullable=False),  # the value case-folded, for wildcards
    Index("registry_properties_value", "service", "path", "value"),
    Index("registry_properties_folded", "service", "path", "folded"),
    Index("registry_properties_entry", "service", "timestamp"),
)

# Ids of presentations that were replaced or withdrawn, until they expire by themselves: they may not come back.
registry_spent = Table(
    "registry_spent",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("holder", String(512), primary_key=True),
    Column("presentation_id", String(1024), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index("registry_spent_expiry", "expires_at"),
)

# Entries of followed logs that could not be verified yet (a DID document away): tried again until they expire.
registry_pending = Table(
    "registry_pending",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True, autoincrement=False),
    Column("compact", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# The Merkle log beside the list of a service: our own where we host it, else a copy (registry/transparency).
registry_trees = Table(
    "registry_trees",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("is_own", Integer, nullable=False),  # 1: we write it
    Column("is_whole", Integer, nullable=False),  # 1: its leaves are in registry_leaves
    Column("size", BigInteger, nullable=False),  # leaves
    Column("frontier", LargeBinary, nullable=False),  # hashes of 32 bytes, one per bit that is set in size
    Column("note", LargeBinary, nullable=False),  # newest checkpoint with its signatures; empty: none
    Column("noted", BigInteger, nullable=False),  # size in the note
    Column("log_key", String(512), nullable=False),  # key under which a copy was read
    Column("evidence", Text, nullable=False),  # JSON: two stories that its host told; "" when it did not
    Column("seed", String(256), nullable=False),  # of a copy: of the list, by the log
    Column("last", BigInteger, nullable=False),  # of a copy: the highest number, by the log
)

registry_leaves = Table(
    "registry_leaves",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # from 0
    Column("leaf", LargeBinary, nullable=False),
)

# Hashes as tiles have them: level 0 are those of leaves, each above covers 256 below.
registry_hashes = Table(
    "registry_hashes",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# Who is registered by the copy of a log, whether or not the message is here.
registry_listed = Table(
    "registry_listed",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("holder", String(512), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # SHA-256 of the message
    Column("expires_at", BigInteger, nullable=False),
    Column("is_here", Integer, nullable=False),  # 1: the message is here
    Column("is_early", Integer, nullable=False),  # 1: called expired before its time
)

# Our own registrations at discovery services: what was asked, how far it got, when it is due again.
registry_own = Table(
    "registry_own",
    metadata,
    Column("service", String(256), primary_key=True),
    Column("holder", String(512), primary_key=True),
    Column("parameters", Text, nullable=False),  # JSON object, as the vendor gave it
    Column("presentation_id", String(1024)),  # of the registration that stands; null: none yet
    Column("expires_at", BigInteger),
    Column("registered_at", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", Text),  # of the last attempt; null: it succeeded
    Column("leaving", Integer, nullable=False),  # 1: to be withdrawn
    Index("registry_own_due", "due_at"),
)

# A care services directory elsewhere that is followed; all of this can be had again by following it anew.
directory_sources = Table(
    "directory_sources",
    metadata,
    Column("key", String(16), primary_key=True),  # local ids begin with it; "" when it is the only one
    Column("url", String(1024), nullable=False, unique=True),
    Column("role", String(16), nullable=False),  # "root": named in the configuration; "member": named by the root
    Column("uras_json", Text, nullable=False),  # organisations that registered a member; [] for the root
    Column("stamps_json", Text, nullable=False),  # resource type -> the directory's own time of the last good round
    Column("ready_at", BigInteger),  # null: not loaded and caught up yet, so nothing of it is shown
    Column("followed_at", BigInteger),  # last good round
    Column("failures", Integer, nullable=False),  # rounds in a row
    Column("error", Text),  # of the last round; null: it succeeded
    Column("refused_json", Text, nullable=False),  # why something it publishes is not shown -> how many
    comment="care services directories that are followed",
)

# The newest version of each of their resources. `visible` is 0 for what is withdrawn, deleted, or not theirs to publish.
directory_resources = Table(
    "directory_resources",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("source", ForeignKey("directory_sources.key"), nullable=False),
    Column("type", String(32), nullable=False),
    Column("id", String(64), nullable=False),  # at its source
    Column("local_id", String(64), nullable=False),  # in the replica
    Column("version", String(64), nullable=False),  # meta.versionId, "" when there is none
    Column("updated_at", BigInteger),  # meta.lastUpdated
    Column("withdrawn", Integer, nullable=False),  # 1: its own status says so, or it was deleted
    Column("visible", Integer, nullable=False),
    Column("name", Text),  # of an organisation, by the root, where its directory says another
    Column("content", Text, nullable=False),  # JSON as its source gave it; "" when it was deleted
    UniqueConstraint("type", "local_id"),
    Index("directory_resources_source", "source", "type", "id", unique=True),
    Index("directory_resources_shown", "type", "visible", "row"),
)

# What resources are found by, one row per search parameter and value.
directory_values = Table(
    "directory_values",
    metadata,
    Column("row", ForeignKey("directory_resources.row"), nullable=False),
    Column("parameter", String(64), nullable=False),  # Organization.name
    Column("value", String(512), nullable=False),  # code; text folded; Type/id in the replica; "" for a date
    Column("qualifier", String(512), nullable=False),  # system of a token; a text as it was written
    Column("since", BigInteger),  # of a date: its first millisecond
    Column("until", BigInteger),  # and its last
    Index("directory_values_of_a_row", "row", "parameter"),
    Index("directory_values_found", "parameter", "value", "row"),
)

# Every version of our own entries, which others may follow. The primary key makes an update optimistic: two writers of one version collide.
directory_own = Table(
    "directory_own",
    metadata,
    Column("type", String(32), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),  # 1, 2, …: meta.versionId
    Column("is_current", Integer, nullable=False),  # 1 for the newest version, else 0
    Column("updated_at", BigInteger, nullable=False),  # meta.lastUpdated; rises with every version of whatever entry
    Column("content", Text, nullable=False),  # JSON as it is served
    Column("sent_to", Text),  # directory elsewhere that has this version; null: none
    Column("sent_etag", String(256)),  # what that directory called it
    Index("directory_own_history", "type", "updated_at"),
    comment="our own entries in the care services directory",
)

# Where the glass was broken: the review queue. One grant opens one citizen, once.
emergencies = Table(
    "emergencies",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject", String(128), nullable=False),
    Column("grant_id", String(64), nullable=False, unique=True),
    Column("patient", String(64), nullable=False),  # pseudonym
    Column("usecase", String(64), nullable=False),
    Column("peer_ura", String(8), nullable=False),
    Column("peer_name", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("user_role", Text, nullable=False),
    Column("reason_sealed", LargeBinary, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("lane", String(64), nullable=False),  # of the audit record of what left first
    Column("seq", BigInteger, nullable=False),
    Column("reviewed_at", BigInteger),  # null: still in the queue
    Column("reviewed_by", Text),
    Column("verdict", String(16)),
    Column("note_sealed", LargeBinary),
    Index("emergencies_queue", "subject", "reviewed_at", "opened_at"),
    comment="emergencies in which data left without another legal basis",
)

# Standing agreements with other organisations about a use case, as our operator wrote them down.
agreements = Table(
    "agreements",
    metadata,
    Column("subject", String(128), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("ura", String(8), nullable=False),
    Column("usecase", String(64), nullable=False),
    Column("document", Text, nullable=False),  # where it stands, in words
    Column("start", String(10), nullable=False),  # first day, UTC
    Column("end", String(10)),  # last day; null: open
    Index("agreements_requester", "subject", "ura"),
)

# What checked pages named, until the grant ends: a keyed digest of grant, type and id, and sealed, about whom that was.
named_resources = Table(
    "named_resources",
    metadata,
    Column("expires_at", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("patients_sealed", LargeBinary, nullable=False),
    Index("named_resources_digest", "digest"),
)
