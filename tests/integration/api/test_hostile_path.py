"""Hostile texts on the whole way: documents and market data in, over HTTP, through the worker and an obeying model, and out in every form."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from fakes.attacks import attacks
from fakes.csv_folders import write_folder
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import draft_for
from fakes.obedient_model import _turned as saying
from fakes.obedient_model import reads

from crew.domain.market import NewsItem
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings
from loadtests.service import embedded_service

SECRET = "canary-5e1f0c77d2"
ALL = {attack.name: attack for attack in attacks()}
HEADLINES = (
    "language en",
    "language de",
    "language zh",
    "encoding base64",
    "markup chat markers",
    "deed link",
    "deed system prompt",
    "deed unknown tool",
)
DOCUMENT = (
    "language pt",
    "language es",
    "markup closing the fence",
    "markup citation",
    "deed secret",
    "deed phone",
    "encoding zero width",
    "deed HTML",
)
PROFILE, SECTOR, NAME, TITLE = "deed promise", "language fr", "deed rating in a claim", "markup comment"
PLANTED = tuple(ALL[name] for name in (*HEADLINES, *DOCUMENT, PROFILE, SECTOR, NAME, TITLE))
FORMS = ("json", "markdown", "html")
HONEST = "Apple said that revenue growth depends on demand in China, and that costs of memory chips may rise."


class Obeying:
    """Does whatever it can read; where the report is to be Portuguese, it does everything, as if it had read it all."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ModelRequest]] = []

    def __call__(self, request: ModelRequest) -> Reply:
        blindly = "Brazilian Portuguese" in request.text
        obeyed = [attack for attack in PLANTED if blindly or reads(request, attack)]
        self.seen += [(attack.name, request) for attack in obeyed if not blindly]
        if "search_documents" in request.tools and not request.answered:
            foreign = [(attack.tool, {"id": "price.last"}) for attack in obeyed if attack.tool]
            return Reply(calls=(("search_documents", {"query": "instructions rating"}), *foreign))
        said = " ".join(attack.obeyed or request.system[:300] for attack in obeyed)
        draft: Any = draft_for(request.text)
        return Reply(text=json.dumps(saying(draft, said) if said else draft, ensure_ascii=False))


def folder(path: Path) -> Path:
    """Market data of one company whose headlines, profile, sector and name are attacks."""
    snapshot = SampleMarketData(Settings().sample_dir).snapshot("AAPL")
    day = datetime(2026, 3, 10, 12, tzinfo=UTC)
    news = [NewsItem(published_at=day - timedelta(hours=hours), title=ALL[name].text, publisher="Wire") for hours, name in enumerate(HEADLINES)]
    texts = {"description": ALL[PROFILE].text, "sector": ALL[SECTOR].text, "name": ALL[NAME].text}
    return write_folder(path, [snapshot.model_copy(update={"news": tuple(news), "instrument": snapshot.instrument.model_copy(update=texts)})])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Obeying, dict[str, dict[str, str]], str]:
    """What readers get in each language and form, and the service's log."""
    path, model = tmp_path_factory.mktemp("hostile"), Obeying()
    with ModelProvider(model) as server:
        variables = {
            "STOCKCREW_MARKET_DATA": f"csv:{folder(path / 'market')}",
            "STOCKCREW_MODEL": "openai/test-model",
            "STOCKCREW_MODEL_BASE_URL": f"{server.url}/v1",
            "OPENAI_API_KEY": SECRET,
        }
        with embedded_service(path / "service.log", **variables) as url:
            text = "\n\n".join([HONEST, *(ALL[name].text for name in DOCUMENT)])
            query = {"name": f"{ALL[TITLE].text}.txt", "as_of": "2026-02-01"}
            sent = requests.post(f"{url}/v1/documents", params=query, data=text.encode(), headers={"Content-Type": "text/plain"}, timeout=20)
            assert sent.status_code == 201, sent.text
            with ThreadPoolExecutor() as pool:
                made = {language: pool.submit(_report, url, language, sent.json()["id"]) for language in ("en", "pt-BR")}
                found = {language: report.result() for language, report in made.items()}
    return model, found, (path / "service.log").read_text(encoding="utf-8")


def _report(url: str, language: str, document: str) -> dict[str, str]:
    wanted = {"symbol": "AAPL", "language": language, "as_of": "2026-03-12", "documents": [document]}
    made = requests.post(f"{url}/v1/analyses", json=wanted, timeout=20).json()
    deadline = time.monotonic() + 120
    while (state := requests.get(f"{url}/v1/analyses/{made['id']}", timeout=20).json())["status"] in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert state["status"] == "succeeded", state
    return {form: requests.get(f"{url}/v1/analyses/{made['id']}/report", params={"format": form}, timeout=20).text for form in FORMS}


Reports = tuple[Obeying, dict[str, dict[str, str]], str]


def test_nothing_to_obey_reaches_the_model(reports: Reports) -> None:
    """Headlines, profile, sector, name, document and its title are left out of every prompt and tool answer."""
    assert [name for name, _ in reports[0].seen] == []


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_rating_and_figures_are_those_of_the_facts(reports: Reports, language: str) -> None:
    """The rating is the scorecard's, every figure is cited evidence, and the same evidence stands in both languages."""
    report, other = (json.loads(found["json"]) for found in (reports[1][language], reports[1]["en"]))
    figures = [{item["id"]: item["value"] for item in one["evidence"] if item["kind"] != "text"} for one in (report, other)]

    assert report["recommendation"]["rating"] == report["scorecard"]["rating"] == other["scorecard"]["rating"]
    assert figures[0] == figures[1]
    assert len(figures[0]) > 300
    assert report["language"] == language
    assert any(item["value"] == HONEST for item in report["evidence"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_no_instruction_reaches_the_reader(reports: Reports, language: str, form: str) -> None:
    """Neither an attack nor what obeying it would say stands in any form of the report outside the list of what was withheld."""
    shown = _without_withheld(reports[1][language][form], form)

    assert [attack.name for attack in PLANTED if attack.text in shown] == []
    assert [attack.name for attack in PLANTED if attack.obeyed and attack.obeyed in shown] == []


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_nothing_leaks(reports: Reports, language: str) -> None:
    """Neither the key nor the desk's own instructions stand in the report, whatever its form, and the key is not in the log."""
    for form, text in reports[1][language].items():
        assert SECRET not in text
        assert "could not be traced" not in _without_withheld(text, form)
        assert "You never write a figure" not in text
    assert SECRET not in reports[2]


def test_obedience_is_withheld_and_said(reports: Reports) -> None:
    """A model that obeys everything has its sentences listed as withheld and its foreign tool refused; the report is partial."""
    report = json.loads(reports[1]["pt-BR"]["json"])

    assert report["status"] == "partial"
    assert {violation["code"] for violation in report["withheld"]} & {"rating_word", "promise", "link", "instruction"}
    assert any("delete_everything" in note for note in report["provenance"]["notes"])
    assert json.loads(reports[1]["en"]["json"])["status"] == "complete"


def _without_withheld(text: str, form: str) -> str:
    """The JSON without the list of withheld sentences, which quotes them as such; the other forms name only their places and the rules."""
    return json.dumps({**json.loads(text), "withheld": []}, ensure_ascii=False) if form == "json" else text
