"""What log lines and error messages never show."""

import pytest

from crew.agents.provider_errors import translated
from crew.logs import hide_secrets, secrets_of
from crew.settings import Settings

KEY = "canary-openai-7f3a9c51d2e84b06"


@pytest.fixture(autouse=True)
def _provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment as a provider's library reads it: there is no other way to give it its key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SHORT_API_KEY", "x")


class Refused(Exception):
    """What a client raises for an answer of 400."""

    status_code = 400


def test_a_key_that_a_provider_repeats_does_not_reach_the_analysis() -> None:
    """The failure says what the provider said, but for the key."""
    said = translated(Refused(f"Incorrect API key provided: {KEY}."), "openai/gpt-5-mini").message

    assert "Incorrect API key provided: [hidden]." in said


def test_secrets_are_hidden_wherever_they_stand_in_a_line() -> None:
    """In texts, lists, dictionaries and exceptions; passwords of addresses also as they read when decoded; short values stay words."""
    settings = Settings.model_validate({"database_url": "postgresql://u:p%40ssword-of-db@db/x", "redis_url": "redis://:password-of-redis@r/0"})
    line = {
        "event": f"sent {KEY}",
        "parts": [{"a": "p@ssword-of-db"}, ("p%40ssword-of-db",)],
        "error": ValueError("password-of-redis"),
        "x": "x",
        "n": 1,
    }
    shown = hide_secrets(secrets_of(settings))(None, "info", line)

    assert shown == {"event": "sent [hidden]", "parts": [{"a": "[hidden]"}, ["[hidden]"]], "error": "[hidden]", "x": "x", "n": 1}
