"""Webhook endpoints and their delivery log over HTTP."""

from datetime import timedelta
from pathlib import Path

import pytest
from fakes.automation import HOOK, an_endpoint
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.domain.webhooks import ENDPOINT_EVENTS
from crew.settings import Settings
from crew.store.webhooks import MOST_PER_TENANT


def test_the_secret_is_shown_once(client: FlaskClient) -> None:
    """It stands in the answer to the post alone, which nobody may keep; reads and lists have none."""
    made = an_endpoint(client, description="CI")
    body = made.get_json()
    path = f"/v1/webhook-endpoints/{body['id']}"
    reads = [client.get(path), client.get("/v1/webhook-endpoints"), client.patch(path, json={"description": "x"}, headers={"If-Match": "*"})]

    assert made.status_code == 201
    assert (made.headers["Location"], made.headers["Cache-Control"]) == (path, "no-store")
    assert body["secret"].startswith("whsec_")
    assert (body["url"], body["event_types"], body["enabled"], body["description"]) == (HOOK, list(ENDPOINT_EVENTS), True, "CI")
    for answer in reads:
        assert "secret" not in answer.get_data(as_text=True).replace("previous_secret_until", "")


def test_the_tag_of_the_post_serves_for_a_change(client: FlaskClient) -> None:
    """The ETag that came with the secret is that of the resource."""
    made = an_endpoint(client)
    rotated = client.post(f"{made.headers['Location']}/rotate-secret")

    assert client.patch(made.headers["Location"], json={}, headers={"If-Match": made.headers["ETag"]}).status_code == 412
    assert client.patch(made.headers["Location"], json={}, headers={"If-Match": rotated.headers["ETag"]}).status_code == 200


def test_the_secret_is_stored_sealed(client: FlaskClient, app: Flask) -> None:
    """Neither the database nor its log holds the secret in the clear."""
    secret = an_endpoint(client).get_json()["secret"]
    stored = b"".join(path.read_bytes() for path in of(app).settings.data_dir.glob("stockcrew.db*"))

    assert HOOK.encode() in stored
    assert secret.encode() not in stored
    assert secret.removeprefix("whsec_").encode() not in stored


def test_rotation_gives_another_secret(client: FlaskClient) -> None:
    """The new secret is shown once; the body says until when the old one signs as well."""
    made = an_endpoint(client)
    rotated = client.post(f"{made.headers['Location']}/rotate-secret", json={"overlap_s": 3600})
    body = rotated.get_json()

    assert (rotated.status_code, rotated.headers["Cache-Control"]) == (200, "no-store")
    assert body["secret"] != made.get_json()["secret"]
    assert body["previous_secret_until"] == "2026-03-12T13:00:00Z"


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/latest", "https://u:p@example.com/", "x"]
)
def test_a_url_inside_is_refused(client: FlaskClient, url: str) -> None:
    """In a post and in a patch it is 422 with a code of its own, and the answer repeats no credentials."""
    posted = an_endpoint(client, url=url)
    patched = client.patch(an_endpoint(client).headers["Location"], json={"url": url}, headers={"If-Match": "*"})

    for answer in (posted, patched):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "url_not_allowed")
        assert "u:p" not in answer.get_data(as_text=True)


def test_the_operator_can_allow_loopback(settings: Settings) -> None:
    """With loopback among the allowed networks a local receiver may be named."""
    allowed = Settings(data_dir=settings.data_dir, webhook_allowed_networks=("127.0.0.0/8",))

    assert an_endpoint(create_app(allowed).test_client(), url="http://127.0.0.1:9999/").status_code == 201


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"url": ""}, "#/url"),
        ({"url": None}, "#/url"),
        ({"event_types": []}, "#/event_types"),
        ({"event_types": ["analysis.exploded"]}, "#/event_types/0"),
        ({"description": "x" * 201}, "#/description"),
        ({"description": "a\r\nb"}, "#/description"),
        ({"secret": "whsec_mine"}, "#/secret"),
    ],
)
def test_wrong_endpoints_are_named_by_pointer(client: FlaskClient, more: dict[str, object], pointer: str) -> None:
    """Wrong values are 422 at their place."""
    response = an_endpoint(client, **more)

    assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_endpoints_are_limited(client: FlaskClient) -> None:
    """Beyond the limit a post is 409 and nothing is kept."""
    statuses = [an_endpoint(client).status_code for _ in range(MOST_PER_TENANT + 1)]

    assert statuses == [201] * MOST_PER_TENANT + [409]
    assert len(client.get("/v1/webhook-endpoints?limit=100").get_json()["data"]) == MOST_PER_TENANT


