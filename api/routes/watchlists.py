"""Watchlists: named sets of symbols."""

from flask import Response, g

from api.contract import JSON, Answer, Resource
from api.ids import checked_id
from api.paging import linked, read_page
from api.preconditions import MERGE_PATCH, required_version, versioned
from api.present import json_answer
from api.schemas.fields import IfMatchHeaders, KeyedHeaders, ListQuery
from api.schemas.watchlists import ChangeWatchlist, CreateWatchlist, WatchlistBody, WatchlistPage
from api.services import services
from crew.domain.schedules import Watchlist

resource = Resource("watchlists", "Named sets of symbols, which schedules analyse.")

_TAGGED = {"ETag": "Of this version; send it in `If-Match` to change it"}


@resource.operation(
    "POST",
    "/v1/watchlists",
    scope="run",
    body=CreateWatchlist,
    body_example={"name": "big tech", "symbols": ["AAPL", "MSFT"]},
    headers=KeyedHeaders,
    answers={201: Answer("The watchlist", WatchlistBody, headers={"Location": "The watchlist"} | _TAGGED)},
    problems=("conflict", "idempotency_in_flight", "idempotency_key_reused"),
)
def create_watchlist(body: CreateWatchlist, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Make a watchlist."""
    made = services().automation.watchlists.create(tenant=g.principal.tenant, name=body.name, symbols=body.symbols)
    return versioned(json_answer(_body(made), 201, Location=f"/v1/watchlists/{made.id}"), made.id, made.version)


@resource.operation(
    "GET",
    "/v1/watchlists",
    scope="read",
    query=ListQuery,
    answers={200: Answer("One page, newest first", WatchlistPage, headers={"Link": "The next page, when there is one"})},
)
def list_watchlists(query: ListQuery) -> Response:
    """List watchlists, newest first."""
    store, tenant = services().automation.watchlists, g.principal.tenant
    page, cursor = read_page(query, lambda limit, before: store.list(tenant=tenant, limit=limit, before=before), filters={"of": "watchlists"})
    return linked(json_answer(WatchlistPage(data=[_body(item) for item in page], next_cursor=cursor)), "/v1/watchlists", query, cursor)


@resource.operation(
    "GET",
    "/v1/watchlists/<watchlist_id>",
    scope="read",
    answers={200: Answer("The watchlist", WatchlistBody, headers=_TAGGED), 304: Answer("It has not changed since `If-None-Match`")},
)
def get_watchlist(watchlist_id: str) -> Response:
    """Read a watchlist."""
    found = _found(watchlist_id)
    return versioned(json_answer(_body(found)), found.id, found.version)


@resource.operation(
    "PATCH",
    "/v1/watchlists/<watchlist_id>",
    scope="run",
    body=ChangeWatchlist,
    body_types=(MERGE_PATCH, JSON),
    body_example={"symbols": ["AAPL", "MSFT", "NVDA"]},
    headers=IfMatchHeaders,
    answers={200: Answer("The watchlist as it is now", WatchlistBody, headers=_TAGGED)},
    problems=("precondition_failed", "precondition_required"),
)
def change_watchlist(watchlist_id: str, body: ChangeWatchlist, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Change a watchlist by a merge patch. Runs that have begun keep the symbols they began with."""
    found = _found(watchlist_id)
    version = required_version(found.id, found.version)
    changes = body.model_dump(exclude_unset=True)
    changed = services().automation.watchlists.change(found.id, tenant=found.tenant, version=version, changes=changes)
    return versioned(json_answer(_body(changed)), changed.id, changed.version)


@resource.operation(
    "DELETE",
    "/v1/watchlists/<watchlist_id>",
    scope="run",
    headers=IfMatchHeaders,
    answers={204: Answer("It is deleted")},
    problems=("conflict", "precondition_failed", "precondition_required"),
)
def delete_watchlist(watchlist_id: str, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Delete a watchlist that no schedule uses."""
    found = _found(watchlist_id)
    version = required_version(found.id, found.version)
    services().automation.watchlists.delete(found.id, tenant=found.tenant, version=version)
    return Response(status=204)


def _found(id: str) -> Watchlist:
    return services().automation.watchlists.get(checked_id("wl", id, "watchlist"), tenant=g.principal.tenant)


def _body(watchlist: Watchlist) -> WatchlistBody:
    return WatchlistBody.model_validate(watchlist.model_dump(exclude={"tenant", "version"}) | {"symbols": list(watchlist.symbols)})
