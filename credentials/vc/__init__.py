"""Verifiable credentials and presentations: read, verify, issue, present. See `credentials` for the map."""
