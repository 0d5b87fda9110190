"""The port every market-data provider implements."""

from datetime import date
from typing import Protocol, runtime_checkable

from crew.domain.base import Value
from crew.domain.market import MarketSnapshot


class ProviderHealth(Value):
    """Whether a provider can be used now; `detail` is one sentence that says what to do when not."""

    ok: bool
    detail: str


@runtime_checkable
class MarketData(Protocol):
    """A source of market data. Implementations are safe to use from several threads."""

    @property
    def name(self) -> str:
        """What reports call the source, for example `sample` or `yahoo`."""

    def snapshot(self, symbol: str, *, as_of: date | None = None) -> MarketSnapshot:
        """Collect everything the provider has on `symbol` (already normalised).

        `as_of` is a hint to fetch far enough back; the result may still hold later data, which
        `crew.market.point_in_time.known_at` removes.

        Raises:
            SymbolNotFound: the provider is reachable and knows no such instrument.
            MarketDataRateLimited: the provider refuses for now.
            MarketDataUnavailable: the provider cannot be reached or answers rubbish.
            ConfigurationError: what the operator provides (a folder, say) is missing or wrong.
        """

    def health(self) -> ProviderHealth:
        """Say whether the provider can be used, at the cost of at most one cheap request."""
