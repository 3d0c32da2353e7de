"""A token is configured and its library is not installed: told before anything else, with the command."""

import sys
from pathlib import Path

import pytest

from node.keys.errors import VaultError
from node.keys.pkcs11_token import Pkcs11Place, Pkcs11Token


def test_the_library_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(VaultError) as missing:
        Pkcs11Token(Pkcs11Place(module=Path("/m.so"), token="hazel", pin_file=Path("/pin")))
    assert missing.value.remedy == "pip install 'hazel-node[hsm]'"
