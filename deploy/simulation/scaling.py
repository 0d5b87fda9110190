"""Reports per minute with a number of workers and with twice as many, while the model is what one waits for."""

from deploy.simulation.service import Service
from deploy.simulation.takeover import SYMBOLS
from deploy.simulation.verdict import Scaling

CONCURRENCY, JOBS = 2, 4
# An analysis waits for three answers in turn. So slow a model leaves two cores idle, as a hosted one does, and workers are all that is scarce.
LATENCY_S = 5.0
_SPAN = "SELECT extract(epoch FROM max(finished_at) - min(started_at)) AS seconds FROM analyses WHERE id = ANY(:ids) AND status = 'succeeded'"


def reports_per_minute(service: Service, count: int, *, days: tuple[str, ...]) -> float:
    """From the start of the first of `count` analyses to the end of the last.

    Raises:
        NotReady: they do not end.
    """
    wanted = [(symbol, day) for day in days for symbol in SYMBOLS][:count]
    ids = [id for symbol, day in wanted for id in service.submit([symbol], as_of=day)]
    service.await_ended(ids, seconds=120)
    (row,) = service.rows(_SPAN, ids=ids)
    return 60 * count / float(row.seconds)


def _warm_up(service: Service) -> None:
    """Let the new worker read data and prices once, as the one that has worked before did."""
    service.set_latency(0.5)
    reports_per_minute(service, 2 * JOBS, days=("2026-03-05",))


def double(service: Service) -> Scaling:
    """Measure with the one worker that runs, start another, measure again; equally many analyses for each worker.

    Raises:
        NotReady: a worker does not start, analyses do not end.
    """
    service.set_latency(LATENCY_S)
    before = reports_per_minute(service, JOBS, days=("2026-03-10",))
    print(f"    1 worker: {before:.1f} reports a minute", flush=True)
    service.start_workers(1, concurrency=CONCURRENCY)
    _warm_up(service)
    service.set_latency(LATENCY_S)
    after = reports_per_minute(service, 2 * JOBS, days=("2026-03-09",))
    print(f"    2 workers: {after:.1f} reports a minute", flush=True)
    return Scaling(workers=1, before=before, after=after)
