"""The news call: recent headlines about one symbol."""

from datetime import datetime
from typing import Any

from crew.domain.market import NewsItem, SeriesSource
from crew.market.providers.yahoo.parts import NewsPart
from crew.market.providers.yahoo.text import clean

COUNT = 10
TITLE_LIMIT = 300
PUBLISHER_LIMIT = 100
URL_LIMIT = 1000


def fetch_news(ticker: Any, symbol: str, *, retrieved_at: datetime) -> NewsPart:
    """Ask for the newest headlines. Entries without title, publisher or time are left out."""
    articles = ticker.get_news(count=COUNT)
    items = [item for article in articles if (item := _item(article)) is not None]
    items.sort(key=lambda item: item.published_at, reverse=True)
    source = SeriesSource(provider="yahoo", endpoint=f"xhr/ncp/latestNews/{symbol}", retrieved_at=retrieved_at, as_of=retrieved_at.date())
    return NewsPart(items=tuple(items), source=source)


def _item(article: object) -> NewsItem | None:
    content = article.get("content") if isinstance(article, dict) else None
    if not isinstance(content, dict):
        return None
    title = clean(content.get("title"), TITLE_LIMIT)
    publisher = clean((content.get("provider") or {}).get("displayName"), PUBLISHER_LIMIT)
    published_at = _time(content.get("pubDate"))
    if title is None or publisher is None or published_at is None:
        return None
    return NewsItem(published_at=published_at, title=title, publisher=publisher, url=_url(content))


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _url(content: dict[str, Any]) -> str | None:
    for key in ("canonicalUrl", "clickThroughUrl"):
        url = (content.get(key) or {}).get("url")
        if isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= URL_LIMIT and clean(url, URL_LIMIT) == url:
            return url
    return None
