"""Problems of project files in every format: what a nasty file name or key comes out as."""

from __future__ import annotations

import pytest
from golden_files import assert_golden
from render_samples import NASTY, finding, nasty_problems

from halo_iac.render.formats import PageIdentity, RenderContext
from halo_iac.render.github import GithubView
from halo_iac.render.json import JsonView
from halo_iac.render.markdown.view import MarkdownView
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.text.problems import problems_text

ASCII = Style(unicode=False)


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("problems-pipe.txt", PLAIN),
        ("problems-narrow.txt", Style(width=60)),
        ("problems-wide.txt", Style(width=160)),
        ("problems-colour.txt", Style(colour=True, width=100)),
        ("problems-ascii.txt", ASCII),
    ],
)
def test_the_text_of_problems_matches_its_golden_file(name: str, style: Style) -> None:
    assert_golden(f"render/{name}", problems_text(nasty_problems(), style))


@pytest.mark.parametrize(("end", "style"), [("", PLAIN), ("-ascii", ASCII)])
def test_the_markdown_of_problems_and_findings_matches_its_golden_file(end: str, style: Style) -> None:
    problems = nasty_problems()
    findings = [finding(words, words, 7, message=f"odd: {words}", hint=words) for words in NASTY]
    context = RenderContext(style, prefix=lambda: "services/a", identity=lambda: PageIdentity("halo.yaml", "", ""))
    assert_golden(f"render/problems{end}.md", MarkdownView(context).problems(problems, findings, ""))
    assert_golden(f"render/problems-github{end}.txt", GithubView(context).problems(problems, findings, ""))


def test_the_json_of_problems_matches_its_golden_file() -> None:
    assert_golden("render/problems.json", JsonView(RenderContext(PLAIN)).problems(nasty_problems(), ()))
