"""From a checked request to a signed credential, in either format.

JSON-LD is canonicalised in a thread: it takes milliseconds, and the event loop has other callers. Its code is loaded with the first
credential that needs it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from credentials.errors import CredentialError
from credentials.ports import PrivateKey
from credentials.vc.issue import issue_jwt_credential
from node.issuing.errors import InvalidRequestError
from node.issuing.request import IssueRequest
from node.keys.signing import sign_with


async def write_credential(
    asked: IssueRequest, key: PrivateKey, *, credential_id: str, status: Mapping[str, str] | None, now: datetime
) -> str | Mapping[str, Any]:
    """Sign what is asked.

    Args:
        asked: checked.
        key: of its issuer.
        credential_id: ``<issuer>#<uuid>``.
        status: its ``credentialStatus``.
        now: aware UTC.

    Raises:
        InvalidRequestError: JSON-LD uses a term that none of its contexts defines, so that no proof would cover it.
    """
    members: dict[str, Any] = {
        "issuer": asked.issuer,
        "subject_id": asked.holder,
        "types": (asked.type,),
        "subject": asked.subject,
        "credential_id": credential_id,
        "now": now,
        "expires_at": asked.expires_at,
        "contexts": asked.contexts,
        "statuses": () if status is None else (status,),
    }
    try:
        if asked.format == "jwt_vc":
            return await sign_with(key, lambda signer: issue_jwt_credential(key=signer, **members))
        from credentials.vc.issue import issue_ldp_credential  # PyLD comes with it

        document: Mapping[str, Any] = await asyncio.to_thread(issue_ldp_credential, key=key, **members)
    except (CredentialError, ValueError) as error:
        raise InvalidRequestError(str(error)) from error
    return document
