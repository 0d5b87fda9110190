"""The command line: thin commands over the functions that the API and the worker use as well."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import click

from crew import __version__
from crew.domain.analysis import FOCUSES, LONGEST_DEADLINE_S, AnalysisRequest, Depth
from crew.domain.factsheet import FactSheet
from crew.domain.instrument import normalise_symbol
from crew.errors import ConfigurationError, DocumentUnreadable, InvalidRequest, StockcrewError
from crew.keys_command import keys
from crew.settings import Settings, load_settings

CONFIGURATION_EXIT = 2


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn our own errors into one sentence on stderr and an exit code: 2 for configuration and input, 1 for the rest."""
    try:
        yield
    except StockcrewError as error:
        click.echo(f"stockcrew: {error.message} ({error.code})", err=True)
        raise SystemExit(CONFIGURATION_EXIT if isinstance(error, ConfigurationError | DocumentUnreadable | InvalidRequest) else 1) from None


def _symbol(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return normalise_symbol(value)
    except ValueError as error:
        raise click.BadParameter(f"{value[:40]!r} is {error}") from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stockcrew")
def main() -> None:
    """Turn a ticker into an equity research report whose every figure unfolds to its source."""


def _overridden(settings: Settings, *, model: str | None = None, market_data: str | None = None) -> Settings:
    changes: dict[str, Any] = {name: value for name, value in {"model": model, "market_data": market_data}.items() if value is not None}
    return settings.model_copy(update=changes) if changes else settings


@main.command()
@click.argument("symbol", callback=_symbol)
@click.option("--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True, help="Form of the report.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file instead of standard output.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Analyse as of this day; nothing later is used.")
@click.option("--language", type=click.Choice(["en", "pt-BR", "es"]), default="en", show_default=True)
@click.option("--model", help="`rules` or a model string such as openai/gpt-5-mini; overrides STOCKCREW_MODEL.")
@click.option("--market-data", help="`yahoo`, `sample` or csv:FOLDER; overrides STOCKCREW_MARKET_DATA.")
@click.option(
    "--document",
    "documents",
    multiple=True,
    metavar="FILE[@DATE]",
    help="A text, Markdown, HTML or PDF file to read and quote, with the day it became public (as in notes.pdf@2026-02-01). May be repeated.",
)
@click.option("--max-cost-usd", type=click.FloatRange(0, 1000, min_open=True), help="Cap in US dollars; overrides STOCKCREW_MAX_COST_USD.")
@click.option("--depth", type=click.Choice(get_args(Depth)), default="standard", show_default=True, help="How much work the crew puts in.")
@click.option("--focus", multiple=True, type=click.Choice(FOCUSES), help="A subject to treat first and most. May be repeated.")
@click.option("--deadline", "deadline_s", type=click.IntRange(1, LONGEST_DEADLINE_S), metavar="SECONDS", help="Give up after so many seconds.")
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what the analysis would take, and call no model.")
def analyze(
    symbol: str,
    *,
    form: str,
    output: Path | None,
    as_of: datetime | None,
    language: str,
    model: str | None,
    market_data: str | None,
    documents: tuple[str, ...],
    max_cost_usd: float | None,
    depth: str,
    focus: tuple[str, ...],
    deadline_s: int | None,
    only_estimate: bool,
) -> None:
    """Analyse SYMBOL here and now, without a server."""
    from crew.analyze_command import analyze_to_file, write_estimate  # noqa: PLC0415 - the crew takes seconds to import, other commands need not wait

    with _clear_errors():
        settings = _overridden(load_settings(), model=model, market_data=market_data)
        day = as_of.date() if as_of else None
        wishes = {"max_cost_usd": max_cost_usd, "depth": depth, "focus": focus, "deadline_s": deadline_s}
        request = AnalysisRequest.model_validate({"symbol": symbol, "as_of": day, "language": language} | wishes)
        if only_estimate:
            write_estimate(request, settings)
        else:
            analyze_to_file(request, settings, form=form, output=output, documents=documents)


@main.command()
@click.option("--with-worker", is_flag=True, help="Run the worker beside the API, as on a laptop or one small instance.")
@click.option("--migrate", "migrate_first", is_flag=True, help="Bring the database to this version's tables first.")
def serve(*, with_worker: bool, migrate_first: bool) -> None:
    """Serve the HTTP API."""
    from crew.supervisor import API, MIGRATE, WORKER, Supervisor, run_before  # noqa: PLC0415

    with _clear_errors():
        settings = load_settings()
        if migrate_first and (code := run_before(MIGRATE)) != 0:
            raise SystemExit(code)
        commands = {"api": API, "worker": WORKER} if with_worker else {"api": API}
        raise SystemExit(Supervisor(commands, grace_s=settings.drain_s + 10).run())


@main.command()
def worker() -> None:
    """Run the worker that carries out analyses."""
    with _clear_errors():
        settings = load_settings()
        if find_spec("crewai") is None:
            raise ConfigurationError("the worker's packages are not installed: use the image `worker` or `all`, or install requirements.txt")
        from crew.jobs.worker import run_worker  # noqa: PLC0415

        raise SystemExit(run_worker(settings))


@main.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    with _clear_errors():
        settings = load_settings()
        from crew.jobs.migrate import migrate as run_migrations  # noqa: PLC0415

        run_migrations(settings)
        click.echo("The database is up to date.")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Copy the SQLite database into the new FILE while the service runs, and check the copy."""
    with _clear_errors():
        settings = load_settings()
        from crew.store.backup import back_up  # noqa: PLC0415 - other commands need not wait for the database's library

        size = back_up(settings, file)
        click.echo(f"{file}: {size} bytes, checked.")


@main.command()
def doctor() -> None:
    """Check database, model, market data, folders and versions, and say what to fix."""
    from crew.doctor import examine  # noqa: PLC0415

    with _clear_errors():
        findings = examine(load_settings())
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<14} {finding.detail}")
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


@main.command()
@click.argument("symbol", callback=_symbol)
@click.argument("evidence_id")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Explain the figure as of this day.")
@click.option("--market-data", help="`yahoo`, `sample` or csv:FOLDER; overrides STOCKCREW_MARKET_DATA.")
def explain(symbol: str, evidence_id: str, *, as_of: datetime | None, market_data: str | None) -> None:
    """Unfold one figure of SYMBOL, such as valuation.dcf.per_share, down to what was observed."""
    with _clear_errors():
        settings = _overridden(load_settings(), market_data=market_data)
        from crew.analytics.factsheet import fact_sheet  # noqa: PLC0415
        from crew.domain.tree import render_tree, unfold  # noqa: PLC0415
        from crew.market.factory import market_data as provider  # noqa: PLC0415

        day = as_of.date() if as_of else None
        sheet = fact_sheet(provider(settings).snapshot(symbol, as_of=day), as_of=day)
        click.echo(render_tree(unfold(sheet.evidence, known_figure(sheet, evidence_id))))


def known_figure(sheet: FactSheet, id: str) -> str:
    """`id` when the sheet has it.

    Raises:
        InvalidRequest: it has not; says why if the figure could not be had, else which ids are near.
    """
    if id in sheet.by_id:
        return id
    gap = next((gap for gap in sheet.gaps if gap.id == id), None)
    if gap is not None:
        raise InvalidRequest(f"{id} could not be had ({gap.reason}): {gap.detail}")
    near = ", ".join(get_close_matches(id, list(sheet.by_id), n=5, cutoff=0.5))
    raise InvalidRequest(f"{sheet.instrument.symbol} has no figure {id[:80]!r}" + (f"; near: {near}" if near else ""))


@main.command(name="eval", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluation(arguments: tuple[str, ...]) -> None:
    """Measure verification: faults injected into correct drafts, clean sentences that must pass."""
    from crew.evaluation.command import evaluate  # noqa: PLC0415 - it computes fact sheets, other commands need not wait

    with _clear_errors():
        evaluate.main(list(arguments), prog_name="stockcrew eval")


@main.command()
@click.argument("symbol", callback=_symbol)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-output"), show_default=True)
def demo(symbol: str, output: Path) -> None:
    """Start the service, analyse SYMBOL over HTTP, print the report, stop the service."""
    from crew.demo import DemoFailed, run_demo  # noqa: PLC0415

    try:
        run_demo(symbol, output)
    except DemoFailed as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(1)


main.add_command(keys)


if __name__ == "__main__":
    main()
