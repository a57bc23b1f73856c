"""Find occupations by what people type: an in-memory index over titles, alternate titles and codes."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[np.generic]]

FORMAT = 1
MAX_QUERY_CHARS = 200
MAX_QUERY_WORDS = 12
STOP_WORDS = frozenset(
    {"a", "an", "and", "all", "am", "as", "at", "for", "i", "in", "of", "or", "other", "the", "to"}
)
SHORT_FORMS = {"asst": "assistant", "dr": "doctor", "jr": "junior", "mgr": "manager", "sr": "senior"}

SOME_WORDS, ALL_WORDS, PREFIX, EXACT_ALTERNATE, EXACT_TITLE = range(5)
MIN_WORD_TO_COMPLETE = 3
JOINED_OR_SPLIT = 0.98


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """One occupation to be found; of two with equal matches the one with the larger weight comes first.

    Alternates in O*NET's form "Registered Nurse (RN)" answer to both names.
    """

    code: str
    title: str
    alternates: Sequence[str]
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One occupation found. `matched` is the alternate title that matched best, None when the title itself did."""

    code: str
    title: str
    matched: str | None
    score: float


@dataclass(frozen=True, slots=True)
class _Texts:
    """Many strings in one buffer, decoded only when asked for."""

    buffer: npt.NDArray[np.uint8]
    ends: Ints

    @classmethod
    def pack(cls, strings: Iterable[str]) -> "_Texts":
        encoded = [s.encode("utf-8", "replace") for s in strings]
        ends = np.fromiter(accumulate(map(len, encoded)), np.int32, len(encoded))
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __getitem__(self, i: int) -> str:
        return self.buffer[self.ends[i - 1] if i else 0 : self.ends[i]].tobytes().decode()

    def unpack(self) -> list[str]:
        whole = self.buffer.tobytes()
        return [whole[a:b].decode() for a, b in pairwise([0, *self.ends.tolist()])]

    def extended(self, strings: Iterable[str]) -> "_Texts":
        more = _Texts.pack(strings)
        shift = self.ends[-1] if len(self.ends) else 0
        return _Texts(np.concatenate([self.buffer, more.buffer]), np.concatenate([self.ends, more.ends + shift]))


@dataclass(frozen=True, slots=True)
class _Match:
    """How well one query word matches each name: the word of the name it met (-1: none) and how alike they are."""

    word: Ints
    likeness: Floats
    rarity: float


