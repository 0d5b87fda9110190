"""Sealed secrets, and signatures as the reference implementation of Standard Webhooks reads them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from crew.domain.webhooks import thin_payload
from crew.errors import ConfigurationError
from crew.jobs.messages import Message
from crew.jobs.signing import signed_headers
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.sealing import Seal
from crew.store.webhooks import new_secret

BODY = json.dumps(thin_payload("analysis.succeeded", datetime(2026, 3, 12, tzinfo=UTC), "an_" + "a" * 26)).encode()


@pytest.fixture
def now() -> datetime:
    """The time of signing: the reference implementation reads the clock itself, and refuses what is minutes old."""
    return datetime.now(UTC)


def test_the_reference_implementation_accepts_a_signature(now: datetime) -> None:
    """`standardwebhooks` verifies what is signed here."""
    secret = new_secret()

    assert Webhook(secret).verify(BODY, signed_headers("wd_1", now, BODY, [secret]))["type"] == "analysis.succeeded"


def test_both_secrets_of_a_rotation_sign(now: datetime) -> None:
    """While one secret replaces another, a receiver may verify with either; any other fails."""
    old, new = new_secret(), new_secret()
    headers = signed_headers("wd_1", now, BODY, [new, old])

    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("spoil", ["body", "id", "timestamp"])
def test_nothing_signed_can_be_changed(spoil: str, now: datetime) -> None:
    """Another body, id or time makes the signature wrong."""
    secret = new_secret()
    headers = signed_headers("wd_1", now, BODY, [secret])
    if spoil != "body":
        headers[f"webhook-{spoil}"] = "wd_2" if spoil == "id" else str(int((now + timedelta(seconds=1)).timestamp()))

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" " if spoil == "body" else BODY, headers)


def test_a_secret_is_long_and_never_the_same() -> None:
    """32 random bytes in the spelling of Standard Webhooks."""
    made = {new_secret() for _ in range(20)}

    assert len(made) == 20
    assert all(secret.startswith("whsec_") and len(secret) == 6 + 44 for secret in made)


def test_what_is_sealed_opens_with_the_key_and_for_its_owner_only() -> None:
    """Another key or another owner cannot open it, and the same text never looks the same."""
    seal, other = Seal(lambda: b"k" * 32), Seal(lambda: b"K" * 32)
    sealed = seal.close("whsec_abc", context="we_1")

    assert seal.open(sealed, context="we_1") == "whsec_abc"
    assert sealed != seal.close("whsec_abc", context="we_1")
    assert "whsec" not in sealed
    for opener, context, text in (
        (other, "we_1", sealed),
        (seal, "we_2", sealed),
        (seal, "we_1", sealed[:-4]),
        (seal, "we_1", "v1.%%%"),
        (seal, "we_1", ""),
    ):
        with pytest.raises(ConfigurationError, match="STOCKCREW_SECRET_KEY"):
            opener.open(text, context=context)


def test_api_and_worker_share_the_laptops_secret(tmp_path: Path) -> None:
    """Without a configured secret both use the one that was made once in the data folder."""
    settings = Settings(data_dir=tmp_path)
    sealed = Seal(lambda: secret_key(settings)).close("s", context="c")

    assert Seal(lambda: secret_key(Settings(data_dir=tmp_path))).open(sealed, context="c") == "s"


def test_a_message_does_not_show_its_secrets() -> None:
    """The text of a message for a log has neither headers nor body."""
    assert "token" not in repr(Message("https://example.com", {"Authorization": "Bearer token"}, b"token"))
