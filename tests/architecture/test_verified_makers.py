"""Each kind of ``Verified…`` value has one maker, so that having one means having verified it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKERS = {
    ROOT / "credentials/vc/verify.py": {"VerifiedCredential", "VerifiedPresentation"},
    ROOT / "credentials/status/verify.py": {"VerifiedStatusList"},
}
VERIFIED = set().union(*MAKERS.values())


def forgeries(tree: ast.AST) -> Iterator[str]:
    """Ways to come by a verified value: call its class, call it by another name, subclass it, or copy one with changes."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in VERIFIED:
                yield f"line {node.lineno}: {name}(…)"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name))) if name in VERIFIED:
                yield f"line {node.lineno}: {name}.…(…)"
            case ast.ImportFrom(names=names):
                yield from (
                    f"line {node.lineno}: {each.name} as {each.asname}"
                    for each in names
                    if each.asname and each.name in VERIFIED
                )
            case ast.Assign(value=ast.Name(id=name) | ast.Attribute(attr=name)) if name in VERIFIED:
                yield f"line {node.lineno}: = {name}"
            case ast.ClassDef(bases=bases):
                found = {getattr(base, "id", getattr(base, "attr", None)) for base in bases} & VERIFIED
                yield from (f"line {node.lineno}: class {node.name}({name})" for name in found)
            case ast.Call(
                func=ast.Name(id="replace") | ast.Attribute(attr="replace"), args=[ast.Name(id=name), *_]
            ) if "verified" in name:
                yield f"line {node.lineno}: replace({name}, …)"
            case _:
                pass


def test_only_verification_makes_verified_values() -> None:
    found = {
        str(path.relative_to(ROOT)): list(forgeries(ast.parse(path.read_text())))
        for package in ("credentials", "registry", "node")
        for path in (ROOT / package).rglob("*.py")
        if path not in MAKERS
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("maker", MAKERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_makers_are_found_by_the_same_eyes_and_make_their_own_only(maker: Path) -> None:
    assert {line.split(": ")[1] for line in forgeries(ast.parse(maker.read_text()))} == {
        f"{name}(…)" for name in MAKERS[maker]
    }


@pytest.mark.parametrize(
    "code",
    [
        "VerifiedCredential(credential=c, issuer_key=None)",
        "credential.VerifiedPresentation(presentation=p)",
        "VerifiedCredential.__new__(VerifiedCredential)",
        "from credentials.vc.credential import VerifiedCredential as V",
        "V = VerifiedCredential",
        "class Mine(VerifiedCredential): pass",
        "dataclasses.replace(verified, presentation=p)",
    ],
)
def test_every_way_around_is_seen(code: str) -> None:
    assert list(forgeries(ast.parse(code)))
