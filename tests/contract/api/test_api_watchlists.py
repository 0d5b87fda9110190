"""Watchlists over HTTP, and what all versioned resources keep to: ETags, If-Match, merge patches, cursors, tenants."""

import re
from collections.abc import Callable

import pytest
from fakes.automation import HOOK, a_schedule, a_watchlist, an_endpoint, new_key
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.contract import operations_of
from api.preconditions import MERGE_PATCH
from api.routes import RESOURCES
from crew.settings import Settings

Make = Callable[[FlaskClient], str]
MAKERS: dict[str, Make] = {
    "watchlists": a_watchlist,
    "schedules": lambda client: str(a_schedule(client).get_json()["id"]),
    "webhook-endpoints": lambda client: str(an_endpoint(client).get_json()["id"]),
}
CHANGES: dict[str, dict[str, object]] = {
    "watchlists": {"name": "renamed"},
    "schedules": {"overlap": "queue"},
    "webhook-endpoints": {"description": "renamed"},
}


@pytest.fixture
def production(settings: Settings, jobs: FakeJobs) -> Flask:
    """The application where a key is required."""
    changed = {"env": "production", "secret_key": "x" * 32, "requests_per_minute": 5000, "data_dir": settings.data_dir}
    return create_app(Settings.model_validate(changed), jobs=jobs)


def test_a_watchlist_is_kept_as_given(client: FlaskClient) -> None:
    """Symbols are normalised, each kept once in the order given, and the answer says where the list is."""
    made = client.post("/v1/watchlists", json={"name": " Big  tech ", "symbols": ["msft", "AAPL", "MSFT", "petr4.sa"]})
    body = made.get_json()

    assert made.status_code == 201
    assert made.headers["Location"] == f"/v1/watchlists/{body['id']}"
    assert (body["name"], body["symbols"]) == ("Big  tech", ["MSFT", "AAPL", "PETR4.SA"])
    assert client.get(made.headers["Location"]).get_json() == body
    assert re.fullmatch(r"wl_[a-z2-7]{26}", body["id"])
    assert "tenant" not in body


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/name"),
        ({"name": "", "symbols": ["AAPL"]}, "#/name"),
        ({"name": " ", "symbols": ["AAPL"]}, "#/name"),
        ({"name": "x" * 101, "symbols": ["AAPL"]}, "#/name"),
        ({"name": "a\nb", "symbols": ["AAPL"]}, "#/name"),
        ({"name": "a\x00", "symbols": ["AAPL"]}, "#/name"),
        ({"name": "a", "symbols": []}, "#/symbols"),
        ({"name": "a", "symbols": ["AAPL"] * 101}, "#/symbols"),
        ({"name": "a", "symbols": ["AAPL", "../x"]}, "#/symbols/1"),
        ({"name": "a", "symbols": "AAPL"}, "#/symbols"),
        ({"name": "a", "symbols": ["AAPL"], "more": 1}, "#/more"),
    ],
)
def test_wrong_watchlists_are_named_by_pointer(client: FlaskClient, body: object, pointer: str) -> None:
    """Missing names, control characters, bad or too many symbols and unknown fields are 422 at their place."""
    response = client.post("/v1/watchlists", json=body)

    assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_watchlist_that_a_schedule_uses_stays(client: FlaskClient) -> None:
    """Deleting it is 409 until the schedule is gone."""
    schedule = a_schedule(client)
    path = f"/v1/watchlists/{schedule.get_json()['watchlist_id']}"
    refused = client.delete(path, headers={"If-Match": "*"})
    client.delete(schedule.headers["Location"], headers={"If-Match": "*"})
    done = client.delete(path, headers={"If-Match": "*"})

    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert done.status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("kind", MAKERS)
def test_a_change_needs_the_version_it_is_made_to(client: FlaskClient, kind: str) -> None:
    """Without If-Match a change is 428, with a stale, weak or foreign tag 412, with the present one it is made and gives a new tag."""
    path = f"/v1/{kind}/{MAKERS[kind](client)}"
    tag = client.get(path).headers["ETag"]
    foreign = client.get(f"/v1/{kind}/{MAKERS[kind](client)}").headers["ETag"]
    missing = [client.patch(path, json=CHANGES[kind]), client.delete(path), client.delete(path, headers={"If-Match": ""})]
    wrong = [client.patch(path, json=CHANGES[kind], headers={"If-Match": sent}) for sent in (f"W/{tag}", foreign, '"x"', "nonsense")]
    changed = client.patch(path, json=CHANGES[kind], headers={"If-Match": f'"x", {tag}'})
    stale = [client.patch(path, json=CHANGES[kind], headers={"If-Match": tag}), client.delete(path, headers={"If-Match": tag})]

    assert [(item.status_code, item.get_json()["code"]) for item in missing] == [(428, "precondition_required")] * 3
    assert [(item.status_code, item.get_json()["code"]) for item in wrong + stale] == [(412, "precondition_failed")] * 6
    assert changed.status_code == 200
    assert CHANGES[kind].items() <= changed.get_json().items()
    assert changed.headers["ETag"] == client.get(path).headers["ETag"] != tag
    assert client.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert client.get(path).status_code == client.delete(path, headers={"If-Match": "*"}).status_code == 404


