"""Fail when the test run skipped anything that CI does not expect to be skipped: `python .ci/skips.py JUNIT_XML`."""

import re
import sys
import xml.etree.ElementTree as ET  # the file was written by our own pytest run a moment ago

EXPECTED = (
    r"a process namespace cannot be made here",  # a container without privileges; the image's own check covers the launcher there
    r"shared/ is absent",  # the recorded answers lie beside the project only where it is developed
)


def unexpected_skips(path: str) -> list[str]:
    """Return `name: reason` for each skipped test whose reason no pattern of EXPECTED matches."""
    found = []
    for case in ET.parse(path).getroot().iter("testcase"):  # noqa: S314 - our own file
        for skip in case.iter("skipped"):
            reason = f"{skip.get('message', '')} {skip.text or ''}"
            if not any(re.search(pattern, reason) for pattern in EXPECTED):
                found.append(f"{case.get('classname')}.{case.get('name')}: {reason.strip()}")
    return found


def main() -> int:
    """Print unexpected skips; 1 when there are any or when no test ran."""
    path = sys.argv[1]
    if not any(True for _ in ET.parse(path).getroot().iter("testcase")):  # noqa: S314 - our own file
        print("no test ran", file=sys.stderr)
        return 1
    found = unexpected_skips(path)
    for line in found:
        print(f"unexpected skip: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
