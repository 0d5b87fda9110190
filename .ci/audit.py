"""Judge what pip-audit found: `python .ci/audit.py AUDIT_JSON`. 0 nothing known, or no advisory source (said loudly); 1 vulnerable."""

import json
import sys
from pathlib import Path
from typing import Any

# Advisory id: why it does not touch us, and until when that was looked at. Empty, and meant to stay so.
ACCEPTED: dict[str, str] = {}
ENOUGH = 0.9


def judge(audit: dict[str, Any] | None) -> tuple[bool, list[str]]:
    """Whether the installed set may pass, and what to print.

    pip-audit ends well when no package could be looked up, so the share of packages that were is what tells an audit from none.
    """
    dependencies = audit["dependencies"] if audit else []
    audited = [one for one in dependencies if "skip_reason" not in one]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in audited
        for flaw in one["vulns"]
        if flaw["id"] not in ACCEPTED
    ]
    if found:
        return False, [f"VULNERABLE: {line}" for line in found]
    if not dependencies or len(audited) < ENOUGH * len(dependencies):
        share = f"{len(audited)} of {len(dependencies)} packages could be looked up"
        return True, [f"SKIPPED: no advisory source answers here ({share}): known vulnerabilities were NOT looked for"]
    return True, [f"{len(audited)} of {len(dependencies)} installed packages looked up, no known vulnerability"]


def main() -> int:
    """Print the judgement."""
    path = Path(sys.argv[1])
    passed, lines = judge(json.loads(path.read_text(encoding="utf-8")) if path.exists() and path.stat().st_size else None)
    for line in lines:
        print(line, file=sys.stdout if passed else sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
