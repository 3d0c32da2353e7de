"""The vault: private keys and secrets of this node, behind one port (:class:`node.ports.KeyVault`).

::

    choosing.py      the vault that the configuration asks for
    file_vault.py    private keys in files, encrypted at rest
    pkcs11_vault.py  private keys in a PKCS #11 token, where they are made and stay; over pkcs11_token.py
    key_files.py     small secrets in files, sealed or plain
    own_thread.py    one thread for a library that may block
    signing.py       the door through which everything is signed, off the event loop where that blocks
    errors.py        what can be wrong with a vault
"""
