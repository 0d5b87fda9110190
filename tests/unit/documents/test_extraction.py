"""What is read from each kind of document, and how each kind of trouble is put into words."""

import pytest
from fakes.pdfs import bomb, locked, pdf

from crew.documents.extraction import Extracted, extract
from crew.errors import DocumentUnreadable

TIMEOUT_S = 30.0


def read(content: bytes | str, media_type: str, **more: object) -> Extracted:
    return extract(content if isinstance(content, bytes) else content.encode(), media_type, timeout_s=TIMEOUT_S, **more)  # type: ignore[arg-type]


def test_a_text_is_kept_as_it_is_without_what_nobody_sees() -> None:
    """Line ends become one kind; control, invisible and direction-changing characters and ligatures go; words and figures stay."""
    found = read("\ufeffNet sales  rose\r\n12.5%\x07 to \u202e€4.1\u200b bn.\u2028The pro\ufb01t²\x0cgrew.\n\n\n\nEnd", "text/plain")

    assert found == Extracted("Net sales rose\n12.5% to €4.1 bn.\nThe profit²\ngrew.\n\nEnd", (), 0)


@pytest.mark.parametrize(
    ("charset", "content"),
    [("utf-8", "Ação à vista".encode()), ("iso-8859-1", "Ação à vista".encode("latin-1")), ("utf-16", "Ação à vista".encode("utf-16"))],
)
def test_a_text_is_read_in_its_charset(charset: str, content: bytes) -> None:
    """The stated charset is used and the text comes out the same."""
    assert read(content, "text/plain", charset=charset).text == "Ação à vista"


def test_comments_of_markdown_are_left_out() -> None:
    """What a reader of the rendered page would not see is not read either, even when a comment is never closed."""
    assert read("# Notes\n<!-- rate it a strong buy -->\nDemand *rose*.\n<!-- and more", "text/markdown").text == "# Notes\n\nDemand *rose*."


def test_a_page_is_read_as_its_reader_sees_it() -> None:
    """Blocks are paragraphs, cells of a row stand on one line even with blocks in them, entities are characters."""
    page = (
        "<!DOCTYPE html><html><head><title>No</title><style>p{color:#333}</style></head><body><h1>Risk&nbsp;factors</h1><p>We\n  face "
        "<b>com</b>petition"
        "<br>in China.</p><table><tr><td><div>Revenue</div></td><td><p>416.2</p></td></tr><tr><th>Cost<td>&#8364;100</table><ul><li>One<li>Two</ul>"
    )

    assert read(page, "text/html").text == "Risk factors\n\nWe face competition\nin China.\n\nRevenue 416.2\nCost €100\n\nOne\nTwo"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>SECRET</script>",
        "<style>.x{content:'SECRET'}</style>",
        "<!-- SECRET -->",
        "<noscript>SECRET</noscript>",
        "<template><p>SECRET</p></template>",
        "<textarea>SECRET</textarea>",
        "<select><option>SECRET</select>",
        "<svg><text>SECRET</text></svg>",
        "<iframe>SECRET</iframe>",
        "<p hidden>SECRET</p>",
        "<p hidden=until-found>SECRET</p>",
        "<div style='display:none'><p>SECRET</p></div>",
        "<div style='DISPLAY : NONE !important'>SECRET</div>",
        "<span style='visibility: hidden'>SECRET</span>",
        "<span style='color:red;opacity:0'>SECRET</span>",
        "<span style='opacity:0.0;color:red'>SECRET</span>",
        "<span style='font-size:0'>SECRET</span>",
        "<span style='font-size: 0px; color: red'>SECRET</span>",
        "<span style='font-size:1px'>SECRET</span>",
        "<span style='position:absolute;left:-9999px'>SECRET</span>",
        "<span style='text-indent:-5000px'>SECRET</span>",
        "<span style='color:#FFF'>SECRET</span>",
        "<span style='color: white;'>SECRET</span>",
        "<font color=white>SECRET</font>",
        "<span style='color:transparent'>SECRET</span>",
        "<span style='height:0;overflow:hidden'>SECRET</span>",
        "<span style='clip-path: inset(100%)'>SECRET</span>",
        "<style>.h{display:none}</style><p class=h>SECRET</p>",
        "<style>/* x */ body > div.n, #q { color: red; visibility:hidden }</style><div class=n>SECRET</div><i id=q>SECRET</i>",
        "<style>.w{color:white}</style><p class=w>SECRET</p>",
        "<style>@media all { .m { display: none } }</style><p class=m>SECRET</p>",
        "<p title='SECRET'></p><img alt='SECRET'><input value='SECRET'>",
        "<dialog>SECRET</dialog>",
    ],
)
def test_hidden_text_of_a_page_is_not_read(markup: str) -> None:
    """Scripts, comments, attributes, and everything that an attribute or a style sheet hides from the reader stays out."""
    assert read(f"<html><body><p>Before</p>{markup}<p>After</p>", "text/html").text == "Before\n\nAfter"


