"""What others say: analysts' targets and opinions, their latest actions, the company's profile, headlines, dated events and stated figures."""

import unicodedata
from datetime import date, timedelta

from crew.analytics.figures import Figures, percent_of
from crew.domain.market import AnalystConsensus, MarketSnapshot, SeriesSource

_WINDOW = timedelta(days=90)
_MOST_NEWS = 20
_LONGEST_TEXT = 2000
_TARGETS = (("target_mean", "mean"), ("target_median", "median"), ("target_high", "highest"), ("target_low", "lowest"))
_DESCRIPTION_HOLDS = timedelta(days=10)
_PROFILE = (
    ("name", "Name"),
    ("description", "Description"),
    ("sector", "Sector"),
    ("industry", "Industry"),
    ("country", "Country"),
    ("exchange", "Exchange"),
)
_OF_COMPANIES = frozenset({"sector", "industry", "country"})
_STATED_AS = {"forward_eps": "Expected earnings per share, next fiscal year"}
_OPINIONS = ("strong_buy", "buy", "hold", "sell", "strong_sell")


def enter_profile(figures: Figures, snapshot: MarketSnapshot) -> None:
    """Enter `company.*`: name, description and what the provider calls its trade. Outside text, without control characters.

    A description captured more than ten days after the as-of day is a gap: it may tell what came later.
    """
    book, instrument = figures.book, snapshot.instrument
    source = SeriesSource(provider=snapshot.provider, endpoint=f"profile/{instrument.symbol}", retrieved_at=snapshot.retrieved_at)
    captured = snapshot.retrieved_at.date()
    for name, label in _PROFILE:
        text = plain_text(getattr(instrument, name) or "")
        if not text and name in _OF_COMPANIES and not instrument.is_company:
            book.gap(f"company.{name}", label, "not_applicable", f"only a company has a {name}")
        elif not text:
            book.gap(f"company.{name}", label, "not_reported", f"the source states no {name}")
        elif name == "description" and captured - book.as_of > _DESCRIPTION_HOLDS:
            book.gap(f"company.{name}", label, "not_reported", f"captured on {captured}, so it may tell what came after {book.as_of}")
        else:
            book.observe(f"company.{name}", label, text, "text", source=source, field=name)


def enter_consensus(figures: Figures, snapshot: MarketSnapshot) -> None:
    """Enter `analyst.*`. Targets are in major units of the listing's currency."""
    consensus = snapshot.consensus
    if consensus is None:
        _enter_no_consensus(figures, snapshot)
    else:
        _enter_targets(figures, consensus, snapshot.instrument.minor_units)
    _enter_actions(figures, snapshot)


def enter_news(figures: Figures, snapshot: MarketSnapshot) -> None:
    """Enter `news.1` (the newest) and on, and `event.*` for dated company events."""
    source = snapshot.news_source or SeriesSource(
        provider=snapshot.provider, endpoint=f"news/{snapshot.instrument.symbol}", retrieved_at=snapshot.retrieved_at
    )
    newest = sorted(snapshot.news, key=lambda item: (item.published_at, item.title), reverse=True)[:_MOST_NEWS]
    for number, item in enumerate(newest, start=1):
        title = plain_text(item.title)
        if title:
            label = f"Headline, {plain_text(item.publisher)}"
            figures.book.observe(
                f"news.{number}",
                label,
                title,
                "text",
                source=source,
                field=f"title@{item.published_at:%Y-%m-%dT%H:%M}",
                as_of=item.published_at.date(),
            )
    _enter_events(figures, snapshot)


def enter_statistics(figures: Figures, snapshot: MarketSnapshot) -> None:
    """Enter `stat.*`, the figures the provider states itself; fractions of a whole stay ratios.

    An amount per share is a gap where price and statements differ in unit, since nobody says in which of the two it is.
    """
    source, instrument = snapshot.key_statistics_source, snapshot.instrument
    if source is None:
        return
    one_unit = instrument.minor_units == 1 and instrument.reporting_currency in {None, instrument.currency}
    for item in snapshot.key_statistics:
        key, label = f"stat.{item.name}", _STATED_AS.get(item.name, item.name.replace("_", " ").capitalize())
        if item.unit == "currency_per_share" and not one_unit:
            detail = "price and statements differ in unit, and the source does not say in which of the two it states this"
            figures.book.gap(key, label, "unit_mismatch", detail)
        else:
            figures.book.observe(key, label, item.value, item.unit, source=source, field=item.name, as_of=source.as_of)


