"""`stockcrew analyze`: one analysis in this process with a progress bar on stderr and the report on stdout or in a file."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from crew.documents.local import LocalDocuments
from crew.domain.analysis import AnalysisRequest, Event
from crew.domain.report import Report
from crew.errors import InvalidRequest
from crew.jobs.inline import analyze, estimate
from crew.jobs.pipeline import CrewPipeline
from crew.report.canonical import render_json
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.settings import Settings

RENDERERS = {"md": render_markdown, "json": render_json, "html": render_html}


def analyze_to_file(request: AnalysisRequest, settings: Settings, *, form: str, output: Path | None, documents: Sequence[str] = ()) -> Report:
    """Run the analysis, show each step as it starts and ends, and write the report in `form` (`md`, `json`, `html`).

    `documents` are files to attach, each with the day it became public behind an @ if wanted.

    Raises:
        InvalidRequest: the output file cannot be written, or a document cannot be attached; found before any work is done.
        DocumentUnreadable: no text can be read from a document.
        StockcrewError: whatever made the analysis fail.
    """
    if output is not None:
        _ensure_writable(output)
    files = LocalDocuments(documents, timeout_s=settings.document_timeout_s, most_bytes=settings.max_document_bytes)
    request = request.model_copy(update={"documents": files.ids})
    pipeline = CrewPipeline(settings, documents=files.texts)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{request.symbol}: starting", total=None)

        def show(event: Event) -> None:
            step, agent = event.data.get("step", ""), event.data.get("agent")
            if event.type == "step.started":
                progress.update(bar, description=f"{request.symbol}: {step}" + (f" ({agent})" if agent else ""), total=event.data.get("total"))
            elif event.type == "step.finished":
                progress.advance(bar)

        report = analyze(request, settings, on_event=show, pipeline=pipeline)
    text = RENDERERS[form](report)
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    else:
        output.write_text(text, encoding="utf-8")
    return report


def write_estimate(request: AnalysisRequest, settings: Settings) -> None:
    """Write what the analysis would take, one line a task, to standard output.

    Raises:
        StockcrewError: there is nothing to estimate from.
    """
    found = estimate(request, settings)
    rows = [(line.task, line.model, line.prompt_tokens, line.completion_tokens, _dollars(line.cost_usd)) for line in found.lines]
    rows.append(("in all", "", found.prompt_tokens, found.completion_tokens, _dollars(found.cost_usd)))
    sys.stdout.write(f"{'task':<14} {'model':<34} {'tokens in':>10} {'out':>8} {'US dollars':>11}\n")
    for task, model, prompt, completion, cost in rows:
        sys.stdout.write(f"{task:<14} {model:<34} {prompt:>10,} {completion:>8,} {cost:>11}\n")
    cap = request.max_cost_usd or settings.max_cost_usd
    sys.stdout.write(
        f"With look-ups, a repair round and the longest answers in every task: {_dollars(found.high_cost_usd)} US dollars. The cap is {cap:g}.\n"
        f"Prices as of {found.prices_as_of}. No model was called.\n"
    )


def _dollars(cost: float | None) -> str:
    return "unknown" if cost is None else f"{cost:.4f}"


def _ensure_writable(output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise InvalidRequest(f"the report cannot be written to {output}: {error.strerror}") from None
