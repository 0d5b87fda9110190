"""`stockcrew eval`: run the evaluation of verification, print its table, and say whether the targets are reached."""

import click

from crew.evaluation.measure import LEAST_OVERALL, LEAST_PER_KIND, MOST_ALARMS, PER_KIND, SEED, Count, Outcome, measure


@click.command(name="eval")
@click.option("--per-kind", type=click.IntRange(1), default=PER_KIND, show_default=True, help="Drafts per kind of fault.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed draws other faults.")
@click.option("--show-missed", is_flag=True, help="Print examples of what was missed and what was stopped wrongly.")
def evaluate(*, per_kind: int, seed: int, show_missed: bool) -> None:
    """Inject faults into correct drafts, and measure what verification catches and what it stops wrongly."""
    outcome = measure(per_kind=per_kind, seed=seed)
    for line in table(outcome, show_missed=show_missed):
        click.echo(line)
    missed = outcome.missed_targets(per_kind=per_kind)
    for reason in missed:
        click.echo(f"eval: target missed: {reason}", err=True)
    raise SystemExit(1 if missed else 0)


def table(outcome: Outcome, *, show_missed: bool = False) -> list[str]:
    """The outcome as lines: kinds of faults, all of them, clean sentences."""
    lines = [
        f"Faults put into {outcome.drafts} correct drafts; caught means the faulty sentence or claim would be withheld. Intervals: Wilson, 95 %.",
        "",
    ]
    lines += [f"{'kind of fault':<28}{'caught':>12}{'%':>8}   interval"]
    for name, count in outcome.kinds.items():
        lines += [_line(name, count), *(f"    missed: {text[:200]}" for text in (count.examples if show_missed else ()))]
    lines += [_line("all", outcome.caught), "", f"{'clean sentences':<28}{'stopped':>12}{'%':>8}   interval"]
    for name, count in {**outcome.clean, "all": outcome.passed}.items():
        lines += [_line(name, _turned(count)), *(f"    stopped: {text[:200]}" for text in (count.examples if show_missed else ()))]
    lines += [
        "",
        f"Targets: at least {LEAST_OVERALL} % overall and {LEAST_PER_KIND} % of each kind caught, at most {MOST_ALARMS} % of clean ones stopped.",
    ]
    return lines


def _turned(count: Count) -> Count:
    return Count(count.total - count.hits, count.total)


def _line(name: str, count: Count) -> str:
    low, high = count.interval
    return f"{name:<28}{f'{count.hits}/{count.total}':>12}{count.percent:>8.2f}   {low:.2f} to {high:.2f}"
