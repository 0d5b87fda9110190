"""Schedules: recurring analyses of a watchlist, and their runs."""

from flask import Response, g

from api.contract import JSON, Answer, Resource
from api.ids import checked_id
from api.paging import linked, read_page
from api.preconditions import MERGE_PATCH, required_version, versioned
from api.present import json_answer
from api.schemas.fields import IfMatchHeaders, KeyedHeaders, ListQuery
from api.schemas.schedules import ChangeSchedule, CreateSchedule, RunBody, RunPage, ScheduleBody, SchedulePage
from api.services import services
from crew.domain.cron import next_runs
from crew.domain.schedules import Schedule, ScheduleRun

resource = Resource("schedules", "Recurring analyses of a watchlist, by cron in a time zone. A worker starts one analysis per symbol at each run.")

_TAGGED = {"ETag": "Of this version; send it in `If-Match` to change it"}


@resource.operation(
    "POST",
    "/v1/schedules",
    scope="run",
    body=CreateSchedule,
    body_example={"watchlist_id": "wl_aghk4lnbpj7rhfabk5gvk43pku", "cron": "30 6 * * MON-FRI", "timezone": "America/New_York"},
    headers=KeyedHeaders,
    answers={201: Answer("The schedule", ScheduleBody, headers={"Location": "The schedule"} | _TAGGED)},
    problems=("not_found", "conflict", "idempotency_in_flight", "idempotency_key_reused"),
)
def create_schedule(body: CreateSchedule, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Make a schedule.

    A time of day that a change of the clock leaves out runs right after the gap, one that it repeats runs once. Moments missed while no
    worker ran give one run together.
    """
    made = services().automation.schedules.create(tenant=g.principal.tenant, created_by=g.principal.key_id, **body.model_dump())
    return versioned(json_answer(_body(made), 201, Location=f"/v1/schedules/{made.id}"), made.id, made.version)


@resource.operation(
    "GET",
    "/v1/schedules",
    scope="read",
    query=ListQuery,
    answers={200: Answer("One page, newest first", SchedulePage, headers={"Link": "The next page, when there is one"})},
)
def list_schedules(query: ListQuery) -> Response:
    """List schedules, newest first."""
    store, tenant = services().automation.schedules, g.principal.tenant
    page, cursor = read_page(query, lambda limit, before: store.list(tenant=tenant, limit=limit, before=before), filters={"of": "schedules"})
    return linked(json_answer(SchedulePage(data=[_body(item) for item in page], next_cursor=cursor)), "/v1/schedules", query, cursor)


@resource.operation(
    "GET",
    "/v1/schedules/<schedule_id>",
    scope="read",
    answers={200: Answer("The schedule", ScheduleBody, headers=_TAGGED), 304: Answer("It has not changed since `If-None-Match`")},
)
def get_schedule(schedule_id: str) -> Response:
    """Read a schedule with its next three runs."""
    found = _found(schedule_id)
    return versioned(json_answer(_body(found)), found.id, found.version)


@resource.operation(
    "PATCH",
    "/v1/schedules/<schedule_id>",
    scope="run",
    body=ChangeSchedule,
    body_types=(MERGE_PATCH, JSON),
    body_example={"paused": True},
    headers=IfMatchHeaders,
    answers={200: Answer("The schedule as it is now", ScheduleBody, headers=_TAGGED)},
    problems=("precondition_failed", "precondition_required"),
)
def change_schedule(schedule_id: str, body: ChangeSchedule, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Change a schedule by a merge patch. What was missed while it was paused is not made up for."""
    found = _found(schedule_id)
    version = required_version(found.id, found.version)
    changes = body.model_dump(exclude_unset=True)
    changed = services().automation.schedules.change(found.id, tenant=found.tenant, version=version, changes=changes)
    return versioned(json_answer(_body(changed)), changed.id, changed.version)


@resource.operation(
    "DELETE",
    "/v1/schedules/<schedule_id>",
    scope="run",
    headers=IfMatchHeaders,
    answers={204: Answer("It is deleted")},
    problems=("precondition_failed", "precondition_required"),
)
def delete_schedule(schedule_id: str, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Delete a schedule with the record of its runs. Analyses that it started go on."""
    found = _found(schedule_id)
    version = required_version(found.id, found.version)
    services().automation.schedules.delete(found.id, tenant=found.tenant, version=version)
    return Response(status=204)


@resource.operation(
    "POST",
    "/v1/schedules/<schedule_id>/run",
    scope="run",
    headers=KeyedHeaders,
    answers={202: Answer("The run, which a worker starts", RunBody, headers={"Location": "The run"})},
    problems=("conflict", "idempotency_in_flight", "idempotency_key_reused"),
)
def run_schedule(schedule_id: str, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Run a schedule now, paused or not, under its overlap policy."""
    found = _found(schedule_id)
    run_id = services().automation.schedules.run_now(found.id, tenant=found.tenant)
    run = services().automation.runs.get(run_id, tenant=found.tenant)
    return json_answer(_run_body(run), 202, Location=f"/v1/schedule-runs/{run.id}")


@resource.operation(
    "GET",
    "/v1/schedules/<schedule_id>/runs",
    scope="read",
    query=ListQuery,
    answers={200: Answer("One page, newest first", RunPage, headers={"Link": "The next page, when there is one"})},
)
def list_schedule_runs(schedule_id: str, query: ListQuery) -> Response:
    """List the runs of a schedule, those that were skipped included, newest first."""
    found, store = _found(schedule_id), services().automation.runs
    page, cursor = read_page(
        query,
        lambda limit, before: store.list(tenant=found.tenant, schedule_id=found.id, limit=limit, before=before),
        filters={"of": "runs", "schedule": found.id},
    )
    return linked(json_answer(RunPage(data=[_run_body(run) for run in page], next_cursor=cursor)), f"/v1/schedules/{found.id}/runs", query, cursor)


@resource.operation("GET", "/v1/schedule-runs/<run_id>", scope="read", answers={200: Answer("The run", RunBody)})
def get_schedule_run(run_id: str) -> Response:
    """Read a run with the analysis of each symbol."""
    return json_answer(_run_body(services().automation.runs.get(checked_id("sr", run_id, "run"), tenant=g.principal.tenant)))


def _found(id: str) -> Schedule:
    return services().automation.schedules.get(checked_id("sc", id, "schedule"), tenant=g.principal.tenant)


def _body(schedule: Schedule) -> ScheduleBody:
    now = services().clock()
    following = [] if schedule.paused else list(next_runs(schedule.cron, schedule.timezone, after=now, count=3))
    return ScheduleBody.model_validate(schedule.model_dump(exclude={"tenant", "version", "created_by", "next_run_at"}) | {"next_runs": following})


def _run_body(run: ScheduleRun) -> RunBody:
    return RunBody.model_validate(run.model_dump(exclude={"tenant"}) | {"items": [item.model_dump() for item in run.items]})
