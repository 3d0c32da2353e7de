"""What vendors put in front of a FHIR server beside a nuts-node: it asks the node about every token and proof, and passes on.

A nuts-node has no enforcement point of its own. This one does what the examples of nuts-node do and no more: introspection, the
check of the DPoP proof with the address as the proxy sees it, and the scope.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from node.ports import HttpRequest
from node.web.client import Client
from tests.interop.authority import HOST, TlsFiles
from tests.interop.vendor import Vendor

PATH = "/fhir"


@asynccontextmanager
async def run_resource_proxy(
    port: int, tls: TlsFiles, *, vendor: Vendor, records: str, client: Client, scope: str
) -> AsyncIterator[str]:
    """Serve the FHIR base over TLS and yield its URL; leaving the block ends it."""
    base = f"https://{HOST}:{port}{PATH}"

    async def serve(request: web.Request) -> web.Response:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        # (1) a token of ours, for this scope
        said = await vendor.introspect(token)
        if not said.get("active") or said.get("scope") != scope:
            return web.Response(status=401)
        # (2) and, where it is bound to a key, a proof for exactly this request
        if "cnf" in said:
            address = f"{base}/{request.match_info['rest']}"
            proof = request.headers.get("DPoP", "")
            valid, _ = await vendor.check_proof(proof, request.method, address, token, said["cnf"]["jkt"])
            if kind != "DPoP" or not valid:
                return web.Response(status=401)
        query = f"?{request.query_string}" if request.query_string else ""
        headers = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        answer = await client.send(
            HttpRequest(
                method=request.method,
                url=f"{records}/{request.match_info['rest']}{query}",
                headers=headers,
                body=await request.read() or None,
                max_bytes=8 * 1024 * 1024,
            )
        )
        body = answer.body.replace(records.encode(), base.encode())  # the server speaks of itself by its inner name
        media_type = answer.headers.get("content-type", "application/fhir+json")
        return web.Response(status=answer.status, body=body, headers={"Content-Type": media_type})

    app = web.Application()
    app.router.add_route("*", PATH + "/{rest:.+}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield base
    finally:
        await runner.cleanup()
