"""A PKCS #11 token to test against: SoftHSM, else a skip that says what to install.

The module reads its configuration once per process, so one directory of tokens serves all tests of a process; each test takes a token of
its own. The PIN is not a secret.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from itertools import count
from pathlib import Path

import pytest

from node.keys.pkcs11_token import Pkcs11Place

PIN = "5678"

_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
_TOKENS = 24
"""Made at once, since the module sees only tokens that were there when it was loaded."""

_numbers = count()


def softhsm_token(folder: Path) -> Pkcs11Place:
    """Return an empty token with its PIN in a file in ``folder``."""
    module = _module()
    number = next(_numbers)
    if number >= _TOKENS:
        pytest.fail("more tests than tokens: raise _TOKENS")
    pin_file = folder / "pkcs11.pin"
    pin_file.write_text(f"{PIN}\n", encoding="ascii")
    return Pkcs11Place(module=module, token=f"hazel-{number}", pin_file=pin_file)


@lru_cache(maxsize=1)
def _module() -> Path:
    pytest.importorskip("pkcs11", reason="no python-pkcs11: pip install 'hazel-node[hsm]'")
    module = next((Path(each) for each in _MODULES if Path(each).exists()), None)
    util = shutil.which("softhsm2-util")
    if module is None or util is None:
        pytest.skip("no SoftHSM: apt-get install softhsm2")
    directory = Path(tempfile.mkdtemp(prefix="hazel-hsm-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / "tokens").mkdir()
    config = directory / "softhsm2.conf"
    config.write_text(
        f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n",
        encoding="utf-8",
    )
    os.environ["SOFTHSM2_CONF"] = str(config)
    for number in range(_TOKENS):
        subprocess.run(
            [util, "--init-token", "--free", "--label", f"hazel-{number}", "--so-pin", "1234", "--pin", PIN],
            check=True,
            capture_output=True,
            timeout=30,
        )
    return module
