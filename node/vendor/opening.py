"""Puts the parts of issuing and of the vendor's API together: one piece for the composition root."""

from dataclasses import dataclass

from aiohttp import web

from credentials.types.catalogue import CredentialTypes
from node.audit.log import AuditLog
from node.identity.credential_seal import CredentialSeal
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing.issuer import Issuer
from node.issuing.renewal import Renewal
from node.issuing.routes import STATUS_LISTS
from node.issuing.status_lists import IssuedLists
from node.issuing.store import IssuedStore
from node.ports import KeyVault, World
from node.storage.database import Database
from node.vendor import crypto, holder, issuer, verifier
from node.vendor.keys import AUDIT, CLOCK, ISSUER, PRESENTER, RENEWAL, SIGNATURES, TRUST, VERIFIER
from node.vendor.presenting import Presenter
from node.vendor.signing import OwnSignatures
from node.vendor.trust import TrustList
from node.verification.verifier import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorApi:
    """What the vendor's API stands on.

    Attributes:
        issuer: issues and revokes.
        renewal: renews; to be run, and told of compromised keys.
    """

    issuer: Issuer
    renewal: Renewal
    lists: IssuedLists
    presenter: Presenter
    signatures: OwnSignatures
    trust: TrustList
    verifier: Verifier
    audit: AuditLog
    world: World

    def install(self, app: web.Application) -> None:
        """Give the services to an application whose routes ask for them."""
        app[STATUS_LISTS] = self.lists
        app[ISSUER] = self.issuer
        app[RENEWAL] = self.renewal
        app[PRESENTER] = self.presenter
        app[SIGNATURES] = self.signatures
        app[TRUST] = self.trust
        app[VERIFIER] = self.verifier
        app[AUDIT] = self.audit
        app[CLOCK] = self.world.clock


def open_vendor_api(
    *,
    database: Database,
    subjects: Subjects,
    wallet: Wallet,
    vault: KeyVault,
    issued_seal: CredentialSeal,
    lists: IssuedLists,
    verifier: Verifier,
    audit: AuditLog,
    types: CredentialTypes,
    world: World,
) -> VendorApi:
    """Wire issuing, renewal, presenting, signing and the trust list."""
    clock, entropy = world.clock, world.entropy
    store = IssuedStore(database, issued_seal)
    issues = Issuer(store=store, lists=lists, subjects=subjects, types=types, audit=audit, clock=clock, entropy=entropy)
    issues.on_revoked.append(verifier.status_lists.forget)  # what we take back ends here at once
    issues.on_revoked.append(lambda _list: wallet.changed())  # and is presented no more
    return VendorApi(
        issuer=issues,
        renewal=Renewal(issuer=issues, store=store, wallet=wallet, subjects=subjects, clock=clock),
        lists=lists,
        presenter=Presenter(subjects=subjects, verifier=verifier, audit=audit, clock=clock, entropy=entropy),
        signatures=OwnSignatures(subjects, vault, audit, clock),
        trust=TrustList(database),
        verifier=verifier,
        audit=audit,
        world=world,
    )


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [*issuer.routes(), *holder.routes(), *verifier.routes(), *crypto.routes()]
