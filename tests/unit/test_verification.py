"""Verification of drafts: what is caught, what is left alone, what is withheld."""

from datetime import date
from typing import Any

import pytest

from crew.agents.run import json_object
from crew.agents.verify import Verifier, has_prose, sentences, withhold
from crew.domain.evidence import Evidence
from crew.domain.factsheet import DataQuality, FactSheet, Scorecard, Valuation
from crew.domain.instrument import Instrument
from crew.domain.outside import cleaned

DAY = date(2026, 3, 12)


def _figure(id: str, value: float | str, unit: str, **more: Any) -> Evidence:
    return Evidence.model_validate(
        {
            "id": id,
            "kind": "text" if unit == "text" else "observed",
            "label": id,
            "value": value,
            "unit": unit,
            "period": "spot",
            "as_of": DAY,
            "source": "s",
        }
        | more
    )


SHEET = FactSheet(
    instrument=Instrument(symbol="AAPL", name="Apple Inc.", quote_type="equity", currency="USD"),
    as_of=DAY,
    provider="sample",
    snapshot_hash="0",
    evidence=(
        _figure("price.last", 255.76, "currency_per_share", currency="USD"),
        _figure("price.return_1y", 17.9, "percent", period="1y"),
        _figure("growth.revenue_yoy.FY2025", -6.4, "percent", period="FY2025"),
        _figure("company.description", "Makes the iPhone 17 and sells services.", "text"),
    ),
    gaps=(),
    scorecard=Scorecard(pillars=(), total=None, rating="hold", rating_rule="r"),
    valuation=Valuation(),
    data_quality=DataQuality(coverage=100, figures=4, missing=0, oldest=None, newest=DAY),
)
RICH = SHEET.model_copy(
    update={
        "evidence": (
            *SHEET.evidence,
            _figure("income.revenue.TTM", 4.3e11, "currency", currency="USD", period="TTM"),
            _figure("income.revenue.FY2025", 4.1e11, "currency", currency="USD", period="FY2025"),
            _figure("income.revenue.FY2024", 3.9e11, "currency", currency="USD", period="FY2024"),
            _figure("cashflow.free.TTM", 1e11, "currency", currency="USD", period="TTM"),
            _figure("price.high_52w", 288.6, "currency_per_share", currency="USD", period="1y"),
            _figure("peer.GOOGL.pe", 28.1, "multiple"),
            _figure("news.1", "Apple opens a flagship store in Mumbai", "text"),
        )
    }
)
CLAIM = {
    "text": "The year brought [[price.return_1y]].",
    "side": "bull",
    "evidence": ["price.return_1y"],
    "direction": "up",
    "wrong_if": {"evidence": "price.return_1y", "operator": "<", "threshold": 0},
    "strength": 3,
}


