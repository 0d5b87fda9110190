"""The webhook that `webhook_url` of a request asks for: signed, told of one analysis alone, delivered like any other."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fakes.webhook_receiver import Receiver
from fakes.webhook_world import TENANT, World
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from crew.domain.webhooks import ENDPOINT_EVENTS, Hook
from crew.errors import ConfigurationError
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.sealing import Seal
from crew.store.webhook_secrets import SecretStore
from crew.store.webhook_tables import webhook_deliveries


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    made = World(settings)
    yield made
    made.close()


def secrets_of(world: World) -> SecretStore:
    """The signing secrets, in the world's time."""
    return SecretStore(world.engine, Seal(lambda: secret_key(world.settings)), clock=world.time.now)


def asked(url: str) -> Hook:
    """What a request's `webhook_url` becomes."""
    return Hook(kind="analysis", url=url, event_types=ENDPOINT_EVENTS)


def test_one_analysis_is_told_from_start_to_end_signed(world: World, receiver: Receiver) -> None:
    """Messages are those of an endpoint, verified by `standardwebhooks` with the tenant's secret; other analyses are not told."""
    id, other = world.analysis(), world.analysis("MSFT")
    world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)
    for one in (id, other):
        world.analyses.begin(one, total_tasks=4)
        world.analyses.finish(one, "succeeded", report_status="complete")

    assert world.deliver_due() == 2
    secret = secrets_of(world).get(TENANT).secret
    told = [Webhook(secret).verify(item.body, item.headers) for item in receiver.received]
    assert {(item["type"], item["data"]["id"]) for item in told} == {("analysis.started", id), ("analysis.succeeded", id)}
    assert {item.hook for item in world.log()} == {"analysis"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets_of(world).get("globex").secret).verify(receiver.received[0].body, receiver.received[0].headers)


def test_what_has_happened_already_is_told_too(world: World, receiver: Receiver) -> None:
    """A request that is answered by a finished analysis hears of its start and its end, and once only."""
    id = world.analysis()
    world.analyses.begin(id, total_tasks=4)
    world.analyses.finish(id, "succeeded", report_status="complete")
    for _ in range(2):
        world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)

    assert world.deliver_due() == 2
    assert sorted(item.values["type"] for item in receiver.received) == ["analysis.started", "analysis.succeeded"]


def test_both_secrets_sign_while_one_follows_the_other(world: World, receiver: Receiver) -> None:
    """Until the overlap ends a receiver with either secret can verify, afterwards only with the new one."""
    id, store = world.analysis(), secrets_of(world)
    world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)
    old = store.get(TENANT).secret
    new = store.rotate(TENANT, overlap=timedelta(hours=1)).secret
    world.analyses.begin(id, total_tasks=4)
    world.deliver_due()
    world.time.advance(seconds=3601)
    within = receiver.received[0]

    assert [Webhook(secret).verify(within.body, within.headers)["type"] for secret in (old, new)] == ["analysis.started"] * 2
    assert store.signing(TENANT) == [new]


def test_a_failure_is_tried_again_like_any_delivery(world: World, receiver: Receiver) -> None:
    """It goes through the same durable log: an attempt that fails is made again under the same id."""
    id = world.analysis()
    world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)
    receiver.answers.append(503)
    world.analyses.begin(id, total_tasks=4)
    world.deliver_due()
    world.time.advance(seconds=10)
    world.deliver_due()

    assert [item.headers["webhook-id"] for item in receiver.received] == [world.log()[0].id] * 2
    assert (world.log()[0].status, world.log()[0].attempts) == ("delivered", 2)


def test_it_may_not_go_inside_whatever_was_stored(world: World, receiver: Receiver) -> None:
    """The address is judged at each attempt as well: where loopback is not allowed nothing is sent there."""
    id = world.analysis()
    world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)
    world.analyses.begin(id, total_tasks=4)
    world.deliver_due(world.courier(webhook_allowed_networks=()))

    assert receiver.received == []
    assert world.log()[0].last_error is not None


def test_an_older_release_can_read_the_log(world: World, receiver: Receiver) -> None:
    """Its rows name no kind of hook that an older release does not know."""
    id = world.analysis()
    world.hooks.attach(id, [asked(receiver.url())], tenant=TENANT)
    world.analyses.begin(id, total_tasks=4)
    with world.engine.connect() as connection:
        kinds = connection.execute(sa.select(webhook_deliveries.c.hook, webhook_deliveries.c.endpoint_id)).all()

    assert [tuple(row) for row in kinds] == [(None, None)]


def test_a_secret_is_made_once_by_whoever_is_first(world: World) -> None:
    """Two that ask at the same time get the same."""
    first, second = secrets_of(world), secrets_of(world)

    assert first.get(TENANT) == second.get(TENANT)


def test_a_secret_that_cannot_be_read_is_replaced_by_rotation(world: World) -> None:
    """After a change of the service's key it is refused by name, and a rotation puts it right at once."""
    secrets_of(world).get(TENANT)
    changed = SecretStore(world.engine, Seal(lambda: b"another key of the service, long enough"), clock=world.time.now)
    with pytest.raises(ConfigurationError, match="STOCKCREW_SECRET_KEY"):
        changed.get(TENANT)
    rotated = changed.rotate(TENANT, overlap=timedelta(hours=1))

    assert changed.signing(TENANT) == [rotated.secret]
