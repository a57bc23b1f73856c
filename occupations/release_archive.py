"""Open a text release, be it a zip, a folder or a URL, and hand out its files' bytes. Nothing is unpacked to disk."""

import errno
import re
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

import requests
from django.conf import settings

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many units of it are done, and of how many; 0 where that is unknown."""

MB = 1024 * 1024
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
CONNECT_SECONDS, SILENCE_SECONDS, DOWNLOAD_SECONDS = 10, 60, 1800
UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


class ReleaseError(Exception):
    """The release cannot be imported. The message is one sentence that says why."""


def silent(what: str, done: int, of: int) -> None:
    """Report progress to nobody."""


class Archive:
    """The files of a release by their names, with one limit on the bytes that may be read in all."""

    def __init__(
        self, label: str, files: Mapping[str, Callable[[], IO[bytes]]], doubled: frozenset[str] = frozenset()
    ) -> None:
        self.label = label
        self.names = frozenset(files)
        self._files = files
        self._doubled = doubled
        self._bytes_left = _limit_bytes()

    def read(self, name: str) -> bytes:
        """Return one file's bytes, counting them while they come: a zip's own sizes may lie.

        Raises:
            ReleaseError: It is damaged, there twice, or more than the limit.
        """
        if name in self._doubled:
            raise ReleaseError(f"{self.label} holds {name} more than once.")
        content = bytearray()
        try:
            with self._files[name]() as stream:
                while chunk := stream.read(MB):
                    self._bytes_left -= len(chunk)
                    if self._bytes_left < 0:
                        raise ReleaseError(_too_large(self.label))
                    content += chunk
        except UNREADABLE_ZIP as error:
            raise ReleaseError(f"{name} in {self.label} is damaged or cannot be read ({error}).") from error
        return bytes(content)


@contextmanager
def open_archive(source: str | Path, progress: Progress = silent) -> Iterator[Archive]:
    """Open the release at a path or a URL; what is downloaded is gone afterwards.

    Raises:
        ReleaseError: There is nothing that could be opened.
    """
    path = Path(source)
    try:
        if SCHEME.match(str(source)):
            with tempfile.TemporaryFile(dir=settings.VAR_DIR) as downloaded:
                label = _download(str(source), downloaded, progress)
                with _open_zip(downloaded, label) as archive:
                    yield archive
        elif path.is_dir():
            yield _open_folder(path)
        elif path.is_file():
            with path.open("rb") as stream, _open_zip(stream, path.name) as archive:
                yield archive
        else:
            raise ReleaseError(f"There is no file or folder {source}.")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ReleaseError(_no_space(str(source))) from error
        raise ReleaseError(f"{source} cannot be read: {error.strerror or error}.") from error


def _open_folder(path: Path) -> Archive:
    """Open a folder of files, or one that holds nothing but such a folder."""
    entries = list(path.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        path = entries[0]
        entries = list(path.iterdir())

    def opener(file: Path) -> Callable[[], IO[bytes]]:
        return lambda: file.open("rb")

    return Archive(path.resolve().name, {entry.name: opener(entry) for entry in entries if entry.is_file()})


@contextmanager
def _open_zip(stream: IO[bytes], label: str) -> Iterator[Archive]:
    size = stream.seek(0, 2)
    stream.seek(0)
    begins_like_zip = stream.read(2) == b"PK"
    if not begins_like_zip and not zipfile.is_zipfile(stream):
        raise ReleaseError(f"{label} is not a zip file.")
    if size > _limit_bytes():
        raise ReleaseError(_too_large(label))
    try:
        unzipped = zipfile.ZipFile(stream)
    except UNREADABLE_ZIP as error:
        raise ReleaseError(f"{label} is a zip file that is cut short or damaged.") from error
    with unzipped:
        members = [member for member in unzipped.infolist() if not member.is_dir()]
        for member in unzipped.infolist():
            if _climbs_out(member.orig_filename):
                raise ReleaseError(f"{label} names a path outside itself: {member.orig_filename!r}.")
        if sum(member.file_size for member in members) > _limit_bytes():
            raise ReleaseError(_too_large(label))
        files: dict[str, Callable[[], IO[bytes]]] = {}
        doubled = set()
        for member in members:
            name = PurePosixPath(member.filename).name
            if name in files:
                doubled.add(name)
            files[name] = partial(unzipped.open, member)
        yield Archive(label, files, frozenset(doubled))


def _climbs_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) is not None


def _limit_bytes() -> int:
    return settings.ONET_RELEASE_MAX_UNPACKED_MB * MB


def _too_large(label: str) -> str:
    limit = settings.ONET_RELEASE_MAX_UNPACKED_MB
    return f"{label} is larger than {limit} MB unpacked (ONET_RELEASE_MAX_UNPACKED_MB sets the limit)."


def _no_space(label: str) -> str:
    return f"No space is left for {label} under {settings.VAR_DIR}."


def _download(url: str, target: IO[bytes], progress: Progress) -> str:
    """Fetch the URL into the file, within limits of size and time; return its file name."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ReleaseError(f"{url} is not an http or https address.") from error
    host = parts.hostname
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ReleaseError(f"{url} is not an http or https address.")
    if parts.username or parts.password:
        raise ReleaseError("The address holds a user name or password; leave them out.")
    try:
        answer = requests.get(
            url,
            stream=True,
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            headers={"Accept-Encoding": "identity", "User-Agent": "SkillSprout"},
        )
    except requests.Timeout as error:
        raise ReleaseError(f"{host} did not answer in time.") from error
    except requests.exceptions.SSLError as error:
        raise ReleaseError(f"{host} could not prove by its certificate that it is {host}.") from error
    except requests.ConnectionError as error:
        raise ReleaseError(f"{host} cannot be reached; perhaps there is no network.") from error
    except requests.RequestException as error:
        raise ReleaseError(f"{url} cannot be fetched ({error}).") from error
    with answer:
        if not answer.ok:
            raise ReleaseError(f"{url} answered {answer.status_code} {answer.reason or ''}".rstrip() + ".")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise ReleaseError(f"{url} answered with a web page, not with a zip file.")
        _save(answer, url, target, progress)
    return PurePosixPath(parts.path).name or host


def _save(answer: requests.Response, url: str, target: IO[bytes], progress: Progress) -> None:
    announced = answer.headers.get("Content-Length", "")
    size = int(announced) if announced.isdecimal() else 0
    if size > _limit_bytes():
        raise ReleaseError(_too_large(url))
    if size > shutil.disk_usage(settings.VAR_DIR).free:
        raise ReleaseError(_no_space(url))
    received = 0
    last_moment = time.monotonic() + DOWNLOAD_SECONDS
    try:
        for chunk in answer.iter_content(MB // 8):
            received += len(chunk)
            if received > _limit_bytes():
                raise ReleaseError(_too_large(url))
            if time.monotonic() > last_moment:
                raise ReleaseError(f"{url} took longer than {DOWNLOAD_SECONDS // 60} minutes.")
            target.write(chunk)
            progress("Downloading, in MB", received // MB, -(-size // MB))
    except requests.RequestException as error:
        raise ReleaseError(f"The download of {url} was cut short after {received:,} bytes.") from error
    target.flush()