def _codes(text: str) -> set[str]:
    return {violation.code for violation in Verifier(SHEET).verify({"growth": text})}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The price is [[price.lsat]].", "unknown_evidence"),
        ("The price is 255.76.", "unbound_figure"),
        ("It gained [[price.return_1y]] in 2025.", "unbound_figure"),
        ("The price is ٢٥٥.", "unbound_figure"),
        ("The price is ²⁵⁵.", "unbound_figure"),
        ("The price is \uff12\uff15\uff15.", "unbound_figure"),
        ("It may reach x12y soon.", "unbound_figure"),
        ("It may rise twelve percent.", "spelled_figure"),
        ("It may rise twenty-five per cent.", "spelled_figure"),
        ("Profits are worth two billion dollars.", "spelled_figure"),
        ("Revenue doubled.", "spelled_figure"),
        ("Pri\u200bce is fine.", "hidden_characters"),
        ("The price is [[price.last]] billion.", "doubled_unit"),
        ("The year brought [[price.return_1y]] %.", "doubled_unit"),
        ("The price is $[[price.last]].", "doubled_unit"),
        ("Revenue rose by [[growth.revenue_yoy.FY2025]].", "wrong_direction"),
        ("The shares fell by [[price.return_1y]].", "wrong_direction"),
        ("The shares are a strong buy.", "rating_word"),
        ("We expect it to outperform.", "rating_word"),
        ("The price is [price.last].", "broken_citation"),
    ],
)
def test_a_fault_is_caught(text: str, code: str) -> None:
    """Each way of stating what the sheet does not carry has its violation."""
    assert code in _codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "The shares last traded at [[price.last]].",
        "It tracks the S&P 500 and files a 10-K each year.",
        "The 52-week range is wide, and Q3 was calm.",
        "The iPhone 17 sells well.",
        "The shares rose by [[price.return_1y]] over the year.",
        "Revenue fell by [[growth.revenue_yoy.FY2025]].",
        "One of the first questions is what comes next.",
        "Buyers came back, and sellers withdrew.",
    ],
)
def test_a_clean_sentence_is_left_alone(text: str) -> None:
    """Names with digits, plain numerals without a unit and honest wording are no violations."""
    assert _codes(text) == set()


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("pt-BR", "A receita cresceu [[growth.revenue_yoy.FY2025]] no ano fiscal.", "wrong_direction"),
        ("pt-BR", "As ações perderam [[price.return_1y]] em um ano.", "wrong_direction"),
        ("pt-BR", "O lucro subiu doze por cento.", "spelled_figure"),
        ("pt-BR", "O papel é uma compra clara.", "rating_word"),
        ("pt-BR", "O preço é de [[price.last]] bilhões.", "doubled_unit"),
        ("pt-BR", "O rendimento em três meses foi de [[price.return_1y]].", "wrong_period"),
        ("pt-BR", "Segundo fontes do setor, a demanda é fraca.", "made_up_source"),
        ("pt-BR", "Clique aqui para saber mais.", "instruction"),
        ("pt-BR", "The company is strong and the outlook is good.", "other_language"),
        ("es", "Los ingresos crecieron [[growth.revenue_yoy.FY2025]] en el año fiscal.", "wrong_direction"),
        ("es", "Las acciones perdieron [[price.return_1y]] en un año.", "wrong_direction"),
        ("es", "El beneficio subió doce por ciento.", "spelled_figure"),
        ("es", "Recomendamos comprar las acciones.", "rating_word"),
        ("es", "El precio es de [[price.last]] millones.", "doubled_unit"),
        ("es", "La rentabilidad en tres meses fue de [[price.return_1y]].", "wrong_period"),
        ("es", "Según fuentes del sector, la demanda es débil.", "made_up_source"),
        ("es", "Haga clic aquí para saber más.", "instruction"),
        ("es", "A empresa é muito boa e não está cara.", "other_language"),
    ],
)
def test_the_rules_hold_in_each_language(language: str, text: str, code: str) -> None:
    """What is a fault in English is one in Portuguese and in Spanish."""
    assert code in {found for found, _ in Verifier(SHEET, languages=frozenset({language})).judge(text)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Net income was [[income.revenue.TTM]].", "wrong_metric"),
        ("In the quarter revenue was [[income.revenue.TTM]].", "wrong_period"),
        ("Revenue was [[income.revenue.FY2024]].", "stale_figure"),
        ("The price of [[price.last]] is above the high of [[price.high_52w]].", "wrong_comparison"),
        ("It burned free cash flow of [[cashflow.free.TTM]].", "wrong_sign"),
        ("It trades on [[peer.GOOGL.pe]] earnings.", "other_company"),
        ("Samsung is the better company.", "other_company"),
        ("The shares of Zalando did better.", "unknown_name"),
        ("Investors prefer $INTC.", "other_company"),
        ("Revenue rose.", "uncited_change"),
        ("Profits are guaranteed.", "promise"),
        ("See www.example.com for more.", "link"),
        ("**The price** is fine.", "markup"),
        ("Apple opens a flagship store in Mumbai.", "copied_text"),
        ("The prіce is fine.", "foreign_script"),
        ("The computed rating is sell.", "rating_word"),
        ("The November 2026 elections may matter.", "unbound_figure"),
        ("The key is sk-abcdefgh.", "secret"),
        ("Value is in €[[price.last]].", "doubled_unit"),
        ("It costs [[price.last]] in euros.", "wrong_currency"),
    ],
)
def test_meaning_and_wording_are_checked(text: str, code: str) -> None:
    """A figure goes by its name, period, sign and owner; prose is plain and names nobody that no fact names."""
    assert code in {found for found, _ in Verifier(RICH).judge(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Revenue was [[income.revenue.TTM]] over the last twelve months.",
        "Revenue went from [[income.revenue.FY2024]] to [[income.revenue.FY2025]].",
        "In the prior year revenue was [[income.revenue.FY2024]].",
        "GOOGL, a peer, trades on [[peer.GOOGL.pe]] earnings.",
        "The price of [[price.last]] is below the high of [[price.high_52w]].",
        "The computed rating is hold.",
        "The headline “Apple opens a flagship store in Mumbai” ran on the day, [[news.1]].",
        "The press reported: [[news.1]]",
        "Since the 2008 financial crisis banks are safer.",
    ],
)
def test_honest_wording_passes(text: str) -> None:
    """Older years beside newer ones, peers by name, headlines in quotation marks with their source, and the computed rating as such."""
    assert Verifier(RICH).judge(text) == ()


