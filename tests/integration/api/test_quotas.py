"""The limits of a key that are counted in rows: exact whatever races, over every door, on SQLite and PostgreSQL."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fakes.manual_time import ManualTime
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.domain.analysis import AnalysisRequest, Origin
from crew.domain.batch import Wanted
from crew.domain.run import ModelCall
from crew.errors import QuotaExceeded
from crew.jobs.client import JobClient
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.store.keys import KeyLimits, KeyStore

PAID = "openai/gpt-5-mini"
THREADS, EACH = 8, 12


def key_with(settings: Settings, limits: KeyLimits, tenant: str = "acme") -> tuple[str, str]:
    """A new key: its id and its text."""
    engine = make_engine(settings)
    key, text = KeyStore(engine).issue("production", tenant=tenant, name="k", scopes=["admin"], limits=limits)
    engine.dispose()
    return key.id, text


def race(settings: Settings, key_id: str, label: str, model: str | None) -> list[str]:
    """Many threads submit distinct requests, every fourth time as a batch of three; the outcome of each."""
    client = JobClient(settings, patience_s=60)

    def submit(number: int) -> list[str]:
        requests = [AnalysisRequest(symbol=f"{label}{number}{part}", model=model) for part in "ABC"]
        if number % 4 == 0:
            batch = client.batches.create([Wanted(request=one) for one in requests], tenant="acme", on_error="continue", key_id=key_id)
            return [item.outcome if item.refusal is None else item.refusal.code for item in batch.items]
        try:
            return [client.submit(requests[0], tenant="acme", origin=Origin(key_id=key_id)).outcome]
        except QuotaExceeded as error:
            return [error.code]

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = [outcome for found in pool.map(submit, range(EACH)) for outcome in found]
    client.close()
    return outcomes


def race_apart(settings: Settings, key_id: str, label: str, model: str | None, results: "multiprocessing.Queue[list[str]]") -> None:
    """The same in a process of its own."""
    results.put(race(settings, key_id, label, model))


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("limits", "model"),
    [
        (KeyLimits(analyses_per_hour=7), None),
        (KeyLimits(concurrent_analyses=7), None),
        (KeyLimits(usd_per_day=7.5), PAID),
    ],
)
def test_exactly_as_many_as_allowed_are_accepted(settings: Settings, limits: KeyLimits, model: str | None) -> None:
    """Two processes with eight threads each race for seven places, by single requests and batches: seven are had, and stored."""
    key_id, _ = key_with(settings, limits)
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[str]] = context.Queue()
    processes = [context.Process(target=race_apart, args=(settings, key_id, label, model, results)) for label in ("P", "Q")]
    for process in processes:
        process.start()
    outcomes = results.get(timeout=120) + results.get(timeout=120)
    for process in processes:
        process.join(timeout=30)

    assert (outcomes.count("created"), set(outcomes)) == (7, {"created", "quota_exceeded"})
    client = JobClient(settings)
    assert len(client.list(tenant="acme", limit=100)) == 7
    client.close()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    of(made).jobs.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_every_door_counts(settings: Settings, client: FlaskClient) -> None:
    """Posts, retries, batches and AMP's kickoff share the same count; what joins an analysis under way needs no place."""
    _, text = key_with(settings, KeyLimits(analyses_per_hour=4))
    headers = bearer(text)
    first = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=headers).get_json()
    client.post(f"/v1/analyses/{first['id']}/cancel", headers=headers)
    retried = client.post(f"/v1/analyses/{first['id']}/retry", headers=headers)
    kicked = client.post("/kickoff", json={"inputs": {"symbol": "MSFT"}}, headers=headers)
    batch = client.post("/v1/batches", json={"items": [{"symbol": "NVDA"}, {"symbol": "TSLA"}]}, headers=headers).get_json()
    refused = [
        client.post("/v1/analyses", json={"symbol": "JPM"}, headers=headers),
        client.post(f"/v1/analyses/{first['id']}/retry", headers=headers),
        client.post("/kickoff", json={"inputs": {"symbol": "JPM"}}, headers=headers),
    ]

    assert (retried.status_code, kicked.status_code) == (202, 200)
    assert [item["outcome"] for item in batch["items"]] == ["created", "refused"]
    assert batch["items"][1]["problem"]["code"] == "quota_exceeded"
    # The retry joins the one that is under way.
    assert [answer.status_code for answer in refused] == [429, 202, 429]
    assert client.post("/v1/analyses", json={"symbol": "NVDA"}, headers=headers).status_code == 202


def test_a_refusal_says_what_and_how_long(settings: Settings, client: FlaskClient) -> None:
    """The problem names the policy, and the standard headers its size, what is left and when to come back."""
    _, text = key_with(settings, KeyLimits(analyses_per_hour=1))
    client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=bearer(text))
    refused = client.post("/v1/analyses", json={"symbol": "MSFT"}, headers={**bearer(text), "Idempotency-Key": "k"})

    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert (refused.get_json()["code"], refused.get_json()["violated-policies"]) == ("quota_exceeded", ["analyses"])
    assert refused.headers["RateLimit-Policy"] == '"requests";q=600;w=60, "analyses";q=1;w=3600'
    assert refused.headers["RateLimit"].startswith('"requests";r=')
    wait = int(refused.headers["Retry-After"])
    assert 3500 < wait <= 3600
    assert refused.headers["RateLimit"].endswith(f', "analyses";r=0;t={wait}')


