"""A release may come as a zip, a folder or from a URL; what is damaged, hostile or too large is refused."""

import errno
import io
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator
from types import SimpleNamespace

import pandas as pd
import pytest
import requests
import responses

from occupations import release_archive
from occupations.release_files import read_release
from tests.occupations.release_builder import (
    Files,
    changed,
    error_of,
    new_layout,
    old_layout,
    read,
    write_folder,
    write_zip,
)

URL = "https://www.onetcenter.org/dl_files/database/db_30_3_text.zip"


class TestPacking:
    def test_zip_folder_and_folder_in_a_folder_are_the_same(self, tmp_path):
        files = old_layout()
        folder = read(tmp_path, files, "flat")
        zipped = read_release(write_zip(tmp_path / "a.zip", files))
        write_folder(tmp_path / "outer" / "db_29_3_text", files)
        nested = read_release(str(tmp_path / "outer"))

        assert folder.digest == zipped.digest == nested.digest
        pd.testing.assert_frame_equal(folder.ratings, zipped.ratings)
        pd.testing.assert_frame_equal(folder.ratings, nested.ratings)

    def test_digest_is_of_the_tables_alone(self, tmp_path):
        files = old_layout()
        first = read(tmp_path, files, "first").digest

        reordered = dict(reversed(files.items())) | {"Interests.txt": "anything"}
        assert read_release(write_zip(tmp_path / "b.zip", reordered, "other/")).digest == first
        assert read(tmp_path, changed("Skills.txt", "5.12", "5.00"), "changed").digest != first

    def test_nothing_is_unpacked_to_disk(self, tmp_path, settings):
        settings.VAR_DIR = tmp_path / "var"
        settings.VAR_DIR.mkdir()
        read_release(write_zip(tmp_path / "a.zip", old_layout()))

        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "var"]
        assert not list(settings.VAR_DIR.iterdir())

    @pytest.mark.parametrize("name", ["db_30_1_text", "db_30_1"])
    def test_version_from_the_name_where_no_read_me_tells(self, tmp_path, name):
        files = old_layout()
        del files["Read Me.txt"]

        assert read(tmp_path, files, name).version == "30.1"
        assert read_release(write_zip(tmp_path / f"{name}.zip", files)).version == "30.1"

    def test_no_version_at_all(self, tmp_path):
        files = old_layout()
        del files["Read Me.txt"]

        assert "does not say which release it is" in error_of(write_folder(tmp_path / "onet", files))

    def test_progress_counts_every_table_once(self, tmp_path):
        told = []
        read_release(write_folder(tmp_path / "r", old_layout()), lambda *step: told.append(step))

        assert [done for _, done, _ in told] == list(range(1, len(told) + 1))
        assert {of for _, _, of in told} == {len(told)}


class TestBadPacking:
    def test_nothing_there(self, tmp_path):
        assert error_of(tmp_path / "none.zip") == f"There is no file or folder {tmp_path / 'none.zip'}."

    def test_not_a_zip(self, tmp_path):
        path = tmp_path / "page.zip"
        path.write_text("<html>Sorry</html>")

        assert error_of(path) == "page.zip is not a zip file."

    def test_empty_file(self, tmp_path):
        (tmp_path / "empty.zip").touch()

        assert error_of(tmp_path / "empty.zip") == "empty.zip is not a zip file."

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
    def test_truncated_zip(self, tmp_path, kept):
        path = write_zip(tmp_path / "a.zip", old_layout())
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])

        assert error_of(path) == "a.zip is a zip file that is cut short or damaged."

    def test_damaged_member(self, tmp_path):
        path = write_zip(tmp_path / "a.zip", old_layout())
        content = bytearray(path.read_bytes())
        start = content.index(b"Occupation Data.txt") + 40
        content[start : start + 20] = os.urandom(20)
        path.write_bytes(content)

        assert error_of(path).startswith("Occupation Data.txt in a.zip is damaged or cannot be read")

    @pytest.mark.parametrize(
        "name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:\\evil.txt"]
    )
    def test_path_that_climbs_out(self, tmp_path, name):
        path = write_zip(tmp_path / "a.zip", old_layout())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(name), "x")

        assert error_of(path) == f"a.zip names a path outside itself: {name!r}."

    def test_zip_bomb(self, tmp_path, settings):
        settings.ONET_RELEASE_MAX_UNPACKED_MB = 1
        path = write_zip(tmp_path / "a.zip", old_layout() | {"Interests.txt": "0" * 2_000_000})

        assert path.stat().st_size < 20_000
        assert error_of(path).startswith("a.zip is larger than 1 MB unpacked")

    def test_zip_bomb_that_lies_about_its_size(self, tmp_path, settings):
        settings.ONET_RELEASE_MAX_UNPACKED_MB = 1
        path = write_zip(tmp_path / "a.zip", old_layout() | {"Skills.txt": "0" * 2_000_000})
        content = path.read_bytes()
        assert content.count(struct.pack("<I", 2_000_000)) == 2
        path.write_bytes(content.replace(struct.pack("<I", 2_000_000), struct.pack("<I", 1000)))

        assert "Skills.txt" in error_of(path)

    def test_what_is_read_is_counted(self, tmp_path, settings):
        settings.ONET_RELEASE_MAX_UNPACKED_MB = 1
        half = "x" * 600_000
        files = old_layout()
        for file in ("Knowledge.txt", "Skills.txt"):
            files[file] = files[file].replace("Analyst", f"Analyst{half}", 1)

        read(tmp_path, files | {"Knowledge.txt": old_layout()["Knowledge.txt"]}, "half")
        assert error_of(write_folder(tmp_path / "db", files)).startswith("db is larger than 1 MB unpacked")

    def test_same_file_twice(self, tmp_path):
        path = write_zip(tmp_path / "a.zip", old_layout())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("backup/Skills.txt", old_layout()["Skills.txt"])

        assert error_of(path) == "a.zip holds Skills.txt more than once."

    def test_encrypted_zip(self, tmp_path):
        path = write_zip(tmp_path / "a.zip", old_layout())
        content = bytearray(path.read_bytes())
        for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = content.find(mark)
            while at >= 0:
                content[at + flags] |= 1
                at = content.find(mark, at + 4)
        path.write_bytes(content)

        assert "encrypted" in error_of(path)


