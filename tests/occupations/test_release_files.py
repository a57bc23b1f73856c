"""A release is read whole and tidy, in either layout."""

import pandas as pd

from tests.occupations.release_builder import (
    ABILITIES,
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