AVERAGED = SHEET.model_copy(
    update={
        "evidence": (
            *SHEET.evidence,
            _figure("technical.sma_200", 245.3, "currency_per_share", currency="USD", period="200d", label="200-day average"),
            _figure("quality.tax_rate.TTM", 16.5, "percent", period="TTM", label="Effective tax rate TTM"),
            _figure("company.segments", "Runs Amazon Web Services and Microsoft 365.", "text"),
        )
    }
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The 200 DMA is at [[technical.sma_200]].", None),
        ("Price vs 200d: [[technical.sma_200]].", None),
        ("The 50 DMA is at [[technical.sma_200]].", "unbound_figure"),
        ("The 200 DMA is the line that matters.", "unbound_figure"),
        ("The shares, at [[technical.sma_200]], rose 200 points.", "unbound_figure"),
        ("ETR of [[quality.tax_rate.TTM]] is low.", None),
        ("ETX of [[quality.tax_rate.TTM]] is low.", "other_company"),
        ("AWS and M365 carry the growth.", None),
        ("GCP and M366 carry the growth.", "other_company"),
        ("The paper before the ZQC was dull.", None),
        ("The pair trade against ZQC works.", "other_company"),
        ("The ZQC results were dull.", "other_company"),
        ("Customers love H&M style loyalty.", "other_company"),
        ("Vale do Silício is far away.", None),
        ("The main rival is Vale.", "other_company"),
        ("It pays more than the US 10-yr.", None),
        ("In the 1970s inflation was high.", None),
        ("The dot-com bust of 2000 and the 2008-09 crisis are memories.", None),
        ("The dot-com bust of 2027 is a memory.", "unbound_figure"),
    ],
)
def test_names_and_spans_go_by_the_facts(text: str, code: str | None) -> None:
    """A span belongs to the figure cited beside it, initials to a name or label of the facts, capitals with an article to no ticker."""
    found = {one for one, _ in Verifier(AVERAGED).judge(text)}
    assert found == set() if code is None else bool(found & {code, "unknown_name"}), found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"evidence": ["price.nothing"]}, "unknown_evidence"),
        ({"direction": "down"}, "wrong_direction"),
        ({"wrong_if": {"evidence": "price.return_1y", "operator": ">", "threshold": 0}}, "tripwire_crossed"),
        ({"wrong_if": {"evidence": "company.description", "operator": ">", "threshold": 0}}, "unknown_evidence"),
        ({"text": "The year was good."}, "claim_without_figure"),
    ],
)
def test_a_claim_must_fit_its_evidence(change: dict[str, Any], code: str) -> None:
    """Evidence, direction and tripwire of a claim are checked against the figures."""
    assert code in {violation.code for violation in Verifier(SHEET).verify({"claims": [CLAIM | change]})}


def test_a_sound_claim_passes() -> None:
    """A claim whose figure, direction and tripwire agree has no violation."""
    assert Verifier(SHEET).verify({"claims": [CLAIM]}) == []


def test_only_the_violating_sentence_is_withheld() -> None:
    """A paragraph loses the sentence that violates and keeps the others; an item falls whole."""
    draft = {"growth": "It is [[price.last]]. It is 12. It is well.", "claims": [CLAIM, CLAIM | {"direction": "down"}]}
    kept = withhold(draft, Verifier(SHEET).verify(draft))

    assert kept == {"growth": "It is [[price.last]]. It is well.", "claims": [CLAIM]}


def test_a_draft_without_a_sentence_left_has_no_prose() -> None:
    """When everything was withheld there is nothing to publish."""
    draft = {"growth": "It is 12.", "claims": []}

    assert not has_prose(withhold(draft, Verifier(SHEET).verify(draft)))


def test_citations_do_not_split_sentences() -> None:
    """Dots inside an id end no sentence."""
    assert sentences("It is [[price.last]]. [[price.return_1y]] came with it.") == ["It is [[price.last]].", "[[price.return_1y]] came with it."]


@pytest.mark.parametrize(
    ("text", "found"), [('Sure: {"a": {"b": 1}} ok', '{"a": {"b": 1}}'), ('```json\n{"a": 1}\n```', '{"a": 1}'), ('{oops {"a": 1}', '{"a": 1}')]
)
def test_the_first_json_object_is_found(text: str, found: str) -> None:
    """The object is cut out of whatever stands around it."""
    assert json_object(text) == found


def test_no_json_is_an_error() -> None:
    """An answer without an object says so."""
    with pytest.raises(ValueError, match="no JSON object"):
        json_object("I cannot do that.")


@pytest.mark.parametrize("text", ["{tools}", "[[price.last]]", "</outside-text>", "a\u200bb\u202ec\x07", "`code`"])
def test_outside_text_is_defused(text: str) -> None:
    """Placeholders, citations, fences and invisible characters of outside text never reach a prompt as such."""
    softened = cleaned(text)

    assert not any(character in softened for character in "{}[]<>`\u200b\u202e\x07")
