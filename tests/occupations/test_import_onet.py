"""The command loads a release, tells what it did, and fails with one sentence."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from occupations.models import (
    Occupation,
)
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    NURSE,
    newer_release,
    old_layout,
    write_zip,
)


@pytest.mark.django_db
class TestCommand:
    def run(self, source: Path) -> str:
        output = StringIO()
        call_command("import_onet", str(source), stdout=output)
        return output.getvalue()

    def test_summary(self, tmp_path):
        printed = self.run(write_zip(tmp_path / "a.zip", old_layout()))

        assert "6 occupations, 5 of them with a job zone, 3 rated on 3 skills" in printed
        assert "18 ratings on 3 skills, 3 knowledge areas\n" in printed
        assert "1 rows of Sample of Reported Titles.txt that repeat a title" in printed
        assert "Abilities.txt, which the release does not have" in printed
        assert "the skills of 2 occupations and the knowledge of 2" in printed
        assert "1 stay unrated" in printed
        assert "O*NET 29.3 is loaded" in printed
        assert "Changed against" not in printed

    def test_summary_of_changes(self, tmp_path):
        self.run(write_zip(tmp_path / "a.zip", old_layout()))
        Occupation.objects.filter(code=NURSE).update(curated_title="Nurses")
        printed = self.run(write_zip(tmp_path / "b.zip", newer_release()))

        assert "Changed against O*NET 29.3 (Text release)" in printed
        assert "0 occupations added, 1 retired; 1 titles" in printed
        assert f"retired: {ACUTE_NURSE}" in printed
        assert f"O*NET changed what a curator had changed: {NURSE}" in printed

    def test_loaded_already(self, tmp_path):
        path = write_zip(tmp_path / "a.zip", old_layout())
        self.run(path)

        assert self.run(path) == "O*NET 29.3 is already loaded; nothing changed.\n"

    def test_bad_release_is_one_sentence_and_status_1(self, tmp_path):
        path = tmp_path / "a.zip"
        path.write_text("no zip")
        with pytest.raises(CommandError, match=r"^a\.zip is not a zip file\.$") as raised:
            self.run(path)

        assert raised.value.returncode == 1

    def test_no_progress_bar_outside_a_terminal(self, tmp_path, capfd):
        self.run(write_zip(tmp_path / "a.zip", old_layout()))

        assert capfd.readouterr().err == ""
