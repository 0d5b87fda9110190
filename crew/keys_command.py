"""`stockcrew keys`: a tenant's first key has to be made here, because over HTTP it takes a key to make one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import click

from crew.errors import ConfigurationError, StockcrewError
from crew.settings import Settings, load_settings

if TYPE_CHECKING:
    from crew.store.keys import KeyStore, Scope

SCOPES = ("read", "run", "admin")
Arguments = ParamSpec("Arguments")


@contextmanager
def _opened() -> Iterator[tuple[Settings, "KeyStore"]]:
    from crew.store.engine import make_engine  # noqa: PLC0415 - other commands need not wait for the database's library
    from crew.store.keys import KeyStore  # noqa: PLC0415

    settings = load_settings()
    engine = make_engine(settings)
    try:
        yield settings, KeyStore(engine)
    finally:
        engine.dispose()


def _clear_errors(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Our own errors as one sentence on stderr and an exit code: 2 for configuration, 1 for the rest."""

    @wraps(command)
    def run(*args: Arguments.args, **named: Arguments.kwargs) -> None:
        try:
            command(*args, **named)
        except StockcrewError as error:
            click.echo(f"stockcrew: {error.message} ({error.code})", err=True)
            raise SystemExit(2 if isinstance(error, ConfigurationError) else 1) from None

    return run


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option("--tenant", default="default", show_default=True, help="Whose analyses the key may see.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=("read", "run"), show_default=True, help="What it may do.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days until the key ends; by default it does not.")
@_clear_errors
def create(name: str, *, tenant: str, scopes: tuple["Scope", ...], days: int | None) -> None:
    """Make the key NAME and print it, this once."""
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    with _opened() as (settings, store):
        key, text = store.issue(settings.env, tenant=tenant, name=name, scopes=scopes, expires_at=ends)
    click.echo(f"{key.id}, tenant {tenant}, scopes {' '.join(key.scopes)}. Keep it well, it is not shown again:", err=True)
    click.echo(text)


@keys.command()
def generate() -> None:
    """Print a new key for STOCKCREW_BOOTSTRAP_KEY. Nothing is stored: `stockcrew migrate` does that where the variable is set."""
    from crew.store.keytext import make_key  # noqa: PLC0415

    click.echo(make_key("production").text)


@keys.command("list")
@click.option("--tenant", help="Only this tenant's keys.")
@_clear_errors
def list_keys(*, tenant: str | None) -> None:
    """List keys, without secrets."""
    with _opened() as (_, store):
        for key in store.list(tenant=tenant):
            state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "open"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            click.echo(f"{key.id}  {key.tenant:<16} {key.name:<24} {' '.join(key.scopes):<16} {state:<18} last used {used}")


@keys.command()
@click.argument("key_id")
@click.option("--tenant", default="default", show_default=True)
@_clear_errors
def revoke(key_id: str, *, tenant: str) -> None:
    """End the key KEY_ID at once."""
    with _opened() as (_, store):
        store.end(key_id, tenant=tenant, at=datetime.now(UTC))
    click.echo(f"{key_id} is revoked.")
