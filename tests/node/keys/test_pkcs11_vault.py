"""Keys in a PKCS #11 token (SoftHSM): made there, used there, and what happens when it is away."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from credentials.did.did_key import did_key, key_id_of_did_key
from credentials.keys import KeyId
from node.keys.errors import VaultAwayError, VaultError
from node.keys.file_vault import create_key_files
from node.keys.pkcs11_token import Pkcs11Place, Pkcs11Token
from node.keys.pkcs11_vault import Pkcs11Vault
from node.keys.signing import sign_with
from tests.support.softhsm import softhsm_token
from tests.support.world import FixedEntropy

pytestmark = pytest.mark.softhsm

KID = KeyId("did:web:a.example:iam:1#k1")


class Setting:
    """A vault over a token of its own."""

    def __init__(self, folder: Path) -> None:
        self.place = softhsm_token(folder)
        self.files = create_key_files(folder / "keys", folder / "vault.key", FixedEntropy())
        self.opened: list[Pkcs11Vault] = []
        self.vault = self.again()

    def again(self, **changes: Any) -> Pkcs11Vault:
        """As another process would open it."""
        place = Pkcs11Place(
            module=changes.get("module", self.place.module),
            token=changes.get("token", self.place.token),
            pin_file=changes.get("pin_file", self.place.pin_file),
        )
        self.opened.append(Pkcs11Vault(self.files, Pkcs11Token(place)))
        return self.opened[-1]


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Setting]:
    setting = Setting(tmp_path)
    yield setting
    for vault in setting.opened:
        vault.close()


async def test_a_key_made_in_the_token_signs_also_after_a_restart(hsm: Setting) -> None:
    public = await hsm.vault.create(KID)
    for vault in (hsm.vault, hsm.again()):
        key = await vault.key(KID)
        assert (key.kid, key.alg, key.public) == (KID, "ES256", public)
        public.verify(key.sign(b"message"), b"message", "ES256")
        assert KID in repr(key)


async def test_the_private_key_can_not_leave_the_token(hsm: Setting) -> None:
    """Not even when the module is asked for it directly."""
    await hsm.vault.create(KID)
    import pkcs11
    from pkcs11.exceptions import AttributeSensitive

    token = hsm.vault._token
    handle = hsm.vault._thread.call(lambda: token._private(KID))
    for name, expected in (
        ("SENSITIVE", True),
        ("EXTRACTABLE", False),
        ("NEVER_EXTRACTABLE", True),
        ("ALWAYS_SENSITIVE", True),
        ("LOCAL", True),
    ):
        assert hsm.vault._thread.call(partial(handle.__getitem__, getattr(pkcs11.Attribute, name))) is expected
    with pytest.raises(AttributeSensitive):
        hsm.vault._thread.call(lambda: handle[pkcs11.Attribute.VALUE])


async def test_no_file_holds_a_private_key_and_the_secrets_stay_in_files(hsm: Setting, tmp_path: Path) -> None:
    before = {file.name for file in (tmp_path / "keys").iterdir()}
    await hsm.vault.create(KID)
    assert {file.name for file in (tmp_path / "keys").iterdir()} == before
    assert hsm.vault.secret("seal") == hsm.again().secret("seal")


async def test_signing_through_the_door_does_not_hold_the_event_loop(hsm: Setting) -> None:
    await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)
    threads = set[str]()

    def make(key: Any) -> bytes:
        threads.add(threading.current_thread().name)
        signed: bytes = key.sign(b"message")
        return signed

    for signature in await asyncio.gather(*(sign_with(key, make) for _ in range(20))):
        key.public.verify(signature, b"message", "ES256")
    assert threading.current_thread().name not in threads


async def test_a_key_whose_id_follows_from_it_is_found_under_that_id(hsm: Setting) -> None:
    public = await hsm.vault.create(lambda key: key_id_of_did_key(did_key(key)))
    kid = key_id_of_did_key(did_key(public))
    assert (await hsm.again().key(kid)).public == public


async def test_an_unknown_or_removed_key_is_a_key_error(hsm: Setting) -> None:
    with pytest.raises(KeyError):
        await hsm.vault.key(KID)
    await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)
    await hsm.vault.remove(KID)
    await hsm.vault.remove(KID)
    for vault in (hsm.vault, hsm.again()):
        with pytest.raises(KeyError):
            await vault.key(KID)
    with pytest.raises(VaultAwayError, match="not in it any more"):
        await sign_with(key, lambda key: key.sign(b"m"))


async def test_two_keys_with_one_id_are_told_apart_from_none(hsm: Setting) -> None:
    await hsm.vault.create(KID)
    await hsm.again().create(KID)
    with pytest.raises(VaultError, match="two keys"):
        await hsm.again().key(KID)


async def test_a_session_that_broke_is_opened_again(hsm: Setting) -> None:
    public = await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)
    hsm.vault._thread.call(hsm.vault._token._session.close)  # as after a restart of the device
    public.verify(await sign_with(key, lambda key: key.sign(b"m")), b"m", "ES256")


async def test_a_device_that_was_restarted_is_found_again(hsm: Setting) -> None:
    public = await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)
    hsm.vault._thread.call(hsm.vault._token._library.reinitialize)
    public.verify(await sign_with(key, lambda key: key.sign(b"m")), b"m", "ES256")


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "another"},
        {"module": Path("/nowhere/libpkcs11.so")},
        {"pin_file": Path("/nowhere/pin")},
    ],
    ids=["token", "module", "pin"],
)
async def test_what_is_not_there_is_told_with_a_remedy(hsm: Setting, changes: dict[str, Any]) -> None:
    vault = hsm.again(**changes)
    for _ in range(2):
        with pytest.raises(VaultAwayError) as away:
            await vault.create(KID)
        assert away.value.remedy is not None
        assert "docs/operate.md" in away.value.remedy


async def test_a_refused_pin_is_not_tried_again_until_it_is_another(hsm: Setting) -> None:
    """A token locks itself after a few."""
    right = hsm.place.pin_file.read_text()
    hsm.place.pin_file.write_text("wrong-pin")
    vault = hsm.again()
    tried = 0
    original = Pkcs11Token._new_session

    def counting(token: Pkcs11Token, pin: str) -> Any:
        nonlocal tried
        tried += 1
        return original(token, pin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pkcs11Token, "_new_session", counting)
        for _ in range(5):
            with pytest.raises(VaultAwayError, match="PIN") as away:
                await vault.create(KID)
            assert "wrong-pin" not in f"{away.value} {away.value.remedy}"
    assert tried == 1
    hsm.place.pin_file.write_text(right)
    await vault.create(KID)


async def test_a_token_that_is_away_is_left_alone_for_a_second(hsm: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    await hsm.vault.create(KID)
    import pkcs11

    moment, tries = 100.0, 0

    def gone(_token: Pkcs11Token, _pin: str) -> Any:
        nonlocal tries
        tries += 1
        raise pkcs11.exceptions.TokenNotPresent

    token = Pkcs11Token(hsm.place, lambda: moment)
    with monkeypatch.context() as patch:
        patch.setattr(Pkcs11Token, "_new_session", gone)
        for _ in range(3):
            with pytest.raises(VaultAwayError):
                token.find(KID)
        assert tries == 1
        moment += 1
        with pytest.raises(VaultAwayError):
            token.find(KID)
        assert tries == 2
    moment += 1
    assert (await hsm.vault.key(KID)).public == token.find(KID)
    token.close()
    token.close()


async def test_a_module_that_breaks_twice_is_away(hsm: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    await hsm.vault.create(KID)
    import pkcs11

    def breaks(*_: Any) -> Any:
        raise pkcs11.exceptions.DeviceError

    monkeypatch.setattr(Pkcs11Token, "_sign", breaks)
    key = await hsm.vault.key(KID)
    with pytest.raises(VaultAwayError, match="DeviceError"):
        await sign_with(key, lambda key: key.sign(b"m"))
    monkeypatch.setattr(Pkcs11Token, "_find", breaks)
    with pytest.raises(VaultAwayError, match="DeviceError"):
        await hsm.again().key(KID)


async def test_a_module_that_lost_its_device_is_started_again(hsm: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    public = await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)
    import pkcs11

    original = Pkcs11Token._login
    failures = [pkcs11.exceptions.DeviceRemoved, pkcs11.exceptions.PinIncorrect]

    def login(token: Pkcs11Token, pin: str) -> Any:
        if failures:
            raise failures.pop(0)
        return original(token, pin)

    monkeypatch.setattr(Pkcs11Token, "_login", login)
    for _ in range(2):  # started again it refuses the PIN, and is not asked a third time
        hsm.vault._thread.call(hsm.vault._token._drop)
        with pytest.raises(VaultAwayError, match="PIN"):
            await sign_with(key, lambda key: key.sign(b"m"))
    assert failures == []
    monkeypatch.setattr(hsm.vault._token, "_refused_pin", None)  # as when somebody mended the file
    public.verify(await sign_with(key, lambda key: key.sign(b"m")), b"m", "ES256")
    hsm.vault._thread.call(hsm.vault._token._drop)
    failures.append(pkcs11.exceptions.PinIncorrect)  # by the running module: it is not started again for that
    with pytest.raises(VaultAwayError, match="PIN"):
        await sign_with(key, lambda key: key.sign(b"m"))


async def test_a_module_whose_keys_can_leave_is_refused(hsm: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    import pkcs11

    token = hsm.vault._token
    with pytest.raises(KeyError):
        await hsm.vault.key(KID)  # opens the session

    class Leaky:
        def __getattr__(self, name: str) -> Any:
            if name == "EXTRACTABLE":  # what is asked for is not what is made
                return pkcs11.Attribute.SENSITIVE
            return getattr(pkcs11.Attribute, name)

    class Module:
        Attribute = Leaky()

        def __getattr__(self, name: str) -> Any:
            return getattr(pkcs11, name)

    monkeypatch.setattr(token, "_pkcs11", Module())
    with pytest.raises(VaultError):
        await hsm.vault.create(KID)


async def test_what_a_module_returns_is_looked_at(hsm: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    await hsm.vault.create(KID)
    key = await hsm.vault.key(KID)

    class Short:
        def sign(self, *_: Any, **__: Any) -> bytes:
            return b"\1" * 63

        def __getitem__(self, _name: Any) -> bytes:
            return b"\4" * 67

        def close(self) -> None:
            raise hsm.vault._token._pkcs11.PKCS11Error

    with monkeypatch.context() as patch:
        patch.setattr(hsm.vault._token, "_private", lambda _kid: Short())
        with pytest.raises(VaultAwayError, match="wrong form"):
            await sign_with(key, lambda key: key.sign(b"m"))
        patch.setattr(hsm.vault._token, "_only", lambda _kind, _kid: Short())
        hsm.vault._keys.clear()
        with pytest.raises(VaultAwayError, match="public key"):
            await hsm.vault.key(KID)
        hsm.vault._thread.call(partial(setattr, hsm.vault._token, "_session", Short()))
        hsm.vault._thread.call(hsm.vault._token._drop)
    assert (await hsm.vault.key(KID)).kid == KID
