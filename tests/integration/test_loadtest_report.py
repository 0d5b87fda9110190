"""The load-test report in a real browser: no network, no script, the verdict first, readable on a phone."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakes.loadtest_summaries import MACHINE, baseline, requests, summary
from PIL import Image

from loadtests.compare import compare
from loadtests.html_report import in_words, render_report
from loadtests.samples import Sample
from loadtests.series import slices
from loadtests.summary import RunFacts, summarise
from loadtests.thresholds import load_thresholds

BROWSER = shutil.which("chromium")
HOSTILE = '<script>fetch("https://evil.example")</script>'


def _samples() -> list[Sample]:
    samples = requests(*(40 + 30 * (number % 7) for number in range(60)), failed=2, name="GET /v1/analyses")
    return [
        *samples,
        *requests(*([620.0] * 20), name="POST /v1/analyses"),
        Sample("job_completion_time", 2100, 1010, {}),
        Sample("job_failed", 0, 1010, {}),
    ]


def _summary(code: int | None = 99, *messages: str) -> dict[str, Any]:
    facts = RunFacts("smoke", f"http://target/{HOSTILE}", "1.1.0", code, messages=messages)
    return summarise(_samples(), facts, thresholds=load_thresholds(()), machine=MACHINE, commit="0123456789abcdef")


def _page(found: dict[str, Any] | None = None, *, with_baseline: bool = True) -> str:
    found = found or _summary()
    rows = compare(baseline(), [summary(scale=1.4)]) if with_baseline else []
    return render_report(found, slices(_samples()), rows, "there is no baseline for that")


def _browse(folder: Path, page: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND")
    command = [str(BROWSER), *fixed, f"--user-data-dir={folder / 'profile'}", *arguments, file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)


browser = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")]


class TestInTheBrowser:
    """Chromium opens the page, with no host to reach."""

    pytestmark = browser

    def test_nothing_is_fetched_and_nothing_refused(self, tmp_path: Path) -> None:
        """The page has all it needs, and obeys its own content security policy."""
        done = _browse(tmp_path, _page(), "--dump-dom")

        assert not re.search(r"Content Security Policy|Refused to|net::ERR|CONSOLE", done.stderr)
        assert "<h1>Failing</h1>" in done.stdout

    def test_the_policy_would_stop_a_script(self, tmp_path: Path) -> None:
        """A script that got onto the page is refused, and the browser says so."""
        done = _browse(tmp_path, _page().replace("<header", "<script>document.title='x'</script><header"), "--dump-dom")

        assert "Content Security Policy" in done.stderr

    @pytest.mark.parametrize("width", [980, 500])
    def test_the_verdict_is_the_first_thing_seen(self, tmp_path: Path, width: int) -> None:
        """The top of the page is the verdict's panel in its colour, and every chart is drawn, on broad and narrow screens."""
        picture = tmp_path / "page.png"
        _browse(tmp_path, _page(), f"--screenshot={picture}", f"--window-size={width},2600")
        image = Image.open(picture).convert("RGB")
        colours = {image.getpixel((x, y)) for x in range(0, image.width, 3) for y in range(10, 120, 3)}
        lines = {image.getpixel((x, y)) for x in range(image.width) for y in range(300, 1400, 2)}

        assert (0xFD, 0xEC, 0xEA) in colours
        assert {(0x24, 0x60, 0xC4), (0xB4, 0x53, 0x09), (0xB4, 0x23, 0x18)} <= lines

    def test_nothing_is_wider_than_a_phone(self, tmp_path: Path) -> None:
        """Tables scroll inside themselves, the page does not."""
        probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
        page = re.sub(r"<meta http-equiv[^>]*>", "", _page()).replace("</body>", probe)
        title = re.search(r"<title>(\d+) of (\d+)</title>", _browse(tmp_path, page, "--dump-dom", "--window-size=500,900").stdout)

        assert title
        assert int(title[1]) <= int(title[2])


def test_what_the_target_is_called_cannot_become_markup() -> None:
    """Text from outside is escaped."""
    assert HOSTILE not in _page()
    assert "&lt;script&gt;" in _page()


def test_crossed_thresholds_come_first_and_in_words() -> None:
    """The verdict names what was crossed with both figures, and the table begins with it."""
    page = _page()

    assert "<b>POST /v1/analyses</b>: latency, 95th percentile 620 ms, promised &lt; 500 ms" in page
    table = page[page.index('<h2 id="thresholds">') :]
    assert table.index('class="no"') < table.index('class="yes"')
    assert 'class="yes"' not in table[: table.rindex('class="no"')]


@pytest.mark.parametrize(
    ("metric", "expression", "value", "words"),
    [
        ("http_req_duration{kind:api}", "p(95)<500", 61.25, ("all requests", "latency, 95th percentile", "< 500 ms", "61.2 ms")),
        (
            "http_req_duration{name:GET /x,kind:api,expected_response:true}",
            "avg<300",
            1234.5,
            ("GET /x", "latency, mean (expected answers)", "< 300 ms", "1,234 ms"),
        ),
        ("http_req_failed{kind:stream}", "rate<0.01", 0.015, ("event streams", "failed", "< 1 %", "1.5 %")),
        ("checks{check:list is a page}", "rate>=0.99", 1.0, ("list is a page", "check passed", "≥ 99 %", "100 %")),
        ("dropped_iterations", "count<1", 0.0, ("whole run", "work that could not be started", "< 1", "0")),
        ("job_failed", "rate<0.01", None, ("whole run", "analyses failed", "< 1 %", "no sample")),
    ],
)
def test_thresholds_are_told_in_words_and_units(metric: str, expression: str, value: float | None, words: tuple[str, ...]) -> None:
    """k6's spelling becomes where, what, promised and measured."""
    found = in_words({"metric": metric, "expression": expression, "value": value, "ok": True})

    assert (found.where, found.what, found.limit, found.measured) == words


def test_the_comparison_shows_regressions_first() -> None:
    """The first row is the one that was too slow."""
    table = _page()[_page().index("Against the baseline") :]

    assert table.index("slower") < table.index("within<")


def test_a_run_without_baseline_says_why() -> None:
    """No comparison is not the same as a good one."""
    assert "Not compared: there is no baseline for that." in _page(with_baseline=False)


def test_an_invalid_run_has_its_cause_and_no_verdict_on_the_service() -> None:
    """The page says that the run says nothing, and why."""
    page = _page(_summary(-9, "k6 was killed by signal 9"))

    assert "<h1>Invalid run</h1>" in page
    assert "<li>k6 was killed by signal 9</li>" in page
    assert "thresholds crossed" not in page


def test_a_run_without_a_request_is_still_a_page() -> None:
    """Nothing measured is nothing drawn, and no error."""
    empty = summarise(
        [], RunFacts("smoke", "t", "unknown", None, messages=("k6 is missing",)), thresholds=load_thresholds(()), machine=MACHINE, commit=None
    )
    page = render_report(empty, [], [], "the run is invalid")

    assert "There is nothing to draw" in page
    assert "<li>k6 is missing</li>" in page
