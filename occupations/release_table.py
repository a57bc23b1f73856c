"""One tab-separated table of a release: parse it and refuse what is wrong, naming file, line and value."""

import csv
import io
import re
from collections.abc import Callable, Collection, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from occupations.release_archive import ReleaseError

CODE = "O*NET-SOC Code"
CODE_FORM = re.compile(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}")
NUMBER_FORM = re.compile(r"-?[0-9]+(\.[0-9]+)?")
MISSING = ("n/a", "")
SHOWN_CHARS = 40

Values = npt.NDArray[np.object_]
Figures = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Table:
    """The named columns of one file, as categories, on their line numbers.

    A release repeats few values many times, so that checks and conversions look at each distinct value once.

    Raises:
        ReleaseError: Wherever the file is not what it should be, with the file's name, the line and the value.
    """

    def __init__(self, file: str, frame: pd.DataFrame) -> None:
        self.file = file
        self.frame = frame

    @classmethod
    def parse(cls, file: str, content: bytes, columns: Sequence[str]) -> Self:
        """Read the named columns, in any order and among any others."""
        content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        if not content.strip():
            raise ReleaseError(f"{file} is empty.")
        header = _decode(file, content).split("\n", 1)[0].split("\t")
        names = [name.strip() for name in header]
        for column in columns:
            if column not in names:
                raise ReleaseError(f"{file} has no column {column!r}.")
        blank = _check_fields(file, content, len(names))
        if blank.all():
            raise ReleaseError(f"{file} holds no rows.")
        places = [names.index(column) for column in columns]
        frame = pd.read_csv(
            io.BytesIO(content),
            sep="\t",
            lineterminator="\n",
            quoting=csv.QUOTE_NONE,
            header=None,
            skiprows=1,
            usecols=places,
            names=list(range(len(names))),
            index_col=False,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
        )[places]
        frame.columns = pd.Index(columns)
        frame.index = pd.RangeIndex(2, len(frame) + 2)
        frame = frame.loc[~blank]
        return cls(file, pd.DataFrame({column: _as_category(frame[column]) for column in columns}))

    def __len__(self) -> int:
        return len(self.frame)

    def fail(self, line: int, problem: str) -> ReleaseError:
        """Return the error that names this file and the line."""
        return ReleaseError(f"{self.file}, line {line}: {problem}.")

    def where(self, mask: Flags) -> Self:
        """Return the table of some of the rows."""
        rows = self.frame.loc[mask]
        return type(self)(
            self.file, pd.DataFrame({column: rows[column].cat.remove_unused_categories() for column in rows})
        )

    def equals(self, column: str, *values: str) -> Flags:
        """Return which rows hold one of the values."""
        return self.frame[column].isin(values).to_numpy()

    def codes(self, known: Collection[str] | None = None, column: str = CODE) -> Values:
        """Return O*NET-SOC codes, each of the right form and among the known ones."""
        self._check(column, lambda value: bool(CODE_FORM.fullmatch(value)), "which is not an O*NET-SOC code")
        if known is not None:
            self._check(column, known.__contains__, "an occupation that Occupation Data.txt does not have")
        return self._convert(column, str, object)

    def texts(self, column: str, longest: int) -> Values:
        """Return texts that are there and fit."""
        self._check(column, lambda value: value not in MISSING, "where a text is needed")
        return self.optional_texts(column, longest)

    def optional_texts(self, column: str, longest: int) -> Values:
        """Return texts that fit; an empty one where O*NET has none."""
        self._check(column, lambda value: len(value) <= longest, f"longer than {longest} characters")
        return self._convert(column, lambda value: "" if value == "n/a" else value, object)

    def numbers(self, column: str, low: float, high: float) -> Figures:
        """Return figures within their scale; NaN where O*NET has none."""

        def is_number(value: str) -> bool:
            return value in MISSING or bool(NUMBER_FORM.fullmatch(value))

        def in_scale(value: str) -> bool:
            return value in MISSING or low <= float(value) <= high

        self._check(column, is_number, "which is not a number")
        self._check(column, in_scale, f"outside the scale from {low:g} to {high:g}")
        return self._convert(column, lambda value: np.nan if value in MISSING else float(value), float)

    def whole_numbers(self, column: str, low: int, high: int) -> Figures:
        """Return whole figures within their scale, all there."""
        self._check(column, str.isdecimal, "where a whole number is needed")
        return self.numbers(column, low, high)

    def flags(self, column: str) -> Flags:
        """Return where it says Y; N and nothing are False."""
        self._check(column, lambda value: value in ("Y", "N", *MISSING), "neither Y nor N")
        return self._convert(column, lambda value: value == "Y", bool)

    def choices(self, column: str, options: Collection[str]) -> Values:
        """Return values that are each one of the options."""
        named = ", ".join(option for option in options if option not in MISSING)
        self._check(column, options.__contains__, f"none of {named}")
        return self._convert(column, str, object)

    def check_unique(self, *columns: str) -> None:
        """Refuse two rows with the same values in the columns."""
        keys = self.frame[list(columns)]
        repeats = keys.duplicated().to_numpy()
        if repeats.any():
            key = keys.iloc[int(repeats.argmax())]
            first = self._line_of((keys == key).all(axis=1).to_numpy())
            raise self.fail(self._line_of(repeats), f"repeats line {first} ({', '.join(map(str, key))})")

    def _line_of(self, rows: Flags) -> int:
        """Return the line of the first of the rows."""
        return int(self.frame.index.to_numpy()[rows.argmax()])

    def _check(self, column: str, good: Callable[[str], bool], problem: str) -> None:
        wrong = [value for value in self.frame[column].cat.categories if not good(value)]
        if wrong:
            found = self.equals(column, *wrong)
            value = str(self.frame[column].iloc[int(found.argmax())])
            shown = value if len(value) <= SHOWN_CHARS else f"{value[:SHOWN_CHARS]}…"
            raise self.fail(self._line_of(found), f"{column} is {shown!r}, {problem}")

    def _convert(self, column: str, value_of: Callable[[str], object], dtype: type) -> npt.NDArray:
        values = self.frame[column].cat
        return np.array([value_of(value) for value in values.categories], dtype)[values.codes.to_numpy()]


def _decode(file: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ReleaseError(f"{file}, line {line}: the byte 0x{byte:02x} is not UTF-8.") from error
    if (at := text.find("\0")) >= 0:
        raise ReleaseError(f"{file}, line {text.count(chr(10), 0, at) + 1}: holds a NUL character.")
    return text


def _check_fields(file: str, content: bytes, fields: int) -> Flags:
    """Refuse lines with more or fewer fields than the header; return which lines after it are blank."""
    characters = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    if not content.endswith(b"\n"):
        ends = np.append(ends, len(content))
    tabs = np.searchsorted(np.flatnonzero(characters == ord("\t")), ends)
    found = np.diff(tabs, prepend=0) + 1
    blank = np.diff(ends, prepend=-1) == 1
    wrong = np.flatnonzero((found != fields) & ~blank)
    if wrong.size:
        at = int(wrong[0])
        raise ReleaseError(f"{file}, line {at + 1}: has {found[at]} fields where the header has {fields}.")
    return blank[1:]


def _as_category(column: pd.Series) -> pd.Series:
    values = column.astype("category")
    stripped = values.cat.categories.str.strip()
    return values if (stripped == values.cat.categories).all() else column.str.strip().astype("category")
