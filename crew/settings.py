"""All configuration, read once from the environment and passed down. Nothing else reads the environment."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from crew.errors import ConfigurationError

_SECRET_NAME = re.compile(r"(_API_KEY|_ACCESS_KEY|_SECRET|_TOKEN|_PASSWORD)$")
_SHORTEST_SECRET = 8  # shorter values, such as placeholders, would blank ordinary words
_ROOT = Path(__file__).resolve().parent.parent


def _named(variable: str) -> AliasChoices:
    return AliasChoices(variable, variable.lower())


class Settings(BaseSettings):
    """Everything an operator can set. Defaults suit a laptop; `env=production` refuses what is unsafe there."""

    model_config = SettingsConfigDict(env_prefix="STOCKCREW_", frozen=True, extra="ignore", populate_by_name=True)

    env: Literal["local", "production"] = Field("local", description="`production` refuses unsafe defaults")
    data_dir: Path = Field(Path("data"), description="SQLite file, caches, CrewAI's storage")
    database_url: str = Field("", repr=False, validation_alias=_named("DATABASE_URL"), description="SQLite in the data folder unless set")
    redis_url: SecretStr | None = Field(None, validation_alias=_named("REDIS_URL"), description="shared request-rate counters")
    host: str = Field("127.0.0.1", description="address to bind; `local` binds to loopback only")
    port: int = Field(8000, ge=0, le=65535, validation_alias=_named("PORT"), description="port of the API")
    web_concurrency: int = Field(1, ge=1, le=64, validation_alias=_named("WEB_CONCURRENCY"), description="gunicorn processes")
    threads: int = Field(64, ge=4, le=1024, description="threads of one gunicorn process")
    secret_key: SecretStr | None = Field(None, description="32 bytes or more; generated once in the data folder when `local`")
    bootstrap_key: SecretStr | None = Field(
        None, description="API key that `stockcrew migrate` sees to, where no command can be run to make one; from `stockcrew keys generate`"
    )
    agents_file: Path = Field(_ROOT / "agents.yaml", description="the crew's agents")
    tasks_file: Path = Field(_ROOT / "tasks.yaml", description="the crew's tasks")

    market_data: str = Field("yahoo", description="`yahoo`, `sample` or `csv:FOLDER`")
    sample_dir: Path = Field(_ROOT / "crew" / "market" / "sample_data", description="the shipped sample data set")
    market_timeout_s: float = Field(10.0, gt=0, description="seconds for one request to the market-data provider")
    market_requests_per_s: float = Field(8.0, gt=0, description="requests per second to the market-data provider, per process")

    model: str = Field("rules", description="model where agents.yaml says `default`")
    model_base_url: str | None = Field(
        None,
        repr=False,
        validation_alias=AliasChoices("STOCKCREW_MODEL_BASE_URL", "OPENAI_BASE_URL", "model_base_url"),
        description="any OpenAI-compatible URL",
    )
    model_fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated models to try in order when the model cannot be reached; the report states their use"
    )
    model_stream: bool = Field(False, description="whether model answers are streamed")
    model_outage: Literal["fail", "wait"] = Field(
        "fail", description="whether analyses fail at once or wait (until their deadline) while a model provider is left alone after repeated outages"
    )
    model_timeout_s: float = Field(60.0, gt=0, description="seconds for one model call")
    job_deadline_s: float = Field(900.0, gt=0, description="seconds for one whole analysis")
    max_cost_usd: float = Field(2.0, gt=0, description="cap in US dollars for one analysis whose request names none")
    prices_file: Path = Field(_ROOT / "crew" / "agents" / "prices.json", description="what models cost: a table with its date")
    max_tokens_per_analysis: int = Field(200_000, gt=0, description="cap in tokens for one analysis")
    freshness_s: float = Field(3600.0, ge=0, description="seconds a finished analysis answers the same request again")

    worker_concurrency: int = Field(8, ge=1, le=64, description="analyses one worker runs at once")
    worker_metrics_port: int = Field(9102, ge=0, le=65535, description="port of the worker's /metrics; 0 turns it off")
    poll_interval_s: float = Field(0.25, gt=0, description="seconds between looks at the queue")
    heartbeat_s: float = Field(10.0, gt=0, description="seconds between a worker's heartbeats")
    dead_after_s: float = Field(60.0, gt=0, description="seconds without a heartbeat after which a worker's jobs are taken over")
    drain_s: float = Field(25.0, ge=0, description="seconds a worker may finish its jobs after SIGTERM")
    max_recovery_attempts: int = Field(5, ge=1, description="times a job may lose its worker before it fails for good")
    retention_days: int = Field(30, ge=1, description="days a finished analysis is kept")

    webhook_allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated networks (127.0.0.0/8) webhooks may go to although they are not public, also over http"
    )
    webhook_timeout_s: float = Field(20.0, gt=0, le=30, description="seconds a webhook's receiver may take")
    webhook_concurrency: int = Field(8, ge=1, le=64, description="webhooks one worker sends at once")
    webhook_log_days: int = Field(30, ge=1, description="days the log of webhook deliveries is kept")
    public_url: str = Field(
        "", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?)?$", description="where clients reach the API; put before links in webhooks"
    )

    stream_max_s: float = Field(900.0, gt=0, description="seconds after which an event stream ends and its client resumes on a new connection")
    requests_per_minute: int = Field(600, gt=0, description="requests one API key may send in a minute, unless the key has a limit of its own")
    analyses_per_hour: int | None = Field(
        None, gt=0, description="analyses one API key may start in an hour; unlimited unless set, here or for the key"
    )
    max_queued: int = Field(10_000, gt=0, description="analyses of all keys that may wait for a worker at once; more are refused for the time being")
    concurrent_analyses: int | None = Field(None, gt=0, description="analyses one API key may have queued or running at once")
    streams_per_key: int | None = Field(None, gt=0, description="event streams one API key may have open at once")
    usd_per_day: float | None = Field(
        None, gt=0, le=10**9, description="US dollars one API key may spend in a day of UTC; what runs counts with its cap"
    )
    failed_logins_per_minute: int = Field(20, gt=0, description="requests with a bad API key one address may send in a minute")
    client_timeout_s: float = Field(
        15.0, gt=0, le=300, description="seconds a client may take to send a request, or to take an answer, and one more per 16 KiB of it"
    )
    max_body_bytes: int = Field(64 * 1024, gt=0, description="largest request body")
    max_document_bytes: int = Field(16 * 1024 * 1024, gt=0, description="largest document that can be attached")
    max_documents: int = Field(1000, gt=0, description="documents one tenant may keep at a time")
    document_timeout_s: float = Field(20.0, gt=0, le=300, description="seconds that reading one document may take")
    embeddings: str | None = Field(
        None, description="`PROVIDER:MODEL` of LangChain, such as openai:text-embedding-3-small, to search documents by meaning beside their words"
    )
    otel_endpoint: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="OTLP/HTTP address that traces are sent to, such as http://collector:4318; needs the extra `otel`",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least severe level that is logged")
    log_format: Literal["json", "console"] = Field("json", description="JSON lines or readable text")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field((), description="comma-separated origins allowed by CORS")
    security_contact: str = Field("", max_length=500, description="mailto:, https: or tel: address for /.well-known/security.txt; empty serves none")
    trusted_proxies: int = Field(0, ge=0, le=10, description="proxies in front whose X-Forwarded-For is believed")
    proxy_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated networks (10.0.0.0/8) that those proxies connect from; any unless set"
    )

    @field_validator("cors_origins", "model_fallbacks", "webhook_allowed_networks", "proxy_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("redis_url", "bootstrap_key", mode="before")
    @classmethod
    def _set(cls, value: object) -> object:
        return value or None  # an empty variable is one that is not set

    @field_validator("security_contact")
    @classmethod
    def _reachable(cls, contact: str) -> str:
        if contact and not re.fullmatch(r"(mailto:|https://|tel:)[!-~]+", contact):
            raise ValueError("STOCKCREW_SECURITY_CONTACT must be a mailto:, https:// or tel: address")
        return contact

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"https?://[a-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?", origin):
                raise ValueError(f"STOCKCREW_CORS_ORIGINS: {origin!r} is no origin; name each as a browser sends it, such as https://desk.example")
        return origins

    @field_validator("webhook_allowed_networks", "proxy_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for text in networks:
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"STOCKCREW_{(info.field_name or '').upper()}: {error}; write 127.0.0.0/8, say") from None
        return networks

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url.startswith("postgres://"):
            url = "postgresql://" + url.removeprefix("postgres://")
        if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        return url

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.secret_key is not None and len(self.secret_key.get_secret_value().encode()) < 32:
            raise ValueError("STOCKCREW_SECRET_KEY must have 32 bytes or more")
        if self.dead_after_s < 2 * self.heartbeat_s:
            raise ValueError("STOCKCREW_DEAD_AFTER_S must be at least twice STOCKCREW_HEARTBEAT_S")
        if self.env == "production" and self.secret_key is None:
            raise ValueError("STOCKCREW_SECRET_KEY is required when STOCKCREW_ENV=production")
        if self.env == "local" and self.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(
                "STOCKCREW_ENV=local needs no API key and so binds to loopback only: unset STOCKCREW_HOST or set STOCKCREW_ENV=production"
            )
        if self.web_concurrency > 1 and self.redis_url is None:
            raise ValueError("WEB_CONCURRENCY above 1 needs REDIS_URL: rate limits would be counted per process otherwise")
        return self

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy URL in use, with the psycopg 3 driver named for PostgreSQL."""
        if not self.database_url:
            return f"sqlite:///{(self.data_dir / 'stockcrew.db').resolve()}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.resolved_database_url.startswith("sqlite")


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: a variable is wrong; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise ConfigurationError(f"the configuration is wrong: {problems}") from None


def provider_secrets() -> list[str]:
    """The keys of model providers, which their libraries read from the environment themselves; here only to keep them from being seen."""
    return [value for name, value in os.environ.items() if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name)]


def inherited_environment(**overrides: str) -> dict[str, str]:
    """The environment for a child process: ours without StockCrew's own settings, with `overrides` on top."""
    own = {"DATABASE_URL", "REDIS_URL", "PORT", "WEB_CONCURRENCY"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STOCKCREW_") and name not in own}
    return kept | overrides
