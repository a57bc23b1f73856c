import pytest

from recommendations.scoring.training import Gap, Kind, LicenceStep, training_path


@pytest.mark.parametrize(
    ("zone", "kind", "low", "high"),
    [
        (1, "certificate or apprenticeship", 3, 12),
        (2, "certificate or apprenticeship", 3, 12),
        (3, "bootcamp or certificate", 3, 18),
        (4, "extended training or degree", 12, 48),
        (5, "extended training or degree", 12, 48),
    ],
)
def test_kind_and_months_by_zone(zone, kind, low, high):
    path = training_path(zone, [])

    assert (path.kind, path.months_low, path.months_high) == (kind, low, high)


def test_job_without_a_zone_claims_no_path():
    path = training_path(0, [Gap("2.A.1.a", 1, 2, 5.0)], licences=[LicenceStep("Pilot", 24)])

    assert (path.kind, path.months_low, path.months_high) == (None, None, None)
    assert path.is_needed


@pytest.mark.parametrize("zone", [-1, 6])
def test_zone_out_of_range_is_refused(zone):
    with pytest.raises(ValueError, match="outside 0-5"):
        training_path(zone, [])


def test_prerequisite_basics_come_first_then_what_costs_most():
    gaps = [
        Gap("2.C.1.a", 0, 2, 9.0),
        Gap("2.B.1.a", 1, 3, 8.0),
        Gap("2.B.3.e", 1, 2, 9.5),
        Gap("2.A.2.a", 2, 3, 7.0),
        Gap("2.A.1.e", 2, 3, 1.0),
        Gap("2.A.1.a", 2, 3, 2.0),
    ]

    path = training_path(3, gaps)

    order = ["2.A.1.a", "2.A.1.e", "2.A.2.a", "2.B.3.e", "2.B.1.a", "2.C.1.a"]
    assert [gap.element_id for gap in path.gaps] == order
    assert training_path(3, gaps[::-1]) == path


def test_licence_lengthens_the_path():
    licences = [LicenceStep("Long", 24), LicenceStep("Short", 6)]

    path = training_path(3, [], licences=licences)

    assert (path.kind, path.months_low, path.months_high) == (Kind.BOOTCAMP_OR_CERTIFICATE, 24, 24)
    assert [licence.name for licence in path.licences] == ["Short", "Long"]
    assert training_path(4, [], licences=licences).months_high == 48


def test_education_is_the_most_common_first():
    path = training_path(4, [], education_shares=[("None", 0.0), ("Associate", 20.5), ("Bachelor", 70.0)])

    assert path.education == (("Bachelor", 70.0), ("Associate", 20.5))


def test_nothing_to_learn_needs_no_path():
    assert not training_path(3, []).is_needed
    assert training_path(3, [Gap("2.A.1.a", None, 2, 0.0)]).is_needed
