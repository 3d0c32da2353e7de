"""PyLD costs time and memory, so it is loaded with the first JSON-LD document, and not before."""

import subprocess
import sys

PROGRAM = """
import sys
import credentials.vc.verify, credentials.vc.issue, credentials.vc.present, credentials.status.verify, node.app
from credentials.jsonld.canonical import canonical_nquads
print("pyld" in sys.modules, "lxml" in sys.modules)
canonical_nquads({"@context": "https://www.w3.org/2018/credentials/v1", "id": "urn:x:1", "type": "VerifiableCredential"})
print("pyld" in sys.modules)
"""


def test_a_node_that_sees_no_json_ld_does_without_its_processor() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True).stdout
    assert said.splitlines() == ["False False", "True"]
