"""The ``hazel.yaml`` that ``hazel init`` leaves: what was chosen, commented, and what else may be set."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from node.config.descriptions import descriptions
from node.config.model import Config, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a new node was told."""

    organisation: Mapping[str, str]
    url: str
    public: Mapping[str, str]
    internal: str
    fhir: Mapping[str, str] = field(default_factory=dict)
    usecases: Sequence[str] = ()
    join: Sequence[str] = ()
    host: Sequence[str] = ()
    ca_file: str | None = None
    uzi: Sequence[str] = ()
    refresh_ms: int | None = None
    cli_user: Mapping[str, str] = field(default_factory=dict)
    loopback: bool = False
    pkcs11: Mapping[str, str] = field(default_factory=dict)
    plain_keys: bool = False


def config_text(chosen: Chosen) -> str:
    """Return the text of ``hazel.yaml``; every scalar is quoted, so that nothing is guessed."""
    lines = [
        "# The configuration of this node. Check it with: hazel config check",
        "# Everything that may be set, with its default: hazel config docs",
        "",
        "organisation:",
        *_mapping(chosen.organisation),
        "",
        *_described("url", Config),
        f"url: {_quoted(chosen.url)}",
        "",
        "# What the world reaches, and what only our own systems reach.",
        "public:",
        *_mapping(chosen.public),
        "internal:",
        f"  address: {_quoted(chosen.internal)}",
    ]
    if chosen.fhir:
        lines += ["", *_described("fhir", Config), "fhir:"]
        for version, url in chosen.fhir.items():
            lines += [f"  {version}:", f"    url: {_quoted(url)}"]
    lines += ["", *_described("usecases", Config), f"usecases: {_list(chosen.usecases)}"]
    lines += [
        "",
        *_described("discovery", Config),
        "discovery:",
        f"  join: {_list(chosen.join)}",
        f"  host: {_list(chosen.host)}",
    ]
    if chosen.refresh_ms is not None:
        lines.append(f"  refresh_ms: {_quoted(str(chosen.refresh_ms))}")
    if chosen.ca_file is not None or chosen.uzi:
        lines += ["", *_described("trust", Config), "trust:"]
        if chosen.ca_file is not None:
            lines.append(f"  ca_file: {_quoted(chosen.ca_file)}")
        if chosen.uzi:
            lines.append(f"  uzi: {_list(chosen.uzi)}")
    if chosen.cli_user:
        lines += ["", *_described("cli_user", Config), "cli_user:", *_mapping(chosen.cli_user)]
    if chosen.pkcs11:
        lines += ["", *_described("pkcs11", Config), "pkcs11:", *_mapping(chosen.pkcs11)]
    if chosen.plain_keys:
        lines += ["", *_described("unsafe_plain_keys", Config), "unsafe_plain_keys: true"]
    if chosen.loopback:
        lines += ["", *_described("unsafe_loopback_peers", Config), "unsafe_loopback_peers: true"]
    return "\n".join(lines) + "\n"


def _described(name: str, section: type[Section]) -> list[str]:
    return [f"# {line}" for line in descriptions(section).get(name, "").splitlines()]


def _mapping(values: Mapping[str, str]) -> list[str]:
    return [f"  {name}: {_quoted(value)}" for name, value in values.items()]


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(_quoted(value) for value in values)}]"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a YAML one
