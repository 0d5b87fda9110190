"""The HTML report in a real browser: it obeys its own policy, asks the network for nothing, and its figures unfold."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from fakes.report_parts import full_report
from PIL import Image

from crew.report.html import render_html

BROWSER = shutil.which("chromium")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")]


@cache
def opened() -> str:
    """The small report with its first figure and every section open."""
    page = render_html(full_report())
    return page.replace('name="fig">', "open>", 1).replace('<details class="pillar">', '<details class="pillar" open>')


def browse(folder: Path, page: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open the page in a fresh headless browser that may reach no host."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND")
    return subprocess.run(
        [str(BROWSER), *fixed, f"--user-data-dir={folder / 'profile'}", *arguments, file.as_uri()],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )


def picture(folder: Path, page: str, width: int, *arguments: str) -> Image.Image:
    """The page as it looks at that width."""
    browse(folder, page, f"--screenshot={folder / 'page.png'}", f"--window-size={width},3000", *arguments)
    return Image.open(folder / "page.png").convert("RGB")


def test_the_browser_reports_no_violation_and_no_request(tmp_path: Path) -> None:
    """Nothing on the page breaks its own content security policy, and no resource is asked for."""
    log = browse(tmp_path, opened(), "--dump-dom").stderr

    assert not re.search(r"Content Security Policy|Refused to|net::ERR|CONSOLE", log)


def test_the_check_would_see_a_violation(tmp_path: Path) -> None:
    """An inline handler or script smuggled into the page is refused by the policy, and the browser says so."""
    log = browse(tmp_path, opened().replace("<main", "<script>document.title='x'</script><main"), "--dump-dom").stderr

    assert "Content Security Policy" in log


def test_the_style_is_applied_and_an_open_figure_shows_its_source(tmp_path: Path) -> None:
    """With the figure open the picture differs from the closed one, so that the card is really drawn."""
    closed, unfolded = picture(tmp_path, render_html(full_report()), 1200), picture(tmp_path, opened(), 1200)

    assert closed.getpixel((5, 1)) == (15, 92, 112)
    assert closed.tobytes() != unfolded.tobytes()


def test_dark_and_light_follow_the_readers_setting(tmp_path: Path) -> None:
    """The page is dark where the reader's system is dark."""
    page = render_html(full_report())
    light, dark = picture(tmp_path, page, 1200), picture(tmp_path, page, 1200, "--blink-settings=preferredColorScheme=0")

    assert sum(light.getpixel((20, 600))) > 700
    assert sum(dark.getpixel((20, 600))) < 120


def test_it_prints(tmp_path: Path) -> None:
    """The page prints to a PDF of more than one page."""
    browse(tmp_path, render_html(full_report()), "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")

    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") + (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page ") >= 2
