"""The two nodes of the OAuth tests: ``oever`` examines ``wending``."""

from tests.node.oauth.conftest import asker, clock, holder, internet

__all__ = ["asker", "clock", "holder", "internet"]
