"""The four ways in which this node says no, and what is never in any of them."""

import re
from typing import Literal

from tests.node.bad_input.wire import Answer

Dialect = Literal["problem", "oauth", "fhir", "directory"]

CANARY = "Zq7Xv9"
"""Stands in everything bad that is sent, and may come back nowhere."""

CITIZEN = "999990135"
"""A citizen's number; likewise."""

_CODE = re.compile(r"[a-z0-9_]{1,40}")
_OAUTH_CODES = {"invalid_request", "invalid_scope", "unsupported_grant_type", "invalid_dpop_proof"}
_ISSUES = {"login", "forbidden", "throttled", "not-supported", "not-found", "transient"}
_REFERENCE = re.compile(r"reference [0-9a-f]{16}")


def check_silence(answer: Answer) -> None:
    """Nothing that was sent comes back, in the body or in a header, in clear or escaped by halves."""
    told = answer.raw.decode("latin-1").lower()
    assert CANARY.lower() not in told
    assert CITIZEN not in told
    assert "traceback" not in told
    assert "aiohttp" not in told


def check_refusal(answer: Answer, dialect: Dialect) -> None:
    """The answer is a refusal in ``dialect``, whole, for this caller alone, and silent."""
    assert 400 <= answer.status < 500, f"status {answer.status}: {answer.body[:200]!r}"
    check_silence(answer)
    assert answer.header("server") == "hazel"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-length") == str(len(answer.body))
    {"problem": _problem, "oauth": _oauth, "fhir": _fhir, "directory": _directory}[dialect](answer)


def _problem(answer: Answer) -> None:
    assert answer.content_type == "application/problem+json"
    document = answer.json()
    assert set(document) - {"remedy"} == {"title", "status", "detail", "code"}
    assert document["status"] == answer.status
    assert _CODE.fullmatch(document["code"])
    assert all(isinstance(document[name], str) and document[name] for name in set(document) - {"status"})


def _oauth(answer: Answer) -> None:
    assert answer.content_type == "application/json"
    document = answer.json()
    assert set(document) == {"error", "error_description"}
    assert document["error"] in _OAUTH_CODES
    assert document["error_description"]


def _fhir(answer: Answer) -> None:
    assert answer.content_type == "application/fhir+json"
    document = answer.json()
    assert set(document) == {"resourceType", "issue"}
    assert document["resourceType"] == "OperationOutcome"
    (issue,) = document["issue"]
    assert set(issue) - {"diagnostics"} == {"severity", "code"}
    assert (issue["severity"], issue["code"] in _ISSUES) == ("error", True)
    if "diagnostics" in issue:
        assert _REFERENCE.fullmatch(issue["diagnostics"])


def _directory(answer: Answer) -> None:
    """Nobody's data is there: what is wrong and what to do may be said."""
    assert answer.content_type == "application/fhir+json"
    document = answer.json()
    assert document["resourceType"] == "OperationOutcome"
    (issue,) = document["issue"]
    assert set(issue) == {"severity", "code", "details", "diagnostics"}
    assert issue["severity"] == "error"
    assert _CODE.fullmatch(issue["details"]["text"])
    assert issue["diagnostics"]
