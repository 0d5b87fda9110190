"""Embedding calls: in the receipt and the events like any other call, and under the same cap."""

import json
from pathlib import Path

import pytest
from fakes.documents import document
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import draft_for
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from crew.domain.analysis import AnalysisRequest, Event
from crew.errors import BudgetExceeded
from crew.jobs.inline import analyze
from crew.jobs.pipeline import CrewPipeline
from crew.settings import Settings

SOURCE = document("Apple said that revenue growth depends on demand in China.\n\nThe zinc smelter in Tuscany was closed after a fire.")
PRICE = '{"as_of": "2026-11-01", "usd_per_million_tokens": {"openai/written": {"input": 0, "output": 0}, "acme/embed": {"input": 3.0, "output": 0}}}'


class Counting(Embeddings):
    """An embedding model that remembers what it was given."""

    def __init__(self) -> None:
        self.texts: list[list[str]] = []
        self._inner = DeterministicFakeEmbedding(size=8)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts.append(list(texts))
        return self._inner.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        self.texts.append([text])
        return self._inner.embed_query(text)


def searching(request: ModelRequest) -> Reply:
    """Looks into the documents once where it may, then writes."""
    if "search_documents" in request.tools and not request.answered:
        return Reply(calls=(("search_documents", {"query": "zinc"}),))
    return Reply(text=json.dumps(draft_for(request.text)))


@pytest.fixture
def settings(serve: "pytest.FixtureRequest", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-not-a-secret")
    (tmp_path / "prices.json").write_text(PRICE)
    server: ModelProvider = serve(searching)  # type: ignore[operator]
    given = {"market_data": "sample", "data_dir": tmp_path, "model": "openai/written", "model_base_url": f"{server.url}/v1"}
    return Settings.model_validate({**given, "prices_file": tmp_path / "prices.json", "embeddings": "acme:embed"})


def pipeline(settings: Settings, model: Embeddings) -> CrewPipeline:
    return CrewPipeline(settings, documents=lambda ids: [SOURCE for _ in ids], make_embeddings=lambda _name: model)


REQUEST = AnalysisRequest(symbol="AAPL", documents=(SOURCE.document.id,))


def test_embedding_calls_are_in_receipt_events_and_total(settings: Settings) -> None:
    """Each embedding of passages or of a query is one call with estimated tokens and its price, under the task that made it."""
    model, events = Counting(), list[Event]()
    provenance = analyze(REQUEST, settings, on_event=events.append, pipeline=pipeline(settings, model)).provenance
    lines = {(line.agent, line.task): line for line in provenance.receipt if line.model == "acme/embed"}
    characters = sum(len(text) for texts in model.texts for text in texts)

    assert model.texts[0] == [SOURCE.text.split("\n\n")[0] + "\n\n", SOURCE.text.split("\n\n")[1]] or len(model.texts[0]) >= 1
    assert lines["retrieval", "retrieval"].calls == 2
    assert {task for _, task in lines} > {"retrieval"}
    assert sum(line.calls for line in lines.values()) == len(model.texts)
    assert sum(line.prompt_tokens for line in lines.values()) == pytest.approx(characters / 3, abs=len(model.texts))
    assert provenance.totals.cost_usd == pytest.approx(sum(line.prompt_tokens for line in lines.values()) * 3e-6)
    told = [event.data for event in events if event.type == "model.called" and event.data["model"] == "acme/embed"]
    assert len(told) == len(model.texts)


def test_embedding_calls_are_under_the_cap(settings: Settings) -> None:
    """A cap that leaves no room for embedding the passages ends the analysis before the embedding model is asked."""
    model = Counting()
    with pytest.raises(BudgetExceeded, match="leaves no room"):
        analyze(REQUEST.model_copy(update={"max_cost_usd": 1e-6}), settings, pipeline=pipeline(settings, model))
    assert model.texts == []


def test_an_embedding_model_without_a_price_refuses_a_cap_in_money(settings: Settings) -> None:
    """A cap that somebody asked for cannot be kept where the embedding model's price is unknown."""
    model, unpriced = Counting(), settings.model_copy(update={"embeddings": "acme:other"})
    with pytest.raises(BudgetExceeded, match="no price is known for acme/other"):
        analyze(REQUEST.model_copy(update={"max_cost_usd": 1.0}), unpriced, pipeline=pipeline(unpriced, model))
    assert model.texts == []