def test_an_ended_analysis_gives_its_place_and_its_reserve_back(settings: Settings) -> None:
    """What counts as running ends with the analysis; of the money only what was spent stays counted, and deleting gives nothing back."""
    noon = datetime.now(UTC).replace(hour=12)  # so that the day does not turn
    app = create_app(settings, jobs=JobClient(settings, clock=lambda: noon), clock=lambda: noon)
    client = app.test_client()
    key_id, text = key_with(settings, KeyLimits(concurrent_analyses=2, usd_per_day=2.5))
    headers = bearer(text)
    made = [client.post("/v1/analyses", json={"symbol": symbol, "model": PAID}, headers=headers).get_json()["id"] for symbol in ("AAPL", "MSFT")]
    third = client.post("/v1/analyses", json={"symbol": "NVDA", "model": PAID}, headers=headers)
    store = AnalysisStore(make_engine(settings), clock=lambda: noon)
    store.begin(made[0], total_tasks=1)
    call = ModelCall(task="t", agent="a", model=PAID, prompt_tokens=1, completion_tokens=1, milliseconds=1, cost_usd=0.75)
    store.log(made[0], "model.called", call.model_dump(mode="json"))
    store.finish(made[0], "failed")
    usage = client.get("/v1/usage", headers=headers).get_json()["quota"]
    client.delete(f"/v1/analyses/{made[0]}", headers={**headers, "If-Match": "*"})
    fourth = client.post("/v1/analyses", json={"symbol": "NVDA", "model": PAID, "max_cost_usd": 0.76}, headers=headers)
    fifth = client.post("/v1/analyses", json={"symbol": "NVDA", "model": PAID, "max_cost_usd": 0.75}, headers=headers)
    of(app).jobs.close()

    assert (third.status_code, third.get_json()["violated-policies"]) == (429, ["concurrent-analyses"])
    assert (usage["usd_per_day"]["used"], usage["usd_per_day"]["left"], usage["concurrent_analyses"]["left"]) == (0.75, 0.75, 1)
    assert (fourth.status_code, fourth.get_json()["violated-policies"]) == (429, ["spending"])
    assert fifth.status_code == 202
    assert key_id


def test_a_crew_that_costs_nothing_needs_no_budget(settings: Settings, client: FlaskClient) -> None:
    """With the rules for a model nothing is set aside."""
    _, text = key_with(settings, KeyLimits(usd_per_day=0.5))
    answers = [client.post("/v1/analyses", json={"symbol": symbol}, headers=bearer(text)).status_code for symbol in ("AAPL", "MSFT")]

    assert answers == [202, 202]
    assert client.post("/v1/analyses", json={"symbol": "NVDA", "model": PAID}, headers=bearer(text)).status_code == 429


def test_keys_without_limits_of_their_own_have_the_configured_ones(settings: Settings) -> None:
    """The settings' defaults hold for such a key, not for one with its own, and never for the keyless tenant of a laptop."""
    limited = settings.model_copy(update={"analyses_per_hour": 1})
    plain, own = key_with(settings, KeyLimits())[0], key_with(settings, KeyLimits(analyses_per_hour=2))[0]
    client = JobClient(limited)

    def accepted(key_id: str | None) -> int:
        count = 0
        for number in range(3):
            try:
                client.submit(AnalysisRequest(symbol=f"X{number}", force=True), tenant=f"t{key_id}", origin=Origin(key_id=key_id))
            except QuotaExceeded:
                continue
            count += 1
        return count

    assert [accepted(plain), accepted(own), accepted(None)] == [1, 2, 3]
    client.close()


def test_the_hour_slides(settings: Settings) -> None:
    """A place comes back when an analysis is an hour old, and the refusal says when."""
    key_id, _ = key_with(settings, KeyLimits(analyses_per_hour=2))
    time = ManualTime(datetime(2026, 3, 12, 12, 0, tzinfo=UTC))
    client = JobClient(settings, clock=time.now)
    origin = Origin(key_id=key_id)
    client.submit(AnalysisRequest(symbol="A"), tenant="acme", origin=origin)
    time.advance(minutes=20)
    client.submit(AnalysisRequest(symbol="B"), tenant="acme", origin=origin)
    with pytest.raises(QuotaExceeded) as refused:
        client.submit(AnalysisRequest(symbol="C"), tenant="acme", origin=origin)
    time.advance(minutes=40, seconds=1)
    accepted = client.submit(AnalysisRequest(symbol="C"), tenant="acme", origin=origin)

    assert refused.value.retry_after_s == 2400
    assert accepted.outcome == "created"
    client.close()
