"""What is sent: for each door, everything the rule names, made from a good request by spoiling one thing.

An attack is refused with 4xx, whole stop. What may also be ignored (odd headers) is in :func:`curiosities`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.node.bad_input.dialects import CANARY, CITIZEN
from tests.node.bad_input.doors import FORM, Door
from tests.node.bad_input.setting import SUBJECT, NodeUnderAttack
from tests.node.bad_input.wire import Headers

NAMED_CITIZEN = f"http://fhir.nl/fhir/NamingSystem/bsn|{CITIZEN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One bad request.

    Attributes:
        what: what is wrong with it.
        headers: beside those that let the caller in.
        after: bytes that follow, whatever the headers say.
        stranger: whether it is sent without those.
        unparsed: whether HTTP itself refuses it, before anybody knows which dialect is spoken there.
    """

    what: str
    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = field(default=None, repr=False)
    chunked: bool = False
    after: bytes = field(default=b"", repr=False)
    stranger: bool = False
    unparsed: bool = False


def attacks_on(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    """Everything bad for one door."""
    yield from _paths(door, node)
    yield from _bodies_where_none_belong(door, node)
    match door.reads:
        case "json":
            yield from _wrong_media(door, node)
            yield from _bad_json(door, node)
        case "form":
            yield from _wrong_media(door, node)
            yield from _bad_forms(door, node)
        case _:
            pass
    if door.parameters:
        yield from _bad_parameters(door, node)
    if door.listener == "internal" and door.route.startswith("/internal/"):
        yield from _wrong_keys(door, node)
    if door.guarded:
        yield from _wrong_tokens(door, node)
        yield from _fhir(door, node)


def method_of(door: Door) -> str:
    """The method that a good request has."""
    return "GET" if door.method == "*" else door.method


def _good(door: Door, node: NodeUnderAttack, what: str, **changes: Any) -> Attack:
    """A good request, but for ``changes``."""
    body = door.body(node)
    good: dict[str, Any] = {"method": method_of(door), "target": door.path(node), "body": body}
    if body is not None:
        good["headers"] = [("Content-Type", door.content_type)]
    return Attack(what=what, **(good | changes))


def _paths(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    path = door.path(node)
    folder, _, last = path.rpartition("/")
    tricks = {
        "climbs": f"{folder}/../{last}",
        "climbs at the end": f"{path}/..",
        "stands still": f"{folder}/./{last}",
        "climbs, encoded": f"{folder}/%2e%2E/{last}",
        "climbs, half encoded": f"{folder}/.%2e/{last}",
        "climbs, encoded twice": f"{folder}/%252e%252e/{last}{CANARY}",
        "encoded slash": f"{path}%2f{CANARY}",
        "encoded slash, capital": f"{path}%2F..%2F{CANARY}",
        "empty part": f"{folder}//{last}",
        "NUL": f"{path}%00",
        "line break": f"{path}%0d%0aX-Bad:%20{CANARY}",
        "backslash": f"{path}\\..\\{CANARY}",
        "backslash, encoded": f"{path}%5c{CANARY}",
        "overlong": f"{path}/{CANARY * 400}",
        "overlong address": f"{path}?x={CANARY * 1_400}",
        "overlong UTF-8": f"{path}%c0%af{CANARY}",
        "not UTF-8": f"{path}%ff{CANARY}",
        "surrogate": f"{path}%ed%a0%80",
        "half an escape": f"{path}%2",
        "no escape": f"{path}%zz{CANARY}",
        "fragment": f"{path}#{CANARY}",
        "path parameter": f"{path};{CANARY}=1",
        "whole address": f"http://{CANARY}.example{path}",
        "query that is not UTF-8": f"{path}?{CANARY}=%ff",
        "query with half an escape": f"{path}?{CANARY}=%f",
    }
    for what, target in tricks.items():
        yield _good(door, node, f"path: {what}", target=target)
    if "{subject}" in door.route:
        yield _good(door, node, "an organisation that is not here", target=path.replace(f"/{SUBJECT}", f"/{CANARY}"))
    yield _good(door, node, "path: begins with two slashes", target=f"/{path}", unparsed=True)
    yield _good(door, node, "path: begins with a name", target=f"{CANARY}{path}", unparsed=True)
    yield _good(door, node, "path: raw bytes", target=f"{path}\xe9{CANARY}", unparsed=True)
    yield _good(door, node, "path: raw NUL", target=f"{path}\0{CANARY}", unparsed=True)


def _bodies_where_none_belong(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    if door.reads != "nothing" or method_of(door) in ("POST", "PUT"):
        return
    body = json.dumps({"x": CANARY}).encode()
    yield _good(door, node, "a body", body=body, headers=[("Content-Type", "application/json")])
    yield _good(door, node, "a body in pieces", body=body, chunked=True)
    yield _good(door, node, "a long body", body=body * 100_000)


def _wrong_media(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    others = [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        f"text/{CANARY}",
        "json",
        "*/*",
        "",
        ";",
    ]
    others.append("application/json" if door.reads == "form" else FORM)
    for other in others:
        yield _good(door, node, f"content type {other!r}", headers=[("Content-Type", other)])
    yield _good(door, node, "no content type", headers=[])
    twice = [("Content-Type", door.content_type), ("Content-Type", "text/plain")]
    yield _good(door, node, "two content types", headers=twice, unparsed=True)
    for coding in ("gzip", "br", "identity, deflate", CANARY):
        headers = [("Content-Type", door.content_type), ("Content-Encoding", coding)]
        yield _good(door, node, f"content encoding {coding}", headers=headers)
    headers = [("Content-Type", door.content_type), ("Transfer-Encoding", "gzip, chunked")]
    yield _good(door, node, "two transfer encodings", headers=headers, body=None, after=b"0\r\n\r\n")
    headers = [("Content-Type", door.content_type), ("Transfer-Encoding", CANARY)]
    yield _good(door, node, "unknown transfer encoding", headers=headers, body=None, unparsed=True)
    headers = [("Content-Type", door.content_type), ("Transfer-Encoding", "chunked")]
    yield _good(door, node, "length and pieces", headers=headers, unparsed=True)
    yield _good(door, node, "broken pieces", headers=headers, body=None, after=CANARY.encode(), unparsed=True)


def _bad_json(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    good = door.body(node) or b""
    value = json.loads(good)
    canary = json.dumps(CANARY).encode()
    spoiled = {
        "nothing": b"",
        "space": b" \n",
        "no JSON": CANARY.encode(),
        "half of it": good[: len(good) // 2],
        "more than it": good + b" " + canary,
        "twice": good + good,
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "not UTF-8": b'{"x": "' + CANARY.encode() + b'\xff"}',
        "overlong UTF-8": b'{"x": "\xc0\xaf"}',
        "half a surrogate pair": b'{"x": "\\ud800"}',
        "NUL": b'{"x": "\0"}',
        "not a number": b'{"x": NaN}',
        "infinite": b'{"x": -Infinity}',
        "a number without end": b'{"x": ' + b"9" * 5_000 + b"}",
        "a number beyond whole numbers": b'{"x": 1e999}',
        "a name twice": b'{"x": 1, "' + CANARY.encode() + b'": 1, "' + CANARY.encode() + b'": 2}',
        "a name twice, spelt otherwise": b'{"x": 1, "\\u0078": 2}',
        "single quotes": b"{'x': 1}",
        "a comment": b'{"x": 1} // ' + CANARY.encode(),
        "deep arrays": b"[" * 20_000 + b"]" * 20_000,
        "deep objects": b'{"x":' * 5_000 + b"1" + b"}" * 5_000,
        "deep and not closed": b"[" * 100_000,
        "an array": b"[" + canary + b"]",
        "a number": b"7",
        "null": b"null",
        "true": b"true",
    }
    if not isinstance(value, str):
        spoiled["a text"] = canary
        spoiled["a known name twice"] = b"{" + good[1:-1] + b", " + good[1:-1] + b"}"
    else:
        spoiled["an object"] = b'{"x": ' + canary + b"}"
        spoiled["another text"] = canary
    if door.limit <= len(good) + 1_100_000:
        spoiled["too long"] = good + b" " * (door.limit - len(good) + 1)
    for what, body in spoiled.items():
        if what == "an array" or not (what == "nothing" and not door.required and not isinstance(value, str)):
            yield _good(door, node, f"JSON: {what}", body=body)
    yield _good(door, node, "JSON: too long, in pieces", body=good + b" " * (door.limit - len(good) + 1), chunked=True)
    if isinstance(value, dict):
        yield from _bad_members(door, node, value)


def _bad_members(door: Door, node: NodeUnderAttack, good: Mapping[str, Any]) -> Iterator[Attack]:
    def changed(what: str, value: Mapping[str, Any], target: str | None = None) -> Attack:
        return _good(door, node, what, body=json.dumps(value).encode(), target=target or door.path(node))

    path = door.path(node)
    for name in door.required:
        rest = {other: value for other, value in good.items() if other != name}
        yield changed(f"without {name}", rest)
        given = good[name] if isinstance(good[name], str) else json.dumps(good[name])
        yield changed(f"{name} in the address instead", rest, f"{path}?{urlencode({name: given})}")
    for name in (name for name in good if name in door.required):
        for kind, value in {
            "a number": 7,
            "an array": [CANARY],
            "an object": {CANARY: CANARY},
            "a flag": True,
            "with a NUL": f"\0{CANARY}",
            "endless": CANARY * 5_000,
        }.items():
            if kind not in ("with a NUL", "endless") or name in door.exact:
                yield changed(f"{name} is {kind}", {**good, name: value})
    if door.unknown == "refused":
        yield changed("a member nobody knows", {**good, CANARY: CITIZEN})
        yield changed("a member nobody knows, deeper", _with_deeper_member(good))
        yield changed("a parameter nobody knows", good, f"{path}?{CANARY}={CITIZEN}")


def _with_deeper_member(good: Mapping[str, Any]) -> Mapping[str, Any]:
    name = next((name for name, value in good.items() if isinstance(value, dict)), None)
    return {**good, CANARY: 1} if name is None else {**good, name: {**good[name], CANARY: CITIZEN}}


def _bad_forms(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    pairs: list[tuple[str, str]] = door.good(node) if door.good is not None else []
    good = urlencode(pairs).encode()
    path = door.path(node)
    spoiled = {
        "not UTF-8": good + b"&x=%ff" + CANARY.encode(),
        "raw bytes that are not UTF-8": good + b"&x=\xff\xfe" + CANARY.encode(),
        "NUL": good + b"&x=%00" + CANARY.encode(),
        "raw NUL": good + b"&x=\0",
        "too many fields": b"&".join([good, *[f"{CANARY}{each}=1".encode() for each in range(70)]]),
        "too long": good + b"&x=" + b"y" * door.limit,
        "every field twice": good + b"&" + good,
    }
    for name, value in pairs:
        spoiled[f"{name} twice"] = urlencode([*pairs, (name, CANARY)]).encode()
        spoiled[f"{name} twice, spelt otherwise"] = good + f"&%{ord(name[0]):02x}{name[1:]}={quote(value)}".encode()
    for what, body in spoiled.items():
        yield _good(door, node, f"form: {what}", body=body)
    yield _good(door, node, "form: too long, in pieces", body=spoiled["too long"], chunked=True)
    for name, value in pairs:
        rest = urlencode([(other, given) for other, given in pairs if other != name]).encode()
        split = f"{path}?{urlencode({name: value})}"
        yield _good(door, node, f"form: {name} in the address as well", target=split)
        if len(split) < 8_000 and not door.merges:
            yield _good(door, node, f"form: {name} in the address instead", target=split, body=rest)
        if name in door.required:
            yield _good(door, node, f"form: without {name}", body=rest)
    if door.unknown == "refused":
        yield _good(door, node, "form: a field nobody knows", body=good + f"&{CANARY}=1".encode())
        yield _good(door, node, "form: a citizen in the address", target=f"{path}?patient-id={CITIZEN}")


def _bad_parameters(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    path = door.path(node)
    for name, value in door.parameters:
        good = urlencode(door.parameters)
        yield _good(door, node, f"{name} twice", target=f"{path}?{good}&{urlencode({name: value})}")
        yield _good(
            door, node, f"{name} twice, spelt otherwise", target=f"{path}?{good}&%{ord(name[0]):02x}{name[1:]}=x"
        )
        others = [(other, given) for other, given in door.parameters if other != name]
        for what, bad in {
            "nonsense": CANARY,
            "NUL": "%00",
            "line break": "%0a",
            "a citizen": f"{CITIZEN}x",
            "look-alike digits": "%D9%A1%D9%A2",
            "endless": CANARY * 1_000,
            "negative": "-1",
            "empty": "",
        }.items():
            yield _good(door, node, f"{name} is {what}", target=f"{path}?{urlencode([*others])}&{name}={bad}")
    if door.unknown == "refused" or door.route == "/discovery/{service}":
        yield _good(door, node, "a parameter nobody knows", target=f"{path}?{CANARY}={CITIZEN}")


def _wrong_keys(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    media = [("Content-Type", door.content_type)] if door.body(node) is not None else []
    wrong: dict[str, Headers] = {
        "no key": [],
        "another key": [("Authorization", f"Bearer {CANARY}{'A' * 37}")],
        "a key that is none": [("Authorization", f"Bearer {CANARY}")],
        "a key in another form": [("Authorization", f"Basic {CANARY}")],
        "a key that is no text": [("Authorization", b"Bearer \xff\xfe" + CANARY.encode())],
        "an endless key": [("Authorization", f"Bearer {CANARY * 2_000}")],
        "two keys": [("Authorization", f"Bearer {node.key}"), ("Authorization", f"Bearer {CANARY}")],
        "the key and more": [("Authorization", f"Bearer {node.key} {CANARY}")],
        "a peer's token": [("Authorization", f"Bearer {node.token}")],
    }
    for what, headers in wrong.items():
        yield _good(door, node, what, headers=[*headers, *media], stranger=True)


def _wrong_tokens(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    wrong: dict[str, Headers] = {
        "no token": [],
        "another token": [("Authorization", f"Bearer {CANARY}{'A' * 37}")],
        "a token that is none": [("Authorization", f"DPoP {CANARY}")],
        "a token that is no text": [("Authorization", b"Bearer \xff\xfe" + CANARY.encode())],
        "an endless token": [("Authorization", f"Bearer {CANARY * 2_000}")],
        "two tokens": [("Authorization", f"Bearer {node.token}"), ("Authorization", f"DPoP {CANARY}")],
        "a bearer token as a bound one": [("Authorization", f"DPoP {node.token}"), ("DPoP", CANARY)],
        "two proofs": [("Authorization", f"DPoP {node.token}"), ("DPoP", CANARY), ("DPoP", CANARY)],
    }
    for what, headers in wrong.items():
        yield _good(door, node, what, headers=headers, stranger=True)


def _fhir(door: Door, node: NodeUnderAttack) -> Iterator[Attack]:
    """What somebody who holds a token may try."""
    base = door.path(node).rpartition("/")[0]
    form = [("Content-Type", FORM)]
    citizen = quote(NAMED_CITIZEN, safe="")
    for what, target in {
        "everything": f"{base}/",
        "a citizen in the address": f"{base}/Patient?identifier={citizen}",
        "a citizen in the path": f"{base}/Patient/{CITIZEN}",
        "no value": f"{base}/Patient?{CANARY}",
        "the same twice": f"{base}/Patient?name={CANARY}&name={CANARY}",
        "an operation": f"{base}/Patient/$everything",
        "another version": f"{base}/Patient/{CANARY}/_history/1",
        "no type": f"{base}/{CANARY}",
        "a compartment": f"{base}/Patient/{CANARY}/Observation",
        "a forged page": f"{base}/Patient?_cursor={CANARY}",
        "control character": f"{base}/Patient?name=%07{CANARY}",
    }.items():
        yield _good(door, node, f"FHIR: {what}", target=target)
    search = f"{base}/Patient/_search"
    good = f"identifier={citizen}".encode()
    for what, body in {
        "not UTF-8": good + b"&x=%ff" + CANARY.encode(),
        "raw bytes": b"x=\xff" + CANARY.encode(),
        "NUL": b"x=%00" + CANARY.encode(),
        "too long": b"x=" + CANARY.encode() * 4_000,
        "too many": b"&".join(f"x{each}={CANARY}".encode() for each in range(70)),
        "twice": good + b"&" + good,
        "JSON": json.dumps({"identifier": CITIZEN}).encode(),
        "nothing": b"",
    }.items():
        yield _good(door, node, f"FHIR: form: {what}", method="POST", target=search, headers=form, body=body)
    yield _good(
        door, node, "FHIR: split", method="POST", target=f"{search}?identifier={CANARY}", headers=form, body=good
    )
    for media in ("application/fhir+json", "text/plain", f"{FORM}; charset=latin1", "multipart/form-data; boundary=x"):
        yield _good(
            door,
            node,
            f"FHIR: form as {media}",
            method="POST",
            target=search,
            headers=[("Content-Type", media)],
            body=good,
        )
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"):
        if method != "HEAD":
            yield _good(door, node, f"FHIR: {method}", method=method, target=f"{base}/Patient/{CANARY}")
    bundle = json.dumps({"resourceType": "Bundle", "type": "batch", "note": CANARY}).encode()
    fhir_json = [("Content-Type", "application/fhir+json")]
    yield _good(door, node, "FHIR: batch", method="POST", target=f"{base}/", headers=fhir_json, body=bundle)
    yield _good(door, node, "FHIR: write", method="POST", target=f"{base}/Patient", headers=fhir_json, body=bundle)
    for name, value in {
        "Purpose-Of-Use": CITIZEN,
        "Break-The-Glass": CANARY,
        "If-Match": CANARY,
        "X-HTTP-Method-Override": "DELETE",
    }.items():
        yield _good(door, node, f"FHIR: {name}", target=f"{base}/Patient/{CANARY}", headers=[(name, value)])


def curiosities() -> Iterator[tuple[str, Headers]]:
    """Headers that are odd; a request that has them may be answered as if they were not there."""
    yield "expects", [("Expect", CANARY)]
    yield "expects to go on", [("Expect", "100-continue")]
    yield "accepts nonsense", [("Accept", f"{CANARY}; q=x, */*;;;q=\xff")]
    yield "accepts too much", [("Accept", f"text/{CANARY}," * 600)]
    yield "no text", [("X-Anything", b"\xff\xfe\x80" + CANARY.encode())]
    yield "cookies", [("Cookie", f'a="{CANARY}; b; =; \x80')]
    yield "conditions", [("If-None-Match", CANARY), ("If-Modified-Since", CANARY), ("Range", f"bytes={CANARY}")]
    yield "upgrade", [("Upgrade", "websocket"), ("Sec-WebSocket-Key", CANARY), ("Sec-WebSocket-Version", "13")]
    yield "other method", [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "PUT")]
    yield (
        "somebody else's address",
        [("X-Forwarded-For", CANARY), ("Forwarded", f"for={CANARY}"), ("X-Real-IP", CANARY)],
    )
    yield "somebody else's host", [("X-Forwarded-Host", f"{CANARY}.example"), ("X-Original-URL", f"/internal/{CANARY}")]
    yield "trace", [("traceparent", CANARY), ("baggage", f"patient={CITIZEN}")]
