"""Routes of HQ's API that begin again when another writer of the database came between."""

import asyncio
from collections.abc import Callable, Coroutine

from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from sync.hub.database import Tries


class AgainRoute(APIRoute):
    """`APIRouter(route_class=AgainRoute)`: each endpoint is one verb, see `Database.again`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """The endpoint; the body was read once and is kept by the request."""
        once = super().get_route_handler()

        async def answer(request: Request) -> Response:
            tries = Tries()
            while True:
                try:
                    return await once(request)
                except (DBAPIError, PoolTimeout) as error:
                    wait_s = tries.after(error)
                await asyncio.sleep(wait_s)  # real time: another writer has the row

        return answer