def packed(files: Files) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"db_30_3_text/{name}", text)
    return content.getvalue()


class TestUrl:
    @pytest.fixture
    def web(self, tmp_path, settings) -> Iterator[responses.RequestsMock]:
        settings.VAR_DIR = tmp_path / "var"
        settings.VAR_DIR.mkdir()
        with responses.RequestsMock() as web:
            yield web
        assert not list(settings.VAR_DIR.iterdir())

    def test_release_is_read_and_nothing_is_left(self, web):
        told = []
        content = packed(new_layout())
        web.get(URL, body=content, headers={"Content-Length": str(len(content))}, content_type="application/zip")
        tables = read_release(URL, lambda *step: told.append(step))

        assert tables.version == "30.3"
        assert told[0] == ("Downloading, in MB", 0, 1)

    def test_unreachable(self, web):
        web.get(URL, body=requests.ConnectionError("refused"))

        assert error_of(URL) == "www.onetcenter.org cannot be reached; perhaps there is no network."

    def test_no_answer_in_time(self, web):
        web.get(URL, body=requests.ConnectTimeout())

        assert error_of(URL) == "www.onetcenter.org did not answer in time."

    def test_not_found(self, web):
        web.get(URL, status=404)

        assert error_of(URL) == f"{URL} answered 404 Not Found."

    def test_web_page(self, web):
        web.get(URL, body="<html>", content_type="text/html; charset=utf-8")

        assert error_of(URL) == f"{URL} answered with a web page, not with a zip file."

    def test_not_a_zip_behind_another_type(self, web):
        web.get(URL, body="{}", content_type="application/json")

        assert error_of(URL) == "db_30_3_text.zip is not a zip file."

    def test_cut_short(self, web):
        content = packed(new_layout())
        web.get(
            URL,
            body=content[:1000],
            headers={"Content-Length": str(len(content))},
            auto_calculate_content_length=False,
            content_type="application/zip",
        )

        assert error_of(URL).startswith(f"The download of {URL} was cut short after ")

    def test_announced_size_is_limited(self, web, settings):
        settings.ONET_RELEASE_MAX_UNPACKED_MB = 1
        web.get(URL, body=b"x", headers={"Content-Length": "2000000"}, content_type="application/zip")

        assert error_of(URL).startswith(f"{URL} is larger than 1 MB")

    def test_real_size_is_limited(self, web, settings):
        settings.ONET_RELEASE_MAX_UNPACKED_MB = 1
        web.get(URL, body=b"x" * 2_000_000, content_type="application/zip")

        assert error_of(URL).startswith(f"{URL} is larger than 1 MB")

    def test_time_is_limited(self, web, monkeypatch):
        monkeypatch.setattr(release_archive, "DOWNLOAD_SECONDS", -1)
        web.get(URL, body=packed(new_layout()), content_type="application/zip")

        assert "took longer than" in error_of(URL)

    def test_too_little_space_for_the_announced_size(self, web, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
        content = packed(new_layout())
        web.get(URL, body=content, headers={"Content-Length": str(len(content))}, content_type="application/zip")

        assert error_of(URL).startswith(f"No space is left for {URL}")

    def test_disk_fills_up(self, web, monkeypatch):
        class FullDisk(io.BytesIO):
            def write(self, content: object) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(release_archive.tempfile, "TemporaryFile", lambda **options: FullDisk())
        web.get(URL, body=packed(new_layout()), content_type="application/zip")

        assert error_of(URL).startswith(f"No space is left for {URL}")

    @pytest.mark.parametrize(
        "url", ["ftp://example.org/a.zip", "file:///etc/passwd", "https:///a.zip", "http://[a/b.zip"]
    )
    def test_other_schemes(self, url):
        assert error_of(url) == f"{url} is not an http or https address."

    def test_password_in_the_address(self):
        message = error_of("https://me:secret@example.org/a.zip")

        assert message == "The address holds a user name or password; leave them out."