@pytest.mark.parametrize("kind", MAKERS)
def test_what_has_not_changed_is_304(client: FlaskClient, kind: str) -> None:
    """A read with the tag of the present version is answered without a body."""
    path = f"/v1/{kind}/{MAKERS[kind](client)}"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert not first.headers["ETag"].startswith("W/")
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_merge_patch_changes_what_it_names(client: FlaskClient, kind: str) -> None:
    """Both media types are taken; an empty patch changes no value; null, an unknown field and another media type are refused."""
    path = f"/v1/{kind}/{MAKERS[kind](client)}"
    before = client.get(path).get_json()
    name = next(iter(CHANGES[kind]))

    def patch(content: bytes, media_type: str = MERGE_PATCH) -> int:
        return client.patch(path, data=content, content_type=media_type, headers={"If-Match": "*"}).status_code

    assert [patch(b"{}"), patch(b"{}", "application/json")] == [200, 200]
    after = client.get(path).get_json()
    assert {key: value for key, value in after.items() if key != "updated_at"} == {key: value for key, value in before.items() if key != "updated_at"}
    assert [patch(f'{{"{name}": null}}'.encode()), patch(b'{"nope": 1}'), patch(b"[]"), patch(b"{"), patch(b"{}", "text/plain")] == [
        422,
        422,
        422,
        400,
        415,
    ]


@pytest.mark.parametrize("kind", MAKERS)
def test_lists_page_once_through(client: FlaskClient, kind: str) -> None:
    """Cursor and Link lead through everything, newest first, and a cursor of another list is refused."""
    made = [MAKERS[kind](client) for _ in range(5)]
    seen: list[str] = []
    url: str | None = f"/v1/{kind}?limit=2"
    cursor = ""
    while url:
        page = client.get(url)
        seen += [item["id"] for item in page.get_json()["data"]]
        cursor = page.get_json()["next_cursor"] or cursor
        url = page.headers["Link"].split(";")[0].strip("<>") if "Link" in page.headers else None
    others = [other for other in MAKERS if other != kind]

    assert seen == sorted(made, reverse=True)
    assert [client.get(f"/v1/{other}?cursor={cursor}").status_code for other in others] == [422, 422]


def test_posts_of_watchlists_and_schedules_are_idempotent(client: FlaskClient) -> None:
    """The same post under the same Idempotency-Key makes one thing."""
    keyed = {"Idempotency-Key": "k-1"}
    first, again = (client.post("/v1/watchlists", json={"name": "a", "symbols": ["AAPL"]}, headers=keyed) for _ in range(2))
    body = {"watchlist_id": first.get_json()["id"], "cron": "0 9 * * *"}
    one, two = (client.post("/v1/schedules", json=body, headers={"Idempotency-Key": "k-2"}) for _ in range(2))

    assert first.get_json() == again.get_json()
    assert one.get_json()["id"] == two.get_json()["id"]
    assert again.headers["Idempotent-Replayed"] == two.headers["Idempotent-Replayed"] == "true"
    assert len(client.get("/v1/watchlists").get_json()["data"]) == len(client.get("/v1/schedules").get_json()["data"]) == 1


def test_no_tenant_sees_anothers(production: Flask) -> None:
    """Every route under a watchlist, schedule, run, endpoint or delivery is 404 with another tenant's key, and the lists are empty."""
    client = production.test_client()
    mine, theirs = new_key(production, "acme", "admin"), new_key(production, "globex", "admin")
    ids = {"watchlist_id": a_watchlist(client, **mine)}
    schedule = {"watchlist_id": ids["watchlist_id"], "cron": "0 9 * * *"}
    ids["schedule_id"] = client.post("/v1/schedules", json=schedule, headers=mine).get_json()["id"]
    ids["run_id"] = client.post(f"/v1/schedules/{ids['schedule_id']}/run", headers=mine).get_json()["id"]
    ids["endpoint_id"] = client.post("/v1/webhook-endpoints", json={"url": HOOK}, headers=mine).get_json()["id"]
    ids["delivery_id"] = client.post(f"/v1/webhook-endpoints/{ids['endpoint_id']}/test", headers=mine).get_json()["id"]
    walked = [operation for operation in operations_of(RESOURCES) if re.findall(r"<(\w+)>", operation.path) in [[name] for name in ids]]

    for operation in walked:
        path = re.sub(r"<(\w+)>", lambda found: ids[found.group(1)], operation.path)
        bodies: dict[str, object] = {"json": {}} if operation.body is not None else {}
        answer = client.open(path, method=operation.method, headers={**theirs, "If-Match": "*"}, **bodies)
        assert answer.status_code == 404, operation.id
    assert len(walked) >= 17
    for path in ("/v1/watchlists", "/v1/schedules", "/v1/webhook-endpoints", "/v1/webhook-deliveries"):
        assert client.get(path, headers=theirs).get_json()["data"] == []
        assert len(client.get(path, headers=mine).get_json()["data"]) == 1
    assert client.post("/v1/schedules", json=schedule, headers=theirs).status_code == 404


def test_scopes(production: Flask) -> None:
    """Reading takes `read`, watchlists and schedules `run`, webhooks `admin`."""
    client = production.test_client()
    reader, runner = new_key(production, "acme", "read"), new_key(production, "acme", "run")
    lists = ("/v1/watchlists", "/v1/schedules", "/v1/webhook-endpoints")

    assert [client.get(path, headers=reader).status_code for path in lists] == [200, 200, 200]
    assert [client.post(path, json={}, headers=reader).status_code for path in lists] == [403, 403, 403]
    assert [client.post(path, json={}, headers=runner).status_code for path in lists] == [422, 422, 403]


@pytest.mark.parametrize(
    "path",
    [
        "watchlists/wl_",
        "watchlists/sc_" + "a" * 26,
        "schedules/nope",
        "webhook-endpoints/we_" + "A" * 26,
        "webhook-deliveries/x",
        "schedule-runs/%00",
    ],
)
def test_what_is_no_id_is_not_found(client: FlaskClient, path: str) -> None:
    """Impossible ids are 404."""
    assert client.get(f"/v1/{path}").status_code == 404
