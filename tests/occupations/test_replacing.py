"""A release replaces the one before it; what a curator wrote and what was dropped stays."""

import pytest

from occupations.catalogue import get_catalogue
from occupations.importing import import_tables
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    Element,
    LevelAnchor,
    Occupation,
    Rating,
    RelatedOccupation,
    Release,
    Snapshot,
    SoftwareSkill,
    Task,
)
from occupations.release_files import read_release
from tests.occupations.release_builder import (
    ABILITIES,
    ACUTE_NURSE,
    ALL_OTHER,
    DEVELOPER,
    KNOWLEDGE,
    NURSE,
    PROGRAMMER,
    PSYCHIATRIC_NURSE,
    RATED,
    SKILLS,
    TITLES,
    load,
    new_layout,
    newer_release,
    old_layout,
    ratings,
    write_folder,
)


@pytest.mark.django_db
class TestWhatIsImported:
    def test_every_table_arrives(self, tmp_path):
        release = load(tmp_path, old_layout()).release

        assert (release.state, release.version, release.source) == ("active", "29.3", "text")
        assert release.finished is not None
        assert release.location.endswith("db.zip")
        assert dict(Occupation.objects.values_list("code", "onet_title")) == TITLES
        nurse = Occupation.objects.get(code=NURSE)
        assert (nurse.onet_zone, nurse.first_release, nurse.last_release) == (3, "29.3", "29.3")
        assert nurse.onet_description == "A made-up sentence about registered nurses."
        assert Element.objects.get(id="2.A.1.a").onet_description == "Take in what is written"
        rating = nurse.ratings.get(element="2.A.1.b")
        assert (rating.importance, rating.level, rating.release) == (3.75, 4.62, release)
        assert rating.estimated_from is None
        assert nurse.ratings.get(element="2.B.3.e").not_relevant
        assert list(nurse.alternate_titles.values_list("title", "short_title")) == [
            ("Night Nurse", ""),
            ("Registered Nurse (RN)", "RN"),
            ("Ward Nurse", ""),
        ]
        assert list(nurse.related.values_list("related", "tier", "index")) == [(ACUTE_NURSE, "Primary-Short", 1)]
        assert list(nurse.tasks.values_list("task_id", "core")) == [(102, True)]
        assert SoftwareSkill.objects.get().occupation_id == PROGRAMMER
        assert list(nurse.education.values_list("level", "percent")) == [(5, 40.5), (6, 59.5)]
        assert list(LevelAnchor.objects.values_list("element", "level")) == [("2.A.1.a", 2), ("2.A.1.a", 6)]

    def test_new_layout_and_further_domains(self, tmp_path):
        release = load(tmp_path, new_layout() | {"Abilities.txt": ratings(ABILITIES)}).release

        assert release.version == "30.3"
        assert release.counts["elements"] == {"skill": 3, "knowledge": 3, "ability": 1, "work_activity": 0}
        assert Rating.objects.filter(element__domain="ability").count() == 3

    def test_described_jobs_are_estimated_and_marked(self, tmp_path):
        load(tmp_path, old_layout())

        assert dict(Occupation.objects.values_list("code", "ratings_from")) == {
            **dict.fromkeys(RATED, "onet"),
            DEVELOPER: "estimate",
            PSYCHIATRIC_NURSE: "estimate",
            ALL_OTHER: "none",
        }
        estimates = Rating.objects.filter(estimated_from__isnull=False)
        assert set(estimates.values_list("occupation_id", flat=True)) == {DEVELOPER, PSYCHIATRIC_NURSE}
        assert estimates.count() == 2 * (len(SKILLS) + len(KNOWLEDGE))
        programming = estimates.get(occupation=DEVELOPER, element="2.B.3.e")
        assert programming.estimated_from == [PROGRAMMER]
        assert (programming.importance, programming.level, programming.not_relevant) == (3.25, 4.12, False)
        nursing = estimates.get(occupation=PSYCHIATRIC_NURSE, element="2.B.3.e")
        assert sorted(nursing.estimated_from) == [NURSE, ACUTE_NURSE]
        assert nursing.not_relevant
        assert not Rating.objects.filter(occupation=ALL_OTHER).exists()

    def test_counts_tell_what_was_read_skipped_and_estimated(self, tmp_path):
        counts = load(tmp_path, old_layout()).release.counts

        assert counts["occupations"] == 6
        assert counts["described"] == 5
        assert counts["rated"] == 3
        assert counts["estimated"] == counts["estimated_knowledge"] == 2
        assert counts["ratings"] == 18
        assert counts["estimated_ratings"] == 12
        assert counts["alternate_titles"] == AlternateTitle.objects.count() == 7
        assert counts["related"] == RelatedOccupation.objects.count() == 5
        assert counts["missing"] == ["Abilities.txt", "Work Activities.txt"]
        assert sum(counts["skipped"].values()) == 2

    def test_catalogue_serves_it(self, tmp_path):
        release = load(tmp_path, old_layout()).release
        catalogue = get_catalogue()

        assert catalogue.release == release
        assert catalogue.jobs.codes == tuple(sorted(TITLES))
        assert catalogue.jobs.skills.ids == tuple(SKILLS)
        row = catalogue.row
        assert catalogue.jobs.estimated[row[DEVELOPER]]
        assert not catalogue.jobs.scored[row[ALL_OTHER]]
        assert catalogue.jobs.skills.level[row[NURSE], 0] == pytest.approx(5.12)

    def test_release_without_optional_files(self, tmp_path):
        files = old_layout()
        for file in ("Task Statements.txt", "Technology Skills.txt", "Level Scale Anchors.txt"):
            del files[file]
        load(tmp_path, files)

        assert not Task.objects.exists()
        assert get_catalogue().jobs.scored.sum() == 5

    def test_release_that_rates_all_it_describes(self, tmp_path):
        described = [*RATED, DEVELOPER, PSYCHIATRIC_NURSE]
        files = old_layout() | {
            "Skills.txt": ratings(SKILLS, described),
            "Knowledge.txt": ratings(KNOWLEDGE, described),
        }
        counts = load(tmp_path, files).release.counts

        assert (counts["rated"], counts["estimated"], counts["estimated_ratings"]) == (5, 0, 0)
        assert not Rating.objects.filter(estimated_from__isnull=False).exists()

    def test_skills_without_knowledge_leave_only_knowledge_to_estimate(self, tmp_path):
        files = old_layout() | {"Skills.txt": ratings(SKILLS, [*RATED, DEVELOPER])}
        load(tmp_path, files)

        developer = Occupation.objects.get(code=DEVELOPER)
        assert developer.ratings_from == "onet"
        estimated = developer.ratings.filter(estimated_from__isnull=False)
        assert set(estimated.values_list("element_id", flat=True)) == set(KNOWLEDGE)


