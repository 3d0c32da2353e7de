"""The services behind the routes of this room, by name: the composition root fills them in."""

from aiohttp import web

from node.audit.log import AuditLog
from node.issuing.issuer import Issuer
from node.issuing.renewal import Renewal
from node.ports import Clock
from node.vendor.presenting import Presenter
from node.vendor.signing import OwnSignatures
from node.vendor.trust import TrustList
from node.verification.verifier import Verifier

AUDIT = web.AppKey("VENDOR_AUDIT", AuditLog)
ISSUER = web.AppKey("ISSUER", Issuer)
RENEWAL = web.AppKey("RENEWAL", Renewal)
PRESENTER = web.AppKey("PRESENTER", Presenter)
SIGNATURES = web.AppKey("SIGNATURES", OwnSignatures)
TRUST = web.AppKey("TRUST", TrustList)
VERIFIER = web.AppKey("VERIFIER", Verifier)
CLOCK = web.AppKey("VENDOR_CLOCK", Clock)
