"""How gunicorn is set up."""

from api.gunicorn_conf import options
from crew.settings import Settings


def test_load_balancers_close_idle_connections_before_the_server_does() -> None:
    """The usual 60 s of proxies end first, so that no request arrives on a connection that is just being closed."""
    assert options(Settings(), descriptor=3)["keepalive"] > 60
