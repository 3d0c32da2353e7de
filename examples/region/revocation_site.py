"""The website of the region's certificate authority: two revocation lists over plain http, as such authorities publish them.

Every node asks it before it believes an organisation's certificate; when it is away and the last list has ended, nobody is believed.
Lists are read from their files for every answer, so that :func:`examples.region.certificates.publish_revocations` counts at once
for whoever asks, and within :data:`MAX_AGE` seconds for the nodes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from examples.region.certificates import RegionCertificates

HOST = "crl.localhost"
MAX_AGE = 5


@asynccontextmanager
async def open_revocation_site(certificates: RegionCertificates, port: int) -> AsyncIterator[None]:
    """Publish the lists on ``port`` of this machine until the block is left."""
    files = {file.name: file for file in (certificates.uzi_root_list, certificates.uzi_issuing_list)}

    async def get_list(request: web.Request) -> web.Response:
        file = files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return web.Response(
            body=file.read_bytes(),
            content_type="application/pkix-crl",
            headers={"Cache-Control": f"max-age={MAX_AGE}"},
        )

    app = web.Application()
    app.router.add_get("/{name}", get_list)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def site_address(port: int) -> str:
    """Where the lists are."""
    return f"http://{HOST}:{port}"
