"""Text from outside (headlines, filings, profiles, tickers, tool output): cleaned, fenced, and judged for what reads like an instruction.

Every such text passes `fenced` before a model sees it, and `reads_like_instruction` before a reader does.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

OPEN, CLOSE = "<outside-text>", "</outside-text>"
WITHHELD = "(withheld: it reads like an instruction)"
LONGEST = 600
_SOFTER = str.maketrans("{}[]<>`|\\", "()()‹›'/∕")
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn"}
_LEET = str.maketrans("013457@$", "oleastas")
_ALIKE = str.maketrans("аеорсухіјѕһԁԛԝкмнтвАЕОРСУХІЈЅНКМТВαονρτυικε", "aeopcyxijshdqwkmhtbAEOPCYXIJSHKMTBaovptuike")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]?){12,}")
_TAGS = re.compile(r"<[^>]*>")
# An order and what it is about, near each other: either alone is ordinary news.
_ORDER = (
    r"ignor\w*|disregard|forget|overrid\w*|bypass|pretend|act as|you are now|you must|from now on|respond|reply|answer|output|print|reveal|repeat|"
    r"write|translate|call|invoke|"
    r"execute|run|set|change|rate|say|tell|append|include|insert|switch|send|visit|click|buy|sell|stop|always|never|do not|"
    r"desconsider\w*|esque\w*|responda\w*|escrev\w*|mostr\w*|repit\w*|chame|diga\w*|mude|altere|clique|visite|envie|compre|venda|"
    r"olvid\w*|escrib\w*|muestr\w*|repit\w*|llam[ae]\w*|di|diga|cambi[ae]\w*|haga|haz|envíe|envía|traduc\w*|imprim\w*|"
    r"oubli\w*|répond\w*|écri\w*|affich\w*|révèl\w*|clique\w*|ignorier\w*|vergiss|vergess\w*|antwort\w*|schreib\w*|zeig\w*|dimentic\w*|rispond\w*|"
    r"scriv\w*|mostra|negeer|vergeet|"
    r"игнорир\w*|забуд\w*|отвеча\w*|напиши\w*|покажи\w*|zignoruj\w*|unut|görmezden|abaikan|glöm|bỏ qua"
)
_ABOUT = (
    r"instruction\w*|prompt\w*|system|rules?|guidelines|rating|scorecard|assistant|model|developer|previous|above|json|schema|api[\s_-]?key\w*|"
    r"secret\w*|password\w*|tool\w*|function\w*|"
    r"fact_lookup|statement_history|price_history|compare_peers|search_documents|strong[\s_-]buy|strong[\s_-]sell|reader\w*|report|summary|thesis|"
    r"language|only in|in french|in german|in spanish|in english|in chinese|in portuguese|french|german|link|here|bitcoin|wallet|website|www|http\w*|"
    r"instruç\w*|regras|sistema|classificação|recomendação|leitor|relatório|senha|chave|aqui|idioma|francês|alemão|inglês|resumo|"
    r"instruccion\w*|reglas|calificación|recomendación|lector|informe|contraseña|clave|aquí|francés|alemán|inglés|resumen|"
    r"consignes?|règles|système|lecteur|rapport|anweisung\w*|regeln|systemprompt|leser|bericht|istruzioni|regole|lettore|instructies|"
    r"инструкц\w*|систем\w*|рейтинг\w*|instrukcj\w*|talimat\w*|instruksi|instruktion\w*|hướng dẫn"
)
# Headlines have a subject before their verb; an order begins a sentence or follows the one who is ordered.
_BEGINNING = (
    r"(?:^|[^\w\s,'’%$-]\s*|(?<!\w)(?:please|kindly|por favor|bitte|always|never|"
    r"(?:analysts?|readers?|assistants?|models?|writers?|ai|bots?|agents?|you|leitor|lector|analista|modelo|asistente|assistente) (?:must|should|"
    r"shall|will|to|deve|debe))\s+)"
)
_ORDERED = re.compile(rf"{_BEGINNING}(?:{_ORDER})(?!\w).{{0,90}}?(?<!\w)(?:{_ABOUT})(?!\w)", re.IGNORECASE | re.DOTALL)
# In languages without spaces between words, or with the verb at the end, order and object stand in any order.
_ORDERED_ELSEWHERE = re.compile(
    r"(?:忽略|无视|忘记|输出|無視|忘れ|出力|무시|잊어|출력|تجاهل|انس|اكتب|अनदेखा|भूल).{0,60}(?:指令|指示|系统|提示|评级|命令|システム|格付け|지시|시스템|등급|التعليمات|النظام|التصنيف|निर्देश|"
    r"रेटिंग)"
    r"|(?:指令|指示|命令|지시|निर्देश|talimat\w*).{0,60}(?:忽略|无视|無視|忘れ|무시|잊어|अनदेखा|भूल|unut|görmezden)"
)
_SPOKEN_TO = re.compile(
    r"\b(?:system|assistant|user|developer|admin|ai|model|llm|note to (?:the )?(?:ai|model|analyst|writer)|instructions?)\s*[:>]|<\|?(?:im_start|"
    r"system|endoftext)|\bBEGIN\b.{0,20}\b(?:PROMPT|INSTRUCTIONS?)"
    r"|\b(?:ignore|disregard|forget) (?:all |any |the |your )?(?:previous|prior|above|earlier|other|former)\b|\bjailbreak\b|\bDAN\b|"
    r"\bprompt injection\b|\b(?:your|the) system prompt\b|###\s*\w+"
    r"|\bas an ai\b|\byou are (?:now )?(?:an?|in) (?:ai|assistant|model|developer|different|unrestricted|helpful)",
    re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """Outside text without control or invisible characters, braces, brackets, markup signs or line breaks, and bounded."""
    return re.sub(r"\s+", " ", _visible(text).translate(_SOFTER)).strip()[:LONGEST]


def _visible(text: str) -> str:
    """`text` in the usual form of each character, without those that nobody sees."""
    usual = unicodedata.normalize("NFKC", text)
    # Nothing unseen is printable: most texts need no look at each character.
    return usual if usual.isprintable() else "".join(c for c in usual if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)


def fenced(text: str) -> str:
    """Outside text as a prompt may hold it: cleaned, between markers that it cannot close; or a note where it reads like an instruction."""
    return f"{OPEN}{WITHHELD if reads_like_instruction(text) else cleaned(text)}{CLOSE}"


@lru_cache(maxsize=4096)
def named(text: str) -> str:
    """A short outside name (company, sector, publisher in a label) as a prompt may hold it, outside of markers."""
    return WITHHELD if is_hostile_name(text) else cleaned(text)[:120]


def is_hostile_name(text: str) -> bool:
    """Whether a name, or a part of it after a comma, reads like an instruction."""
    return any(reads_like_instruction(part) for part in (text, *text.split(", ")[1:]))


@lru_cache(maxsize=4096)
def reads_like_instruction(text: str) -> bool:
    """Whether a text, as written or decoded, orders a model or a reader about."""
    return any(_commands(reading) for reading in _readings(text))


def _commands(text: str) -> bool:
    return any(pattern.search(text) for pattern in (_SPOKEN_TO, _ORDERED, _ORDERED_ELSEWHERE))


def _readings(text: str) -> Iterator[str]:
    unescaped = html.unescape(unquote(text))
    visible = _visible(unescaped)
    yield unescaped
    yield visible
    yield _TAGS.sub("", visible)
    alike = "".join(c for c in unicodedata.normalize("NFD", visible.translate(_ALIKE)) if not unicodedata.combining(c))
    yield alike
    yield alike.lower().translate(_LEET)
    yield codecs.encode(alike, "rot13")
    yield alike[::-1]
    yield re.sub(r"\s+", " ", re.sub(r"(?<=\b\w)[ .\-_*](?=\w\b)", "", alike))
    yield from _decoded(visible)


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        with_padding = match.group(0).rstrip("=") + "=" * (-len(match.group(0).rstrip("=")) % 4)
        try:
            yield base64.b64decode(with_padding, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
    for match in _HEX.finditer(text):
        try:
            yield bytes.fromhex(re.sub(r"[\s:]", "", match.group(0))).decode("utf-8")
        except (ValueError, UnicodeDecodeError):
            continue
