"""The policy file of the measured nodes: a scope for which one NutsUraCredential is asked."""

from collections.abc import Mapping
from typing import Any

SCOPE = "bench"
_FIELDS = ("ura", "name", "city")
POLICY: Mapping[str, Any] = {
    SCOPE: {
        "organization": {
            "id": "bench",
            "format": {
                "jwt_vc": {"alg": ["ES256"]},
                "jwt_vp": {"alg": ["ES256"]},
                "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
                "ldp_vp": {"proof_type": ["JsonWebSignature2020"]},
            },
            "input_descriptors": [
                {
                    "id": "organization",
                    "constraints": {
                        "fields": [
                            {"path": ["$.type"], "filter": {"type": "string", "const": "NutsUraCredential"}},
                            *(
                                {
                                    "id": f"organization_{name}",
                                    "path": [
                                        f"$.credentialSubject[0].organization.{name}",
                                        f"$.credentialSubject.organization.{name}",
                                    ],
                                    "filter": {"type": "string"},
                                }
                                for name in _FIELDS
                            ),
                        ]
                    },
                }
            ],
        }
    }
}
