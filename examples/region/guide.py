"""Where everything is, and what to try while the region is up."""

import os
from pathlib import Path
from shlex import quote

from examples.region.display import Display
from examples.region.network import DESCRIPTION, Region
from examples.region.organisations import GOUWE, RSO, WENDING
from examples.region.patients import TRUUS
from examples.region.processes import ROOT


def show_places(display: Display, region: Region) -> None:
    """Show where the nodes, their data and their logs are."""
    display.heading("Where everything is")
    display.rows(
        [
            ("organisation", "public", "internal API", "record system"),
            *(
                (
                    node.organisation.name,
                    node.public,
                    node.internal,
                    ", ".join(f"{version.upper()} {url}" for version, url in node.fhir.items()) or "none",
                )
                for node in region.nodes.values()
            ),
        ]
    )
    display.note(f"directory   {region.directory}: <key>/hazel.yaml, <key>/api.key, <key>/data, logs/")
    display.note(f"TLS root    {region.certificates.tls_root}")


def show_commands(display: Display, region: Region) -> None:
    """Show commands that work as they stand."""
    hazel = _hazel()
    gouwe, wending, rso = (region.nodes[one.key] for one in (GOUWE, WENDING, RSO))
    ca = quote(_short(region.certificates.tls_root))
    display.heading("To try, from the root of the repository (Ctrl-C stops the region)")
    given = f"echo {TRUUS.bsn} |"
    bearer = f'-H "Authorization: Bearer $(cat {_of(gouwe.directory / "api.key")})"'
    commands = {
        "ask as the GP; the BSN is read from standard input": f"{given} {hazel} ask medication --config {_of(gouwe.config)}",
        "who looked at her data, at the GP's": f"{given} {hazel} audit report --config {_of(gouwe.config)}",
        "what mental health refused; why: hazel explain NUMBER": (
            f"{hazel} audit list --outcome deny --config {_of(wending.config)}"
        ),
        "how a node is": f"{hazel} status --config {_of(gouwe.config)}",
        "who is registered, for anybody": f"curl --cacert {ca} {rso.public}/discovery/HuisartsVVTInzage",
        "and for the GP's own software": f"curl {bearer} {gouwe.internal}/internal/directory/v1/organisations",
    }
    for comment, command in commands.items():
        display.note(f"# {comment}")
        display.text(f"      {command}")
    display.note(f"for programs: {region.directory / DESCRIPTION}")


def _hazel() -> str:
    return ".venv/bin/hazel" if (ROOT / ".venv" / "bin" / "hazel").exists() else "python -m node"


def _of(path: Path) -> str:
    return quote(_short(path))


def _short(path: Path) -> str:
    """Return ``path`` as it is typed at the root of the repository."""
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
