"""The measurement: what share of injected faults is caught, kind by kind, and what share of clean sentences is stopped."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from crew.agents.verification.sentence import sentences
from crew.evaluation.corpus import LANGUAGES, Line, companies_for, lines, page, resolve
from crew.evaluation.drafts import Correct, correct_drafts, verifier
from crew.evaluation.faults import KINDS

PER_KIND = 200
LEAST_OVERALL, LEAST_PER_KIND, MOST_ALARMS = 99.5, 97.0, 0.5
FEWEST_KINDS, FEWEST_SENTENCES = 25, 1000
SEED = 20260312
_COMPANIES_PER_SENTENCE = 3
_TRIES = 400


@dataclass
class Count:
    """How many of how many, with examples of the others."""

    hits: int = 0
    total: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str, *, hit: bool) -> None:
        """Note one case; `example` is kept where it is no hit."""
        self.hits += hit
        self.total += 1
        if not hit and len(self.examples) < 5:
            self.examples.append(example)

    @property
    def percent(self) -> float:
        """The share in percent."""
        return 100 * self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %, in percent."""
        return wilson(self.hits, self.total)


@dataclass
class Outcome:
    """Everything measured. `clean` counts the sentences that pass, by the part of the corpus; docs/adr/0015 says how each part was used."""

    kinds: dict[str, Count]
    clean: dict[str, Count]
    drafts: int

    @property
    def caught(self) -> Count:
        """All kinds together."""
        return _sum(self.kinds.values())

    @property
    def passed(self) -> Count:
        """All clean sentences together."""
        return _sum(self.clean.values())

    def missed_targets(self, *, per_kind: int = PER_KIND) -> list[str]:
        """What falls short, in words; empty when every target is reached."""
        found = []
        if self.caught.percent < LEAST_OVERALL:
            found.append(f"{self.caught.percent:.2f} % of the faults are caught, fewer than {LEAST_OVERALL} %")
        for name, count in self.kinds.items():
            if count.total < per_kind:
                found.append(f"{name}: {count.total} drafts, fewer than {per_kind}")
            elif count.percent < LEAST_PER_KIND:
                found.append(f"{name}: {count.percent:.1f} % caught, fewer than {LEAST_PER_KIND} %")
        if len(self.kinds) < FEWEST_KINDS:
            found.append(f"{len(self.kinds)} kinds of faults, fewer than {FEWEST_KINDS}")
        if self.passed.total < FEWEST_SENTENCES:
            found.append(f"{self.passed.total} clean sentences, fewer than {FEWEST_SENTENCES}")
        if 100 - self.passed.percent > MOST_ALARMS:
            found.append(f"{100 - self.passed.percent:.2f} % of the clean sentences are stopped, more than {MOST_ALARMS} %")
        return found


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share, in percent."""
    if total == 0:
        return 0.0, 100.0
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def measure(*, per_kind: int = PER_KIND, seed: int = SEED) -> Outcome:
    """Run the whole evaluation; the same arguments give the same outcome."""
    clean = clean_sentences()
    sound = [draft for draft in correct_drafts() if not verifier(draft.symbol, draft.language).verify(draft.draft)]
    return Outcome({kind: _kind(kind, sound, per_kind, seed) for kind in KINDS}, clean, len(sound))


def _kind(kind: str, drafts: list[Correct], per_kind: int, seed: int) -> Count:
    count, random = Count(), Random(f"{seed}:{kind}")  # noqa: S311 - a draw that can be repeated is wanted
    for _ in range(per_kind * _TRIES):
        if count.total == per_kind:
            break
        given = random.choice(drafts)
        injected = KINDS[kind](random, given)
        if injected is None:
            continue
        faulty, path = injected
        found = verifier(given.symbol, given.language).verify(faulty)
        count.add(f"{given.symbol} {given.language} {path}: {_text(faulty, path)}", hit=any(violation.path == path for violation in found))
    return count


def _text(draft: dict[str, object], path: str) -> str:
    name, _, index = path.rstrip("]").partition("[")
    content = draft[name]
    return str(content[int(index)] if index and isinstance(content, list) else content)


def clean_sentences() -> dict[str, Count]:
    """Every clean sentence on up to three companies; stopped on one of them, it counts as a false alarm."""
    found: dict[str, Count] = {}
    for language in LANGUAGES:
        for number, line in enumerate(lines(f"clean.{language}.txt")):
            symbols = list(companies_for(line, start=number))[:_COMPANIES_PER_SENTENCE]
            faults = [
                fault
                for symbol in symbols
                for one in sentences(resolve(line.text, page(symbol)) or "")
                for fault in verifier(symbol, language).judge(one)
            ]
            if symbols:
                found.setdefault(_part(line, number), Count()).add(f"{language}: {line.text} ({faults[0][1] if faults else ''})", hit=not faults)
    return found


def _part(line: Line, number: int) -> str:
    """The part of the corpus that a line is of; docs/adr/0015 says when each was written and what was stopped when it was first seen."""
    named = re.match(r"fresh|holdout \d", line.style)
    return named.group(0) if named else "held out" if number % 2 else "tuned"


def _sum(counts: Iterable[Count]) -> Count:
    total = Count()
    for count in counts:
        total.hits, total.total = total.hits + count.hits, total.total + count.total
    return total
