"""What any `MarketData` provider must keep to: subclass `MarketDataContract`, give its fixtures, and the tests run against your provider."""

import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from pydantic import BaseModel

from crew.analytics.factsheet import snapshot_hash
from crew.domain.market import MarketSnapshot, PriceHistory, SeriesSource
from crew.errors import SymbolNotFound
from crew.market.point_in_time import known_at
from crew.market.ports import MarketData, ProviderHealth

OPTIONAL_SERIES = ("statements", "analyst_actions", "consensus", "key_statistics", "news")


class MarketDataContract:
    """The tests. A subclass gives `provider`, and names symbols that the provider knows, one of them a company's with statements."""

    symbols: tuple[str, ...]
    company: str
    unknown = "NOSUCHSYMBOL"

    @pytest.fixture
    def provider(self) -> MarketData:
        """The provider under test."""
        raise NotImplementedError

    def test_it_is_a_provider_with_a_name(self, provider: MarketData) -> None:
        """It has the members of the port, and a name for reports."""
        assert isinstance(provider, MarketData)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", provider.name)

    def test_it_delivers_the_symbol_that_was_asked_for(self, provider: MarketData) -> None:
        """A snapshot speaks of the asked symbol, has prices, and survives the way through JSON unchanged."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            assert (snapshot.instrument.symbol, snapshot.prices.symbol, snapshot.provider) == (symbol, symbol, provider.name)
            assert snapshot.prices.dates
            assert MarketSnapshot.model_validate_json(snapshot.model_dump_json()) == snapshot

    def test_an_unknown_symbol_is_said_to_be_unknown(self, provider: MarketData) -> None:
        """A symbol the provider does not have raises SymbolNotFound, naming it, and leaves the provider usable."""
        with pytest.raises(SymbolNotFound, match=self.unknown):
            provider.snapshot(self.unknown)
        assert provider.snapshot(self.company).instrument.symbol == self.company

    def test_prices_are_in_order_and_sound(self, provider: MarketData) -> None:
        """Days ascend strictly, no level is negative, no high below its low, and the share basis is not before the last bar."""
        for history in (history for symbol in self.symbols for history in _histories(provider.snapshot(symbol))):
            assert all(earlier < later for earlier, later in zip(history.dates, history.dates[1:], strict=False))
            assert history.basis >= history.dates[-1]
            for column in (history.open, history.high, history.low, history.close, history.volume):
                assert all(value is None or (math.isfinite(value) and value >= 0) for value in column)
            assert all(low is None or high is None or low <= high for low, high in zip(history.low, history.high, strict=True))

    def test_dividends_and_splits_are_in_order_and_sound(self, provider: MarketData) -> None:
        """Dividends and splits ascend by day, lie within the history, and are positive."""
        for history in (history for symbol in self.symbols for history in _histories(provider.snapshot(symbol))):
            for days in ([item.on for item in history.dividends], [item.on for item in history.splits]):
                assert days == sorted(days)
                assert all(history.dates[0] <= day <= history.basis for day in days)
            assert all(item.amount > 0 for item in history.dividends)
            assert all(item.ratio > 0 for item in history.splits)

    def test_every_series_names_its_source(self, provider: MarketData) -> None:
        """Every source has a provider, an endpoint and a time with zone, and does not speak of days after it was retrieved."""
        for symbol in self.symbols:
            for source in _sources(provider.snapshot(symbol)):
                assert source.provider
                assert source.endpoint
                assert source.retrieved_at.utcoffset() == timedelta(0)
                assert source.as_of is None or source.as_of <= source.retrieved_at.date()

    def test_filled_series_that_lack_a_source_field_have_one_beside_them(self, provider: MarketData) -> None:
        """Analyst actions, key statistics and news come with the source kept beside them."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            for series in ("analyst_actions", "key_statistics", "news"):
                assert not getattr(snapshot, series) or getattr(snapshot, f"{series}_source") is not None

    def test_statements_are_one_per_period_in_canonical_lines(self, provider: MarketData) -> None:
        """A company has statements: one per kind, frequency and period end, lines in snake case, of periods that have ended."""
        statements = provider.snapshot(self.company).statements
        keys = [(one.kind, one.frequency, one.period_end) for one in statements]
        assert {kind for kind, _, _ in keys} == {"income", "balance", "cash_flow"}
        assert len(set(keys)) == len(keys)
        for statement in statements:
            assert statement.lines
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in statement.lines)
            assert statement.period_end < statement.source.retrieved_at.date()
            assert re.fullmatch(r"[A-Z]{3}", statement.currency)

    def test_a_missing_series_is_a_named_gap(self, provider: MarketData) -> None:
        """What a provider does not have is listed with a reason, never just absent."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            named = {gap.series for gap in snapshot.gaps}
            assert {series for series in OPTIONAL_SERIES if not getattr(snapshot, series)} <= named
            assert all(gap.detail for gap in snapshot.gaps)

    def test_moments_have_a_time_zone(self, provider: MarketData) -> None:
        """Moments of headlines, actions and retrieval carry a time zone."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            moments: list[datetime] = [snapshot.retrieved_at, *(item.published_at for item in snapshot.news)]
            moments += [action.at for action in snapshot.analyst_actions]
            assert all(moment.tzinfo is not None for moment in moments)

    def test_benchmark_and_peers_are_others(self, provider: MarketData) -> None:
        """An instrument is neither its own benchmark nor its own peer, and no peer is there twice."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            assert snapshot.benchmark is None or snapshot.benchmark.symbol != symbol
            peers = [peer.instrument.symbol for peer in snapshot.peers]
            assert symbol not in peers
            assert len(set(peers)) == len(peers)

    def test_asking_twice_gives_the_same(self, provider: MarketData) -> None:
        """The same question gives the same content, in the same order."""
        for symbol in self.symbols:
            assert snapshot_hash(provider.snapshot(symbol)) == snapshot_hash(provider.snapshot(symbol))

    def test_threads_get_what_one_gets_alone(self, provider: MarketData) -> None:
        """Many threads asking for several symbols at once each get their own symbol's data."""
        alone = {symbol: snapshot_hash(provider.snapshot(symbol)) for symbol in self.symbols}
        asked = list(self.symbols) * 8
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda symbol: snapshot_hash(provider.snapshot(symbol)), asked))
        assert together == [alone[symbol] for symbol in asked]

    def test_an_as_of_hint_changes_nothing_before_it(self, provider: MarketData) -> None:
        """What was known on a day is the same whether that day was hinted at or not."""
        plain = provider.snapshot(self.company)
        day = plain.prices.dates[-20]
        hinted = known_at(provider.snapshot(self.company, as_of=day), day)
        assert hinted.statements == known_at(plain, day).statements
        assert hinted.prices.close[-30:] == known_at(plain, day).prices.close[-30:]

    def test_cutting_twice_is_cutting_once(self, provider: MarketData) -> None:
        """The cut to a day leaves nothing to cut."""
        for symbol in self.symbols:
            snapshot = provider.snapshot(symbol)
            for day in (snapshot.prices.dates[-1], snapshot.prices.dates[len(snapshot.prices.dates) // 2]):
                cut = known_at(snapshot, day)
                assert known_at(cut, day) == cut

    def test_health_is_said_in_a_sentence(self, provider: MarketData) -> None:
        """A working provider says that it is well, and how."""
        health = provider.health()
        assert isinstance(health, ProviderHealth)
        assert health.ok
        assert health.detail


def _histories(snapshot: MarketSnapshot) -> Iterator[PriceHistory]:
    yield snapshot.prices
    if snapshot.benchmark is not None:
        yield snapshot.benchmark
    yield from (peer.prices for peer in snapshot.peers)


def _sources(value: object) -> Iterator[SeriesSource]:
    """Every source anywhere in `value`."""
    if isinstance(value, SeriesSource):
        yield value
    elif isinstance(value, BaseModel):
        yield from (source for name in type(value).model_fields for source in _sources(getattr(value, name)))
    elif isinstance(value, tuple) and value and not isinstance(value[0], (date, float)):
        yield from (source for item in value for source in _sources(item))
