"""Which vault a node has: files, or a token and files for what is no signing key."""

from node.config.model import Config
from node.keys.file_vault import FileVault, create_key_files, open_key_files
from node.ports import Entropy, KeyVault


def open_vault(config: Config, entropy: Entropy, *, new: bool = False) -> KeyVault:
    """Open the vault of the configuration; close it afterwards.

    Args:
        config: as loaded, with absolute paths.
        entropy: for secrets and nonces.
        new: make it, with its secrets.

    Raises:
        VaultError: a file of it is missing or wrong, there is one already, or a library is not installed.
    """
    make = create_key_files if new else open_key_files
    files = make(config.data / "keys", None if config.unsafe_plain_keys else config.vault_key, entropy)
    if config.pkcs11 is None:
        return FileVault(files)
    from node.keys.pkcs11_token import Pkcs11Place, Pkcs11Token  # few nodes have a token: the others need not load it
    from node.keys.pkcs11_vault import Pkcs11Vault  # the same

    place = Pkcs11Place(module=config.pkcs11.module, token=config.pkcs11.token, pin_file=config.pkcs11.pin_file)
    return Pkcs11Vault(files, Pkcs11Token(place))
