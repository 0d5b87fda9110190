"""Events that become deliveries, and what the courier does with them, on SQLite and PostgreSQL and in time that the test moves."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import prometheus_client
import pytest
import sqlalchemy as sa
from fakes.waiting import until
from fakes.webhook_receiver import Receiver
from fakes.webhook_world import TENANT, World
from standardwebhooks.webhooks import Webhook

from api.schemas.webhooks import WebhookMessage
from crew.domain.analysis import Failure
from crew.domain.webhooks import Hook
from crew.errors import NotFound, ResourceInUse
from crew.jobs.courier import Courier
from crew.settings import Settings
from crew.store.deliveries import DISABLE_AFTER, PAUSES


def cancel(world: World, id: str) -> None:
    """Somebody asks for the analysis, which no worker has begun, to stop."""
    with world.analyses.transaction() as connection:
        world.analyses.request_cancel(connection, [id])


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    made = World(settings)
    yield made
    made.close()


@pytest.fixture
def small_world(sqlite_settings: Settings) -> Iterator[World]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    made = World(sqlite_settings)
    yield made
    made.close()


def test_an_analysis_is_told_from_start_to_end(world: World, receiver: Receiver) -> None:
    """Started and succeeded arrive as thin payloads that `standardwebhooks` verifies, each under an id of its own; queued is not told."""
    _, secret = world.endpoint(receiver.url())
    id = world.analysis()
    world.analyses.begin(id, total_tasks=4)
    world.analyses.finish(id, "succeeded", report_status="complete")

    assert world.deliver_due() == 2
    payloads = [Webhook(secret).verify(item.body, item.headers) for item in receiver.received]
    assert {(item["type"], item["data"]["status"]) for item in payloads} == {("analysis.started", "running"), ("analysis.succeeded", "succeeded")}
    assert all(item["data"] == {"id": id, "status": item["data"]["status"], "url": f"/v1/analyses/{id}"} for item in payloads)
    assert all(datetime.fromisoformat(item["timestamp"]) == world.time.now() for item in payloads)
    assert all(WebhookMessage.model_validate_json(item.body) for item in receiver.received)
    assert len({item.headers["webhook-id"] for item in receiver.received}) == 2
    assert [item.status for item in world.log()] == ["delivered", "delivered"]
    assert world.deliver_due() == 0


def test_only_who_asked_is_told(world: World, receiver: Receiver) -> None:
    """Other tenants, other event types and disabled endpoints get nothing; two endpoints get one each."""
    for path in ("/one", "/two"):
        world.endpoint(receiver.url(path), event_types=["analysis.canceled"])
    world.endpoint(receiver.url("/other-type"), event_types=["analysis.succeeded"])
    world.endpoint(receiver.url("/other-tenant"), tenant="globex")
    disabled, _ = world.endpoint(receiver.url("/disabled"))
    world.endpoints.change(disabled.id, tenant=TENANT, version=1, changes={"enabled": False})
    cancel(world, world.analysis())

    assert world.deliver_due() == 2
    assert {item.path for item in receiver.received} == {"/one", "/two"}


def test_an_event_that_is_not_kept_is_not_told(world: World, receiver: Receiver) -> None:
    """The delivery is of the transaction that logs the event: undone together, and never twice for an event logged once."""
    world.endpoint(receiver.url())
    id = world.analysis()
    with suppress(RuntimeError), world.analyses.transaction() as connection:
        world.analyses.append(connection, id, "analysis.failed", {}, once="end", final=True)
        raise RuntimeError("the process is gone")
    undone = world.log()
    world.analyses.begin(id, total_tasks=4)
    world.analyses.begin(id, total_tasks=4)
    world.analyses.finish(id, "failed", failure=Failure(code="stale_data", message="old", retryable=False))
    world.analyses.finish(id, "failed", failure=Failure(code="stale_data", message="old", retryable=False))

    assert undone == []
    assert sorted(item.event_type for item in world.log()) == ["analysis.failed", "analysis.started"]


def test_a_failure_is_tried_again_for_three_days(world: World, receiver: Receiver) -> None:
    """Ten attempts with growing pauses under the same id and body, then it is failed; every attempt is in the log."""
    endpoint, secret = world.endpoint(receiver.url("/status/500"), event_types=["analysis.canceled"])
    cancel(world, world.analysis())
    courier, spans = world.courier(), []
    for _ in range(len(PAUSES)):
        assert world.deliver_due(courier) == 1
        found = world.log()[0]
        assert found.next_attempt_at is not None
        spans.append(found.next_attempt_at - world.time.now())
        world.time.advance(seconds=(spans[-1] - timedelta(seconds=1)).total_seconds())
        assert world.deliver_due(courier) == 0
        world.time.advance(seconds=1)
    assert world.deliver_due(courier) == 1
    ended = world.log()[0]

    assert all(pause <= span <= pause * 1.1 for pause, span in zip(PAUSES, spans, strict=True))
    assert timedelta(days=3) < sum(spans, timedelta()) < timedelta(days=4)
    assert (ended.status, ended.attempts, ended.last_status, ended.next_attempt_at) == ("failed", 10, 500, None)
    assert ended.last_error == "the receiver answered 500"
    assert [(item.number, item.status) for item in world.deliveries.attempts(ended.id)] == [(number, 500) for number in range(1, 11)]
    assert {item.headers["webhook-id"] for item in receiver.received} == {ended.id}
    assert len({item.body for item in receiver.received}) == 1
    assert len({item.headers["webhook-timestamp"] for item in receiver.received}) == 10
    assert world.endpoints.get(endpoint.id, tenant=TENANT).failing_since is not None
    assert secret not in str(world.log()) + str(world.deliveries.attempts(ended.id))


def test_a_success_after_failures_ends_it(world: World, receiver: Receiver) -> None:
    """The second attempt succeeds: delivered, and the endpoint no longer counts as failing."""
    endpoint, _ = world.endpoint(receiver.url(), event_types=["analysis.canceled"])
    receiver.answers = [503]
    cancel(world, world.analysis())
    world.deliver_due()
    failing = world.endpoints.get(endpoint.id, tenant=TENANT).failing_since
    world.time.advance(seconds=6)
    world.deliver_due()

    assert failing is not None
    assert world.endpoints.get(endpoint.id, tenant=TENANT).failing_since is None
    assert [(item.status, item.attempts) for item in world.log()] == [("delivered", 2)]


def test_a_receiver_may_ask_to_wait(world: World, receiver: Receiver) -> None:
    """Retry-After puts the next attempt off, up to a day."""
    world.endpoint(receiver.url("/retry-after"), event_types=["analysis.canceled"])
    cancel(world, world.analysis())
    world.deliver_due()

    assert world.log()[0].next_attempt_at == world.time.now() + timedelta(hours=1)


def test_410_disables_the_endpoint(world: World, receiver: Receiver) -> None:
    """Gone is gone: no further attempt, and what else was pending is given up."""
    endpoint, _ = world.endpoint(receiver.url("/status/410"))
    id = world.analysis()
    world.analyses.begin(id, total_tasks=1)
    for row in world.deliveries.claim("w1", limit=1, lease=timedelta(seconds=30)):
        world.analyses.finish(id, "succeeded")
        world.courier().deliver(row)
    found = world.endpoints.get(endpoint.id, tenant=TENANT)

    assert (found.enabled, found.disabled_reason, found.version) == (False, "the receiver answered 410 Gone", 2)
    assert sorted((item.event_type, item.status, item.attempts) for item in world.log()) == [
        ("analysis.started", "failed", 1),
        ("analysis.succeeded", "failed", 0),
    ]
    assert world.deliver_due() == 0
    with pytest.raises(ResourceInUse):
        world.deliveries.redeliver(world.log()[0].id, tenant=TENANT)


def test_days_without_a_success_disable_the_endpoint(world: World, receiver: Receiver) -> None:
    """After five days in which everything failed the endpoint is disabled and says why."""
    endpoint, _ = world.endpoint(receiver.url("/status/500"), event_types=["analysis.canceled"])
    cancel(world, world.analysis())
    world.deliver_due()
    world.time.advance(seconds=DISABLE_AFTER.total_seconds() - 60)
    cancel(world, world.analysis("MSFT"))
    world.deliver_due()
    before = world.endpoints.get(endpoint.id, tenant=TENANT).enabled
    world.time.advance(days=1)
    world.deliver_due()
    found = world.endpoints.get(endpoint.id, tenant=TENANT)

    assert before
    assert (found.enabled, found.disabled_reason) == (False, "every attempt failed for 5 days")


def test_redelivery_keeps_the_id_and_has_fresh_patience(world: World, receiver: Receiver) -> None:
    """What was delivered is delivered again under the same `webhook-id`; what fails then is tried from the first pause on."""
    world.endpoint(receiver.url(), event_types=["analysis.canceled"])
    cancel(world, world.analysis())
    world.deliver_due()
    id = world.log()[0].id
    receiver.answers = [500]
    world.deliveries.redeliver(id, tenant=TENANT)
    world.deliver_due()
    found = world.deliveries.get(id, tenant=TENANT)

    assert [item.headers["webhook-id"] for item in receiver.received] == [id, id]
    assert (found.status, found.attempts) == ("pending", 2)
    assert found.next_attempt_at is not None
    assert found.next_attempt_at <= world.time.now() + PAUSES[0] * 1.1
    with pytest.raises(NotFound):
        world.deliveries.redeliver(id, tenant="globex")


def test_during_a_rotation_both_secrets_sign(world: World, receiver: Receiver) -> None:
    """A message has two signatures until the overlap ends, then the new one alone."""
    endpoint, old = world.endpoint(receiver.url())
    _, new = world.endpoints.rotate(endpoint.id, tenant=TENANT, overlap=timedelta(hours=1))
    world.endpoints.test(endpoint.id, tenant=TENANT)
    world.deliver_due()
    world.time.advance(hours=2)
    world.endpoints.test(endpoint.id, tenant=TENANT)
    world.deliver_due()
    during, after = receiver.received

    assert [Webhook(secret).verify(during.body, during.headers)["type"] for secret in (old, new)] == ["webhook.test"] * 2
    assert (len(during.headers["webhook-signature"].split()), len(after.headers["webhook-signature"].split())) == (2, 1)
    assert during.values["data"] == {"id": endpoint.id, "status": "test", "url": f"/v1/webhook-endpoints/{endpoint.id}"}


def test_many_workers_make_each_delivery_once(world: World, receiver: Receiver) -> None:
    """Several couriers that claim at the same time never claim the same; a receiver gets few at once."""
    for number in range(6):
        world.endpoint(receiver.url(f"/{number}"))
    for number in range(8):
        cancel(world, world.analysis(f"S{number}"))

    def claim(worker: str) -> list[str]:
        return [row.id for row in world.deliveries.claim(worker, limit=20, lease=timedelta(seconds=30))]

    with ThreadPoolExecutor(4) as pool:
        claimed = [id for found in pool.map(claim, ("w1", "w2", "w3", "w4")) for id in found]

    assert len(claimed) == len(set(claimed))
    assert len(claimed) >= 12
    assert len(world.log()) == 48


def test_a_claim_that_ran_out_is_made_again_under_the_same_id(world: World, receiver: Receiver) -> None:
    """When a worker dies with a delivery in hand another sends it; what the first still reports is not noted."""
    world.endpoint(receiver.url(), event_types=["analysis.canceled"])
    cancel(world, world.analysis())
    lost = world.deliveries.claim("dead", limit=5, lease=timedelta(seconds=30))
    too_early = world.deliver_due()
    world.time.advance(seconds=31)
    later = world.deliver_due()

    assert (len(lost), too_early, later) == (1, 0, 1)
    assert world.deliveries.record(lost[0], status=500, error="late", milliseconds=1) is False
    assert [(item.status, item.attempts, item.last_status) for item in world.log()] == [("delivered", 1, 200)]
    assert receiver.received[0].headers["webhook-id"] == lost[0].id


def test_a_changed_secret_key_is_said_and_survived(small_world: World, receiver: Receiver) -> None:
    """With another service secret nothing is sent unsigned: the attempt fails and names the setting."""
    small_world.endpoint(receiver.url())
    cancel(small_world, small_world.analysis())
    other = small_world.settings.model_copy(update={"secret_key": Settings(secret_key="o" * 32).secret_key})
    courier = Courier(small_world.engine, other, "w1", registry=prometheus_client.CollectorRegistry(), clock=small_world.time.now)
    small_world.deliver_due(courier)
    courier.stop(within_s=0)

    assert receiver.received == []
    assert "STOCKCREW_SECRET_KEY" in str(small_world.log()[0].last_error)
    assert small_world.log()[0].status == "pending"


def test_links_begin_with_the_public_address(small_world: World, receiver: Receiver) -> None:
    """With a configured public address the link in a message is absolute."""
    small_world.endpoint(receiver.url())
    id = small_world.analysis()
    cancel(small_world, id)
    small_world.deliver_due(small_world.courier(public_url="https://research.example.com/api"))

    assert receiver.received[0].values["data"]["url"] == f"https://research.example.com/api/v1/analyses/{id}"


def test_the_courier_works_by_itself_and_counts(small_world: World, receiver: Receiver) -> None:
    """Started, it delivers what comes; its metrics tell how attempts went; stopped, it gives back what it held."""
    registry = prometheus_client.CollectorRegistry()
    courier = Courier(small_world.engine, small_world.settings, "w1", registry=registry, clock=small_world.time.now)
    endpoint, _ = small_world.endpoint(receiver.url())
    receiver.answers = [500]
    for _ in range(3):
        small_world.endpoints.test(endpoint.id, tenant=TENANT)
    courier.start()
    until(lambda: sum(item.attempts for item in small_world.log()) >= 3)
    courier.stop(within_s=5)
    attempts = {outcome: registry.get_sample_value("stockcrew_webhook_attempts_total", {"outcome": outcome}) for outcome in ("delivered", "failed")}

    assert attempts == {"delivered": 2.0, "failed": 1.0}
    assert registry.get_sample_value("stockcrew_webhooks_due") is not None
    assert sorted(item.status for item in small_world.log()) == ["delivered", "delivered", "pending"]


def hook(kind: str, url: str, **more: Any) -> Hook:
    """A hook of a kickoff."""
    return Hook.model_validate({"kind": kind, "url": url, "meta": {"ticket": 7}} | more)


CALL = {"task": "research", "agent": "researcher", "model": "m", "prompt_tokens": 9, "completion_tokens": 3, "milliseconds": 5}


def play(world: World, id: str, end: Callable[[], object]) -> None:
    """An analysis from start to end, as a worker logs it."""
    world.analyses.begin(id, total_tasks=1)
    for step in ("collect", "research"):
        world.analyses.log(id, "step.started", {"step": step, "agent": None}, once=f"started:{step}")
        if step == "research":
            world.analyses.log(id, "model.called", CALL | {"outcome": "ok"})
            world.analyses.log(id, "model.called", CALL | {"outcome": "error"})
        world.analyses.log(id, "step.finished", {"step": step, "agent": None, "milliseconds": 5}, once=f"finished:{step}")
    end()


def test_the_hooks_of_a_kickoff_are_told_in_amps_words(world: World, receiver: Receiver) -> None:
    """Step, task and crew webhooks come with kickoff_id and meta; the steps that no agent takes are not told; a token is sent along."""
    id = world.analysis()
    hooks = [hook(kind, receiver.url(f"/{kind}")) for kind in ("step", "task", "crew")]
    stream = hook("stream", receiver.url("/stream"), event_types=("task_started", "crew_kickoff_failed"), authorization="Bearer t0ken")
    world.hooks.attach(id, [*hooks, stream], tenant=TENANT)
    play(world, id, lambda: world.analyses.finish(id, "failed", failure=Failure(code="stale_data", message="too old", retryable=False)))
    while world.deliver_due():
        pass
    step, task, crew, streamed = (receiver.of(f"/{kind}") for kind in ("step", "task", "crew", "stream"))

    assert (len(step), len(task), len(crew), len(streamed)) == (2, 1, 1, 2)
    assert all(item.values["meta"] == {"ticket": 7} for item in (*step, *task, *crew))
    assert task[0].values.keys() >= {"description", "name", "expected_output", "summary", "agent", "output", "output_json", "kickoff_id", "meta"}
    assert task[0].values["name"] == "research"
    assert step[0].values.keys() >= {"prompt", "thought", "tool", "tool_input", "result", "kickoff_id", "meta"}
    assert (crew[0].values["result"], crew[0].values["error"]) == (None, "too old")
    assert crew[0].values["token_usage"] == {"total_tokens": 24, "prompt_tokens": 18, "completion_tokens": 6}
    assert [event["type"] for item in streamed for event in item.values["events"]] == ["task_started", "crew_kickoff_failed"]
    assert streamed[0].headers["authorization"] == "Bearer t0ken"
    assert all("authorization" not in item.headers for item in (*step, *task, *crew))
    assert len({item.headers["webhook-id"] for item in receiver.received}) == 6


def test_a_hook_that_comes_late_is_told_everything_once(world: World, receiver: Receiver) -> None:
    """Attached to an analysis that has ended, it still hears of it; attached twice, it hears once."""
    id = world.analysis()
    play(world, id, lambda: cancel(world, id) or world.analyses.finish(id, "canceled"))
    for _ in range(2):
        world.hooks.attach(id, [hook("crew", receiver.url("/crew")), hook("step", receiver.url("/step"))], tenant=TENANT)
    world.deliver_due()

    assert (len(receiver.of("/crew")), len(receiver.of("/step"))) == (1, 2)
    assert receiver.of("/crew")[0].values["error"] == "the analysis was canceled"


def test_events_are_gathered_unless_they_are_wanted_at_once(world: World, receiver: Receiver) -> None:
    """Without `realtime` the events of some seconds come in one message, in order; with it each comes alone."""
    id = world.analysis()
    names = ("crew_kickoff_started", "task_started", "task_completed", "llm_call_completed", "llm_call_failed", "crew_kickoff_completed")
    gathered = hook("stream", receiver.url("/gathered"), event_types=names, realtime=False)
    world.hooks.attach(id, [gathered, hook("stream", receiver.url("/single"), event_types=names)], tenant=TENANT)
    play(world, id, lambda: None)
    while world.deliver_due():
        pass
    assert receiver.of("/gathered") == []
    world.time.advance(seconds=5)
    world.analyses.finish(id, "succeeded")
    while world.deliver_due():
        pass
    world.time.advance(seconds=5)
    world.deliver_due()
    batches = [[event["type"] for event in item.values["events"]] for item in receiver.of("/gathered")]
    ids = [event["id"] for item in receiver.of("/gathered") for event in item.values["events"]]

    assert batches == [
        ["crew_kickoff_started", "task_started", "llm_call_completed", "llm_call_failed", "task_completed"],
        ["crew_kickoff_completed"],
    ]
    assert sorted(event["id"] for item in receiver.of("/single") for event in item.values["events"]) == sorted(ids)
    assert len(receiver.of("/single")) == len(set(ids)) == 6


def test_a_hook_whose_analysis_is_gone_is_given_up(world: World, receiver: Receiver) -> None:
    """What cannot be told any more is failed at once, and its hook goes with the log."""
    id = world.analysis()
    world.hooks.attach(id, [hook("crew", receiver.url())], tenant=TENANT)
    cancel(world, id)
    pending = world.hooks.delete_old(world.time.now() + timedelta(days=1))
    world.analyses.delete([id])
    world.deliver_due()

    [told] = world.log()
    assert told.status == "failed"
    assert str(told.last_error).startswith(f"the analysis {id} was deleted")
    assert (pending, world.hooks.delete_old(world.time.now() + timedelta(days=1))) == (0, 1)
    assert world.log() == []


def test_tokens_are_stored_sealed(world: World) -> None:
    """The token of a kickoff's webhook is nowhere in the tables in the clear."""
    world.hooks.attach(world.analysis(), [hook("stream", "https://example.com/", authorization="Bearer s3cret-token")], tenant=TENANT)
    with world.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM analysis_hooks")).all()

    assert len(rows) == 1
    assert "s3cret" not in json.dumps([str(value) for value in rows[0]])
