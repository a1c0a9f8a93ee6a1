"""Untrusted markdown as HTML that neither loads, runs nor imitates anything (docs/page.md#reports).

HTML in it is shown as text. A link leads to the web or a mail address only, and an image is its description.
Headings go below those of the page, one level deeper at a time, so that the outline stays one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from halo_iac.text import show_hidden

_LINK_PREFIXES: Final = ("https://", "http://", "mailto:")
_LAST_LEVEL: Final = 6
_MAX_PARAGRAPH_LENGTH: Final = 8_000
_MAX_OPEN: Final = 20
"""Longer paragraphs, and those with more brackets that are never closed, are shown as plain text: to parse emphasis and
links in them takes quadratic time."""
_ALIGNED: Final = {"text-align:center": "center", "text-align:right": "right"}
"""Alignments of cells as markdown-it writes them, and the class for each: the page's security policy refuses styles."""


def report_html(markdown: str, *, level: int) -> Markup:
    """Return a report; its first heading is of a ``level`` of HTML, from 1 to 6."""
    parser = _parser()
    tokens = parser.parse(markdown.expandtabs(4))
    for token in (each for block in tokens for each in (block, *(block.children or ()))):
        if token.content:
            token.content = "\n".join(map(show_hidden, token.content.split("\n")))
    headings = {"base": level - 1, "last": level - 1}
    return Markup(parser.renderer.render(tokens, parser.options, headings))  # noqa: S704 - the parser escapes it


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: url.lower().startswith(_LINK_PREFIXES)  # type: ignore[method-assign]
    parser.core.ruler.at("inline", _parse_words)
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _parse_words(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        unclosed = token.content.count("[") - token.content.count("]")
        if len(token.content) > _MAX_PARAGRAPH_LENGTH or unclosed > _MAX_OPEN:
            token.children = [Token("text", "", 0, content=token.content)]
        else:
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)


# Rules of markdown-it: each draws one token, given all of them, its index, options and what was drawn before ----------


def _heading(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, env: dict[str, int]) -> str:
    is_open = tokens[index].nesting == 1
    text = tokens[index + 1 if is_open else index - 1]
    if not text.content.strip():
        return "<p>" if is_open else "</p>\n"
    if is_open:
        env["last"] = min(env["base"] + int(tokens[index].tag[1]), env["last"] + 1, _LAST_LEVEL)
        return f"<h{env['last']}>"
    return f"</h{env['last']}>\n"


def _cell(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """Render the start or end tag of a cell; an empty head cell becomes a plain cell."""
    is_open = tokens[index].nesting == 1
    name = tokens[index].tag if tokens[index + 1 if is_open else index - 1].content.strip() else "td"
    if not is_open:
        return f"</{name}>\n"
    aligned = _ALIGNED.get(str(tokens[index].attrs.get("style")))
    return f'<{name} class="{aligned}">' if aligned else f"<{name}>"


def _table(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """Render the start or end of a table in a box that scrolls on its own, also by keyboard."""
    if tokens[index].nesting == 1:
        return '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n'
    return "</table></div>\n"


def _link(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """Draw the beginning of a link; one without words shows where it leads, and ``[]()`` leads nowhere."""
    url = escapeHtml(str(tokens[index].attrs.get("href", "")))
    is_empty = index + 1 < len(tokens) and tokens[index + 1].type == "link_close"
    return f'<a href="{url}" rel="noreferrer nofollow">{url if is_empty else ""}' if url else "<a>"


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:  # noqa: ANN401
    words = self.renderInlineAsText(tokens[index].children, options, env)
    return f"[image{': ' if words else ''}{escapeHtml(words)}]"


def _code(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    return f"<pre><code>{escapeHtml(tokens[index].content)}</code></pre>\n"


_RULES: Final = {
    **dict.fromkeys(("heading_open", "heading_close"), _heading),
    **dict.fromkeys(("th_open", "th_close", "td_open", "td_close"), _cell),
    **dict.fromkeys(("table_open", "table_close"), _table),
    **dict.fromkeys(("fence", "code_block"), _code),
    "link_open": _link,
    "image": _image,
}
