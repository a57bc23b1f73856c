import json
import os
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from profiles.models import Profile
from tests.factories import make_world

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return make_world()


def simulate(truth):
    call_command("simulate_feedback", people=2, truth=truth, until=UNTIL)


def test_the_command_says_what_was_done(release, tmp_path, capsys):
    truth = tmp_path / "truth.json"
    call_command("simulate_feedback", people=2, truth=truth, until=UNTIL)

    said = capsys.readouterr().out
    assert "2 simulated people were shown" in said
    assert f"The truth is in {truth}." in said


def test_the_command_explains_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match="seed_demo"):
        call_command("simulate_feedback", people=2)
    with pytest.raises(CommandError, match="at least 1 person"):
        call_command("simulate_feedback", people=0)


@pytest.mark.parametrize(
    ("option", "word", "sentence"),
    [
        ("--until", "tomorrow", "'tomorrow' is no date. Give one such as 2026-01-31."),
        ("--until", "2026-13-01", "'2026-13-01' is no date."),
        ("--until", "0001-01-01", "must not begin more than five years ago"),
        ("--until", "9999-12-31", "must not end in the future"),
        ("--days", "many", "'many' is no number of days. Give one such as 365."),
        ("--days", "nan", "longer than 0 days"),
        ("--days", "inf", "five years"),
        ("--days", "99999999999", "five years"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_date_or_a_time(option, word, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("simulate_feedback", "--people", "2", option, word)


def test_a_truth_file_that_cannot_be_written_is_refused_before_anything_is_written(release, tmp_path):
    with pytest.raises(CommandError, match="no folder"):
        simulate(tmp_path / "missing/truth.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match="is a folder"):
        simulate(tmp_path / "folder")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(CommandError, match=r"cannot be written.*Name another file"):
        simulate(tmp_path / "loop")
    assert not Profile.objects.exists()


def test_a_pipe_or_a_device_is_not_replaced_by_the_truth(release, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)

    for name in ("pipe", "link"):
        with pytest.raises(CommandError, match="Name an ordinary file"):
            simulate(tmp_path / name)
    assert pipe.is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert not Profile.objects.exists()


@pytest.mark.parametrize("there_is_a_file", [True, False])
def test_a_link_stays_and_the_truth_is_written_where_it_leads(release, tmp_path, there_is_a_file):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target.json", tmp_path / "link.json"
    if there_is_a_file:
        target.write_text("old")
    link.symlink_to(target)
    simulate(link)

    assert link.is_symlink()
    assert not target.is_symlink()
    assert len(json.loads(target.read_text())["people"]) == 2
    assert [path.name for path in target.parent.iterdir()] == ["target.json"]
