"""Keys at rest."""

import secrets
from pathlib import Path

import pytest

from credentials.did.did_jwk import did_jwk, key_id_of_did_jwk
from credentials.keys import KeyId
from node.keys.file_vault import FileVault, VaultError, write_private

KID = KeyId("did:web:a.example:iam:1#k1")


class Chance:
    def token(self, n_bytes: int) -> bytes:
        return secrets.token_bytes(n_bytes)

    def uuid(self) -> str:
        return "unused"


def a_vault(folder: Path) -> FileVault:
    return FileVault.create_new(folder / "keys", folder / "vault.key", Chance())


async def test_a_key_survives_a_restart_and_signs_the_same(tmp_path: Path) -> None:
    public = await a_vault(tmp_path).create(KID)
    again = await FileVault.open(tmp_path / "keys", tmp_path / "vault.key", Chance()).key(KID)
    public.verify(again.sign(b"message"), b"message", "ES256")


async def test_nothing_readable_is_written_and_only_we_may_read_it(tmp_path: Path) -> None:
    await a_vault(tmp_path).create(KID)
    for file in (tmp_path / "keys").iterdir():
        assert b"PRIVATE" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "vault.key").stat().st_mode & 0o077 == 0


async def test_secrets_differ_by_name_and_stay_the_same(tmp_path: Path) -> None:
    vault = a_vault(tmp_path)
    again = FileVault.open(tmp_path / "keys", tmp_path / "vault.key", Chance())
    assert vault.secret("seal") == again.secret("seal") != vault.secret("pseudonym")
    assert len(vault.secret("seal")) == 32


async def test_an_unknown_key_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        await a_vault(tmp_path).key(KID)


async def test_a_changed_or_swapped_file_is_found(tmp_path: Path) -> None:
    vault = a_vault(tmp_path)
    other = KeyId("did:web:a.example:iam:1#k2")
    await vault.create(KID)
    await vault.create(other)
    vault._files.file(KID).write_bytes(vault._files.file(other).read_bytes())
    with pytest.raises(VaultError):
        await FileVault.open(tmp_path / "keys", tmp_path / "vault.key", Chance()).key(KID)


def test_a_vault_is_never_made_over_another(tmp_path: Path) -> None:
    a_vault(tmp_path)
    with pytest.raises(VaultError):
        a_vault(tmp_path)


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_vault_key_that_is_none_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "vault.key").write_text(content, encoding="ascii")
    with pytest.raises(VaultError, match=r"vault\.key"):
        FileVault.open(tmp_path, tmp_path / "vault.key", Chance())


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_private(tmp_path / "taken", b"x")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


async def test_a_removed_key_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    vault = a_vault(tmp_path)
    before = set((tmp_path / "keys").iterdir())
    await vault.create(KID)
    await vault.remove(KID)
    await vault.remove(KID)
    assert set((tmp_path / "keys").iterdir()) == before
    with pytest.raises(KeyError):
        await vault.key(KID)
    vault.close()


async def test_a_key_whose_id_follows_from_it_is_found_under_that_id(tmp_path: Path) -> None:
    public = await a_vault(tmp_path).create(lambda key: key_id_of_did_jwk(did_jwk(key)))
    kid = key_id_of_did_jwk(did_jwk(public))
    assert (await FileVault.open(tmp_path / "keys", tmp_path / "vault.key", Chance()).key(kid)).public == public


async def test_plain_keys_need_no_vault_key_and_only_we_may_read_them(tmp_path: Path) -> None:
    public = await FileVault.create_new(tmp_path / "keys", None, Chance()).create(KID)
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    again = FileVault.open(tmp_path / "keys", None, Chance())
    assert (await again.key(KID)).public == public
    assert len(again.secret("seal")) == 32


async def test_plain_and_sealed_keys_are_not_taken_for_each_other(tmp_path: Path) -> None:
    await a_vault(tmp_path).create(KID)
    with pytest.raises(VaultError, match="is encrypted") as refused:
        FileVault.open(tmp_path / "keys", None, Chance()).secret("seal")
    assert refused.value.remedy == "take unsafe_plain_keys out"
    await FileVault.create_new(tmp_path / "plain", None, Chance()).create(KID)
    with pytest.raises(VaultError, match="is not encrypted"):
        await FileVault.open(tmp_path / "plain", tmp_path / "vault.key", Chance()).key(KID)
