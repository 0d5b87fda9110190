"""Every kind of fault and its injector: from a correct draft the faulty one and the place of the fault, or None."""

import base64
import codecs
from random import Random
from typing import Any

from crew.agents.verification.sentence import sentences
from crew.evaluation import mutations
from crew.evaluation.corpus import LANGUAGES, lines, page, resolve, sheet
from crew.evaluation.drafts import Correct, prompt_texts
from crew.evaluation.injecting import CITED, Injector, add_sentence, change_item, change_sentence, from_material, material, number, words


def _table(random: Random, _given: Correct) -> str:
    rows = ["| Revenue | {} |", "| FY | EPS | {} |", "Revenue\t{}", "\n| Metric | Value |\n| --- | --- |\n| Margin | {} |\n", "Revenue | {}"]
    return random.choice(rows).format(number(random))


def _heading(random: Random, _given: Correct) -> str:
    heads = ["## Revenue up {}", "# {} and rising", "**Growth: {}**", "Outlook {}:\n", "### Margin {}", "Key figure: {}."]
    return random.choice(heads).format(number(random))


def _link(random: Random, _given: Correct) -> str:
    forms = [
        "More at https://example.org/report.",
        "See www.example.com for details.",
        "Write to desk@example.org for more.",
        "Read [the note](https://example.net).",
        "Details are on example-research.io today.",
        "The chart: ![x](http://example.org/a.png).",
        "Follow @stocktips for more.",
        "The tag is #moonshot.",
        "Join t.me/signals today.",
        "The page is javascript:alert(document).",
    ]
    return random.choice(forms)


def _html(random: Random, _given: Correct) -> str:
    forms = [
        "<script>alert()</script> The case holds.",
        "The case <b>holds</b>.",
        "<img src=x onerror=alert()> The case holds.",
        "The case holds.<br>",
        "&lt;iframe&gt; The case holds.",
        "<a href='x'>The case holds.</a>",
    ]
    return random.choice(forms)


def _encoded(random: Random, given: Correct) -> str:
    plain = random.choice(material("news_instruction", given.language))
    return random.choice([base64.b64encode(plain.encode()).decode(), codecs.encode(plain, "rot13"), plain[::-1], plain.encode().hex()])


def _echo(random: Random, _given: Correct) -> str | None:
    said = [one for text in prompt_texts() for one in sentences(text) if len(one.split()) >= 12 and "{" not in one and "[" not in one]
    return str(random.choice(said))


def _headline(random: Random, given: Correct) -> str | None:
    texts = [str(item.value) for item in sheet(given.symbol).evidence if item.id.startswith("news.") and len(str(item.value).split()) >= 6]
    return f"{random.choice(texts)}." if texts else None


def _foreign(random: Random, given: Correct) -> str | None:
    others = [text for listed in words("words.json")["foreign"].values() for text in listed]
    for language in LANGUAGES:
        if language != given.language:
            found = [
                text for line in lines(f"clean.{language}.txt") if line.only is None and (text := resolve(line.text, page(given.symbol))) is not None
            ]
            others += [text for text in random.sample(found, min(12, len(found))) if len(text.split()) >= 6]
    return str(random.choice(others))


def _turned(_random: Random, given: Correct, claim: dict[str, Any]) -> bool:
    value = page(given.symbol).number(claim["evidence"][0])
    if not value:
        return False
    claim["direction"] = "down" if value > 0 else "up"
    return True


def _crossed(random: Random, given: Correct, item: dict[str, Any]) -> bool:
    wire = item["wrong_if" if "wrong_if" in item else "tripwire"]
    value = page(given.symbol).number(wire["evidence"])
    if value is None:
        return False
    over = random.random() < 0.5
    wire |= {
        "operator": random.choice([">", ">="] if over else ["<", "<="]),
        "threshold": value + (-1 if over else 1) * (abs(value) * random.random() + 0.01),
    }
    return True


def _no_evidence(random: Random, _given: Correct, claim: dict[str, Any]) -> bool:
    claim["evidence"] = [random.choice(["market.sentiment", "industry.share", "company.moat_score", "esg.score"])]
    return True


def _no_figure(_random: Random, _given: Correct, claim: dict[str, Any]) -> bool:
    claim["text"] = CITED.sub("a good level", claim["text"])
    return True


def _other_evidence(random: Random, given: Correct, claim: dict[str, Any]) -> bool:
    cited = set(CITED.findall(claim["text"]))
    claim["evidence"] = [random.choice([item.id for item in sheet(given.symbol).evidence if item.id not in cited])]
    return True


def _no_source(_random: Random, _given: Correct, event: dict[str, Any]) -> bool:
    event["text"] = "Something of note happened."
    return True


_MATERIAL_KINDS = (
    "sign_flipped",
    "wrong_period",
    "wrong_metric",
    "made_up_source",
    "look_ahead",
    "past_date",
    "news_instruction",
    "rating_word",
    "promise",
    "spelled_multiple",
    "wrong_sign",
    "wrong_comparison",
    "uncited_change",
    "other_company",
    "other_ticker",
    "invented_product",
)
KINDS: dict[str, Injector] = {
    "invented_figure": change_sentence(mutations.invented, cited=True),
    "copied_figure": change_sentence(mutations.copied, cited=True),
    "digits_swapped": change_sentence(mutations.swapped, cited=True),
    "misspelt_id": change_sentence(mutations.typo, cited=True),
    "no_such_period": change_sentence(mutations.no_such_period, cited=True),
    "wrong_unit_or_scale": change_sentence(mutations.unit, cited=True),
    "wrong_currency": change_sentence(mutations.currency, cited=True),
    "spelled_number": change_sentence(mutations.spelled, cited=True),
    "other_companys_figure": change_sentence(mutations.peer, cited=True),
    "stale_figure": change_sentence(mutations.stale, cited=True),
    "figure_in_a_word": change_sentence(mutations.in_word),
    "zero_width_character": change_sentence(mutations.hide(mutations.UNSEEN)),
    "turned_direction": change_sentence(mutations.hide(mutations.TURNING)),
    "unicode_digits": change_sentence(mutations.other_digits, cited=True),
    "look_alike_letter": change_sentence(mutations.homoglyph),
    "broken_citation": change_sentence(mutations.unbracketed, cited=True),
    "markup": change_sentence(mutations.marked_up),
    "figure_in_a_table": add_sentence(_table),
    "figure_in_a_heading": add_sentence(_heading),
    "link": add_sentence(_link),
    "html": add_sentence(_html),
    "encoded_text": add_sentence(_encoded),
    "prompt_echo": add_sentence(_echo),
    "copied_headline": add_sentence(_headline),
    "other_language": add_sentence(_foreign),
    "claim_turned": change_item(_turned),
    "claim_without_evidence": change_item(_no_evidence),
    "claim_without_figure": change_item(_no_figure),
    "claim_with_other_evidence": change_item(_other_evidence),
    "tripwire_crossed": change_item(_crossed, among=("claims", "risks")),
    "event_without_source": change_item(_no_source, among=("events",)),
    **{kind: from_material(kind) for kind in _MATERIAL_KINDS},
}
