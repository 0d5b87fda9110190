"""Text from outside stays text: in Markdown, in HTML, in charts."""

import re
from html.parser import HTMLParser

import pytest
from fakes.report_parts import DRAFTS, composed, result, results, seen, sheet
from markdown_it import MarkdownIt

from crew.domain.factsheet import ChartSeries
from crew.report.charts import line_chart
from crew.report.html import CONTENT_SECURITY_POLICY, STYLE_HASH, render_html
from crew.report.markdown import render_markdown
from crew.report.mdtext import code, inert, numbered

ATTACKS = (
    "<script>alert('x')</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</style><script>alert(1)</script>",
    "<!-- comment --> <b>bold</b>",
    "[click me](javascript:alert(1))",
    "![pixel](https://evil.example/p.png)",
    "https://evil.example/phish and www.evil.example and a@evil.example",
    "<https://evil.example>",
    "cell | another | third\n| --- | --- |\n| x | y |",
    "# Heading\n\n> quote\n\n- item\n\n```\ncode\n```",
    "[1]: https://evil.example",
    "**bold** _italic_ ~~gone~~ `code` \\[x\\]",
    "1. first\n2. second",
    "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7 %>",
    "&lt;script&gt; &#60;script&#62;",
    "a\u202egnirts desrever\u202c b\u200bc\x07d\x1b[31m",
    "===\n---\n***",
)


class Tags(HTMLParser):
    """Collects every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take one tag in."""
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def hostile_report(attack: str):
    """A report in which every outside text and every word of the crew is the attack (digits taken out of the crew's)."""
    words = re.sub(r"[0-9\[\]]", "", attack)
    facts = sheet(
        seen("company.description", "Description", attack, "text"),
        seen("news.1", f"Headline {attack}", attack, "text").model_copy(update={"source": attack, "locator": attack}),
        name=f"Acme {attack}",
        exchange=attack,
        sector=attack,
    )
    gap = facts.gaps[0].model_copy(update={"label": attack, "detail": attack})
    rule = facts.scorecard.pillars[0].rules[0].model_copy(update={"statement": attack})
    pillar = facts.scorecard.pillars[0].model_copy(update={"rules": (rule,)})
    series = facts.charts[0].model_copy(update={"label": attack})
    facts = facts.model_copy(
        update={"gaps": (gap,), "scorecard": facts.scorecard.model_copy(update={"pillars": (pillar,), "rating_rule": attack}), "charts": (series,)}
    )
    draft = DRAFTS["research"] | {"business": [f"{words} [[company.description]] {words}"], "catalysts": [words]}
    return composed(facts, results(research=result("research", draft, model=f"x/{attack}", tool_failures=(attack,))))


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_holds_only_our_own_tags_and_no_way_out(attack: str) -> None:
    """A page with hostile text has exactly the tags and attributes of a page without, no handler, no foreign link."""
    ours, page = Tags(render_html(composed())), Tags(render_html(hostile_report(attack)))

    assert page.tags <= ours.tags | {"ul", "li"}
    assert {(tag, name) for tag, name, _ in page.attributes} <= {(tag, name) for tag, name, _ in ours.attributes}
    assert all(value.startswith("#") for _, name, value in page.attributes if name in {"href", "src"})


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_keeps_its_shape_whatever_a_text_says(attack: str) -> None:
    """Headings, tables, lists and links of the Markdown are those of the harmless report: a text can neither end nor start a block."""
    page = render_markdown(hostile_report(attack))
    lines = page.splitlines()
    outside_code = re.sub(r"`[^`\n]*`", "", page)

    assert not re.search(r"(?<!\\)<[a-zA-Z!/]", outside_code)
    assert not re.search(r"(?<!\\)\](?=[(:])", outside_code)
    assert not re.search(r"(?<!\\)://|(?i:www)\.|(?<!\\)@", outside_code)
    assert not any(re.match(r"(```|~~~|===|---|\*\*\*|\[\d+\]:)", line) for line in lines)
    tables = [[_cells(line) for line in block.splitlines()] for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)]
    assert tables
    assert all(len(set(table)) == 1 for table in tables)


def _cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))


def test_invisible_and_turning_characters_are_dropped() -> None:
    """Control, zero-width and direction-changing characters do not reach the Markdown."""
    assert inert("a\u202eb\u200bc\x07d\x1b[31m\ne") == "abcd\\[31m e"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# not a heading", "\\# not a heading"),
        ("- no item", "\\- no item"),
        ("12. no list", "12\\. no list"),
        ("12.5 is a number", "12.5 is a number"),
        ("> no quote", "\\> no quote"),
        ("snake_case and *stars*", "snake\\_case and \\*stars\\*"),
        ("http://x.y", "http\\://x.y"),
        ("AT&T and &amp;", "AT&T and \\&amp;"),
    ],
)
def test_only_what_markdown_would_act_on_is_escaped(text: str, expected: str) -> None:
    """Escapes are few, so that the Markdown reads well as plain text."""
    assert inert(text) == expected


def test_numbers_of_sources_stay_readable_but_never_become_links() -> None:
    """A number in brackets is left bare unless what follows would make it a link or a definition."""
    assert numbered(inert("5 [1] and [2](x) and [3]: y [4][5]")) == "5 [1] and \\[2\\](x) and \\[3\\]: y \\[4\\][5]"
    assert code("a`b|c") == "`a'b/c`"


def test_the_policy_allows_our_style_and_nothing_else() -> None:
    """The page carries a policy without script, connection or image, whose hash is that of its own style."""
    page = render_html(composed())

    assert STYLE_HASH in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; style-src 'sha256-")
    assert CONTENT_SECURITY_POLICY.replace("'", "&#39;") in page
    assert not re.search(r"<script|\sstyle=|\son\w+=|url\(|@import", page)


def test_labels_in_charts_are_escaped() -> None:
    """A series' label is text in the SVG, in its hints and in its description."""
    facts = sheet()
    label = '"><script>alert(1)</script>'
    svg = line_chart(
        [ChartSeries(id="chart.price", label=label, unit="USD", dates=facts.charts[0].dates, values=facts.charts[0].values)], label, "en"
    )

    assert svg is not None
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def markdown_tokens(page: str) -> list[str]:
    """The page as a Markdown parser with tables and strike-through reads it: every kind of token in order, text left out."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = [token for block in parser.parse(page) for token in (block, *(block.children or ()))]
    return [token.type for token in tokens if token.type not in {"text", "text_special", "inline", "softbreak"}]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_markdown_parser_sees_no_html_link_or_image(attack: str) -> None:
    """A real parser finds the blocks of the report and nothing that a text brought along."""
    tokens = markdown_tokens(render_markdown(hostile_report(attack)))
    harmless = markdown_tokens(render_markdown(hostile_report("Acme")))

    assert not {"html_block", "html_inline", "link_open", "image", "fence", "code_block", "s_open", "hr", "ordered_list_open"} & set(tokens)
    for kind in ("heading_open", "table_open", "tr_open", "td_open", "list_item_open", "strong_open", "em_open"):
        assert tokens.count(kind) == harmless.count(kind), kind


def test_the_parser_would_see_an_attack_that_is_not_escaped() -> None:
    """The check above can fail: the same attacks, unescaped, do bring links, HTML, images and headings."""
    tokens = set(markdown_tokens("\n\n".join(ATTACKS)))

    assert {"html_block", "link_open", "image", "fence", "s_open", "heading_open"} <= tokens