@dataclass(frozen=True)
class SearchIndex:
    """An immutable index. A name is a title, an alternate title, or one of the two sides of "Long Name (Short)".

    Args:
        codes: O*NET-SOC codes, sorted; the axis `n_jobs`.
        weights: Shape (n_jobs,), 0-1.
        title_names: Shape (n_jobs,): which name is the title of each job.
        texts: Titles and alternates as people read them.
        vocabulary: The distinct normalised words of all names, sorted.
        job_of: Shape (n_names,): whose name it is.
        text_of: Shape (n_names,): the text it is shown as.
        words: The vocabulary numbers of all names, one name after the other.
        word_ends: Shape (n_names,): where each name ends in `words`.
    """

    codes: list[str]
    weights: Floats
    title_names: Ints
    texts: _Texts
    vocabulary: list[str]
    job_of: Ints
    text_of: Ints
    words: Ints
    word_ends: Ints

    @classmethod
    def build(cls, entries: Iterable[SearchEntry]) -> "SearchIndex":
        """Index the entries.

        Raises:
            ValueError: A code occurs twice.
        """
        entries = sorted(entries, key=lambda entry: entry.code)
        codes = [entry.code for entry in entries]
        if len(set(codes)) < len(codes):
            raise ValueError("an occupation code occurs twice")
        texts: list[str] = []
        names: list[list[str]] = []
        job_of: list[int] = []
        text_of: list[int] = []
        title_names: list[int] = []
        for job, entry in enumerate(entries):
            title_names.append(len(names))
            seen: set[tuple[str, ...]] = set()
            for text in (entry.title, *entry.alternates):
                for name in [text] if text is entry.title else _sides(text):
                    words = _words(name)
                    if tuple(words) in seen or not (words or text is entry.title):
                        continue
                    seen.add(tuple(words))
                    names.append(words)
                    job_of.append(job)
                    text_of.append(len(texts))
                texts.append(text)
        vocabulary = sorted({word for words in names for word in words})
        number = {word: i for i, word in enumerate(vocabulary)}
        weights = np.log1p(np.nan_to_num([max(entry.weight, 0.0) for entry in entries], posinf=0.0))
        return cls(
            codes=codes,
            weights=(weights / max(weights.max(initial=0.0), 1e-9)).astype(np.float32),
            title_names=np.array(title_names, np.int32),
            texts=_Texts.pack(texts),
            vocabulary=vocabulary,
            job_of=np.array(job_of, np.int32),
            text_of=np.array(text_of, np.int32),
            words=np.array([number[word] for words in names for word in words], np.int32),
            word_ends=np.fromiter(accumulate(map(len, names)), np.int32, len(names)),
        )

    def to_arrays(self) -> Arrays:
        """Return everything as plain arrays, fit for `np.savez` and `np.load(allow_pickle=False)`."""
        arrays: Arrays = {"format": np.array(FORMAT)}
        for key in ("weights", "title_names", "job_of", "text_of", "words", "word_ends"):
            arrays[key] = getattr(self, key)
        packed = {
            "codes": _Texts.pack(self.codes),
            "texts": self.texts,
            "vocabulary": _Texts.pack(self.vocabulary),
        }
        for key, texts in packed.items():
            arrays[key] = texts.buffer
            arrays[f"{key}_ends"] = texts.ends
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "SearchIndex":
        """Restore what `to_arrays` gave.

        Raises:
            ValueError: Another version of this module wrote them: build anew.
        """
        if "format" not in arrays or int(arrays["format"]) != FORMAT:
            raise ValueError(f"not a search index of format {FORMAT}")
        plain = {k: arrays[k] for k in ("weights", "title_names", "job_of", "text_of", "words", "word_ends")}
        packed = {k: _Texts(arrays[k], arrays[f"{k}_ends"]) for k in ("codes", "texts", "vocabulary")}
        return cls(
            codes=packed["codes"].unpack(),
            texts=packed["texts"],
            vocabulary=packed["vocabulary"].unpack(),
            **plain,
        )

    def with_titles(self, titles: Mapping[str, str]) -> "SearchIndex":
        """Return an index where these codes have these titles; the titles they replace still find them.

        Codes that are not in the index are ignored.
        """
        jobs = {i: titles[code] for i, code in enumerate(self.codes) if code in titles}
        if not jobs:
            return self
        names = [_words(title) for title in jobs.values()]
        vocabulary = sorted({*self.vocabulary, *(word for words in names for word in words)})
        number = {word: i for i, word in enumerate(vocabulary)}
        renumbered = np.array([number[word] for word in self.vocabulary], np.int32)
        new_words = np.array([number[word] for words in names for word in words], np.int32)
        new_ends = np.fromiter(accumulate(map(len, names)), np.int32, len(names)) + len(self.words)
        n_names, n_texts, n_new = len(self.job_of), len(self.texts.ends), len(jobs)
        title_names = self.title_names.copy()
        title_names[list(jobs)] = np.arange(n_names, n_names + n_new)
        return replace(
            self,
            title_names=title_names,
            texts=self.texts.extended(jobs.values()),
            vocabulary=vocabulary,
            job_of=np.concatenate([self.job_of, np.array(list(jobs), np.int32)]),
            text_of=np.concatenate([self.text_of, np.arange(n_texts, n_texts + n_new, dtype=np.int32)]),
            words=np.concatenate([renumbered[self.words], new_words]),
            word_ends=np.concatenate([self.word_ends, new_ends.astype(np.int32)]),
        )

    def search(self, query: str, limit: int = 20, hidden: frozenset[str] = frozenset()) -> list[SearchHit]:
        """Return the best occupations for a query, best first, each once.

        An exact title comes before an exact alternate title, then names that begin with the query, names with
        all its words, names with some. Words may be misspelt, the last one unfinished, their order free.

        Args:
            query: Words, or an O*NET-SOC code or its beginning; cut after 200 characters.
            limit: The most hits to return.
            hidden: Codes never to return.
        """
        query = _folded(query[:MAX_QUERY_CHARS])
        scores, names = self._code_scores(query), self.title_names
        if not scores.any():
            words = list(dict.fromkeys(_words(query, keep_stop_words=False)))[:MAX_QUERY_WORDS]
            words = words or query.split()[-1:]
            scores, names = self._word_scores(words)
            rewritten = self._joined_or_split(words)
            if rewritten != words:
                others, other_names = self._word_scores(rewritten)
                better = others * JOINED_OR_SPLIT > scores
                scores, names = (
                    np.maximum(scores, others * JOINED_OR_SPLIT),
                    np.where(better, other_names, names),
                )
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > 0]
        jobs = [job for job in order[: max(limit, 0) + len(hidden)].tolist() if self.codes[job] not in hidden]
        return [self._hit(job, int(names[job]), float(scores[job])) for job in jobs[: max(limit, 0)]]
