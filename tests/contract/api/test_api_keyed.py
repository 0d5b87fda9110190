"""Idempotency keys, waiting, API keys, scopes, tenants and rates over HTTP."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from fakes.waiting import until
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.contract import operations_of
from api.counters import MemoryCounters
from api.routes import RESOURCES
from api.services import of
from crew.settings import Settings
from crew.store.keys import ApiKey, KeyLimits, Scope
from crew.store.keytext import make_key

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)

IDEMPOTENT = {"Idempotency-Key": '"k-1"'}


def new_key(app: Flask, tenant: str, *scopes: Scope, limits: KeyLimits | None = None, **more: object) -> dict[str, str]:
    """A key of the tenant's, as a header."""
    made = make_key("production")
    key = ApiKey(
        id=f"key_{made.lookup}", tenant=tenant, name="t", lookup=made.lookup, scopes=scopes, limits=limits or KeyLimits(), created_at=NOW, **more
    )  # type: ignore[arg-type]
    of(app).keys.add(key, secret_hash=made.hash)
    return {"Authorization": f"Bearer {made.text}"}


@pytest.fixture
def production(settings: Settings, jobs: FakeJobs) -> Flask:
    """The application where a key is required."""
    changed = {"env": "production", "secret_key": "x" * 32, "requests_per_minute": 50, "failed_logins_per_minute": 5, "data_dir": settings.data_dir}
    return create_app(Settings.model_validate(changed), jobs=jobs, clock=lambda: NOW, counters=MemoryCounters(lambda: 30.0))


def test_a_repeated_key_gives_the_first_answer_again(client: FlaskClient, jobs: FakeJobs) -> None:
    """The same request under the same key, quoted or bare, is replayed with a marker and carried out once."""
    first = client.post("/v1/analyses", json={"symbol": "AAPL", "force": True}, headers=IDEMPOTENT)
    jobs.finish(first.get_json()["id"], "succeeded")
    again = client.post("/v1/analyses", json={"force": True, "symbol": "aapl"}, headers={"Idempotency-Key": "k-1"})

    assert (again.status_code, again.data, again.headers["Location"]) == (first.status_code, first.data, first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(jobs.analyses) == 1


def test_a_key_holds_for_one_request(client: FlaskClient) -> None:
    """Another body or another address under the same key is 422."""
    made = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=IDEMPOTENT).get_json()["id"]
    other = client.post("/v1/analyses", json={"symbol": "MSFT"}, headers=IDEMPOTENT)
    elsewhere = client.post(f"/v1/analyses/{made}/cancel", headers=IDEMPOTENT)

    assert [(response.status_code, response.get_json()["code"]) for response in (other, elsewhere)] == [(422, "idempotency_key_reused")] * 2


def test_a_key_in_flight_is_409(app: Flask, client: FlaskClient, jobs: FakeJobs) -> None:
    """While the first request is answered, the second is told to come back."""
    entered, go_on = threading.Event(), threading.Event()
    submit = jobs.submit

    def slow(*args: object, **more: object) -> object:
        entered.set()
        assert go_on.wait(10)
        return submit(*args, **more)  # type: ignore[arg-type]

    jobs.submit = slow  # type: ignore[assignment,method-assign]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(app.test_client().post, "/v1/analyses", json={"symbol": "AAPL"}, headers=IDEMPOTENT)
        assert entered.wait(10)
        second = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=IDEMPOTENT)
        go_on.set()

    assert (second.status_code, second.get_json()["code"]) == (409, "idempotency_in_flight")
    assert second.headers["Retry-After"]
    assert first.result().status_code == 202


