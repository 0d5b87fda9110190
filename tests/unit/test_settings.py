"""Settings: what is refused, what is derived, what stays secret."""

import re
from pathlib import Path

import pytest

from crew.errors import ConfigurationError
from crew.settings import Settings, load_settings

KEY = "k" * 32


def test_defaults_suit_a_laptop() -> None:
    """Without any variable the service is local, on SQLite, with the rules model."""
    settings = Settings()

    assert settings.env == "local"
    assert settings.is_sqlite
    assert settings.model == "rules"
    assert settings.resolved_database_url.endswith("/data/stockcrew.db")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"env": "production"}, "STOCKCREW_SECRET_KEY is required"),
        ({"secret_key": "short"}, "32 bytes"),
        ({"host": "0.0.0.0"}, "binds to loopback only"),
        ({"web_concurrency": 2}, "needs REDIS_URL"),
        ({"web_concurrency": 2, "redis_url": ""}, "needs REDIS_URL"),
        ({"heartbeat_s": 10.0, "dead_after_s": 15.0}, "at least twice"),
        ({"database_url": "mysql://x/y"}, "sqlite:///FILE or postgresql://"),
        ({"port": 70000}, "less than or equal to 65535"),
    ],
)
def test_unsafe_or_impossible_settings_are_refused(values: dict[str, object], named: str) -> None:
    """Each unsafe combination is refused with a message that says what to set."""
    with pytest.raises(ValueError, match=re.escape(named)):
        Settings.model_validate(values)


def test_the_environment_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variable becomes one ConfigurationError that names it."""
    monkeypatch.setenv("PORT", "eight thousand")

    with pytest.raises(ConfigurationError, match=r"(?i)port"):
        load_settings()


@pytest.mark.parametrize("url", ["postgres://u:p@h/db", "postgresql://u:p@h/db"])
def test_both_spellings_of_postgresql_use_psycopg_3(url: str) -> None:
    """The customary postgres:// and postgresql:// URLs both select the psycopg 3 driver."""
    assert Settings.model_validate({"database_url": url}).resolved_database_url == "postgresql+psycopg://u:p@h/db"


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """Neither repr nor JSON of the settings contains a secret."""
    settings = Settings.model_validate({"secret_key": KEY, "redis_url": "redis://:hunter2@h", "data_dir": tmp_path})

    assert KEY not in repr(settings) + settings.model_dump_json()
    assert "hunter2" not in repr(settings) + settings.model_dump_json()


def test_production_takes_a_complete_configuration() -> None:
    """Production starts with a secret key, any host and several processes that share Redis."""
    settings = Settings.model_validate({"env": "production", "secret_key": KEY, "host": "0.0.0.0", "web_concurrency": 2, "redis_url": "redis://r"})

    assert settings.web_concurrency == 2
