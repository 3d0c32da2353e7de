"""A signature beside a use case file: ``<id>.yaml.jws``, a compact JWS over its digest by somebody whom the operator trusts.

The key stands in the header (``jwk``); what makes it trusted is its thumbprint (RFC 7638) among the operator's
``trust.anchors.usecase_signers``. The payload is ``{"digest": "sha256:…", "usecase": "<id>"}``: a signature over one file says
nothing about another, and one made for another purpose has another ``typ``.
"""

from collections.abc import Collection

from credentials.errors import CredentialError
from credentials.fields import Fields
from credentials.jws import SignedJWS, compact_json, sign_jws
from credentials.keys import PublicKey, SoftwareKey
from node.usecases.errors import UseCaseError
from node.usecases.vocabulary import SIGNERS

TYP = "usecase+jws"
MAX_SIGNATURE_BYTES = 8_192


def sign_usecase(usecase_id: str, digest: str, key: SoftwareKey) -> str:
    """Return the signature over a file's digest."""
    header = {"kid": None, "typ": TYP, "jwk": key.public.to_jwk()}
    return sign_jws(header, compact_json({"digest": digest, "usecase": usecase_id}), key)


def check_signature(file: str, usecase_id: str, digest: str, compact: str, signers: Collection[str]) -> None:
    """Check that somebody trusted signed this very file.

    Args:
        file: its name, for errors.
        usecase_id: as the file is called.
        digest: of its bytes.
        compact: what stands in the signature file.
        signers: thumbprints of trusted keys.

    Raises:
        UseCaseError: the signature is not theirs, not over this file, or none at all.
    """
    try:
        signed = SignedJWS.parse(compact.strip(), max_bytes=MAX_SIGNATURE_BYTES, allow=frozenset({"jwk"}))
        jwk = signed.header.get("jwk")
        key = PublicKey.from_jwk(jwk if isinstance(jwk, dict) else {})
        # (1) the signer, before anything is computed with a key that a stranger chose
        if key.thumbprint() not in signers:
            raise UseCaseError(
                file,
                "",
                f"is signed by {key.thumbprint()}, whom nobody here trusts",
                f"if you do: add the thumbprint to trust.anchors.{SIGNERS}",
            )
        # (2) what the signature is for
        if signed.typ != TYP:
            raise UseCaseError(file, "", f"has a signature that is not a {TYP}", "sign it with: hazel usecase sign")
        # (3) the signature itself
        key.verify(signed.signature, signed.signing_input, signed.alg)
        fields = Fields.from_json(signed.payload, max_bytes=MAX_SIGNATURE_BYTES, what="signature")
        said = (fields.text("usecase"), fields.text("digest"))
    except CredentialError as error:
        raise UseCaseError(file, "", "has a signature that can not be verified", "get both files again") from error
    # (4) over this very file
    if said != (usecase_id, digest):
        raise UseCaseError(file, "", "was changed after it was signed", "get both files again, or sign it anew")
