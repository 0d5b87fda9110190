"""The main job with a generated client, run in the environment of the generator: `client_program.py URL KEY` prints what it read as JSON."""

import json
import sys

from stockcrew_client import AuthenticatedClient
from stockcrew_client.api.analyses import create_analysis, delete_analysis, get_analysis, list_analyses
from stockcrew_client.api.batches import create_batch
from stockcrew_client.api.report import get_report
from stockcrew_client.api.sources import get_source
from stockcrew_client.api.usage import read_usage
from stockcrew_client.models import AnalysisBody, CreateAnalysis, CreateBatch, CreateBatchItemsItem, ProblemBody, Report


def main() -> None:
    """Create, wait, read the report and one figure of it, delete; and meet one error on the way."""
    client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
    refused = create_analysis.sync(client=client, body=CreateAnalysis(symbol="../x"))
    assert isinstance(refused, ProblemBody)
    made = create_analysis.sync(client=client, body=CreateAnalysis(symbol="AAPL"), idempotency_key="the-main-job")
    assert isinstance(made, AnalysisBody)
    for _ in range(20):
        made = get_analysis.sync(made.id, client=client, prefer="wait=30")
        assert isinstance(made, AnalysisBody)
        if made.finished_at:
            break
    report = get_report.sync(made.id, client=client)
    assert isinstance(report, Report), report
    source = get_source.sync(made.id, report.evidence[0].id, client=client)
    batch = create_batch.sync(client=client, body=CreateBatch(items=[CreateBatchItemsItem.from_dict({"symbol": "AAPL"})]))
    usage = read_usage.sync(client=client)
    deleted = delete_analysis.sync_detailed(made.id, client=client, if_match="*")
    left = list_analyses.sync(client=client)
    found = {
        "refused": refused.code,
        "status": made.status.value,
        "report_id": report.id,
        "symbol": report.symbol,
        "rating": report.recommendation.rating.value,
        "evidence": len(report.evidence),
        "source": source.evidence.id == report.evidence[0].id,
        "batch": [item.outcome.value for item in batch.items],
        "calls": usage.total.calls,
        "deleted": deleted.status_code.value,
        "left": len(left.data),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