def plain_text(text: str) -> str:
    """`text` without control and formatting characters, white space collapsed, at most 2,000 characters."""
    kept = "".join(
        " " if character.isspace() else character for character in text if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    return " ".join(kept.split())[:_LONGEST_TEXT]


def _enter_no_consensus(figures: Figures, snapshot: MarketSnapshot) -> None:
    for name, words in _TARGETS:
        reason = "not_reported" if snapshot.instrument.is_company else "not_applicable"
        figures.book.gap(f"analyst.{name}", f"Price target, {words}", reason, "no analysts' targets of that day are known")  # type: ignore[arg-type]


def _enter_targets(figures: Figures, consensus: AnalystConsensus, minor_units: int) -> None:
    source, scaled = consensus.source, "" if minor_units == 1 else f" ÷ {minor_units}"
    for name, words in _TARGETS:
        value = getattr(consensus, name)
        if value is None:
            figures.book.gap(f"analyst.{name}", f"Price target, {words}", "not_reported", "the source states none")
        else:
            figures.book.observe(
                f"analyst.{name}",
                f"Price target, {words}",
                value / minor_units,
                "currency_per_share",
                source=source,
                field=name + scaled,
                as_of=source.as_of,
            )
    for name in ("opinions", *_OPINIONS):
        value = getattr(consensus, name)
        if value is not None:
            words = "Analysts with an opinion" if name == "opinions" else f"Analysts who say {name.replace('_', ' ')}"
            figures.book.observe(f"analyst.{name}", words, value, "count", source=source, field=name, as_of=source.as_of)
    figures.derive(
        "analyst.upside_mean",
        "Upside to the mean price target",
        "percent",
        lambda target, price: percent_of(target, price) - 100,
        ("analyst.target_mean", "price.last"),
        formula="100 × (mean target ÷ last price − 1)",
    )
    figures.derive(
        "analyst.buy_share",
        "Analysts who say buy or strong buy",
        "percent",
        lambda *counts: percent_of(counts[0] + counts[1], sum(counts)),
        tuple(f"analyst.{name}" for name in _OPINIONS),
        formula="100 × (strong buy + buy) ÷ all recommendations",
    )


def _enter_actions(figures: Figures, snapshot: MarketSnapshot) -> None:
    source = snapshot.analyst_actions_source
    if source is None:
        return
    first, begins = figures.book.as_of - _WINDOW, snapshot.analyst_actions_from
    window = f"{first}..{figures.book.as_of}"
    recent = [item for item in snapshot.analyst_actions if item.at.date() > first]
    raised = [item for item in recent if item.target is not None and item.prior_target is not None and item.target > item.prior_target]
    lowered = [item for item in recent if item.target is not None and item.prior_target is not None and item.target < item.prior_target]
    for name, label, count in (
        ("actions_90d", "Analysts' actions in 90 days", len(recent)),
        ("upgrades_90d", "Upgrades in 90 days", sum(item.action == "up" for item in recent)),
        ("downgrades_90d", "Downgrades in 90 days", sum(item.action == "down" for item in recent)),
        ("targets_raised_90d", "Price targets raised in 90 days", len(raised)),
        ("targets_lowered_90d", "Price targets lowered in 90 days", len(lowered)),
    ):
        if begins is not None and begins > first + timedelta(days=1):
            figures.book.gap(f"analyst.{name}", label, "insufficient_history", f"the source's list of actions is whole from {begins} on only")
        else:
            figures.book.observe(f"analyst.{name}", label, count, "count", source=source, field=f"{name}@{window}", period="90d")


def _enter_events(figures: Figures, snapshot: MarketSnapshot) -> None:
    as_of = figures.book.as_of
    source = SeriesSource(provider=snapshot.provider, endpoint=f"calendar/{snapshot.instrument.symbol}", retrieved_at=snapshot.retrieved_at)
    for kind in sorted({event.kind for event in snapshot.calendar}):
        days = sorted(event.on for event in snapshot.calendar if event.kind == kind)
        for name, label, day in (("next", "Next", _first(days, as_of)), ("last", "Last", _last(days, as_of))):
            if day is not None:
                words = f"{label} {kind.replace('_', ' ')} date"
                figures.book.observe(f"event.{name}_{kind}", words, day.isoformat(), "date", source=source, field=f"{kind}@{day}")


def _first(days: list[date], as_of: date) -> date | None:
    return next((day for day in days if day > as_of), None)


def _last(days: list[date], as_of: date) -> date | None:
    return next((day for day in reversed(days) if day <= as_of), None)
