"""Schedules over HTTP."""

from datetime import datetime

import pytest
from fakes.automation import a_schedule, a_watchlist
from flask.testing import FlaskClient


def test_a_schedule_says_when_it_runs_next(client: FlaskClient) -> None:
    """The body has the next three runs in UTC, by the clocks of the schedule's zone (the test's now is Thursday noon)."""
    made = a_schedule(client)
    body = made.get_json()

    assert made.status_code == 201
    assert made.headers["Location"] == f"/v1/schedules/{body['id']}"
    assert [datetime.fromisoformat(text).isoformat() for text in body["next_runs"]] == [
        "2026-03-13T10:30:00+00:00",
        "2026-03-16T10:30:00+00:00",
        "2026-03-17T10:30:00+00:00",
    ]
    assert (body["overlap"], body["paused"], body["timezone"]) == ("skip", False, "America/New_York")
    assert "tenant" not in body
    assert "created_by" not in body


def test_a_paused_schedule_runs_no_more(client: FlaskClient) -> None:
    """Paused, there are no next runs; going on, they are counted from now."""
    path = a_schedule(client).headers["Location"]
    paused = client.patch(path, json={"paused": True}, headers={"If-Match": "*"}).get_json()
    again = client.patch(path, json={"paused": False, "cron": "0 0 1 * *", "timezone": "UTC"}, headers={"If-Match": "*"}).get_json()

    assert (paused["paused"], paused["next_runs"]) == (True, [])
    assert again["next_runs"][0] == "2026-04-01T00:00:00Z"


def test_null_takes_the_model_back(client: FlaskClient) -> None:
    """A merge patch with null removes what may be absent."""
    path = a_schedule(client, model="rules", language="es").headers["Location"]
    before = client.get(path).get_json()
    after = client.patch(path, json={"model": None}, headers={"If-Match": "*"}).get_json()

    assert (before["model"], before["language"]) == ("rules", "es")
    assert (after["model"], after["language"]) == (None, "es")


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"cron": "every day"}, "#/cron"),
        ({"cron": "* * * * * *"}, "#/cron"),
        ({"cron": "0 0 30 2 *"}, "#/cron"),
        ({"cron": ""}, "#/cron"),
        ({"cron": 5}, "#/cron"),
        ({"timezone": "Mars/Olympus"}, "#/timezone"),
        ({"timezone": "../../etc/passwd"}, "#/timezone"),
        ({"timezone": "x" * 1000}, "#/timezone"),
        ({"overlap": "allow"}, "#/overlap"),
        ({"paused": "no"}, "#/paused"),
        ({"watchlist_id": "wl_x"}, "#/watchlist_id"),
        ({"model": "no spaces allowed"}, "#/model"),
        ({"more": 1}, "#/more"),
    ],
)
def test_wrong_schedules_are_named_by_pointer(client: FlaskClient, more: dict[str, object], pointer: str) -> None:
    """Expressions that are none or never fire, unknown zones and policies are 422 at their place, in a post and in a patch."""
    posted = a_schedule(client, **more)
    patched = client.patch(a_schedule(client).headers["Location"], json=more, headers={"If-Match": "*"})

    for response in (posted, patched):
        assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_watchlist_that_is_not_there_is_404(client: FlaskClient) -> None:
    """Neither a new schedule nor a changed one can use what is not there."""
    nobody = "wl_" + "a" * 26

    assert a_schedule(client, watchlist_id=nobody).status_code == 404
    path = a_schedule(client).headers["Location"]
    assert client.patch(path, json={"watchlist_id": nobody}, headers={"If-Match": "*"}).status_code == 404
    assert client.patch(path, json={"watchlist_id": a_watchlist(client)}, headers={"If-Match": "*"}).status_code == 200


def test_run_now_waits_for_a_worker_and_keeps_the_policy(client: FlaskClient) -> None:
    """A run by hand is accepted at once, paused or not; under `skip` a second is 409 while the first is under way."""
    path = a_schedule(client, paused=True).headers["Location"]
    first = client.post(f"{path}/run")
    second = client.post(f"{path}/run")
    run = client.get(first.headers["Location"]).get_json()
    listed = client.get(f"{path}/runs").get_json()["data"]

    assert (first.status_code, run["status"], run["trigger"], run["items"]) == (202, "queued", "manual", [])
    assert (second.status_code, second.get_json()["code"]) == (409, "conflict")
    assert [item["id"] for item in listed] == [run["id"]]


def test_run_now_under_the_other_policies(client: FlaskClient) -> None:
    """Under `queue` one may wait and no more; under `cancel_running` the newest takes the place of the one that waits."""
    queue = a_schedule(client, overlap="queue").headers["Location"]
    cancel = a_schedule(client, overlap="cancel_running").headers["Location"]
    queued = [client.post(f"{queue}/run").status_code for _ in range(2)]
    canceled = [client.post(f"{cancel}/run") for _ in range(2)]

    assert queued == [202, 409]
    assert [answer.status_code for answer in canceled] == [202, 202]
    assert [client.get(answer.headers["Location"]).get_json()["status"] for answer in canceled] == ["canceled", "queued"]


def test_run_now_is_idempotent(client: FlaskClient) -> None:
    """The same key gives the same run."""
    path = a_schedule(client).headers["Location"]
    answers = [client.post(f"{path}/run", headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].get_json() == answers[1].get_json()
    assert [answer.status_code for answer in answers] == [202, 202]


def test_a_deleted_schedule_takes_its_runs_along(client: FlaskClient) -> None:
    """Neither the schedule nor its runs are found afterwards."""
    path = a_schedule(client).headers["Location"]
    run = client.post(f"{path}/run").headers["Location"]
    deleted = client.delete(path, headers={"If-Match": "*"})

    assert deleted.status_code == 204
    assert [client.get(address).status_code for address in (path, f"{path}/runs", run)] == [404, 404, 404]
