"""When a request that comes in pieces can be given to a thread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.arrivals import Arrival, HeadTooLarge

LINE, HEAD, BODY = 100, 1000, 500


def arrival() -> Arrival:
    return Arrival(longest_line=LINE, largest_head=HEAD, largest_body=BODY)


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%X\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


WHOLE = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\ncontent-length:  5 \r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([b"abc", b"0\r\n\r\n", b"x" * 40]),
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;n=v\r\nabc\r\n0\r\nA: b\r\n\r\n",
]


@given(st.sampled_from(WHOLE), st.data())
def test_a_request_is_complete_with_its_last_byte(whole: bytes, data: st.DataObject) -> None:
    """However it is cut into pieces, it is complete when the last one is there, never before, and nothing is lost."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    coming = arrival()
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert [coming.add(piece) for piece in pieces] == [False] * len(cuts) + [True]
    assert coming.take() == whole


@given(st.binary(max_size=600), st.sampled_from([b"", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET / HTTP/1.1\r\n"]))
def test_any_bytes_are_borne(data: bytes, before: bytes) -> None:
    """Nothing that can be sent breaks the loop that all connections share, or is lost."""
    coming = arrival()
    coming.add(before + data)

    assert coming.take() == before + data


@pytest.mark.parametrize(
    "hopeless",
    [
        b"x" * (LINE + 3),
        b"GET / HTTP/1.1\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: zip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
    ],
)
def test_what_the_parser_refuses_is_not_waited_for(hopeless: bytes) -> None:
    """A line without end, a bare line feed and a chunk without a size go to the parser as they are."""
    assert arrival().add(hopeless)


@pytest.mark.parametrize("head", [b"Content-Length: 501\r\n\r\n", b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", b"Content-Length: 0\r\n\r\n"])
def test_bodies_that_are_not_waited_for(head: bytes) -> None:
    """A body above the limit, one that the client holds back until it is asked for, and none at all."""
    assert arrival().add(b"POST / HTTP/1.1\r\n" + head)


@pytest.mark.parametrize("chunks", [[b"x" * 300, b"x" * 300], [b"x" * 501]])
def test_chunks_are_waited_for_up_to_the_limit(chunks: list[bytes]) -> None:
    """Of chunks that together are too much the rest is left to the thread."""
    sent = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(chunks)

    assert arrival().add(sent[: -len(b"\r\n0\r\n\r\n") - 1])


def test_headers_must_end() -> None:
    """Headers that go on beyond what they may have are refused while they come."""
    coming = arrival()
    assert not coming.add(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (HEAD // 7))
    with pytest.raises(HeadTooLarge):
        coming.add(b"X: y\r\n" * 30)
