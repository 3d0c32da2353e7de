"""Following a search to its end, as a client must."""

from collections.abc import Iterator, Mapping
from typing import Any

from examples.region.hapi.client import send

MAX_PAGES = 50


def next_link(page: Mapping[str, Any]) -> str | None:
    """Where the next page is, absolute, or None on the last one."""
    return next((str(link["url"]) for link in page.get("link", []) if link["relation"] == "next"), None)


def entries(url: str) -> Iterator[Mapping[str, Any]]:
    """All entries of all pages."""
    following: str | None = url
    for _ in range(MAX_PAGES):
        if following is None:
            return
        answer = send("GET", following)
        assert answer.status == 200, answer.body
        yield from answer.body.get("entry", [])
        following = next_link(answer.body)
    raise AssertionError("the pages do not end")


def whose(found: Iterator[Mapping[str, Any]]) -> set[str]:
    """Ids of the patients that these entries are, or are about."""
    resources = [entry["resource"] for entry in found]
    return {
        resource["id"] if resource["resourceType"] == "Patient" else patient_id(resource["subject"]["reference"])
        for resource in resources
        if resource["resourceType"] == "Patient" or "subject" in resource
    }


def patient_id(reference: str) -> str:
    """The id in a reference such as ``Patient/7``."""
    return reference.removeprefix("Patient/")
