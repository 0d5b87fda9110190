"""How long each kind of answer stays fresh, decided by time and by the listing's trading hours alone."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from crew.domain.base import Value

DURING_SESSION = timedelta(minutes=5)
SETTLING = timedelta(minutes=30)
STATEMENTS = timedelta(days=1)
PROFILE = timedelta(days=1)
NEWS = timedelta(minutes=15)
UNKNOWN_SYMBOL = timedelta(minutes=10)
SATURDAY = 5


class TradingHours(Value):
    """A listing's regular session in its own time zone. `every_day` for what trades at weekends too."""

    time_zone: str
    opens: time
    closes: time
    every_day: bool = False


def prices_fresh_until(fetched_at: datetime, hours: TradingHours | None) -> datetime:
    """Prices stay fresh five minutes while the market is open and until the next opening otherwise.

    The session counts as open for 30 minutes more than it is, since late prints and delayed feeds still change the last
    bar. Holidays count as trading days: asking once more then costs little. Without known hours it is five minutes always.
    """
    if hours is None or hours.opens == hours.closes:
        return fetched_at + DURING_SESSION
    zone = ZoneInfo(hours.time_zone)
    local = fetched_at.astimezone(zone)
    for days in range(-1, 9):
        day = local.date() + timedelta(days=days)
        if day.weekday() >= SATURDAY and not hours.every_day:
            continue
        opens = datetime.combine(day, hours.opens, zone)
        closes = datetime.combine(day, hours.closes, zone)
        closes += timedelta(days=1) if hours.closes < hours.opens else timedelta()
        if local < opens:
            return opens.astimezone(fetched_at.tzinfo)
        if local < closes + SETTLING:
            return fetched_at + DURING_SESSION
    raise AssertionError("a week has a trading day")
