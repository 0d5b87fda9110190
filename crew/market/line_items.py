"""The one spelling of statement lines, and which of them are stated per share or count shares."""

import re

_PER_SHARE = re.compile(
    r"(.*_)?eps(_.*)?|dividend_per_share|(basic|diluted)_(accounting_change|(dis)?continuous_operations|extraordinary)", flags=re.ASCII
)
# A split of the common stock leaves preferred shares as they are.
_SHARE_COUNTS = frozenset({"basic_average_shares", "diluted_average_shares", "ordinary_shares_number", "share_issued", "treasury_shares_number"})


def line_item_name(label: str) -> str:
    """`Total Revenue`, `TotalRevenue` and `Diluted EPS` as `total_revenue`, `total_revenue` and `diluted_eps`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", label.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def is_per_share(name: str) -> bool:
    """Whether the line is an amount per common share, which a split divides."""
    return _PER_SHARE.fullmatch(name) is not None


def is_share_count(name: str) -> bool:
    """Whether the line counts common shares, which a split multiplies."""
    return name in _SHARE_COUNTS
