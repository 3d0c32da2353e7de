"""Our own status lists without the way around: a node that verifies what it issued need not reach itself through its own proxy."""

from http import HTTPStatus
from urllib.parse import unquote

from node.identity.path_ids import id_in_path
from node.issuing.errors import ListUnavailableError, UnknownListError
from node.issuing.status_lists import IssuedLists
from node.ports import HttpClient, HttpRequest, HttpResponse


class OwnListsFirst:
    """An `HttpClient` that answers for our own status lists itself and hands every other request on.

    Args:
        peers: reaches everybody else.
        lists: ours.
        public_url: where the world reaches this node, without a trailing slash.
    """

    def __init__(self, peers: HttpClient, lists: IssuedLists, public_url: str) -> None:
        self._peers = peers
        self._lists = lists
        self._prefix = f"{public_url.rstrip('/')}/statuslist/"

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request``, or answer it.

        Raises:
            PeerError: no whole answer of somebody else.
        """
        did, separator, page = request.url.removeprefix(self._prefix).rpartition("/")
        if request.method != "GET" or not request.url.startswith(self._prefix) or not separator or not page.isdecimal():
            return await self._peers.send(request)
        try:
            found = await self._lists.published(id_in_path(unquote(did)), int(page[:9]))
        except UnknownListError:
            return HttpResponse(status=HTTPStatus.NOT_FOUND, headers={}, body=b"")
        except ListUnavailableError:
            return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={}, body=b"")
        headers = {"content-type": found.content_type, "cache-control": "max-age=0", "etag": found.etag}
        return HttpResponse(status=HTTPStatus.OK, headers=headers, body=found.body.encode())
