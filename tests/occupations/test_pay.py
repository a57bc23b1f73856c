"""Pay and outlook from the tables of the Bureau of Labor Statistics."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from occupations.models import PayOutlook
from occupations.pay import PayFileError, read_pay, save_pay

WAGE_HEADER = (
    "soc,title,display_level,Employment,Annual 10th percentile wage,Annual median wage,Annual 90th percentile wage"
)
WAGES = [
    "29-0000,Healthcare Practitioners,0,9000000,40000,80000,150000",
    "29-1141,Registered Nurses,3,3300000,67810,98000,136490",
    "29-1211,Anesthesiologists,3,40000,*,#,-",
    "31-1120,Home Health and Personal Care Aides,3,4305810,27000,35000,45000",
]
OUTLOOK_HEADER = "soc,title,employment_2024,employment_2034,employment_change_pct,annual_openings,typical_education"
OUTLOOK = [
    "11-1031,Legislators,27.7,28.6,3.4,2.2,Bachelor's degree",
    "29-1141,Registered nurses,3300.1,3460.0,4.9,189.1,Bachelor's degree",
    "29-1211,Anesthesiologists,40.0,39.0,-2.5,,Doctoral or professional degree",
    "31-1120,Home health and personal care aides,4300.0,5000.0,17.0,765.8,High school diploma or equivalent",
]


@pytest.fixture
def tables(tmp_path: Path):
    """Return a function that writes the two tables, with rows or headers replaced, and returns their paths."""

    def write(wages=WAGES, outlook=OUTLOOK, wage_header=WAGE_HEADER, outlook_header=OUTLOOK_HEADER):
        paths = tmp_path / "oews_2025_05_national.csv", tmp_path / "ep.csv"
        for path, lines in zip(paths, ([wage_header, *wages], [outlook_header, *outlook]), strict=True):
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return paths

    return write


def test_reads_figures_years_and_sources(tables):
    rows = {row.soc: row for row in read_pay(*tables())}
    nurse = rows["29-1141"]
    assert (nurse.employment, nurse.wage_p10, nurse.wage_median, nurse.wage_p90) == (
        3_300_000,
        67_810,
        98_000,
        136_490,
    )
    assert (nurse.wage_year, nurse.wage_source) == (2025, "U.S. Bureau of Labor Statistics, OEWS May 2025")
    assert (nurse.growth_percent, nurse.annual_openings) == (4.9, 189_100)
    assert nurse.typical_education == "Bachelor's degree"
    assert nurse.outlook_years == "2024-2034"
    assert nurse.outlook_source == "U.S. Bureau of Labor Statistics, Employment Projections"


def test_what_bls_does_not_publish_is_missing(tables):
    rows = {row.soc: row for row in read_pay(*tables())}
    doctor = rows["29-1211"]
    assert (doctor.wage_p10, doctor.wage_median, doctor.wage_p90, doctor.annual_openings) == (None,) * 4
    assert doctor.growth_percent == -2.5
    assert rows["11-1031"].wage_median is None
    assert rows["11-1031"].wage_source == ""
    assert "29-0000" not in rows


def test_occupations_published_together_share_the_figures_and_the_source_says_so(tables):
    own = "31-1121,Home Health Aides,3,10,1,2,3"
    rows = {row.soc: row for row in read_pay(*tables([*WAGES, own]))}
    assert "31-1120" not in rows
    assert rows["31-1122"].wage_median == 35_000
    assert rows["31-1122"].annual_openings == 765_800
    assert rows["31-1122"].wage_source.endswith("OEWS May 2025, for 31-1120 as a whole")
    assert rows["31-1122"].outlook_source.endswith("Projections, for 31-1120 as a whole")
    assert rows["31-1121"].wage_median == 2
    assert "as a whole" not in rows["31-1121"].wage_source


def test_years_and_sources_can_be_said(tables):
    said = {"wage_year": 2023, "wage_source": "A", "outlook_years": "2022-2032", "outlook_source": "B"}
    nurse = next(row for row in read_pay(*tables(), **said) if row.soc == "29-1141")
    assert {name: getattr(nurse, name) for name in said} == said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"wage_header": WAGE_HEADER.replace("Annual median wage", "Median")},
            "lacks the column Annual median wage",
        ),
        ({"outlook_header": OUTLOOK_HEADER.replace("annual_", "")}, "lacks the column annual_openings"),
        ({"outlook_header": OUTLOOK_HEADER.replace("_2034", "")}, "say the years"),
        ({"wages": [*WAGES, "29-114,Nurses,3,1,1,1,1"]}, "line 6: '29-114' is not a SOC code"),
        ({"wages": [*WAGES, WAGES[1]]}, "line 6: 29-1141 stands there a second time"),
        ({"wages": ["29-1141,Nurses,3,many,1,1,1"]}, "line 2: 'many' is not a figure"),
        ({"wages": ["29-1141,Nurses,3,-5,1,1,1"]}, "line 2: '-5' is not a figure"),
        ({"wages": ["29-1141,Nurses,3,99999999999,1,1,1"]}, "line 2: '99999999999' is not a figure"),
        ({"outlook": ["29-1141,Nurses,1,1,1e9,1,None"]}, "line 2: '1e9' is not a figure"),
        ({"outlook": ["29-1141,Nurses,1,1,1,1," + "x" * 61]}, "too long"),
        ({"wages": []}, "holds no rows"),
        ({"wages": WAGES[:1]}, "holds no detailed occupation"),
    ],
)
def test_bad_tables_are_told_in_one_sentence(tables, change, sentence):
    with pytest.raises(PayFileError) as told:
        read_pay(*tables(**change))
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


def test_files_that_cannot_be_read(tables, tmp_path: Path):
    wages, outlook = tables()
    with pytest.raises(PayFileError, match="No such file"):
        read_pay(tmp_path / "oews_2025.csv", outlook)
    with pytest.raises(PayFileError, match="tells no year"):
        read_pay(outlook, outlook)
    with pytest.raises(PayFileError, match="more than 70"):
        read_pay(wages, outlook, wage_source="x" * 71)
    wages.write_bytes(b"soc\n\xff\xfe\n")
    with pytest.raises(PayFileError, match="UTF-8"):
        read_pay(wages, outlook)


@pytest.mark.django_db
class TestImport:
    def run(self, tables, capsys, **change) -> str:
        wages, outlook = tables(**change)
        call_command("import_pay", wages=wages, projections=outlook)
        return capsys.readouterr().out

    def test_again_changes_nothing(self, tables, capsys):
        assert "5 SOC codes: 5 new, 0 changed, 0 as before" in self.run(tables, capsys)
        before = list(PayOutlook.objects.values())
        assert "5 SOC codes: 0 new, 0 changed, 5 as before" in self.run(tables, capsys)
        assert list(PayOutlook.objects.values()) == before

    def test_newer_figures_replace_older_ones(self, tables, capsys):
        self.run(tables, capsys)
        newer = [WAGES[1].replace("98000", "99000"), *WAGES[2:]]
        assert "0 new, 1 changed, 4 as before" in self.run(tables, capsys, wages=newer)
        assert PayOutlook.objects.get(pk="29-1141").wage_median == 99_000

    def test_says_the_years_and_sources_it_took(self, tables, capsys):
        told = self.run(tables, capsys)
        assert "Wages of 2025: U.S. Bureau of Labor Statistics, OEWS May 2025" in told
        assert "Outlook of 2024-2034: U.S. Bureau of Labor Statistics, Employment Projections" in told

    def test_bad_table_changes_nothing(self, tables, capsys):
        with pytest.raises(CommandError, match="line 2: 'many' is not a figure"):
            self.run(tables, capsys, wages=["29-1141,Nurses,3,many,1,1,1"])
        assert not PayOutlook.objects.exists()

    def test_saving_without_overwriting_only_adds(self, tables):
        PayOutlook.objects.create(soc="29-1141", wage_median=1)
        counts = save_pay(read_pay(*tables()), overwrite=False)
        assert counts == (4, 0, 1)
        assert PayOutlook.objects.get(pk="29-1141").wage_median == 1
