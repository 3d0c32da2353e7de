"""The version of this node, as it tells it to others."""

VERSION = "0.1.0"
USER_AGENT = f"hazel/{VERSION}"
