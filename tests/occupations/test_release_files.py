"""A release is read whole, in either layout, or refused with one sentence that names file, line and value."""

import pandas as pd
import pytest

from tests.occupations.release_builder import (
    ABILITIES,
    ACUTE_NURSE,
    ALL_OTHER,
    DEVELOPER,
    NURSE,
    PROGRAMMER,
    SKILLS,
    TITLES,
    ZONES,
    changed,
    error_of,
    new_layout,
    old_layout,
    ratings,
    read,
    write_folder,
    write_zip,
)


class TestTables:
    def test_old_layout(self, tmp_path):
        tables = read(tmp_path, old_layout())

        assert tables.version == "29.3"
        assert dict(zip(tables.occupations["code"], tables.occupations["title"], strict=True)) == TITLES
        assert dict(zip(tables.zones["code"], tables.zones["zone"], strict=True)) == ZONES
        assert tables.elements["id"].tolist() == [*SKILLS, "2.C.3.a", "2.C.5.a", "2.C.10"]
        assert tables.elements["order"].tolist() == [1, 2, 3, 1, 2, 3]
        assert tables.elements["description"].tolist()[:2] == ["Take in what is written", ""]
        assert len(tables.ratings) == 18
        assert tables.related.to_dict("records")[0] == {
            "code": DEVELOPER,
            "related": PROGRAMMER,
            "tier": "Primary-Long",
            "index": 6,
        }
        assert tables.tasks["core"].tolist() == [True, False, True, False, True]
        assert tables.tasks["text"][0] == 'Do the "code" work of the day.'
        assert tables.software.to_dict("records") == [
            {
                "code": PROGRAMMER,
                "name": "Python",
                "category": "Web platform development software",
                "hot": True,
                "in_demand": False,
            }
        ]
        assert tables.education.to_dict("records") == [
            {"code": NURSE, "level": 5, "percent": 40.5},
            {"code": NURSE, "level": 6, "percent": 59.5},
        ]
        assert tables.anchors["level"].tolist() == [2, 6]
        assert tables.missing == ("Abilities.txt", "Work Activities.txt")
        assert tables.skipped == {
            "rows of Sample of Reported Titles.txt that repeat a title": 1,
            "rows of Level Scale Anchors.txt on elements without ratings": 1,
        }

    def test_new_layout_gives_the_same_tables(self, tmp_path):
        old, new = read(tmp_path, old_layout(), "old"), read(tmp_path, new_layout(), "new")

        assert new.version == "30.3"
        order = ["code", "element_id"]
        pd.testing.assert_frame_equal(
            old.ratings.sort_values(order, ignore_index=True), new.ratings.sort_values(order, ignore_index=True)
        )
        for name in (
            "occupations",
            "elements",
            "zones",
            "alternate_titles",
            "related",
            "tasks",
            "software",
            "education",
            "anchors",
        ):
            pd.testing.assert_frame_equal(getattr(old, name), getattr(new, name), obj=name)

    def test_importance_and_level_of_one_element_stand_together(self, tmp_path):
        rows = read(tmp_path, old_layout()).ratings.set_index(["code", "element_id"])

        assert rows.loc[(NURSE, "2.A.1.b")].to_dict() == {
            "domain": "skill",
            "importance": 3.75,
            "level": 4.62,
            "suppress": False,
            "not_relevant": False,
        }
        assert rows.loc[(NURSE, "2.B.3.e"), "not_relevant"]
        assert not rows.loc[(PROGRAMMER, "2.B.3.e"), "not_relevant"]

    def test_suppressing_either_figure_suppresses_both(self, tmp_path):
        files = old_layout()
        lines = files["Skills.txt"].split("\r\n")
        lines[1] = lines[1].replace("\tN\tn/a", "\tY\tn/a")
        lines[4] = lines[4].replace("\tN\tN", "\tY\tN")
        tables = read(tmp_path, files | {"Skills.txt": "\r\n".join(lines)})

        assert tables.ratings.loc[tables.ratings["suppress"], "element_id"].tolist() == ["2.A.1.a", "2.A.1.b"]

    def test_reported_titles_join_the_alternate_ones_once(self, tmp_path):
        titles = read(tmp_path, old_layout()).alternate_titles

        nurse = titles[titles["code"] == NURSE]
        assert nurse["title"].tolist() == ["Registered Nurse (RN)", "Ward Nurse", "Night Nurse"]
        assert nurse["short_title"].tolist() == ["RN", "", ""]

    def test_same_title_with_and_without_a_short_form_is_two(self, tmp_path):
        files = old_layout()
        row = f"{NURSE}\tRegistered Nurse (RN)\tn/a\t08\r\n"
        files["Alternate Titles.txt"] += row + row
        tables = read(tmp_path, files)

        assert tables.alternate_titles["title"].tolist().count("Registered Nurse (RN)") == 2
        assert tables.skipped["repeated rows of Alternate Titles.txt"] == 1

    def test_abilities_are_read_where_they_are(self, tmp_path):
        tables = read(tmp_path, old_layout() | {"Abilities.txt": ratings(ABILITIES)})

        assert tables.elements.loc[tables.elements["domain"] == "ability", "id"].tolist() == ["1.A.1.a.1"]
        assert tables.anchors["element_id"].tolist() == ["2.A.1.a", "2.A.1.a", "1.A.1.a.1"]
        assert tables.missing == ("Work Activities.txt",)

    def test_optional_files_may_be_missing(self, tmp_path):
        files = old_layout()
        optional = (
            "Technology Skills.txt",
            "Education, Training, and Experience.txt",
            "Task Statements.txt",
            "Level Scale Anchors.txt",
            "Content Model Reference.txt",
            "Sample of Reported Titles.txt",
        )
        for file in optional:
            del files[file]
        tables = read(tmp_path, files)

        assert set(optional) < set(tables.missing)
        assert tables.tasks.empty
        assert tables.software.empty
        assert tables.education.empty
        assert tables.anchors.empty

    def test_figures_that_are_not_there_are_skipped_and_counted(self, tmp_path):
        tables = read(tmp_path, changed("Skills.txt", "\tLV\t5.12\t", "\tLV\tn/a\t"))

        assert len(tables.ratings) == 17
        assert tables.skipped["figures of Skills.txt without importance or level"] == 1

    def test_importance_alone_is_skipped_and_counted(self, tmp_path):
        files = old_layout()
        lines = files["Skills.txt"].split("\r\n")
        tables = read(tmp_path, files | {"Skills.txt": "\r\n".join([*lines[:2], *lines[3:]])})

        assert len(tables.ratings) == 17
        assert tables.skipped["figures of Skills.txt without importance or level"] == 1

    def test_zone_may_be_missing(self, tmp_path):
        tables = read(tmp_path, changed("Job Zones.txt", f"{NURSE}\t3", f"{NURSE}\tn/a"))

        assert NURSE not in set(tables.zones["code"])

    def test_column_order_further_columns_line_ends_and_a_mark_do_not_matter(self, tmp_path):
        files = old_layout()
        plain = read(tmp_path, files, "plain")
        lines = [line.split("\t") for line in files["Skills.txt"].split("\r\n")[:-1]]
        turned = "\n".join("\t".join(["more", *reversed(line)]) for line in lines)
        other = read(tmp_path, files | {"Skills.txt": f"\ufeff{turned}\n\n"}, "other")

        pd.testing.assert_frame_equal(plain.ratings, other.ratings)

    def test_mark_before_the_first_column_is_no_part_of_it(self, tmp_path):
        files = old_layout()

        assert len(read(tmp_path, files | {"Job Zones.txt": f"\ufeff{files['Job Zones.txt']}"}).zones) == 5

    def test_blank_lines_do_not_shift_line_numbers(self, tmp_path):
        files = changed("Job Zones.txt", "\r\n", "\r\n\r\n")
        files["Job Zones.txt"] += f"{ALL_OTHER}\t6\t08/2023\tAnalyst\r\n"

        message = error_of(write_folder(tmp_path / "release", files))
        assert message.startswith("Job Zones.txt, line 8: Job Zone is '6'")


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
