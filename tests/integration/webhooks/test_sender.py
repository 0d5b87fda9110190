"""The sender against real servers on loopback: names, addresses, TLS, redirects, slow and hostile receivers."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence

import pytest
import trustme
from fakes.webhook_receiver import Receiver

from crew.domain.targets import TargetPolicy
from crew.jobs.outbound import Sender, system_addresses
from crew.loopback import free_port

HEADERS = {"Content-Type": "application/json", "webhook-id": "wd_1"}
LOCAL = TargetPolicy(["127.0.0.0/8"])


class Names:
    """A resolver that counts; each name leads to the addresses given for it, one answer after the other."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror("no such name")
        found = self.answers[host]
        return found.pop(0) if len(found) > 1 else found[0]


def sender(names: Names | None = None, *, timeout_s: float = 5, policy: TargetPolicy = LOCAL, context: ssl.SSLContext | None = None) -> Sender:
    return Sender(policy, timeout_s=timeout_s, resolve=names or system_addresses, context=context)


def test_a_message_arrives_as_it_is(receiver: Receiver) -> None:
    """Path, query, headers and body are the receiver's to see; the answer's status is what counts."""
    reply = sender().post(receiver.url("/hook?a=1"), HEADERS, b'{"a":1}')

    assert (reply.status, reply.error) == (200, None)
    assert receiver.received[0].path == "/hook?a=1"
    assert receiver.received[0].body == b'{"a":1}'
    assert receiver.received[0].headers["webhook-id"] == "wd_1"
    assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_name_is_resolved_once_and_the_connection_goes_there(receiver: Receiver) -> None:
    """The address that was judged is the one connected to: an answer that changes afterwards (DNS rebinding) has no effect."""
    names = Names(hook_example_com=[["127.0.0.1"], ["10.0.0.1"]])
    reply = sender(names).post(receiver.url("/", host="hook.example.com"), HEADERS, b"{}")

    assert (reply.status, names.asked) == (200, ["hook.example.com"])
    assert receiver.received[0].headers["host"] == f"hook.example.com:{receiver.port}"


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["93.184.216.34"]])
def test_a_name_that_leads_inside_is_never_connected_to(receiver: Receiver, addresses: list[str]) -> None:
    """One address that is not allowed refuses the whole name, also a public one over plain HTTP, and is not named in the error."""
    reply = sender(Names(hook_example_com=[addresses])).post(receiver.url("/", host="hook.example.com"), HEADERS, b"{}")

    assert (reply.status, reply.error) == (None, "the host leads to an address that is not allowed")
    assert receiver.received == []


def test_loopback_is_denied_by_default(receiver: Receiver) -> None:
    """Without the operator's word nothing on this machine is reached, by name or by number."""
    names = Names(hook_example_com=[["127.0.0.1"]])
    denied = sender(names, policy=TargetPolicy())
    replies = [denied.post(f"https://{host}:{receiver.port}/", HEADERS, b"{}") for host in ("hook.example.com", "127.0.0.1", "localhost", "[::1]")]

    assert [reply.status for reply in replies] == [None] * 4
    assert all(reply.error for reply in replies)
    assert receiver.received == []


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """It counts as a failure, and its target is not asked."""
    reply = sender().post(receiver.url("/redirect"), HEADERS, b"{}")

    assert reply.status == 302
    assert "redirects are not followed" in str(reply.error)
    assert [item.path for item in receiver.received] == ["/redirect"]


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_the_timeout_covers_everything(receiver: Receiver, path: str) -> None:
    """A receiver that never answers, or sends a byte now and then, is given up when the time is over."""
    began = time.monotonic()
    reply = sender(timeout_s=0.5).post(receiver.url(path), HEADERS, b"{}")

    assert (reply.status, reply.error) == (None, "no answer within 0.5 s")
    assert time.monotonic() - began < 5


def test_an_endless_answer_is_read_to_a_bound(receiver: Receiver) -> None:
    """The status of an answer without end counts, and the rest is left unread."""
    reply = sender().post(receiver.url("/huge"), HEADERS, b"{}")

    assert (reply.status, reply.error) == (200, None)


def test_what_is_not_http_is_an_error(receiver: Receiver) -> None:
    """Another protocol's greeting is a failed connection, not a crash."""
    reply = sender().post(receiver.url("/garbage"), HEADERS, b"{}")

    assert reply.status is None
    assert "the connection failed" in str(reply.error)


def test_nobody_there_is_an_error() -> None:
    """A refused connection and an unknown name are said in words."""
    refused = sender().post(f"http://127.0.0.1:{free_port()}/", HEADERS, b"{}")
    unknown = sender(Names()).post("http://nowhere.example.com:8080/", HEADERS, b"{}")

    assert "refused" in str(refused.error)
    assert "cannot be resolved" in str(unknown.error)


def test_the_next_address_is_tried(receiver: Receiver) -> None:
    """Where the first of several allowed addresses does not answer, the second is connected to."""
    reply = sender(Names(hook_example_com=[["127.0.0.9", "127.0.0.1"]])).post(receiver.url("/", host="hook.example.com"), HEADERS, b"{}")

    assert reply.status == 200


@pytest.mark.parametrize(("text", "seconds"), [("/retry-after", 3600.0), ("/status/503", None)])
def test_the_receiver_may_ask_to_wait(receiver: Receiver, text: str, seconds: float | None) -> None:
    """Retry-After is passed on with the failure."""
    reply = sender().post(receiver.url(text), HEADERS, b"{}")

    assert (reply.status, reply.error) == (503, "the receiver answered 503")
    assert (reply.retry_after.total_seconds() if reply.retry_after else None) == seconds


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Receiver]:
    """A receiver over TLS whose certificate is for hook.example.com."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example.com").configure_cert(context)
    made = Receiver(context)
    yield made
    made.close()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_tls_is_judged_by_the_name_not_the_address(secure: Receiver, trusting: ssl.SSLContext) -> None:
    """The pinned connection asks for, and is shown, the certificate of the host's name; another name's is refused."""
    names = Names(hook_example_com=[["127.0.0.1"]], other_example_com=[["127.0.0.1"]])
    good = sender(names, context=trusting).post(secure.url("/", host="hook.example.com"), HEADERS, b"{}")
    other = sender(names, context=trusting).post(secure.url("/", host="other.example.com"), HEADERS, b"{}")

    assert (good.status, good.error) == (200, None)
    assert other.status is None
    assert "certificate cannot be trusted" in str(other.error)
    assert len(secure.received) == 1


def test_an_unknown_authority_is_not_trusted(secure: Receiver) -> None:
    """A certificate that the system does not know is refused before anything is sent."""
    reply = sender(Names(hook_example_com=[["127.0.0.1"]])).post(secure.url("/", host="hook.example.com"), HEADERS, b"{}")

    assert "certificate cannot be trusted" in str(reply.error)
    assert secure.received == []


def test_a_handshake_that_hangs_is_given_up(trusting: ssl.SSLContext) -> None:
    """A server that accepts and says nothing does not hold a TLS connection beyond the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        reply = sender(Names(hook_example_com=[["127.0.0.1"]]), timeout_s=0.5, context=trusting).post(
            f"https://hook.example.com:{port}/", HEADERS, b""
        )

    assert reply.error == "no answer within 0.5 s"
