"""The vault: private keys and secrets of this node, behind one port (:class:`node.ports.KeyVault`).

::

    file_vault.py  keys in files, encrypted at rest
"""