def test_a_test_message_is_a_delivery(client: FlaskClient) -> None:
    """It is accepted, due at once, and stands in both logs."""
    path = an_endpoint(client).headers["Location"]
    sent = client.post(f"{path}/test")
    body = sent.get_json()
    read = client.get(sent.headers["Location"]).get_json()

    assert (sent.status_code, body["event_type"], body["status"], body["attempts"]) == (202, "webhook.test", "pending", 0)
    assert read == body | {"log": []}
    assert client.get(f"{path}/deliveries").get_json()["data"] == client.get("/v1/webhook-deliveries").get_json()["data"] == [body]
    assert client.get(f"{path}/deliveries?status=failed").get_json()["data"] == []


def test_a_disabled_endpoint_takes_nothing(client: FlaskClient) -> None:
    """What was pending is given up, a test and a redelivery are 409, and enabled again both work."""
    path = an_endpoint(client).headers["Location"]
    delivery = client.post(f"{path}/test").headers["Location"]
    disabled = client.patch(path, json={"enabled": False}, headers={"If-Match": "*"}).get_json()
    given_up = client.get(delivery).get_json()
    refused = [client.post(f"{path}/test"), client.post(f"{delivery}/redeliver")]
    enabled = client.patch(path, json={"enabled": True}, headers={"If-Match": "*"}).get_json()
    again = client.post(f"{delivery}/redeliver")

    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "disabled by request")
    assert (given_up["status"], given_up["last_error"]) == ("failed", "the endpoint is disabled")
    assert [(answer.status_code, answer.get_json()["code"]) for answer in refused] == [(409, "conflict")] * 2
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    assert (again.status_code, again.get_json()["status"], again.get_json()["id"]) == (202, "pending", given_up["id"])


def test_deliveries_page_once_through(client: FlaskClient, app: Flask) -> None:
    """Cursors lead through the log of an endpoint; those of other filters are refused."""
    path = an_endpoint(client).headers["Location"]
    made = {client.post(f"{path}/test").get_json()["id"] for _ in range(5)}
    seen: list[str] = []
    url: str | None = f"{path}/deliveries?limit=2&status=pending"
    while url:
        page = client.get(url)
        seen += [item["id"] for item in page.get_json()["data"]]
        url = page.headers["Link"].split(";")[0].strip("<>") if "Link" in page.headers else None
    cursor = client.get(f"{path}/deliveries?limit=2").get_json()["next_cursor"]

    assert set(seen) == made
    assert len(seen) == 5
    assert client.get(f"{path}/deliveries?limit=2&status=pending&cursor={cursor}").status_code == 422
    assert of(app).automation.deliveries.counts()[0] == 5


def test_an_endpoint_takes_its_log_along(client: FlaskClient) -> None:
    """A deleted endpoint's deliveries are gone."""
    path = an_endpoint(client).headers["Location"]
    delivery = client.post(f"{path}/test").headers["Location"]
    client.delete(path, headers={"If-Match": "*"})

    assert client.get(delivery).status_code == 404
    assert client.get("/v1/webhook-deliveries").get_json()["data"] == []


def test_old_deliveries_are_deleted(client: FlaskClient, app: Flask) -> None:
    """The log is kept for some time after the end of a delivery, and what is pending stays."""
    path = an_endpoint(client).headers["Location"]
    delivery = client.post(f"{path}/test").headers["Location"]
    store, now = of(app).automation.deliveries, of(app).clock()
    kept = store.delete_old(now + timedelta(days=1))
    client.patch(path, json={"enabled": False}, headers={"If-Match": "*"})

    assert (kept, store.delete_old(now), store.delete_old(now + timedelta(days=1))) == (0, 0, 1)
    assert client.get(delivery).status_code == 404


def test_the_secret_key_of_the_service_matters(client: FlaskClient, settings: Settings, tmp_path: Path) -> None:
    """An application with another key still reads and lists endpoints, since only the worker opens their secrets."""
    made = an_endpoint(client).get_json()["id"]
    other = create_app(Settings(data_dir=settings.data_dir, secret_key="o" * 32)).test_client()

    assert other.get(f"/v1/webhook-endpoints/{made}").status_code == 200
