"""The addresses of the model servers that tests start."""

from http.server import BaseHTTPRequestHandler, HTTPServer

from fakes.addresses import at_a_new_address


def test_no_model_server_has_the_address_of_one_before_it() -> None:
    """A port that a server had is passed over when the kernel gives it out again: a breaker may be open for it."""
    first = at_a_new_address(lambda: HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler))
    first.server_close()
    ports = iter([first.server_port, 0])
    second = at_a_new_address(lambda: HTTPServer(("127.0.0.1", next(ports)), BaseHTTPRequestHandler))
    second.server_close()

    assert second.server_port != first.server_port
    assert next(ports, None) is None
