"""A table that is not what it should be is refused with one sentence that names file, line and value."""

import pytest

from tests.occupations.release_builder import (
    ACUTE_NURSE,
    NURSE,
    PROGRAMMER,
    changed,
    error_of,
    new_layout,
    old_layout,
    read,
    write_folder,
    write_zip,
)

REQUIRED = ["Occupation Data.txt", "Knowledge.txt", "Job Zones.txt", "Related Occupations.txt"]


class TestBadTables:
    @pytest.mark.parametrize("file", REQUIRED)
    def test_missing_file(self, tmp_path, file):
        files = old_layout()
        del files[file]

        assert error_of(write_zip(tmp_path / "a.zip", files)) == f"a.zip lacks {file}."

    def test_missing_skills_and_titles_name_both_layouts(self, tmp_path):
        files = old_layout()
        del files["Skills.txt"], files["Alternate Titles.txt"]

        assert error_of(write_zip(tmp_path / "a.zip", files)) == (
            "a.zip lacks Skills.txt (or Essential Skills.txt and Transferable Skills.txt), "
            "Job Titles.txt or Alternate Titles.txt."
        )

    def test_half_of_the_new_layout(self, tmp_path):
        files = new_layout()
        del files["Transferable Skills.txt"]

        assert error_of(write_zip(tmp_path / "a.zip", files)) == "a.zip lacks Transferable Skills.txt."

    def test_file_names_match_exactly(self, tmp_path):
        files = old_layout()
        files["skills.txt"] = files.pop("Skills.txt")

        assert "lacks Skills.txt" in error_of(write_zip(tmp_path / "a.zip", files))

    @pytest.mark.parametrize(
        ("file", "old", "new", "message"),
        [
            ("Skills.txt", "Data Value", "Value", "Skills.txt has no column 'Data Value'."),
            ("Job Zones.txt", "Job Zone\t", "Zone\t", "Job Zones.txt has no column 'Job Zone'."),
            (
                "Skills.txt",
                "\tIM\t4.25",
                "\tIM\t5.01",
                "Skills.txt, line 2: Data Value is '5.01', outside the scale from 1 to 5.",
            ),
            (
                "Knowledge.txt",
                "\tLV\t4.62",
                "\tLV\t-0.5",
                "Knowledge.txt, line 5: Data Value is '-0.5', outside the scale from 0 to 7.",
            ),
            (
                "Skills.txt",
                "\tLV\t5.12",
                "\tLV\tNaN",
                "Skills.txt, line 3: Data Value is 'NaN', which is not a number.",
            ),
            (
                "Skills.txt",
                "\tLV\t5.12",
                "\tLV\tinf",
                "Skills.txt, line 3: Data Value is 'inf', which is not a number.",
            ),
            (
                "Skills.txt",
                "\tLV\t5.12",
                "\tLV\t1e0",
                "Skills.txt, line 3: Data Value is '1e0', which is not a number.",
            ),
            (
                "Job Zones.txt",
                f"{NURSE}\t3",
                f"{NURSE}\t6",
                "Job Zones.txt, line 4: Job Zone is '6', outside the scale from 1 to 5.",
            ),
            (
                "Job Zones.txt",
                f"{NURSE}\t3",
                f"{NURSE}\t3.5",
                "Job Zones.txt, line 4: Job Zone is '3.5', where a whole number is needed.",
            ),
            (
                "Education, Training, and Experience.txt",
                "40.5",
                "140.5",
                "Education, Training, and Experience.txt, line 2: Data Value is '140.5', outside the scale from 0 to "
                "100.",
            ),
            (
                "Level Scale Anchors.txt",
                "LV\t6",
                "LV\t8",
                "Level Scale Anchors.txt, line 3: Anchor Value is '8', outside the scale from 0 to 7.",
            ),
            (
                "Occupation Data.txt",
                NURSE,
                "29-1141",
                "Occupation Data.txt, line 4: O*NET-SOC Code is '29-1141', which is not an O*NET-SOC code.",
            ),
            (
                "Job Zones.txt",
                NURSE,
                f"{NURSE}x",
                "Job Zones.txt, line 4: O*NET-SOC Code is '29-1141.00x', which is not an O*NET-SOC code.",
            ),
            (
                "Skills.txt",
                PROGRAMMER,
                "15-1251.0٠",
                "Skills.txt, line 2: O*NET-SOC Code is '15-1251.0٠', which is not an O*NET-SOC code.",
            ),
            (
                "Skills.txt",
                NURSE,
                "29-1141.09",
                "Skills.txt, line 8: O*NET-SOC Code is '29-1141.09', an occupation that Occupation Data.txt does "
                "not have.",
            ),
            (
                "Related Occupations.txt",
                f"{NURSE}\t{ACUTE_NURSE}",
                f"{NURSE}\t29-9999.00",
                "Related Occupations.txt, line 2: Related O*NET-SOC Code is '29-9999.00', an occupation that "
                "Occupation Data.txt does not have.",
            ),
            (
                "Related Occupations.txt",
                "Primary-Long",
                "Distant",
                "Related Occupations.txt, line 6: Relatedness Tier is 'Distant', none of Primary-Short, Primary-Long, "
                "Supplemental.",
            ),
            (
                "Skills.txt",
                "\tN\tN\t",
                "\tN\tperhaps\t",
                "Skills.txt, line 3: Not Relevant is 'perhaps', neither Y nor N.",
            ),
            (
                "Occupation Data.txt",
                "\tRegistered Nurses",
                "\t",
                "Occupation Data.txt, line 4: Title is '', where a text is needed.",
            ),
            (
                "Occupation Data.txt",
                "Registered Nurses",
                "N" * 151,
                f"Occupation Data.txt, line 4: Title is '{'N' * 40}…', longer than 150 characters.",
            ),
            (
                "Occupation Data.txt",
                "A made-up",
                "A made\tup",
                "Occupation Data.txt, line 2: has 4 fields where the header has 3.",
            ),
            ("Job Zones.txt", "\t08/2023\tAnalyst", "", "Job Zones.txt, line 2: has 2 fields where the header has 4."),
            ("Occupation Data.txt", "A made-up", "A \0made-up", "Occupation Data.txt, line 2: holds a NUL character."),
        ],
    )
    def test_wrong_value(self, tmp_path, file, old, new, message):
        assert error_of(write_folder(tmp_path / "r", changed(file, old, new))) == message

    def test_education_is_the_required_one_alone(self, tmp_path):
        files = changed("Education, Training, and Experience.txt", "12.5", "a lot")
        other = files["Education, Training, and Experience.txt"].split("\r\n")[1]
        files["Education, Training, and Experience.txt"] += "".join(
            line.replace("40.5", "50") + "\r\n"
            for line in (other.replace("2.D.1", "2.D.4.a"), other.replace("RL", "IM"))
        )

        assert read(tmp_path, files).education["percent"].tolist() == [40.5, 59.5]

    @pytest.mark.parametrize(
        "file", [name for name in old_layout() if name not in ("Read Me.txt", "Skills to Work Activities.txt")]
    )
    def test_every_table_refuses_to_be_empty(self, tmp_path, file):
        files = old_layout()
        header = files[file].split("\r\n")[0]

        assert error_of(write_folder(tmp_path / "a", files | {file: ""})) == f"{file} is empty."
        assert error_of(write_folder(tmp_path / "b", files | {file: f"{header}\r\n\r\n"})) == f"{file} holds no rows."

    def test_not_utf8(self, tmp_path):
        files = old_layout()
        files["Occupation Data.txt"] = (
            old_layout()["Occupation Data.txt"].replace("made-up", "mädé-up").encode("latin-1")
        )

        assert (
            error_of(write_folder(tmp_path / "r", files)) == "Occupation Data.txt, line 2: the byte 0xe4 is not UTF-8."
        )

    @pytest.mark.parametrize(
        ("file", "line", "key"),
        [
            ("Occupation Data.txt", 8, PROGRAMMER),
            ("Skills.txt", 20, f"{PROGRAMMER}, 2.A.1.a, IM"),
            ("Job Zones.txt", 7, PROGRAMMER),
            ("Related Occupations.txt", 7, f"{NURSE}, {ACUTE_NURSE}"),
            ("Task Statements.txt", 7, f"{PROGRAMMER}, 100"),
            ("Education, Training, and Experience.txt", 5, f"{NURSE}, 5"),
            ("Level Scale Anchors.txt", 5, "2.A.1.a, 2"),
        ],
    )
    def test_repeated_row(self, tmp_path, file, line, key):
        files = old_layout()
        files[file] += files[file].split("\r\n")[1] + "\r\n"

        assert error_of(write_folder(tmp_path / "r", files)) == f"{file}, line {line}: repeats line 2 ({key})."

    def test_element_in_two_files(self, tmp_path):
        files = new_layout()
        files["Transferable Skills.txt"] = files["Essential Skills.txt"]

        assert error_of(write_folder(tmp_path / "r", files)) == (
            "The element 2.A.1.a is in Essential Skills.txt and in Transferable Skills.txt."
        )

    def test_only_levels(self, tmp_path):
        files = changed("Skills.txt", "\tIM\t", "\tXX\t", count=-1)

        assert (
            error_of(write_folder(tmp_path / "r", files))
            == "Skills.txt holds no figure with both importance and level."
        )