def test_a_refused_request_does_not_use_up_its_key(client: FlaskClient, jobs: FakeJobs) -> None:
    """After a wrong value or a failure of the database the same key may be sent again."""
    wrong = client.post("/v1/analyses", json={"symbol": "../x"}, headers=IDEMPOTENT)
    jobs.broken = True
    failed = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=IDEMPOTENT)
    jobs.broken = False
    good = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=IDEMPOTENT)

    assert [wrong.status_code, failed.status_code, good.status_code] == [422, 503, 202]
    assert "Idempotent-Replayed" not in good.headers


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "a b", 'a"b', "ä"])
def test_a_malformed_idempotency_key_is_422(client: FlaskClient, key: str) -> None:
    """A key must be a short visible text."""
    response = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"Idempotency-Key": key})

    assert (response.status_code, response.get_json()["errors"][0]["parameter"]) == (422, "Idempotency-Key")


def test_waiting_until_the_end_gives_201(client: FlaskClient, jobs: FakeJobs) -> None:
    """With Prefer: wait the answer to a post is the finished analysis when it ends in time."""

    def finish_what_comes() -> None:
        until(lambda: jobs.analyses)
        jobs.finish(next(iter(jobs.analyses)), "succeeded")

    threading.Thread(target=finish_what_comes).start()
    response = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"Prefer": "wait=30"})

    assert (response.status_code, response.get_json()["status"]) == (201, "succeeded")
    assert response.headers["Preference-Applied"] == "wait=30"


def test_who_holds_what_is_no_longer_so_does_not_wait(client: FlaskClient, app: Flask, jobs: FakeJobs, analysis_id: str) -> None:
    """With the tag of an earlier state the answer comes at once: there is news already. Here nobody could wait, since no place is free."""
    tag = client.get(f"/v1/analyses/{analysis_id}").headers["ETag"]
    jobs.start(analysis_id)
    while of(app).streams.enter():
        pass
    answer = client.get(f"/v1/analyses/{analysis_id}", headers={"If-None-Match": tag, "Prefer": "wait=30"})
    again = client.get(f"/v1/analyses/{analysis_id}", headers={"If-None-Match": answer.headers["ETag"], "Prefer": "wait=30"})

    assert (answer.status_code, answer.get_json()["status"], answer.headers["Preference-Applied"]) == (200, "running", "wait=30")
    assert (again.status_code, "Preference-Applied" in again.headers) == (304, False)


class Noted(threading.Event):
    """An event that notes for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(float("inf") if timeout is None else timeout)
        return super().wait(timeout)


def test_waiting_in_vain_gives_202(app: Flask, client: FlaskClient) -> None:
    """When the time is over, and no later, the answer is what it would have been without waiting."""
    of(app).streams.stopping = noted = Noted()
    began = time.monotonic()
    response = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"Prefer": "wait=1"})

    assert time.monotonic() - began > 0.9
    assert sum(noted.waits) <= 1.0
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "wait=1")


def test_respond_async_goes_together_with_a_wait(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Alone it is answered at once; beside a wait it says what happens when that is over, and what ends within it is answered as without it."""

    def post(prefer: str) -> tuple[int, str]:
        answer = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"Prefer": prefer})
        return answer.status_code, answer.headers["Preference-Applied"]

    assert post("respond-async") == (202, "respond-async")
    assert post("respond-async, wait=1") == (202, "respond-async, wait=1")
    jobs.finish(analysis_id, "succeeded")
    assert post("wait=9, respond-async") == (200, "wait=9")


