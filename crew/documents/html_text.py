"""The text of an HTML page as its reader sees it: no scripts, no comments, nothing that a style or an attribute hides."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

# fmt: off
_UNSEEN = frozenset({
    "head", "title", "script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "audio", "video", "canvas", "svg",
    "math", "select", "datalist", "textarea", "input", "button", "meta", "link", "base", "map", "area", "param", "source", "track", "frame",
    "frameset", "noframes", "noembed", "dialog",
})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend", "li", "main", "nav", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
})
# fmt: on
_CELLS = frozenset({"td", "th"})
_LINES = frozenset({"tr", "li", "dt", "dd"})
_AROUND = {tag: "\n" if tag in _LINES else "\n\n" for tag in _BLOCKS} | dict.fromkeys(_CELLS, " ") | {"br": "\n"}
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:^|[;\s])opacity\s*:\s*0?\.?0+%?\s*(?:;|!|$)|font-size\s*:\s*(?:0|0?\.\d+(?:px|pt)?|1px)\s*(?:[a-z%]*\s*)?(?:;|!|$)"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|top|right|bottom|margin-left|margin-top)\s*:\s*-\d{3,}|(?:^|[;\s])color\s*:\s*transparent"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0)|(?:^|[;\s])(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|!|$)|content-visibility\s*:\s*hidden",
    re.IGNORECASE,
)
_WHITE = re.compile(r"(?:^|[;\s])color\s*:\s*(?:white|#fff(?:fff)?|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))\s*(?:;|!|$)", re.IGNORECASE)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")


def html_text(markup: str) -> str:
    """The visible text, one paragraph per block, cells of a row on one line."""
    page = LexborHTMLParser(markup)
    root = page.root
    return "".join(_pieces(root, _Styles(page))) if root is not None else ""


class _Styles:
    """What the style sheets and attributes of a page hide. White text is hidden unless something behind it has a colour of its own."""

    def __init__(self, page: LexborHTMLParser) -> None:
        self._hidden: set[int] = set()
        self._white: set[int] = set()
        self._grounded: set[int] = set()
        for sheet in page.css("style"):
            for selectors, declarations in _RULE.findall(_CSS_COMMENT.sub(" ", sheet.text())):
                for pattern, found in ((_HIDING, self._hidden), (_WHITE, self._white), (_BACKGROUND, self._grounded)):
                    if pattern.search(declarations):
                        found.update(_selected(page, selectors.strip()))

    def hides(self, node: LexborNode) -> bool:
        """Whether a reader does not see the element and what is in it."""
        attributes = node.attributes
        style = attributes.get("style") or ""
        if (node.tag or "").lower() in _UNSEEN or "hidden" in attributes or node.mem_id in self._hidden or _HIDING.search(style):
            return True
        is_white = node.mem_id in self._white or _WHITE.search(style) or _WHITE.search(f"color:{attributes.get('color') or ''}")
        return bool(is_white) and not self._has_ground(node)

    def _has_ground(self, node: LexborNode | None) -> bool:
        while node is not None:
            attributes = node.attributes if node.is_element_node else {}
            if node.mem_id in self._grounded or "bgcolor" in attributes or _BACKGROUND.search(attributes.get("style") or ""):
                return True
            node = node.parent
        return False


def _selected(page: LexborHTMLParser, selectors: str) -> Iterator[int]:
    try:
        for node in page.css(selectors):
            yield node.mem_id
    except SelectolaxError:
        # A selector that the parser does not know, such as one of a print style, hides nothing.
        return


@dataclass(frozen=True)
class _After:
    """What follows an element once everything in it has been read."""

    piece: str
    is_cell: bool


def _pieces(root: LexborNode, styles: _Styles) -> Iterator[str]:
    """Text and breaks in reading order, without recursion: pages may nest as deep as they like. Cells of a row stay on one line."""
    stack: list[LexborNode | _After] = [root]
    cells = 0
    while stack:
        node = stack.pop()
        if isinstance(node, _After):
            cells -= node.is_cell
            yield node.piece
            continue
        if node.next is not None and node is not root:
            stack.append(node.next)
        if node.is_text_node:
            yield re.sub(r"\s+", " ", node.text_content or "")
        elif node.is_document_node or (node.is_element_node and not styles.hides(node)):
            tag = (node.tag or "").lower()
            around = " " if cells and (tag in _BLOCKS or tag == "br") else _AROUND.get(tag, "")
            yield around
            cells += tag in _CELLS
            stack.append(_After("" if around == "\n" else around, tag in _CELLS))
            if node.child is not None:
                stack.append(node.child)
