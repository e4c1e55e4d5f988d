from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_databases import Servers
from running_hub import Certificates, Headquarters, RunningHub, make_certificates, open_headquarters
from toy_node import Box, enrol_box, open_store, stock_up


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The session's private PostgreSQL; a machine without it fails, and is told the package."""
    made = Servers()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Iterator[str]:
    """An empty hub database, of either engine."""
    with servers.database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def headquarters(tmp_path: Path, database_url: str) -> Iterator[Headquarters]:
    made = open_headquarters(tmp_path, database_url=database_url)
    open_store(made)
    stock_up(made)
    yield made
    made.hub.database.close()


@pytest.fixture
def box(headquarters: Headquarters) -> Box:
    return enrol_box(headquarters)


@pytest.fixture
def running(headquarters: Headquarters, certificates: Certificates) -> Iterator[RunningHub]:
    with RunningHub(headquarters, certificates) as served:
        yield served