def test_a_long_poll_ends_with_a_change(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """With If-None-Match and Prefer: wait a read comes back as soon as the analysis has changed."""
    tag = client.get(f"/v1/analyses/{analysis_id}").headers["ETag"]
    threading.Timer(0.3, jobs.start, (analysis_id,)).start()
    changed = client.get(f"/v1/analyses/{analysis_id}", headers={"If-None-Match": tag, "Prefer": "wait=10"})
    same = client.get(f"/v1/analyses/{analysis_id}", headers={"If-None-Match": changed.headers["ETag"], "Prefer": "wait=1"})

    assert (changed.status_code, changed.get_json()["status"], same.status_code) == (200, "running", 304)


def test_waiting_shares_the_cap_on_streams(app: Flask, client: FlaskClient) -> None:
    """Where no thread is left to wait on, the answer comes at once and does not claim to have waited."""
    while of(app).streams.enter():
        pass
    response = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"Prefer": "wait=10"})

    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer sk_production_000000000000_" + "0" * 49]
)
def test_without_a_valid_key_everything_but_the_public_is_401(production: Flask, authorization: str | None) -> None:
    """A missing, malformed or unknown key is 401 with a challenge, on every route that is not public."""
    for operation in operations_of(RESOURCES):
        path = re.sub(r"<[^>]+>", "x", operation.path)
        headers = {} if authorization is None else {"Authorization": authorization}
        status = production.test_client().open(path, method=operation.method, headers=headers).status_code
        assert (status in {401, 429}) == (operation.scope != "public"), (operation.id, status)
    refused = production.test_client().get("/v1/analyses", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert refused.get_json()["code"] == "unauthorized"


def test_a_typing_error_is_seen_without_the_database(production: Flask) -> None:
    """The checksum rejects a mistyped key before anything is looked up."""
    good = new_key(production, "acme", "read")["Authorization"]
    of(production).keys.find = None  # type: ignore[assignment,method-assign]
    bad = good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:]

    assert production.test_client().get("/v1/analyses", headers={"Authorization": bad}).status_code == 401


def test_expired_and_revoked_keys_are_401(production: Flask) -> None:
    """A key works until it expires or is revoked."""
    client = production.test_client()
    dead = [new_key(production, "acme", "read", expires_at=NOW), new_key(production, "acme", "read", revoked_at=NOW)]

    assert [client.get("/v1/analyses", headers=headers).status_code for headers in dead] == [401, 401]
    assert client.get("/v1/analyses", headers=new_key(production, "acme", "read")).status_code == 200


def test_scopes_limit_what_a_key_may_do(production: Flask) -> None:
    """A key may do what its scopes name, and admin everything."""
    client = production.test_client()
    reader, runner, admin = (new_key(production, "acme", scope) for scope in ("read", "run", "admin"))
    body = {"symbol": "AAPL"}

    assert [client.get("/v1/analyses", headers=headers).status_code for headers in (reader, runner, admin)] == [200, 403, 200]
    assert [client.post("/v1/analyses", json=body, headers=headers).status_code for headers in (reader, runner, admin)] == [403, 202, 202]
    assert "run" in client.post("/v1/analyses", json=body, headers=reader).get_json()["detail"]


def test_no_tenant_sees_another(production: Flask, jobs: FakeJobs) -> None:
    """Every route under an analysis is 404 with another tenant's key, and its list is empty."""
    client = production.test_client()
    mine, theirs = new_key(production, "acme", "admin"), new_key(production, "globex", "admin")
    made = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=mine).get_json()["id"]
    jobs.finish(made, "succeeded", report=small_report(made))
    for form in ("json", "md", "html"):
        assert client.get(f"/v1/analyses/{made}/report?format={form}", headers=mine).status_code == 200

    walked = [operation for operation in operations_of(RESOURCES) if "analysis_id" in operation.path]
    for operation in walked:
        path = operation.path.replace("<analysis_id>", made).replace("<evidence_id>", "price.last")
        assert client.open(path, method=operation.method, headers=theirs).status_code == 404, operation.id
    assert len(walked) >= 6
    assert client.get("/v1/analyses", headers=theirs).get_json()["data"] == []
    assert client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=theirs).get_json()["id"] != made


def test_idempotency_keys_are_each_tenants_own(production: Flask) -> None:
    """Two tenants may use the same Idempotency-Key without seeing each other's answer."""
    client = production.test_client()
    answers = [
        client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={**new_key(production, tenant, "run"), **IDEMPOTENT})
        for tenant in ("acme", "globex")
    ]

    assert [response.status_code for response in answers] == [202, 202]
    assert answers[0].get_json()["id"] != answers[1].get_json()["id"]