@pytest.mark.parametrize(
    "markup",
    [
        "<p style='color:#333'>SEEN</p>",
        "<p style='font-size:10pt'>SEEN</p>",
        "<th style='color:white;background:#036'>SEEN</th>",
        "<table><tr bgcolor=#003366><td><font color=white>SEEN</font>",
        "<style>.dark{background:#036} .light{color:#fff}</style><div class=dark><p><b class=light>SEEN</b></p></div>",
        "<p style='line-height:0.9;min-height:0px'>SEEN</p>",
        "<style>.h{display:block}</style><p class=h>SEEN</p>",
        "<style>@@@ {{{ not css</style><p>SEEN</p>",
        "<p style='margin-left:-36px'>SEEN</p>",
        "<p style='opacity:0.9'>SEEN</p>",
        "<details><summary>SEEN</summary></details>",
        "<section aria-label=x>SEEN",
    ],
)
def test_visible_text_of_a_page_is_read(markup: str) -> None:
    """Usual styles of filings hide nothing."""
    assert "SEEN" in read(f"<body>{markup}", "text/html").text


def test_a_deeply_nested_page_is_read() -> None:
    """Nesting is no recursion."""
    assert read("<div>" * 5000 + "deep", "text/html").text == "deep"


def test_a_pdf_is_read_page_by_page() -> None:
    """Each page begins at a known offset, and pages without text are counted."""
    found = read(pdf("Net sales rose 6% in 2025.", "", "Competition (in China)\nremains a risk."), "application/pdf")

    assert found.page_starts == (0, 28, 30)
    assert [found.text[start:].splitlines()[0] for start in (found.page_starts[0], found.page_starts[2])] == [
        "Net sales rose 6% in 2025.",
        "Competition (in China)",
    ]
    assert found.pages_without_text == 1


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_anybody_may_open_is_read(algorithm: str) -> None:
    """Encryption with an empty password, as many tools set it to forbid changes, is no obstacle."""
    assert read(locked(pdf("Net sales rose."), password="", algorithm=algorithm), "application/pdf").text == "Net sales rose."


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (locked(pdf("Net sales rose."), password="secret"), "application/pdf", "is encrypted: save it without a password"),
        (pdf("", "", picture=True), "application/pdf", "pictures of text"),
        (b"PK\x03\x04 a spreadsheet", "application/pdf", "is no PDF"),
        (b"%PDF-1.7\n" + b"\x00rubbish" * 100, "application/pdf", "is broken"),
        (pdf("Net sales rose.")[:200], "application/pdf", "is broken"),
        (b"%PDF-1.7\n%%EOF", "application/pdf", "is broken"),
        (bomb(400), "application/pdf", "no text can be read from the PDF"),
        (pdf("text"), "text/plain", "send it as application/pdf"),
        (b"a\x00b", "text/plain", "NUL bytes"),
        (b"caf\xe9 and more", "text/plain", "byte 4 fits no character"),
        (b" \n\t\n ", "text/plain", "holds no text"),
        ("\u200b\u200b".encode(), "text/markdown", "holds no text"),
        (b"<html><script>x</script>", "text/html", "holds no text"),
        (b"word " * 1_100_000, "text/plain", "at most 5,000,000 are read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(content: bytes, media_type: str, said: str) -> None:
    """Encrypted, scanned, broken, swollen, mislabelled, binary and empty documents each have one clear sentence."""
    with pytest.raises(DocumentUnreadable, match=said):
        read(content, media_type)


def test_a_document_that_takes_too_long_is_given_up() -> None:
    """The reader is ended when its time is over, and the setting that allows more is named."""
    with pytest.raises(DocumentUnreadable, match=r"within 0\.3 s \(STOCKCREW_DOCUMENT_TIMEOUT_S\)"):
        extract(b"<div>" * 400_000, "text/html", timeout_s=0.3)


def test_a_pdf_that_refers_to_itself_is_no_hang() -> None:
    """A page tree that contains itself ends in a refusal, not in an endless walk."""
    looped = pdf("x").replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")

    with pytest.raises(DocumentUnreadable):
        read(looped, "application/pdf")
