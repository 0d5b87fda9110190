"""The rule that prose holds no figure of its own: which digits outside citations belong to names, and which are unbound."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from crew.domain.draft import CITATION
from crew.domain.evidence import Evidence

_CITATION = re.compile(CITATION)

_NAMES = re.compile(
    r"""(?<![\w.,])(?:
      S&P\s(?:\d{3}|GSCI)
    | (?:Nasdaq|NASDAQ|Russell|Nikkei|FTSE|CAC|DAX|IBEX|MDAX|SMI|AEX|Stoxx|STOXX|ASX|
        CSI|KOSPI|TOPIX|OMX|BSE|Nifty|Sensex|Hang\sSeng|Fortune|Euro\sStoxx|EURO\sSTOXX|Wilshire)[\s-]\d{2,4}
    | (?:TecDAX\s30|SDAX\s70|IBrX\s50|IBrX\s100|TSX\s60|MIB\s40|BEL\s20|PSI\s20|WIG\s?20|BIST\s100|SET\s50|Topix\s100)
    | (?:10-[KQ]|8-K|20-F|6-K|40-F|11-K|13[DFGH]|14D|S-[1348]|F-[1-4]|14A|DEF\s14A|N-1A)(?:s|/A)?
    | (?:Forms?|Formulários?|Formularios?)\s[345]s?
    | (?:52|50|200|100|20|10|14|30|12|26|9)-(?:week|day)s? | 52\s(?:weeks|semanas) | (?:20|50|100|200)\sd[ií]as? | (?:20|50|100|200)\sdays
    | [QHT][1-4]|[1-4][QHT] | (?i:covid)-19 | [2-6]G | [48]K | [23]D | B2[BCG] | D2C | G(?:7|20) | 24/7 | 401\(k\) | Y2K | P2P | R2 | CO2 | 9/11
    | (?:19[2-9]|20[01])0s | Web\s?3 | Web\s[23]\.0 | Industr[iy]e?\s4\.0 | Wi-Fi\s[4-8] | H1N1 | PSD[23] | NIS2 | ELI5 | B3
    | (?:SMA|EMA|RSI|ATR|ADX|MACD|MMS|MME|IFR)[\s(-]?\d{1,3}\)? | IFRS\s\d{1,2} | IAS\s\d{1,2} | ISO\s\d{4,5}
    | ASC\s\d{3}(?:-\d{2})? | (?:NIIF|NIC|CPC|SFAS|FAS|ASU)\s\d{1,3}(?:-\d{2})?
    | (?:Basel|Basiléia|Basileia|Basilea)\s(?:I{1,3}|[34]) | Tier\s[1-3] | CET1 | AT1 | (?:Level|Scope|Stage|Phase|Pillar)s?\s[1-3]
    | (?:Rule|Section|Chapter|Title|Article|Annex)\s\d{1,3}[A-Z]?\d?-?\d?
    | (?:Sección|Seção|Capítulo|Título|Artigo|Artículo|Anexo|Regra|Regla)\s\d{1,3}[A-Z]?
    | [Rr](?:ule\sof|egra\sdos?|egla\sdel)\s\d{2}
    | (?:60/40|80/20|70/30|50/50|40/60|130/30)(?=\s(?:portfolio|split|rule|principle|mix|regra|carteira|cartera|regla))
    | (?:[1357]|10|20|30)[\s-]?(?:year|yr|y|Y)s?(?=\s(?:US\s|U\.S\.\s)?
        (?:Treasur|T-bill|T-note|UST|[Nn]ote|[Bb]ond|[Bb]und|[Gg]ilt|JGB|OAT|BTP|[Yy]ield|[Rr]eal\syield|benchmark))
    | (?<=US\s)(?:[257]|10|20|30)-?(?:year|yr|y|Y)s?
    | (?:Treasur(?:y|ies)|Bunds?|Gilts?|UST|T-notes?)\s(?:a\s)?(?:[257]|10|20|30)[\s-]?(?:years?|yrs?|anos|años|y|Y)
    | (?:[Bb]onos?|[Tt]ítulos?|[Oo]bligación|[Oo]bligaciones|[Ll]etras?)\s(?:\w+\s){0,3}?(?:a|de)\s(?:[257]|10|20|30)\sa(?:nos|ños)
    | (?:[257]|10|20|30)\sa(?:nos|ños)(?=\sd[oa]s?\s(?:Treasur|títulos|bono)) | (?<=juros\sde\s)(?:[257]|10|20|30)\sanos
    )(?!\w)""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"[^\s\"“”„‘«»(),;:!?\[\]{}<>|]*")
