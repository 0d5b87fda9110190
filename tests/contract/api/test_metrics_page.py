"""docs/metrics.md names every metric that the processes expose, with type and labels, and no other."""

import re
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from api.metrics import HttpMetrics
from crew.jobs.courier import Courier
from crew.jobs.metrics import WorkerMetrics
from crew.settings import Settings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


def exposed(registry: CollectorRegistry) -> dict[str, tuple[str, list[str]]]:
    """Name, type and labels of everything in the registry."""
    labels = {name: list(collector._labelnames) for collector, names in registry._collector_to_names.items() for name in names}  # type: ignore[attr-defined]
    found: list[Metric] = list(registry.collect())
    return {metric.name + ("_total" if metric.type == "counter" else ""): (metric.type, labels[metric.name]) for metric in found}


def test_the_page_is_true(tmp_path: Path) -> None:
    """Page and processes say the same."""
    settings = Settings(data_dir=tmp_path)
    worker = WorkerMetrics()
    Courier(sa.create_engine("sqlite://"), settings, "w", registry=worker.registry)
    real = exposed(HttpMetrics().registry) | exposed(worker.registry)
    written = {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in ROW.findall(PAGE.read_text(encoding="utf-8"))}

    assert written == real
    assert all(name.startswith("stockcrew_") for name in real)
