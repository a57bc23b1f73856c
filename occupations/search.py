"""Find occupations by what people type: an in-memory index over titles, alternate titles and codes."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice, pairwise, takewhile
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

FORMAT = 2
ARRAY_FIELDS = ("weights", "title_names", "job_of", "text_of", "words", "bounds")
STRING_FIELDS = ("codes", "texts", "vocabulary")
MAX_QUERY_CHARS = 200
MAX_QUERY_WORDS = 10
NO_WORDS = ("",)
STOP_WORDS = frozenset({"a", "am", "an", "and", "as", "at", "for", "i", "in", "of", "or", "the", "to"})
SHORT_FORMS = {
    "asst": "assistant",
    "dr": "doctor",
    "jr": "junior",
    "mgr": "manager",
    "sr": "senior",
    "sys": "system",
}

# An exact title, an exact alternate title, a name that begins with the query, one with all its words; else some.
TIERS = (4, 3, 2, 1)
COMPLETED = 0.7
MIN_CHARS_TO_COMPLETE = 3
SLIPS_FROM_LENGTH = (4, 7, 12)
JOINED_OR_SPLIT = 0.98
LEAST_COVERED = 0.15

WORD = re.compile(r"\w+[+#]*")
CODE = re.compile(r"[0-9]{2}-?[0-9]{0,4}(\.[0-9]{0,2})?|[0-9]{7,8}")
CODE_MARKS = re.compile(r"[-.\s]")
TWO_SIDES = re.compile(r"([^()]+)\(([^()]+)\)\s*")
PLAIN_MARKS = str.maketrans({"'": None, "’": None, "`": None, "‐": "-", "‑": "-", "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """One occupation to be found; an alternate "Registered Nurse (RN)" answers to both names.

    `weight`, 0 or more, settles near ties in proportion: pass the logarithm of employment, say.
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


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """An immutable index of names: titles, alternate titles, and both sides of those like "Long Name (Short)"."""

    codes: list[str]  # sorted; the axis n_jobs
    weights: Floats  # (n_jobs,), 0-1
    title_names: Ints  # (n_jobs,): which name is the title of each job
    texts: list[str]  # titles and alternates as people read them
    vocabulary: list[str]  # the distinct normalised words of all names, sorted
    job_of: Ints  # (n_names,): whose name it is
    text_of: Ints  # (n_names,): the text it is shown as
    words: Ints  # the vocabulary numbers of all names, one name after the other
    bounds: Ints  # (n_names + 1,): where each name begins in words, and the end

    def __post_init__(self) -> None:
        # Now, so that the first query need not wait for it.
        _ = self._number, self._postings, self._rarity, self._fullness, self._by_length

    @classmethod
    def build(cls, entries: Iterable[SearchEntry]) -> "SearchIndex":
        """Index the entries; ValueError if a code occurs twice."""
        entries = sorted(entries, key=lambda entry: entry.code)
        codes = [entry.code for entry in entries]
        if len(set(codes)) < len(codes):
            raise ValueError("an occupation code occurs twice")
        texts: list[str] = []
        names: list[tuple[str, ...]] = []
        owners: list[tuple[int, int]] = []
        for job, entry in enumerate(entries):
            title = _name(entry.title)
            text_of = {title: len(texts)}
            texts.append(entry.title)
            for alternate in sorted(entry.alternates, key=len):
                sides = TWO_SIDES.fullmatch(alternate)
                for side in sides.groups() if sides else [alternate]:
                    text_of.setdefault(_name(side), len(texts))
                texts.append(alternate)
            kept = [words for words in text_of if words != NO_WORDS or words == title]
            names += kept
            owners += [(job, text_of[words]) for words in kept]
        vocabulary = sorted({word for words in names for word in words})
        number = {word: i for i, word in enumerate(vocabulary)}
        weights = np.nan_to_num([max(entry.weight, 0.0) for entry in entries], posinf=0.0)
        job_of, text_of_name = np.array(owners, np.int32).reshape(-1, 2).T.copy()
        return cls(
            codes=codes,
            weights=(weights / max(weights.max(initial=0.0), 1e-9)).astype(np.float32),
            title_names=np.searchsorted(job_of, np.arange(len(codes))).astype(np.int32),
            texts=texts,
            vocabulary=vocabulary,
            job_of=job_of,
            text_of=text_of_name,
            words=np.array([number[word] for words in names for word in words], np.int32),
            bounds=np.array([0, *accumulate(map(len, names))], np.int32),
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as plain arrays, fit for `np.savez` and `np.load(allow_pickle=False)`."""
        arrays: dict[str, npt.NDArray[Any]] = {"format": np.array(FORMAT)}
        for key in ARRAY_FIELDS:
            arrays[key] = getattr(self, key)
        for key in STRING_FIELDS:
            encoded = [string.encode("utf-8", "replace") for string in getattr(self, key)]
            arrays[key] = np.frombuffer(b"".join(encoded), np.uint8)
            arrays[f"{key}_bounds"] = np.array([0, *accumulate(map(len, encoded))], np.int32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "SearchIndex":
        """Restore what `to_arrays` gave; ValueError if another version of this module wrote it: build anew."""
        if "format" not in arrays or int(arrays["format"]) != FORMAT:
            raise ValueError(f"not a search index of format {FORMAT}")
        fields: dict[str, Any] = {key: arrays[key] for key in ARRAY_FIELDS}
        for key in STRING_FIELDS:
            whole = arrays[key].tobytes()
            fields[key] = [whole[a:b].decode() for a, b in pairwise(arrays[f"{key}_bounds"].tolist())]
        return cls(**fields)

    def with_titles(self, titles: Mapping[str, str]) -> "SearchIndex":
        """Return an index where these codes have these titles; the titles they replace still find them.

        Codes that are not in the index are ignored.
        """
        jobs = {i: titles[code] for i, code in enumerate(self.codes) if code in titles}
        if not jobs:
            return self
        names = [_name(title) for title in jobs.values()]
        vocabulary = sorted({*self.vocabulary, *(word for words in names for word in words)})
        number = {word: i for i, word in enumerate(vocabulary)}
        renumbered = np.array([number[word] for word in self.vocabulary], np.int32)
        new_words = np.array([number[word] for words in names for word in words], np.int32)
        new_names = np.arange(len(jobs), dtype=np.int32)
        title_names = self.title_names.copy()
        title_names[list(jobs)] = new_names + len(self.job_of)
        return replace(
            self,
            title_names=title_names,
            texts=[*self.texts, *jobs.values()],
            vocabulary=vocabulary,
            job_of=np.append(self.job_of, np.array(list(jobs), np.int32)),
            text_of=np.append(self.text_of, new_names + np.int32(len(self.texts))),
            words=np.append(renumbered[self.words], new_words),
            bounds=np.append(self.bounds, self.bounds[-1] + np.cumsum(list(map(len, names)), dtype=np.int32)),
        )

    def search(self, query: str, limit: int = 20, hidden: frozenset[str] = frozenset()) -> list[SearchHit]:
        """Return the best occupations for a query, best first, each once.

        An exact title comes before an exact alternate title, then names that begin with the query, names with
        all its words, names with some. Words may be misspelt, the last one unfinished, their order free. A query
        may also be an O*NET-SOC code or its beginning. It is cut after 200 characters. `hidden` codes stay away.
        """
        query = _folded(query[:MAX_QUERY_CHARS])
        scores, names = self._code_scores(query), self.title_names
        if not scores.any():
            tokens = _tokens(query)[:MAX_QUERY_WORDS]
            scores, names = self._word_scores(tokens)
            if (rewritten := self._joined_or_split(tokens)) != tokens:
                other_scores, other_names = self._word_scores(rewritten)
                names = np.where(other_scores * JOINED_OR_SPLIT > scores, other_names, names)
                scores = np.maximum(scores, other_scores * JOINED_OR_SPLIT)
        best_first = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores)].tolist()
        shown = [job for job in best_first if self.codes[job] not in hidden][: max(limit, 0)]
        return [self._hit(job, int(names[job]), float(scores[job])) for job in shown]

    def _hit(self, job: int, name: int, score: float) -> SearchHit:
        title, matched = (self.texts[self.text_of[i]] for i in (self.title_names[job], name))
        return SearchHit(self.codes[job], title, None if matched == title else matched, round(score, 4))

    def _code_scores(self, query: str) -> Floats:
        if not CODE.fullmatch(query.strip()):
            return np.zeros(len(self.codes), np.float32)
        digits = CODE_MARKS.sub("", query)
        found = [CODE_MARKS.sub("", code).startswith(digits) for code in self.codes]
        return np.array(found, np.float32) * (len(digits) / 8)

    def _word_scores(self, tokens: list[str]) -> tuple[Floats, Ints]:
        """Return each job's score, 0-1, and the name that earned it, both of shape (n_jobs,)."""
        tokens = list({_stem(token): token for token in tokens}.values())
        if not (tokens and self.vocabulary):
            return np.zeros(len(self.codes), np.float32), self.title_names
        n_jobs, n_names = len(self.codes), len(self.job_of)
        matches = [self._match(token, last=token == tokens[-1]) for token in tokens]
        met, likeness = [match[0] for match in matches], [match[1] for match in matches]
        rarity = np.log1p([n_names / max(int(np.count_nonzero(alike)), 1) for alike in likeness])
        covered = np.zeros(n_names, np.float32)
        filled = np.zeros(n_names, np.float32)
        for word, alike, share in zip(met, likeness, rarity / rarity.sum(), strict=True):
            covered += alike * share
            filled += alike * self._rarity[word] / self._fullness
        filled = np.minimum(filled, 1.0)
        has_all = np.logical_and.reduce([word >= 0 for word in met])
        n_words = np.diff(self.bounds)
        in_order = has_all & (n_words >= len(tokens))
        for i, word in enumerate(met):
            in_order[in_order] = word[in_order] == self.words[self.bounds[:-1][in_order] + i]
        begun = np.logical_and.reduce([*(alike == 1 for alike in likeness[:-1]), likeness[-1] >= COMPLETED])
        exact = begun & (likeness[-1] == 1) & (n_words == len(tokens))
        is_title = np.isin(np.arange(n_names), self.title_names)
        tier = np.select([exact & is_title, exact, begun & in_order, has_all], TIERS)
        on_title = covered[self.title_names] * (0.5 + 0.5 * filled[self.title_names])
        n_met, n_own = (np.bincount(jobs, minlength=n_jobs) for jobs in (self.job_of[has_all], self.job_of))
        # Inside a tier: the query's share in the name, the name's in the query, the job's own claim.
        of_job = 0.15 * on_title + 0.15 * self.weights + 0.05 * np.sqrt(n_met / n_own)
        of_name = 0.4 * covered + 0.2 * filled + 0.04 * in_order
        enough = has_all | (covered >= max(covered.max() / 2, LEAST_COVERED))
        scores = np.where(enough, (tier + of_name + of_job[self.job_of]) / 5, 0.0).astype(np.float32)
        best = np.zeros(n_jobs, np.float32)
        np.maximum.at(best, self.job_of, scores)
        winners = np.flatnonzero((scores > 0) & (scores == best[self.job_of]))[::-1]
        names = self.title_names.copy()
        names[self.job_of[winners]] = winners
        return best, names

    def _match(self, token: str, *, last: bool) -> tuple[Ints, Floats]:
        """Return how one word of the query meets each name, as two arrays of shape (n_names,).

        First the number of the word it met, -1 for none; then their likeness: 1 for the same word, `COMPLETED`
        or more for one it begins, less for a misspelling, 0 for none.
        """
        found: dict[int, float] = {}
        stem = _stem(token)
        exact = self._number.get(stem)
        if exact is None:
            found |= self._misspelt(token, last=last)
        if last or len(stem) >= MIN_CHARS_TO_COMPLETE:
            beginning = token if last else stem
            start = bisect_left(self.vocabulary, beginning)
            begun = takewhile(lambda word: word.startswith(beginning), islice(self.vocabulary, start, None))
            found |= {start + i: COMPLETED + 0.25 * len(beginning) / len(word) for i, word in enumerate(begun)}
        if exact is not None:
            found[exact] = 1.0
        word = np.full(len(self.job_of), -1, np.int32)
        likeness = np.zeros(len(self.job_of), np.float32)
        if found:
            least_alike_first = sorted(found, key=found.__getitem__)
            names = [self._postings[i] for i in least_alike_first]
            counts = [len(with_word) for with_word in names]
            word[np.concatenate(names)] = np.repeat(np.array(least_alike_first, np.int32), counts)
            likeness[np.concatenate(names)] = np.repeat(sorted(found.values()), counts)
        return word, likeness

    def _misspelt(self, token: str, *, last: bool) -> dict[int, float]:
        """Return the words a few slips away from the token; if it may be unfinished, also longer ones."""
        slips = sum(len(token) >= length for length in SLIPS_FROM_LENGTH)
        ids, words, lengths = self._by_length
        size = len(token)
        shortest, longer, longest = np.searchsorted(lengths, [size - slips, size + 1, size + slips + 1]).tolist()
        tries = [*range(shortest, longest), *(range(longer, len(words)) if last else ())]
        candidates = words[shortest:longest] + [word[:size] for word in words[longer:] if last]
        if not (slips and candidates):
            return {}
        distances = process.cdist([token], candidates, scorer=OSA.distance, score_cutoff=slips)[0]
        found: dict[int, float] = {}
        for i in np.flatnonzero(distances <= slips).tolist():
            likeness = COMPLETED - 0.01 - 0.5 * int(distances[i]) / size
            likeness -= 0.05 * (candidates[i][0] != token[0]) + 0.1 * (i >= longest - shortest)
            number = int(ids[tries[i]])
            found[number] = max(likeness, found.get(number, 0.0))
        return found

    def _joined_or_split(self, tokens: list[str]) -> list[str]:
        """Return "child care" as "childcare" and "busdriver" as "bus driver", where names are written that way."""
        rewritten: list[str] = []
        for token in tokens:
            if rewritten and _stem(rewritten[-1] + token) in self._number:
                rewritten[-1] += token
                continue
            cuts = range(3, len(token) - 2) if _stem(token) not in self._number else ()
            known = [i for i in cuts if _stem(token[:i]) in self._number and _stem(token[i:]) in self._number]
            middle = min(known, key=lambda i: abs(2 * i - len(token)), default=len(token))
            rewritten += filter(None, (token[:middle], token[middle:]))
        return rewritten

    @cached_property
    def _number(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.vocabulary)}

    @cached_property
    def _postings(self) -> list[Ints]:
        """The names that hold each vocabulary word."""
        names = np.repeat(np.arange(len(self.job_of), dtype=np.int32), np.diff(self.bounds))
        ends = np.bincount(self.words, minlength=len(self.vocabulary)).cumsum()
        return np.split(names[np.argsort(self.words, kind="stable")], ends[:-1])

    @cached_property
    def _rarity(self) -> Floats:
        """Inverse document frequency of each vocabulary word."""
        counts = np.array([max(len(names), 1) for names in self._postings])
        return np.log1p(len(self.job_of) / counts).astype(np.float32)

    @cached_property
    def _fullness(self) -> Floats:
        """The sum of the rarities of each name's words."""
        return np.maximum(np.add.reduceat(self._rarity[self.words], self.bounds[:-1]), 1e-6)

    @cached_property
    def _by_length(self) -> tuple[Ints, list[str], Ints]:
        """Vocabulary numbers, words and their lengths, from short to long."""
        lengths = np.array([len(word) for word in self.vocabulary], np.int32)
        ids = np.argsort(lengths, kind="stable").astype(np.int32)
        return ids, [self.vocabulary[i] for i in ids], lengths[ids]


def _folded(text: str) -> str:
    """Return the text without case, accents, apostrophes and typographic dashes."""
    decomposed = unicodedata.normalize("NFKD", text).translate(PLAIN_MARKS)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _tokens(folded: str) -> list[str]:
    """Return the words that matter before an "except", or all of them if none does."""
    tokens = WORD.findall(folded)
    if "except" in tokens[1:]:
        tokens = tokens[: tokens.index("except", 1)]
    return [token for token in tokens if token not in STOP_WORDS] or tokens


def _stem(word: str) -> str:
    """Return the singular, roughly: enough for names and queries to meet."""
    if word in SHORT_FORMS:
        return SHORT_FORMS[word]
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if word.endswith("men"):
        return word[:-2] + "an"
    return word.removesuffix("s")


def _name(text: str) -> tuple[str, ...]:
    return tuple(_stem(token) for token in _tokens(_folded(text))) or NO_WORDS