_MIXED = re.compile(r"(?=[\w-]*[A-Za-z])(?=[\w-]*\d)[A-Za-z0-9][\w-]*")
_MAGNITUDE = re.compile(r"[\d.,]+(?:bn|b|m|mn|k|t|x|pp|bps|th|st|nd|rd|pct|usd|eur)", re.IGNORECASE)
_LONGEST_NAME = 14
_NO_NAME = re.compile(
    r"(?:target|price|to|at|by|from|of|up|down|over|under|above|below|near|reach(?:es)?|hits?|gains?|falls?|rises?|adds?|jumps?|rating|score|eps|"
    r"pe|usd|eur|brl|us|"
    r"plus|buys?|sells?|cuts?|profit|revenue|sales|growth|margin|shares?|stock|alvo|preço|precio|objetivo|para|por|until|in|since|the|about|around|"
    r"some)",
    re.IGNORECASE,
)
_SPAN_UNITS = {
    "day": (
        r"d|days?|d\.?m\.?a|dema|sessions?|trading\s(?:days?|sessions?)|bars?|pregões|pregão|d[ií]as?|sesiones|sesión|ruedas|jornadas|per[ií]odos?"
    ),
    "week": r"w|wks?|weeks?|semanas?|sem",
    "month": r"m|mos?|mths?|months?|meses|mês|mes",
    "year": r"y|yrs?|years?|anos?|años?|a",
}
_SPAN = re.compile(
    rf"(?<![\w.,/])(?:(?P<of>(?:MM|MMS|MME|MA|SMA|EMA|WMA|DMA|RSI|IFR|ATR|ADX)[ADES]?)[\s-]?)?(?P<number>\d{{1,3}})"
    rf"(?:[\s-]?(?:{'|'.join(f'(?P<{unit}>{words})' for unit, words in _SPAN_UNITS.items())}))?(?![\w%]|[.,]\d)",
    re.IGNORECASE,
)
_SAME_SPANS = ({("year", 1), ("month", 12), ("week", 52)}, {("month", 6), ("week", 26)}, {("month", 3), ("week", 13)}, {("week", 1), ("day", 5)})
_MONTHS = (
    "january february march april may june july august september october november december",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
_MONTH_OF = {name: number for names in _MONTHS for number, name in enumerate(names.split(), 1)}
_MONTH = "(?:" + "|".join(_MONTH_OF) + ")"
_EVENT = (
    r"(?:crisis|crises|crash|pandemic|tariffs?|attacks?|act|reform|merger|ipo|split|recession|shock|bubble|war|referendum|elections?|olympics|"
    r"world\scup|selloff|sell-off|"
    r"downturn|scandal|embargo|lockdowns?|earthquake|summit|coup|hack|strike|launch|bailout|crise|pandemia|choque|plano\sreal|eleição|eleições|"
    r"burbuja|bolha|golpe|reforma|"
    r"blackout|outage|floods?|drought|hurricane|tsunami|spill|recall|fraud|revolution|protests|boycott|armistice|treaty|agreement|accord|directive|"
    r"law|ruling|verdict|default|"
    r"devaluation|spin-off|demerger|buyout|acquisition|takeover|listing|flotation|expo|shutdown|ceasefire|invasion|annexation|sanctions|amnesty|"
    r"panic|rout|correction|boom|bust|bear\smarkets?|bull\smarkets?|tantrum|meltdown|squeeze|mania|collapse|debacle|turmoil|mercado\sde\sbaixa|mercado\sbajista|"
    r"wreck|implosion|craze|frenzy|freeze|glut|shortages?|riots|uprising|exuberance|euforia|estallido|estouro|colapso|desplome|corralito|confisco|upheaval|stand-?off|unrest|rally|repricing|rate\shikes?|hiking\scycle|"
    r"apagão|enchentes?|seca|furacão|plebiscito|impeachment|lei|acordo|tratado|fraude|protestos|invasão|sanções|copa|mundial|jogos|apagón|"
    r"inundación|sequía|huracán|ley|acuerdo|"
    r"protestas|invasión|sanciones|juegos|boicot|boicote|quebra|quiebra|"
    r"ataques?|atentados?|guerra|recessão|recesión|cumbre|cúpula|greve|huelga|terremoto|elecciones)"
)
_BETWEEN = (
    r"(?:(?:[A-ZÀ-Þ](?:[^\W\d]|[&-])*|and|y|e|financial|banking|dot-com|puntocom|debt|oil|"
    r"tariff|global|stock|market|price|arancelari[oa]|tarifári[oa]|financeira|financiera|mundial)\s)"
)
_NAMED = (
    r"(?:Liberation\sDay|Black\s(?:Monday|Tuesday|Wednesday|Thursday|Friday)|Brexit|Grexit|Flash\sCrash|Taper\sTantrum|Great\s(?:Recession|Depression)|"
    r"Grande\s(?:Depressão|Recessão)|Gran\s(?:Depresión|Recesión)|Lava\sJato|Volmageddon|Arab\sSpring|Plaza\sAccord|Bretton\sWoods|Investor\sDay|"
    r"Capital\sMarkets\sDay|WWDC|GTC|CES|Build|Ignite|Connect|Computex|Davos|Jackson\sHole|Olympics|Carnaval|Prime\sDay)"
)
_EVENTS = (
    re.compile(rf"(?<![\w.,])(?:(?P<month>{_MONTH})\s)?(?P<year>(?:19|20)\d\d)(?:[-–/]\d{{2,4}})?\s{_BETWEEN}{{0,6}}?{_EVENT}(?!\w)", re.IGNORECASE),
    re.compile(
        rf"(?<!\w){_EVENT}\s(?:[a-zà-ÿ]+\s){{0,3}}?(?:of|in|de|do|da|del|em|en)\s(?:(?P<month>{_MONTH})\s(?:of\s|de\s)?)?(?P<year>(?:19|"
        rf"20)\d\d)(?![\w%]|[.,]\d)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<!\w){_NAMED}(?:\s(?:of|in|de|do|da|del|em|en)|,)?\s(?:(?P<month>{_MONTH})\s(?:of\s|de\s)?)?(?P<year>(?:19|20)\d\d)(?![\w%]|[.,]\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<!\w)(?P<month>{_MONTH})\s\d{{1,2}}(?:st|nd|rd|th)?\s{_BETWEEN}{{0,4}}?{_EVENT}(?!\w)", re.IGNORECASE),
)
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|‘([^’]+)’")
_QUOTABLE = ("news.", "document.", "event.")
_FEWEST_QUOTED_WORDS = 3


def names_with_digits(texts: Iterable[str]) -> frozenset[str]:
    """Names holding digits in texts of the fact sheet: `H100`, `5G`, and a capitalised word before a bare number (`iPhone 17`, `Model 3`).

    Percentages, amounts, multiples and years in those texts are figures, not names, and are left out.
    """
    names: set[str] = set()
    for text in texts:
        before = ""
        for token in (match.group(0).strip(".'’") for match in _TOKEN.finditer(text) if match.group(0)):
            if _MIXED.fullmatch(token) and not _MAGNITUDE.fullmatch(token) and len(token) <= _LONGEST_NAME:
                names.add(token)
            elif (
                token.isascii()
                and token.isdigit()
                and (len(token) <= 3 or (len(token) == 4 and before.isupper() and token[:2] not in {"19", "20"}))
                and any(letter.isupper() for letter in before)
                and not any(map(_numeric, before))
                and not _NO_NAME.fullmatch(before)
            ):
                names.update({f"{before} {token}", *([f"{before[0]}{token}"] if before[0].isupper() else [])})
            before = token
    return frozenset(names)


def unbound_digits(text: str, names: Iterable[str] = ()) -> list[str]:
    """The tokens of `text` with a digit (of any script) that is neither in a citation nor part of a known name."""
    rest = _NAMES.sub(" ", _CITATION.sub(" ", unicodedata.normalize("NFKC", text)))
    for name in sorted(names, key=len, reverse=True):
        if name in rest:
            rest = re.sub(rf"(?<![\w.,]){re.escape(name)}(?!\w|[.,]\w|%)", " ", rest)
    return [token for token in rest.split() if any(map(_numeric, token))] or _letter_numerals(text)


def _numeric(character: str) -> bool:
    return character.isnumeric() and not character.isalpha()


@dataclass(frozen=True)
class Licence:
    """The digits that prose on one fact sheet may hold outside citations.

    The span of time that a figure cited in the same sentence is of (200d beside the average of 200 days), names that the instrument's
    name or profile contains, the words of a headline or document between quotation marks in a text that cites it, and the year of a
    named event up to `as_of`.
    """

    names: frozenset[str]
    quotable: Mapping[str, str]
    as_of: date
    figures: Mapping[str, Evidence] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: Iterable[Evidence], name: str, as_of: date) -> "Licence":
        """What the texts among `evidence` and the instrument's `name` allow."""
        given = tuple(evidence)
        texts = [item for item in given if item.kind == "text"]
        profile = [name, *(str(item.value) for item in texts if not item.id.startswith(_QUOTABLE))]
        quotable = {item.id: _squeezed(str(item.value)) for item in texts if item.id.startswith(_QUOTABLE)}
        return cls(names_with_digits(profile), quotable, as_of, {item.id: item for item in given if item.kind != "text"})

    def unquoted(self, text: str) -> str:
        """`text` without the passages between quotation marks that a text cited in it contains word for word."""
        sources = [self.quotable[id.strip()] for id in _CITATION.findall(text) if id.strip() in self.quotable]
        return self._without(text, sources)

    def _without(self, text: str, sources: list[str]) -> str:
        def left(match: re.Match[str]) -> str:
            quoted = _squeezed(next(group for group in match.groups() if group is not None)).strip(" .,;")
            verbatim = len(quoted.split()) >= _FEWEST_QUOTED_WORDS and any(quoted in source for source in sources)
            return " “” " if verbatim else match.group(0)

        return _QUOTED.sub(left, text) if sources else text

    def unbound(self, text: str) -> list[str]:
        """The tokens of `text` that state a figure of their own."""
        said = self.unquoted(text)
        rest = unicodedata.normalize("NFKC", said)
        if not any(map(_numeric, set(_CITATION.sub(" ", rest)))):
            return _letter_numerals(said)
        for pattern in _EVENTS:
            rest = pattern.sub(lambda match: " " if self._has_been(match) else match.group(0), rest)
        cited = [self.figures[id.strip()] for id in _CITATION.findall(text) if id.strip() in self.figures]
        spans = frozenset(span for item in cited for span in _spans_of(item.label, item.period))
        if spans:
            # A citation must not stand between a number and its unit: it becomes a word.
            rest = _SPAN.sub(lambda match: " " if _is_span(match, spans) else match.group(0), _CITATION.sub(" cited ", rest))
        return unbound_digits(rest, self.names) or _letter_numerals(said)

    def _has_been(self, match: re.Match[str]) -> bool:
        parts = match.groupdict()
        month = _MONTH_OF.get((parts.get("month") or "").lower(), 1)
        year = int(parts.get("year") or self.as_of.year - 1)
        return (year, month) <= (self.as_of.year, self.as_of.month)


@lru_cache(maxsize=4096)
def _spans_of(label: str, period: str) -> frozenset[tuple[str, int]]:
    """The spans of time in a figure's name and period, with those that are as long: a year, twelve months, 52 weeks."""
    found = {
        (unit, int(match["number"]))
        for match in _SPAN.finditer(f"{label.replace('Daily', '1 day')} | {'12m' if period == 'TTM' else period}")
        for unit in _SPAN_UNITS
        if match[unit]
    }
    return frozenset(found.union(*(same for same in _SAME_SPANS if not same.isdisjoint(found))))


def _is_span(match: re.Match[str], spans: frozenset[tuple[str, int]]) -> bool:
    units = [unit for unit in _SPAN_UNITS if match[unit]] or (["day"] if match["of"] else [])
    return any((unit, int(match["number"])) in spans for unit in units)


def _letter_numerals(text: str) -> list[str]:
    """Tokens with numerals that normalising would turn into letters: Ⅻ into XII."""
    if text.isascii():
        return []
    return [token for token in _CITATION.sub(" ", text).split() if any(unicodedata.category(character) == "Nl" for character in token)]


def _squeezed(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
