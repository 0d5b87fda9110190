"""Which passages a query is about, by Okapi BM25 over their words: a LangChain retriever without a model or a network."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Self

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import PrivateAttr

K1, B = 1.5, 0.75
_WORD = re.compile(r"[^\W_]+")
# fmt: off
_COMMON = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "in", "is", "it", "its", "of", "on", "or", "that", "the",
    "this", "to", "was", "were", "will", "with", "we", "our", "o", "os", "um", "uma", "e", "de", "da", "do", "das", "dos", "em", "no", "na",
    "para", "por", "com", "que", "se", "ao", "à", "el", "la", "los", "las", "un", "una", "y", "en", "del", "al", "con",
})
# fmt: on


def words(text: str) -> list[str]:
    """The words of `text` as they are compared: in lower case, without accents, and without the commonest of each language."""
    folded = text.lower()
    if not folded.isascii():
        folded = "".join(letter for letter in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(letter))
    return [word for word in _WORD.findall(folded) if word not in _COMMON]


class Bm25Retriever(BaseRetriever):
    """Ranks the documents it was made from; those without a word of the query are left out, ties keep the documents' order."""

    most: int = 6
    _documents: Sequence[Document] = PrivateAttr(default=())
    _postings: dict[str, list[tuple[int, float]]] = PrivateAttr(default_factory=dict)

    @classmethod
    def over(cls, documents: Sequence[Document], *, most: int = 6) -> Self:
        """A retriever of up to `most` of `documents`."""
        made = cls(most=most)
        counted = [Counter(words(document.page_content)) for document in documents]
        mean = sum(count.total() for count in counted) / max(1, len(counted)) or 1.0
        holders: dict[str, list[int]] = defaultdict(list)
        for index, count in enumerate(counted):
            for word in count:
                holders[word].append(index)
        for word, indices in holders.items():
            rarity = math.log(1 + (len(counted) - len(indices) + 0.5) / (len(indices) + 0.5))
            made._postings[word] = [(index, rarity * _weight(counted[index], word, mean)) for index in indices]
        made._documents = documents
        return made

    def scores(self, query: str) -> dict[int, float]:
        """The score of every document that holds a word of `query`, by its index."""
        found: dict[int, float] = defaultdict(float)
        for word in dict.fromkeys(words(query)):
            for index, weight in self._postings.get(word, ()):
                found[index] += weight
        return found

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002 - LangChain's signature
        found = self.scores(query)
        return [self._documents[index] for index in sorted(found, key=lambda index: (-found[index], index))[: self.most]]


def _weight(count: Counter[str], word: str, mean: float) -> float:
    times = count[word]
    return times * (K1 + 1) / (times + K1 * (1 - B + B * count.total() / mean))
