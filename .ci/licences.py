"""The licences of everything that ships: `python .ci/licences.py` writes docs/licences.md from the installed packages, `--check` compares.

Run it by the environment's own Python, in which requirements.txt is installed.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
HEAD = """# Licences of what ships

Written by `.venv/bin/python .ci/licences.py` from the metadata of the packages in requirements.txt; the gate fails when it is out of date or
when a licence is not among those that the project accepts. StockCrew itself is under the MIT licence. k6 (AGPL) is a tool of development and
never part of an image.

| package | version | licence |
|---|---|---|
"""
# Permissive ones, and those whose conditions end with the package itself (MPL, LGPL), which is installed unchanged and can be exchanged.
ACCEPTED = re.compile(r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software|MPL|Mozilla|LGPL|Lesser General|Zlib|Unlicense|CC0|HPND)", re.IGNORECASE)
REFUSED = re.compile(r"\b(AGPL|Affero|GPL|General Public License|SSPL|BUSL|Business Source|Commons Clause|Proprietary)\b", re.IGNORECASE)
# Packages whose metadata names no licence, with what their licence file or, for CrewAI's, the description of the main package says.
STATED = {
    "cel-python": "Apache-2.0 (licence file)",
    "crewai": "MIT (description)",
    "crewai-cli": "MIT (description of crewai)",
    "crewai-core": "MIT (description of crewai)",
    "peewee": "MIT (licence file)",
}


def pins() -> dict[str, str]:
    """Name to version of every pinned package."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))


def licence_of(found: Distribution) -> str:
    """The licence by its expression, else its classifiers, else the first line of the field; empty when there is none."""
    metadata = found.metadata
    expression = metadata.get("License-Expression", "")
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if line.startswith("License :: OSI Approved :: ")]
    field = (metadata.get("License") or "").strip().splitlines()
    return str(expression or ", ".join(classifiers) or (field[0][:60] if field else ""))


def rows() -> dict[str, str]:
    """A table row for each pinned package that is installed here; others are for other platforms or Pythons."""
    found = {}
    for name, version in sorted(pins().items()):
        try:
            licence = STATED.get(name) or licence_of(distribution(name))
        except PackageNotFoundError:
            continue
        found[name] = f"| {name} | {version} | {licence or 'not stated'} |"
    return found


def problems(page: str, wanted: dict[str, str], pinned: dict[str, str]) -> list[str]:
    """What is wrong with the page: rows that are missing, wrong or of packages that are pinned no longer, licences that are not accepted."""
    there = dict(re.findall(r"^(?=\| ([a-z0-9][\w.-]*) \| \S+ \| )(\|.*\|)$", page, re.MULTILINE))
    there.pop("package", None)
    wrong = [f"{name}: is {there.get(name, 'missing')}, should be {row}" for name, row in wanted.items() if there.get(name) != row]
    wrong += [f"{name}: is listed and not pinned" for name in there if name not in pinned]
    wrong += [f"{name}: its licence is not accepted: {row}" for name, row in wanted.items() if not accepted(row.split(" | ")[2])]
    return wrong


def accepted(licence: str) -> bool:
    """Whether the project may ship it: one of the accepted licences is named, and none that binds more than the package itself."""
    return bool(ACCEPTED.search(licence)) and not REFUSED.search(re.sub(r"(?i)\bLGPL[^ ]*|(Library or )?Lesser General Public License", "", licence))


def main() -> int:
    """Write the page, or compare it."""
    wanted = rows()
    if "--check" not in sys.argv:
        PAGE.write_text(HEAD + "\n".join(wanted.values()) + "\n", encoding="utf-8")
    wrong = problems(PAGE.read_text(encoding="utf-8"), wanted, pins())
    for line in wrong:
        print(f"licences: {line}", file=sys.stderr)
    print(f"{len(wanted)} packages, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
