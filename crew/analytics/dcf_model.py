"""The numbers of one discounted cash flow, so that any driver can be replaced and the value asked again."""

from dataclasses import dataclass

from crew.analytics import assumptions as assumed
from crew.analytics import dcf
from crew.analytics.dcf_drivers import DRIVERS, PREFIX
from crew.analytics.figures import Undefined
from crew.analytics.listing import Listing


@dataclass(frozen=True)
class Model:
    """Rates are fractions, amounts in the statements' currency; `rate` brings a value per share into the listing's currency."""

    cash_flow: float
    growth: float
    terminal_growth: float
    discount: float
    claims: float
    shares: float
    rate: float

    def worth(self) -> dcf.Worth:
        """Value of the firm.

        Raises:
            Undefined: the discount rate is not above the terminal growth.
        """
        path = dcf.faded_growth(self.growth, self.terminal_growth, assumed.YEARS)
        try:
            return dcf.worth(dcf.projected(self.cash_flow, path), self.discount, self.terminal_growth)
        except ValueError as error:
            raise Undefined(str(error)) from error

    @property
    def per_share(self) -> float:
        """Value of one listed unit in the listing's currency; negative when the claims exceed the value of the firm.

        Raises:
            Undefined: the discount rate is not above the terminal growth.
        """
        return (self.worth().enterprise - self.claims) / self.shares * self.rate


def model_of(listing: Listing) -> Model:
    """The model whose drivers are in the book.

    Raises:
        Undefined: a driver or the exchange rate is missing.
    """
    book = listing.figures.book
    rate = listing.exchange.rate(book.as_of)
    for name in (*(f"{PREFIX}.{driver}" for driver in DRIVERS), *((rate,) if rate else ())):
        if not book.has(name):
            gap = book.find_gap(name)
            raise Undefined(gap.detail if gap else f"needs {name}", gap.reason if gap else "not_reported")
    flow, growth, terminal, discount, claims, shares = (listing.figures.require(f"{PREFIX}.{driver}") for driver in DRIVERS)
    return Model(flow, growth / 100, terminal / 100, discount / 100, claims, shares, listing.figures.require(rate) if rate else 1.0)


def cited(listing: Listing, *names: str) -> tuple[str, ...]:
    """Ids of drivers, with the exchange rate last where one is needed."""
    rate = listing.exchange.rate(listing.figures.book.as_of)
    return (*(f"{PREFIX}.{name}" for name in names), *((rate,) if rate else ()))


def positive(per_share: float) -> float:
    """`per_share` unless it is not positive.

    Raises:
        Undefined: nothing is left for shareholders.
    """
    if per_share <= 0:
        raise Undefined("the claims before shareholders exceed the value of the firm")
    return per_share