@pytest.mark.django_db
class TestNewerRelease:
    def test_newer_release_replaces_figures(self, tmp_path):
        first = load(tmp_path, old_layout()).release
        revision = CatalogueState.objects.get().revision
        second = load(tmp_path, newer_release(), "new.zip").release

        first.refresh_from_db()
        assert (first.state, second.state) == ("superseded", "active")
        assert CatalogueState.objects.get().revision == revision + 1
        assert Rating.objects.get(occupation=PROGRAMMER, element="2.A.1.a").level == 5.5
        assert Occupation.objects.get(code=DEVELOPER).ratings_from == "onet"
        assert not Rating.objects.filter(occupation=DEVELOPER).filter(estimated_from__isnull=False).exists()
        nurse = Occupation.objects.get(code=NURSE)
        assert (nurse.onet_title, nurse.onet_zone) == ("Nurses, Registered", 4)
        assert (nurse.first_release, nurse.last_release) == ("29.3", "30.3")
        assert AlternateTitle.objects.filter(occupation=NURSE).count() == 3
        assert get_catalogue().release == second

    def test_dropped_occupation_is_retired_with_its_last_figures(self, tmp_path):
        first = load(tmp_path, old_layout()).release
        load(tmp_path, newer_release(), "new.zip")

        dropped = Occupation.objects.get(code=ACUTE_NURSE)
        assert dropped.retired
        assert (dropped.last_release, dropped.ratings_from) == ("29.3", "onet")
        assert set(dropped.ratings.values_list("release", flat=True)) == {first.pk}
        assert ACUTE_NURSE not in get_catalogue().row
        assert ACUTE_NURSE not in set(Occupation.objects.active().values_list("code", flat=True))

    def test_retired_occupation_is_reported_once(self, tmp_path):
        load(tmp_path, old_layout())
        load(tmp_path, newer_release(), "new.zip")
        newest = load(tmp_path, newer_release() | {"Read Me.txt": "O*NET 30.4 Database"}, "newest.zip").release

        assert (newest.report["retired"], newest.report["retired_codes"]) == (0, [])
        assert Occupation.objects.get(code=ACUTE_NURSE).retired

    def test_occupation_that_comes_back_is_active_again(self, tmp_path):
        load(tmp_path, old_layout())
        load(tmp_path, newer_release(), "new.zip")
        load(tmp_path, old_layout(), "back.zip")

        assert not Occupation.objects.filter(retired=True).exists()
        assert Rating.objects.filter(occupation=ACUTE_NURSE).count() == 6

    def test_curated_values_stay(self, tmp_path):
        load(tmp_path, old_layout())
        ours = {
            "curated_title": "Nurses",
            "curated_summary": "They nurse.",
            "curated_zone": 2,
            "hidden": True,
            "note": "Ask Ann.",
        }
        Occupation.objects.filter(code=NURSE).update(**ours)
        Element.objects.filter(id="2.A.1.a").update(
            summary="Reading.", anchors=["a", "b", "c", "d", "e"], group="Content", order=7
        )
        load(tmp_path, newer_release(), "new.zip")

        assert Occupation.objects.filter(code=NURSE).values(*ours).get() == ours
        reading = Element.objects.get(id="2.A.1.a")
        assert (reading.summary, reading.anchors, reading.group, reading.order) == (
            "Reading.",
            ["a", "b", "c", "d", "e"],
            "Content",
            7,
        )
        assert reading.onet_description == "Take in what is written"

    def test_report_tells_what_changed(self, tmp_path):
        load(tmp_path, old_layout())
        Occupation.objects.filter(code=NURSE).update(curated_title="Nurses", curated_zone=4)
        Occupation.objects.filter(code=PROGRAMMER).update(curated_title="Coders")
        report = load(tmp_path, newer_release(), "new.zip").release.report

        assert report == {
            "before": "O*NET 29.3 (Text release)",
            "added": 0,
            "retired": 1,
            "retired_codes": [ACUTE_NURSE],
            "changed": {"title": 1, "description": 0, "zone": 1, "ratings": 1},
            "curated": {NURSE: ["title"]},
            "now_estimated": [],
        }

    def test_official_release_replaces_the_starter_set(self, tmp_path):
        starter = read_release(write_folder(tmp_path / "starter", newer_release()))
        import_tables(starter, source=Release.Source.STARTER, location="fixtures")
        report = load(tmp_path, old_layout()).release.report

        assert report["before"] == "O*NET 30.3 (Starter set)"
        assert report["added"] == 1
        assert report["now_estimated"] == [DEVELOPER]
        assert Rating.objects.filter(occupation=DEVELOPER, estimated_from__isnull=True).count() == 0

    def test_snapshots_do_not_pile_up(self, tmp_path):
        releases = [load(tmp_path, old_layout(f"29.{number}"), f"{number}.zip").release for number in range(4)]

        assert set(Snapshot.objects.values_list("release", flat=True)) == {releases[2].pk, releases[3].pk}
