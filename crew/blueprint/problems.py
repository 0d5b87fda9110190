"""What is wrong in agents.yaml or tasks.yaml, one line each, with the nearest valid name."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from crew.errors import BlueprintError


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: `path` leads from the top of the file to the field."""

    file: str
    line: int
    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        """For example `tasks.yaml:12: research.agent: unknown agent 'reseacher'; did you mean 'researcher'?`."""
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        return f"{self.file}:{self.line}: {field + ': ' if field else ''}{self.message}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that names the nearest valid name, or all valid names when none is near."""
    names = sorted(known)
    match = get_close_matches(name, names, n=1, cutoff=0.6)
    if match:
        return f"; did you mean {match[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def raise_if_any(problems: Iterable[Problem]) -> None:
    """Raise one error that lists every problem in the order of the files.

    Raises:
        BlueprintError: there is at least one problem.
    """
    listed = sorted(set(problems), key=lambda problem: (problem.file, problem.line, str(problem)))
    if listed:
        raise BlueprintError("\n".join(str(problem) for problem in listed))
