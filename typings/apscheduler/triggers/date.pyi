from datetime import datetime, tzinfo

from .base import BaseTrigger

class DateTrigger(BaseTrigger):
    def __init__(
        self, run_date: datetime | None = None, timezone: tzinfo | str | None = None
    ) -> None: ...
