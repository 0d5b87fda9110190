"""The book in which computations enter evidence and gaps, so that every derived figure names its formula and inputs."""

from collections.abc import Sequence
from datetime import date

from crew.domain.evidence import Evidence, Gap, GapReason, Unit
from crew.domain.market import SeriesSource


class EvidenceBook:
    """Collects evidence in order. Ids are unique: an id is either evidence or a gap, never both.

    Args:
        as_of: the day the fact sheet speaks of.
        currency: ISO code (major unit) used for amounts unless a call names another.
    """

    def __init__(self, *, as_of: date, currency: str) -> None:
        self.as_of = as_of
        self.currency = currency
        self._evidence: dict[str, Evidence] = {}
        self._gaps: dict[str, Gap] = {}

    def observe(
        self,
        id: str,
        label: str,
        value: float | str,
        unit: Unit,
        *,
        source: SeriesSource,
        field: str,
        period: str = "spot",
        as_of: date | None = None,
        currency: str | None = None,
    ) -> Evidence:
        """Enter a figure as the source states it; `field` completes the locator `endpoint#field`."""
        return self._enter(
            Evidence(
                id=id,
                kind="text" if unit == "text" else "observed",
                label=label,
                value=value,
                unit=unit,
                currency=self._currency(unit, currency),
                period=period,
                as_of=as_of or self.as_of,
                retrieved_at=source.retrieved_at,
                source=source.provider,
                locator=f"{source.endpoint}#{field}",
            )
        )

    def derive(
        self,
        id: str,
        label: str,
        value: float | str,
        unit: Unit,
        *,
        formula: str,
        inputs: Sequence[str],
        period: str = "spot",
        as_of: date | None = None,
        currency: str | None = None,
    ) -> Evidence:
        """Enter a computed figure.

        Raises:
            KeyError: an input is not in the book, so the figure could not be unfolded.
        """
        for name in inputs:
            if name not in self._evidence:
                raise KeyError(f"{id} cites {name}, which is not in the book")
        return self._enter(
            Evidence(
                id=id,
                kind="derived",
                label=label,
                value=value,
                unit=unit,
                currency=self._currency(unit, currency),
                period=period,
                as_of=as_of or self.as_of,
                source="stockcrew",
                formula=formula,
                inputs=tuple(inputs),
            )
        )

    def assume(self, id: str, label: str, value: float, unit: Unit, *, reason: str, period: str = "spot", currency: str | None = None) -> Evidence:
        """Enter an assumption; `reason` is stated as its formula."""
        return self._enter(
            Evidence(
                id=id,
                kind="assumption",
                label=label,
                value=value,
                unit=unit,
                currency=self._currency(unit, currency),
                period=period,
                as_of=self.as_of,
                source="stockcrew",
                formula=reason,
            )
        )

    def carry(self, item: Evidence) -> Evidence:
        """Enter evidence made elsewhere, as it is.

        Raises:
            KeyError: an input is not in the book.
        """
        for name in item.inputs:
            if name not in self._evidence:
                raise KeyError(f"{item.id} cites {name}, which is not in the book")
        return self._enter(item)

    def gap(self, id: str, label: str, reason: GapReason, detail: str) -> None:
        """Enter a figure that cannot be had. A gap never replaces evidence."""
        if id in self._evidence:
            raise ValueError(f"{id} is evidence already")
        self._gaps.setdefault(id, Gap(id=id, label=label, reason=reason, detail=detail))

    def get(self, id: str) -> Evidence | None:
        """The evidence under `id`, or None."""
        return self._evidence.get(id)

    def number(self, id: str) -> float | None:
        """The number under `id`, or None when it is missing or not a number."""
        item = self._evidence.get(id)
        return item.value if item is not None and not isinstance(item.value, str) else None

    def find_gap(self, id: str) -> Gap | None:
        """The gap under `id`, or None."""
        return self._gaps.get(id)

    def has(self, *ids: str) -> bool:
        """Whether every id is in the book as evidence."""
        return all(name in self._evidence for name in ids)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence in the order of entry."""
        return tuple(self._evidence.values())

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All gaps in the order of entry."""
        return tuple(self._gaps.values())

    def _currency(self, unit: Unit, currency: str | None) -> str | None:
        return (currency or self.currency) if unit in {"currency", "currency_per_share"} else None

    def _enter(self, item: Evidence) -> Evidence:
        if item.id in self._evidence or item.id in self._gaps:
            raise ValueError(f"{item.id} is in the book already")
        self._evidence[item.id] = item
        return item
