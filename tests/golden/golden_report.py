"""The golden files of the report's representations. `python tests/golden/golden_report.py --update` rewrites them; look at the difference."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def renderings() -> dict[str, str]:
    """Every golden file's name with what it should hold."""
    from fakes.report_parts import full_report

    from crew.report.canonical import render_json
    from crew.report.html import render_html
    from crew.report.markdown import render_markdown

    report = full_report()
    return {"report.md": render_markdown(report), "report.html": render_html(report), "report.json": render_json(report)}


if __name__ == "__main__":
    sys.path[:0] = [str(FOLDER.parent.parent), str(FOLDER.parent)]
    if sys.argv[1:] != ["--update"]:
        sys.exit("say --update to overwrite the golden files")
    for name, text in renderings().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
