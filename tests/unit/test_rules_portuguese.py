"""The rules writer in Brazilian Portuguese: every sentence translated with its citations, and no English left."""

import ast
import inspect
import re

import pytest

from crew.agents import rules_text
from crew.agents.rules_claims import ASSET, FUNDAMENTALS, TECHNICALS
from crew.agents.rules_page import Page
from crew.agents.rules_portuguese import PORTUGUESE
from crew.agents.rules_text import WRITERS
from crew.agents.verify import Verifier
from crew.analytics.factsheet import fact_sheet
from crew.domain.draft import CITATION, SCHEMAS
from crew.domain.run import TaskResult
from crew.market.factory import market_data
from crew.settings import Settings

SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "GOOGL", "META", "JPM", "SPY", "GLD", "PETR4.SA")
ENGLISH = re.compile(r"\b(?:the|of|and|is|was|with|from|against|shares|revenue|price|year)\b", re.IGNORECASE)


def test_a_translation_cites_what_its_original_cites() -> None:
    """The same figures, in whatever order the language wants them."""
    for english, portuguese in PORTUGUESE.items():
        assert sorted(re.findall(CITATION, english)) == sorted(re.findall(CITATION, portuguese)), english
        assert sorted(re.findall(r"\{(\w+)\}", english)) == sorted(re.findall(r"\{(\w+)\}", portuguese)), english


def test_every_argument_is_translated() -> None:
    """Those that no sample company makes included."""
    assert [one.text for one in (*FUNDAMENTALS, *TECHNICALS, *ASSET) if one.text not in PORTUGUESE] == []


def test_every_sentence_of_the_writer_is_translated() -> None:
    """Those that no sample company calls for included: every text in the writer's source that reads like a sentence."""
    tree = ast.parse(inspect.getsource(rules_text))
    explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained]
    sentences = [text for text in texts if " " in text.strip() and text.strip().endswith((".", "]]"))]
    assert len(sentences) > 60
    assert [text for text in sentences if text not in PORTUGUESE and not any(text in whole for whole in PORTUGUESE)] == []


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_drafts_are_portuguese_and_pass_verification(symbol: str) -> None:
    """Every draft of every sample instrument fits its schema, passes every check and holds no English sentence."""
    sheet = fact_sheet(market_data(Settings(market_data="sample")).snapshot(symbol), as_of=None)
    page, english = Page(sheet, "pt-BR"), Page(sheet)
    upstream: dict[str, TaskResult] = {}
    for name in ("research", "fundamentals", "technicals", "section", "report"):
        draft = SCHEMAS[name].model_validate(WRITERS[name](page, upstream)).model_dump(mode="json")
        assert Verifier(sheet, languages=frozenset({"pt-BR"})).verify(draft) == []
        prose = re.sub(CITATION, "", " ".join(_texts(draft)))
        assert ENGLISH.findall(prose) == [], prose
        other = WRITERS[name](english, {})
        assert [len(part) for part in other.values() if isinstance(part, list)][:1] == [
            len(part) for part in WRITERS[name](page, {}).values() if isinstance(part, list)
        ][:1]
        upstream[name] = TaskResult(task=name, agent="a", schema_name=name, title="t", model="rules", draft=draft)


def _texts(part: object) -> list[str]:
    if isinstance(part, str):
        return [part] if " " in part else []
    values = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [text for value in values for text in _texts(value)]
