"""The application of the staff listener over a shop made by hand, asked in this process."""

from dataclasses import dataclass

import httpx
from hand_clock import HandClock
from made_shop import MadeShop
from starlette.types import ASGIApp

from edge.web.screens import ScreenHub

TOKEN = "counter-one-token-0123456789"  # noqa: S105 - of a shop that lives for one test
OTHER_TOKEN = "counter-two-token-0123456789"  # noqa: S105 - as above
BASE = "http://127.0.0.1:8080"
COLD = 7
"""The number of an order of two frozen units: fetched first, then confirmed."""


@dataclass(slots=True)
class Site:
    """The application of the staff listener, and the shop behind it."""

    app: ASGIApp
    made: MadeShop
    screens: ScreenHub
    clock: HandClock

    def client(self, token: str | None = TOKEN, **headers: str) -> httpx.AsyncClient:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
