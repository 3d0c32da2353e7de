"""``hazel init DIR …``: make a node."""

import argparse
import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from node.cli.output import DONE, CommandError, say
from node.config.template import Chosen
from node.founding import Certificate, FoundingError, found_node
from node.keys.errors import VaultError
from node.world import SystemClock, SystemEntropy


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.add_argument("directory", type=Path, help="a new directory for the node")
    organisation = parser.add_argument_group("the organisation")
    organisation.add_argument("--name", required=True, help="its name, as in its certificate")
    organisation.add_argument("--city", required=True)
    organisation.add_argument("--ura", required=True, help="URA number, eight digits")
    organisation.add_argument("--subject", help="short name used in addresses (default: made from the host name)")
    organisation.add_argument(
        "--facility-type", default="X", help="Vektis code: Z3 GP, T2 home care, V6 hospital, G5, J8"
    )
    organisation.add_argument("--certificate", type=Path, help="UZI certificate, PEM, leaf first, complete")
    organisation.add_argument("--certificate-key", type=Path, help="its key, PEM")
    network = parser.add_argument_group("the network")
    network.add_argument("--url", required=True, help="public base URL, https://…; identifiers are made of it")
    network.add_argument("--listen", help="public address to listen on (default: 0.0.0.0 and the port of --url)")
    network.add_argument("--internal", default="127.0.0.1:8081", help="internal address to listen on")
    network.add_argument("--tls-certificate", type=Path, help="server certificate, PEM, leaf first; copied")
    network.add_argument("--tls-key", type=Path, help="its key, PEM; copied")
    network.add_argument("--ca", type=Path, help="PEM file with TLS authorities trusted beside the system's; copied")
    network.add_argument(
        "--trust-uzi", action="append", default=[], help="SHA-256 (base64url) of a root that vouches for organisations"
    )
    network.add_argument("--unsafe-loopback-peers", action="store_true", help="development: peers on this machine")
    keys = parser.add_argument_group("its keys")
    keys.add_argument("--pkcs11-module", type=Path, help="keep signing keys in a PKCS #11 token: the device's library")
    keys.add_argument("--pkcs11-token", help="label of the token")
    keys.add_argument("--pkcs11-pin-file", type=Path, help="file with the PIN of its user; copied")
    keys.add_argument("--unsafe-plain-keys", action="store_true", help="development: keys in files, unencrypted")
    use = parser.add_argument_group("what it does")
    use.add_argument("--fhir-r4", help="our FHIR R4 server")
    use.add_argument("--fhir-stu3", help="our FHIR STU3 server")
    use.add_argument("--usecase", action="append", default=[], help="use case to take part in; repeatable")
    use.add_argument(
        "--definition", type=Path, action="append", default=[], help="discovery definition file; copied, repeatable"
    )
    use.add_argument("--join", action="append", default=[], help="discovery service to register at; repeatable")
    use.add_argument("--host", action="append", default=[], help="discovery service to host; repeatable")
    use.add_argument("--refresh-ms", type=int, help="how often discovery services are asked for news")
    use.add_argument("--cli-user", metavar="ID:ROLE:NAME", help="for whom hazel ask asks")


def _run(arguments: argparse.Namespace) -> int:
    files: dict[str, bytes] = {}
    public: dict[str, str] = {"address": arguments.listen or f"0.0.0.0:{urlsplit(arguments.url).port or 443}"}
    if (arguments.tls_certificate is None) != (arguments.tls_key is None):
        raise CommandError("--tls-certificate and --tls-key go together", code=2)
    if (arguments.certificate is None) != (arguments.certificate_key is None):
        raise CommandError("--certificate and --certificate-key go together", code=2)
    if arguments.tls_certificate is not None:
        files |= {"tls.pem": _read(arguments.tls_certificate), "tls.key": _read(arguments.tls_key)}
        public |= {"tls_certificate": "tls.pem", "tls_key": "tls.key"}
    token = (arguments.pkcs11_module, arguments.pkcs11_token, arguments.pkcs11_pin_file)
    if any(token) and not all(token):
        raise CommandError("--pkcs11-module, --pkcs11-token and --pkcs11-pin-file go together", code=2)
    pkcs11: dict[str, str] = {}
    if all(token):
        files["pkcs11.pin"] = _read(arguments.pkcs11_pin_file)
        module = str(arguments.pkcs11_module.absolute())
        pkcs11 = {"module": module, "token": arguments.pkcs11_token, "pin_file": "pkcs11.pin"}
    if arguments.ca is not None:
        files["ca.pem"] = _read(arguments.ca)
    chosen = Chosen(
        organisation={
            "name": arguments.name,
            "city": arguments.city,
            "ura": arguments.ura,
            "subject": arguments.subject or (urlsplit(arguments.url).hostname or "organisation").split(".")[0],
            "facility_type": arguments.facility_type,
        },
        url=arguments.url,
        public=public,
        internal=arguments.internal,
        fhir={
            version: url
            for version, url in (("r4", arguments.fhir_r4), ("stu3", arguments.fhir_stu3))
            if url is not None
        },
        usecases=arguments.usecase,
        join=arguments.join,
        host=arguments.host,
        ca_file="ca.pem" if arguments.ca is not None else None,
        uzi=arguments.trust_uzi,
        refresh_ms=arguments.refresh_ms,
        cli_user=_cli_user(arguments.cli_user),
        loopback=arguments.unsafe_loopback_peers,
        pkcs11=pkcs11,
        plain_keys=arguments.unsafe_plain_keys,
    )
    certificate = None
    if arguments.certificate is not None:
        certificate = Certificate(chain=_read(arguments.certificate), key=_read(arguments.certificate_key))
    try:
        founded = asyncio.run(
            found_node(
                arguments.directory,
                chosen,
                clock=SystemClock(),
                entropy=SystemEntropy(),
                certificate=certificate,
                files=files,
                definitions=arguments.definition,
            )
        )
    except FoundingError as error:
        raise CommandError(str(error), error.remedy) from error
    except VaultError as error:
        raise CommandError(str(error), error.remedy) from error
    except OSError as error:
        raise CommandError(f"{error.filename or arguments.directory}: {error.strerror}") from error
    say(f"made a node in {arguments.directory}")
    say(f"  identity    {founded.did}")
    say(f"  credential  {founded.credential_id or 'none: give --certificate to prove who you are'}")
    say(f"  API key     {founded.api_key}")
    say(f"run it with: hazel serve --config {founded.config}")
    return DONE


def _cli_user(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    identifier, _, rest = text.partition(":")
    role, _, name = rest.partition(":")
    if not (identifier and role and name):
        raise CommandError("--cli-user wants ID:ROLE:NAME", code=2)
    return {"identifier": identifier, "name": name, "role": role}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
