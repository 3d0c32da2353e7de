"""One token of a PKCS #11 module, such as a hardware security module: make, find, use and remove P-256 keys in it.

Everything here blocks and runs in the one thread that :class:`node.keys.own_thread.OwnThread` has for it: a session is used by one
thread at a time. Private keys are made in the token, are marked sensitive and not extractable, and are never asked for. A session that
broke (the device was restarted) is opened again once per call; a PIN that the token refused is not tried a second time, since tokens
lock themselves after a few.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from credentials.errors import MalformedError
from credentials.keys import KeyId, PublicKey
from node.keys.errors import VaultAwayError, VaultError
from node.ports import KeyNaming

PAUSE_SECONDS = 1.0
"""How long a token that could not be opened is left alone; whoever signs meanwhile is told at once."""

_P256_OID = bytes.fromhex("06082a8648ce3d030107")
_POINT_BYTES = 65
_SIGNATURE_BYTES = 64

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Place:
    """Where the keys are.

    Attributes:
        module: the shared library that speaks PKCS #11.
        token: label of the token.
        pin_file: holds the user's PIN.
    """

    module: Path
    token: str
    pin_file: Path


class Pkcs11Token:
    """An open token, or one that will be opened when it is needed."""

    def __init__(self, place: Pkcs11Place, monotonic: Callable[[], float] = time.monotonic) -> None:
        try:
            import pkcs11  # loaded only where a token is configured: an optional library
        except ImportError as error:
            raise VaultError(
                "keys are to live in a PKCS #11 token, and its library is not installed",
                "pip install 'hazel-node[hsm]'",
            ) from error
        self._pkcs11: Any = pkcs11
        self._place = place
        self._monotonic = monotonic
        self._library: Any = None
        self._session: Any = None
        self._handles: dict[KeyId, Any] = {}
        self._refused_pin: str | None = None
        self._not_before = 0.0

    def away(self, cause: str = "it does not answer") -> VaultAwayError:
        """Return the error that says that the token can not be used now."""
        return VaultAwayError(
            f"the PKCS #11 token {self._place.token} can not be used: {cause}",
            f"is the device reachable, {self._place.module} its module, and the PIN in {self._place.pin_file} right? "
            "see docs/operate.md, Keys",
        )

    # -- keys

    def create(self, kid: KeyId | KeyNaming) -> tuple[KeyId, PublicKey]:
        """Make a P-256 key in the token."""
        return self._attempt(lambda: self._create(kid))

    def find(self, kid: KeyId) -> PublicKey:
        """Return the public half of a key; ``KeyError`` when the token has none under ``kid``."""
        return self._attempt(lambda: self._find(kid))

    def sign(self, kid: KeyId, message: bytes) -> bytes:
        """Return the ES256 signature of ``message`` in JWS form; ``KeyError`` when there is no such key."""
        digest = hashlib.sha256(message).digest()
        return self._attempt(lambda: self._sign(kid, digest))

    def remove(self, kid: KeyId) -> None:
        """Destroy a key, in the token and for good; does nothing when there is none."""
        self._attempt(lambda: self._remove(kid))

    def close(self) -> None:
        """Close the session."""
        self._drop()

    def _create(self, kid: KeyId | KeyNaming) -> tuple[KeyId, PublicKey]:
        attribute = self._pkcs11.Attribute
        parameters = self._session.create_domain_parameters(
            self._pkcs11.KeyType.EC, {attribute.EC_PARAMS: _P256_OID}, local=True
        )
        first = kid if isinstance(kid, str) else KeyId(f"new {time.monotonic_ns()}")
        public, private = parameters.generate_keypair(
            store=True,
            label=first,
            id=_object_id(first),
            mechanism=self._pkcs11.Mechanism.EC_KEY_PAIR_GEN,
            private_template={
                attribute.PRIVATE: True,
                attribute.SENSITIVE: True,
                attribute.EXTRACTABLE: False,
                attribute.SIGN: True,
            },
            public_template={attribute.VERIFY: True},
        )
        if private[attribute.EXTRACTABLE] or not private[attribute.SENSITIVE]:
            private.destroy()
            public.destroy()
            raise VaultError("the PKCS #11 module makes keys that can leave it", "use a module that keeps its keys")
        key = self._public(public)
        name = kid if isinstance(kid, str) else kid(key)
        if name != first:
            for one in (public, private):
                one[attribute.LABEL] = name
                one[attribute.ID] = _object_id(name)
        self._handles[name] = private
        return name, key

    def _find(self, kid: KeyId) -> PublicKey:
        self._private(kid)
        return self._public(self._only(self._pkcs11.ObjectClass.PUBLIC_KEY, kid))

    def _sign(self, kid: KeyId, digest: bytes) -> bytes:
        signature = bytes(self._private(kid).sign(digest, mechanism=self._pkcs11.Mechanism.ECDSA))
        if len(signature) != _SIGNATURE_BYTES:
            raise self.away("its signatures have the wrong form")
        return signature

    def _remove(self, kid: KeyId) -> None:
        self._handles.pop(kid, None)
        for kind in (self._pkcs11.ObjectClass.PRIVATE_KEY, self._pkcs11.ObjectClass.PUBLIC_KEY):
            for found in self._objects(kind, kid):
                found.destroy()

    def _private(self, kid: KeyId) -> Any:
        handle = self._handles.get(kid)
        if handle is None:
            handle = self._handles[kid] = self._only(self._pkcs11.ObjectClass.PRIVATE_KEY, kid)
        return handle

    def _only(self, kind: Any, kid: KeyId) -> Any:
        found = self._objects(kind, kid)
        if not found:
            raise KeyError(kid)
        if len(found) > 1:
            raise VaultError(f"the PKCS #11 token {self._place.token} has two keys with one id", "remove one of them")
        return found[0]

    def _objects(self, kind: Any, kid: KeyId) -> list[Any]:
        attribute = self._pkcs11.Attribute
        return list(self._session.get_objects({attribute.CLASS: kind, attribute.ID: _object_id(kid)}))

    def _public(self, handle: Any) -> PublicKey:
        """Read CKA_EC_POINT: an uncompressed point in a DER octet string; some modules leave the wrapping out."""
        point = bytes(handle[self._pkcs11.Attribute.EC_POINT])[-_POINT_BYTES:]
        try:
            return PublicKey.from_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        except (ValueError, MalformedError):
            raise self.away("its public key can not be read") from None

    # -- the session

    def _attempt(self, work: Callable[[], Value]) -> Value:
        """Do ``work`` in a session; a session that turns out to be broken is opened again, once."""
        fresh = self._session is None
        self._open()
        try:
            return work()
        except self._pkcs11.PKCS11Error as error:
            self._drop()
            if fresh:
                raise self.away(type(error).__name__) from error
        self._open()
        try:
            return work()
        except self._pkcs11.PKCS11Error as error:
            self._drop()
            raise self.away(type(error).__name__) from error

    def _open(self) -> None:
        if self._session is not None:
            return
        if self._monotonic() < self._not_before:
            raise self.away()
        try:
            pin = self._place.pin_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self.away(f"{self._place.pin_file} can not be read") from error
        if pin == self._refused_pin:
            raise self.away("it refused the PIN")
        try:
            self._session = self._new_session(pin)
        except (
            self._pkcs11.PinIncorrect,
            self._pkcs11.PinLocked,
            self._pkcs11.PinInvalid,
            self._pkcs11.PinLenRange,
        ) as error:
            self._refused_pin = pin
            raise self.away("it refused the PIN") from error
        except self._pkcs11.PKCS11Error as error:
            self._not_before = self._monotonic() + PAUSE_SECONDS
            raise self.away(type(error).__name__) from error

    def _new_session(self, pin: str) -> Any:
        if self._library is None:
            self._library = self._pkcs11.lib(str(self._place.module))
            return self._login(pin)
        try:
            return self._login(pin)
        except self._pkcs11.PinIncorrect:
            raise
        except self._pkcs11.PKCS11Error:
            self._library.reinitialize()  # what the module knew of a device that was restarted is worth nothing
            return self._login(pin)

    def _login(self, pin: str) -> Any:
        token = self._library.get_token(token_label=self._place.token)
        try:
            return token.open(rw=True, user_pin=pin)
        except self._pkcs11.UserAlreadyLoggedIn:  # by another session of this process; the login holds for all of them
            return token.open(rw=True)

    def _drop(self) -> None:
        self._handles.clear()
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except self._pkcs11.PKCS11Error:
                return  # it was broken, which is why it goes


def _object_id(kid: KeyId) -> bytes:
    """CKA_ID of a key and its public half: a digest, since modules limit its length; the label is the key id itself."""
    return hashlib.sha256(kid.encode()).digest()