def test_a_key_has_its_rate(production: Flask) -> None:
    """Requests are counted per key, shown in the standard headers, and refused with 429 beyond the quota."""
    client = production.test_client()
    few, many = new_key(production, "acme", "read", limits=KeyLimits(requests_per_minute=3)), new_key(production, "acme", "read")
    answers = [client.get("/v1/analyses", headers=few) for _ in range(4)]

    assert [response.status_code for response in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert [re.match(r'"requests";r=(\d+);t=\d+', response.headers["RateLimit"]).group(1) for response in answers] == ["2", "1", "0", "0"]  # type: ignore[union-attr]
    assert int(answers[3].headers["Retry-After"]) >= 1
    assert client.get("/v1/analyses", headers=many).headers["RateLimit-Policy"] == '"requests";q=50;w=60'
    assert client.get("/livez", headers=few).status_code == 200


def test_failed_attempts_are_limited_by_address(production: Flask) -> None:
    """After several bad keys an address is refused even with a good one, and other addresses are not."""
    client = production.test_client()
    good = new_key(production, "acme", "read")
    statuses = [client.get("/v1/analyses", headers={"Authorization": "Bearer guess"}).status_code for _ in range(6)]

    assert statuses == [401] * 5 + [429]
    assert client.get("/v1/analyses", headers=good).status_code == 429
    assert client.get("/v1/analyses", headers=good, environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200


def test_use_is_noted(production: Flask) -> None:
    """The last use of a key is kept."""
    headers = new_key(production, "acme", "read")
    production.test_client().get("/v1/analyses", headers=headers)

    assert [key.last_used_at for key in of(production).keys.list(tenant="acme")] == [NOW]


def test_the_secret_is_not_kept(production: Flask) -> None:
    """Neither the database nor any answer holds the secret of a key."""
    headers = new_key(production, "acme", "admin")
    secret = headers["Authorization"].rsplit("_", 1)[1]
    client = production.test_client()
    bodies = [client.get(path, headers=headers).data for path in ("/v1/analyses", "/metrics", "/nope", "/v1/analyses/x")]

    assert all(secret.encode() not in body for body in bodies)
    assert secret.encode() not in (of(production).settings.data_dir / "stockcrew.db").read_bytes()
    assert secret.encode() not in b"".join(path.read_bytes() for path in of(production).settings.data_dir.glob("*.db-wal"))


def test_local_needs_no_key_but_checks_one_that_is_sent(client: FlaskClient) -> None:
    """On a laptop the service is open, and a wrong key is still wrong."""
    assert client.get("/v1/analyses").status_code == 200
    assert client.get("/v1/analyses", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_the_webhook_secret_is_for_the_tenants_admins(production: Flask) -> None:
    """Each tenant has a secret of its own, and a key that only reads or runs may not see it."""

    def read(tenant: str, scope: Scope) -> tuple[int, str | None]:
        answer = production.test_client().get("/v1/webhook-secret", headers=new_key(production, tenant, scope))
        return answer.status_code, answer.get_json().get("secret")

    assert [read("acme", scope)[0] for scope in ("read", "run", "admin")] == [403, 403, 200]
    assert read("acme", "admin") == read("acme", "admin") != read("globex", "admin")


def test_readiness_in_detail_is_for_admins(production: Flask) -> None:
    """What an operator is told counts all tenants: without a key it is 401, for others 403, while the plain answer needs no key."""
    client = production.test_client()

    assert client.get("/readyz?verbose").status_code == 401
    assert client.get("/readyz?verbose", headers=new_key(production, "acme", "run")).status_code == 403
    assert client.get("/readyz?verbose=false").get_json()["detail"] is None
    told = client.get("/readyz?verbose", headers=new_key(production, "acme", "admin"))
    assert told.get_json()["detail"]["workers"] == [{"name": "worker-1", "up_s": 60.0, "silent_s": 0.5}]
    assert "RateLimit" in told.headers
