"""Handlers for one resource at a time: read and write; and the CapabilityStatement."""

import asyncio
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web

from examples.region.data.elements import Json
from examples.region.ehr.capability import capability_statement
from examples.region.ehr.messages import (
    base_of,
    etag,
    existing,
    fhir_answer,
    json_object,
    stored_answer,
    type_of,
    version_of,
)
from examples.region.ehr.outcome import FhirError, invalid, not_found
from examples.region.ehr.system import SYSTEM


async def get_metadata(request: web.Request) -> web.Response:
    """``GET [base]/metadata``: what this server can do; needs no token."""
    system = request.app[SYSTEM]
    return fhir_answer(capability_statement(system.organisation, version_of(request), base=base_of(request)))


async def get_read(request: web.Request) -> web.Response:
    """``GET [base]/[type]/[id]``."""
    stored = existing(request, type_of(request), request.match_info["id"])
    if request.headers.get("If-None-Match") == etag(stored):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag(stored)})
    return stored_answer(stored)


async def get_version(request: web.Request) -> web.Response:
    """``GET [base]/[type]/[id]/_history/[version]``: only the current version is kept."""
    stored = existing(request, type_of(request), request.match_info["id"])
    if request.match_info["version"] != str(stored.version):
        raise not_found(f"Version {request.match_info['version']} of {stored.type}/{stored.id} is not known")
    return stored_answer(stored)


async def post_create(request: web.Request) -> web.Response:
    """``POST [base]/[type]``: the id is ours."""
    resource = await _sent_resource(request)
    return await _written(request, {**resource, "id": str(uuid4())}, HTTPStatus.CREATED)


async def put_update(request: web.Request) -> web.Response:
    """``PUT [base]/[type]/[id]``: creates it when it is not there; a stale ``If-Match`` is a 409, as real servers say."""
    resource = await _sent_resource(request)
    if resource.get("id") != request.match_info["id"]:
        raise invalid("the id of the resource is not the one in the URL")
    known = request.app[SYSTEM].records.read(version_of(request), type_of(request), request.match_info["id"])
    if "If-Match" in request.headers and (known is None or request.headers["If-Match"] != etag(known)):
        raise FhirError(HTTPStatus.CONFLICT, "conflict", "this is not the current version")
    new = known is None or known.deleted
    return await _written(request, resource, HTTPStatus.CREATED if new else HTTPStatus.OK)


async def delete(request: web.Request) -> web.Response:
    """``DELETE [base]/[type]/[id]``."""
    stored = existing(request, type_of(request), request.match_info["id"])
    request.app[SYSTEM].records.delete(stored, version_of(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _sent_resource(request: web.Request) -> Json:
    try:
        resource = json_object(await request.read())
    except ValueError as error:
        raise invalid(str(error)) from error
    if resource.get("resourceType") != type_of(request):
        raise invalid("the type of the resource is not the one in the URL")
    return resource


async def _written(request: web.Request, resource: Json, status: HTTPStatus) -> web.Response:
    from examples.region.ehr.validation import InvalidDataError, check  # late: most record systems are only read

    system, version = request.app[SYSTEM], version_of(request)
    try:
        await asyncio.to_thread(check, resource, version)
    except InvalidDataError as error:
        raise FhirError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)) from error
    stored = system.records.put(version, resource, now=system.now())
    response = stored_answer(stored, status)
    response.headers["Location"] = f"{base_of(request)}/{stored.type}/{stored.id}/_history/{stored.version}"
    return response
