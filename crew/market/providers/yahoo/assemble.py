"""A snapshot put together from its parts, with a named gap for each part that Yahoo could not deliver."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal, TypeVar

from crew.domain.instrument import Instrument
from crew.domain.market import FxRate, MarketSnapshot, SeriesGap, Statement
from crew.errors import MarketDataUnavailable, SymbolNotFound
from crew.market.providers.yahoo.currency import major_unit, pair_of
from crew.market.providers.yahoo.parts import NewsPart, PricesPart, ProfilePart, StatementsPart

Part = TypeVar("Part")


class Gaps:
    """Takes optional parts, noting the ones that are missing."""

    def __init__(self) -> None:
        self._found: list[SeriesGap] = []

    def take(self, series: str, future: Future[Part], *, what: str | None = None) -> Part | None:
        """Return the part, or None and a gap under `series`. That Yahoo refuses for now is an error, not a gap."""
        try:
            return future.result()
        except SymbolNotFound:
            self.note(series, "not_reported", f"Yahoo Finance has no {what or series} for this symbol.")
        except MarketDataUnavailable as error:
            self.note(series, "vendor_error", f"{what or series}: {error.message}")
        return None

    def note(self, series: str, reason: Literal["not_reported", "vendor_error"], detail: str) -> None:
        """Enter a gap."""
        self._found.append(SeriesGap(series=series, reason=reason, detail=detail))

    def note_empty(self, symbol: str, series: Mapping[str, object]) -> None:
        """Enter a gap for each empty series that has none yet."""
        named = {gap.series for gap in self._found}
        for name, value in series.items():
            if not value and name not in named:
                self.note(name, "not_reported", f"Yahoo Finance has no {name.replace('_', ' ')} for {symbol}.")

    @property
    def found(self) -> tuple[SeriesGap, ...]:
        """The gaps, ordered by series."""
        return tuple(sorted(self._found, key=lambda gap: gap.series))


def assemble(
    symbol: str,
    *,
    prices: PricesPart,
    profile: ProfilePart | None,
    benchmark: PricesPart | None,
    statements: Sequence[StatementsPart],
    news: NewsPart | None,
    rates: Sequence[FxRate],
    gaps: Gaps,
) -> MarketSnapshot:
    """Return the snapshot. `retrieved_at` is the time of its newest part."""
    parts = (profile, news, *statements)
    times = [prices.prices.source.retrieved_at, *(part.source.retrieved_at for part in parts if part is not None)]
    filled = _statements(statements, profile, gaps)
    optional: dict[str, Any] = {"statements": filled, "news": news.items if news is not None else ()}
    optional |= {"analyst_actions": profile.actions, "consensus": profile.consensus, "key_statistics": profile.key_statistics} if profile else {}
    gaps.note_empty(symbol, optional)
    return MarketSnapshot(
        provider="yahoo",
        instrument=instrument(symbol, prices, profile),
        retrieved_at=max(times),
        prices=prices.prices,
        benchmark=benchmark.prices if benchmark is not None else None,
        analyst_actions_source=profile.source if profile is not None and profile.actions else None,
        key_statistics_source=profile.source if profile is not None and profile.key_statistics else None,
        news_source=news.source if news is not None else None,
        calendar=profile.calendar if profile is not None else (),
        fx=tuple(rates),
        gaps=gaps.found,
        **optional,
    )


def instrument(symbol: str, prices: PricesPart, profile: ProfilePart | None) -> Instrument:
    """Identify the instrument: by its chart, with what the profile adds."""
    listing = prices.listing
    currency, minor_units = major_unit(listing.currency)
    return Instrument(
        symbol=symbol,
        name=(profile.name if profile is not None else None) or listing.name,
        quote_type=listing.quote_type,
        currency=currency,
        minor_units=minor_units,
        reporting_currency=profile.reporting_currency if profile is not None else None,
        exchange=listing.exchange,
        country=profile.country if profile is not None else None,
        sector=profile.sector if profile is not None else None,
        industry=profile.industry if profile is not None else None,
        description=profile.description if profile is not None else None,
    )


def rates_of(history: PricesPart | None) -> tuple[FxRate, ...]:
    """The closes of a currency pair as rates."""
    if history is None:
        return ()
    prices = history.prices
    base, quote = pair_of(prices.symbol)
    closes = zip(prices.dates, prices.close, strict=True)
    return tuple(FxRate(base=base, quote=quote, on=on, rate=close, source=prices.source) for on, close in closes if close)


def _statements(parts: Sequence[StatementsPart], profile: ProfilePart | None, gaps: Gaps) -> tuple[Statement, ...]:
    currency = profile.reporting_currency if profile is not None else None
    filled = [part for part in parts if part.columns]
    if currency is None:
        if filled:
            gaps.note("statements", "not_reported", "Yahoo Finance does not state the currency of the statements.")
        return ()
    return tuple(
        Statement(
            kind=part.kind,
            frequency=part.frequency,
            period_end=column.period_end,
            currency=currency,
            lines=column.lines,
            source=part.source.model_copy(update={"as_of": column.period_end}),
        )
        for part in filled
        for column in part.columns
    )
