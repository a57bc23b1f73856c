"""What a recommendation says: one object that page, API, command line and export all read."""

from dataclasses import dataclass, field

from occupations.models import EducationShare, Licence, PayOutlook

NOT_ASKED_FOR = "not asked for"
NOT_CALIBRATED = "not calibrated yet"


# Not frozen: a list holds hundreds, and freezing trebles what it costs to make one.
@dataclass(slots=True)
class SkillPoint:
    """One element of one job beside the person's, with the points that it costs.

    Args:
        element_id: O*NET's element id.
        name: Its name.
        group: Its group, such as Social.
        have: The person's level, 0-6; None where unknown.
        need: The level that the job asks for, 0-7.
        rating_have: The person's rating, 0-4; None where unknown.
        rating_needed: The smallest rating that meets the job's level, 0-4.
        anchor_needed: What that rating means, in our words.
        points: Points that it costs: over all of a job's gaps and strengths they sum to 100 minus the match
            (v1) or the readiness (v2).
        worth: Points that it can give at most.
        assumed: The person did not rate it; a job they hold suggests it.
        shown: The points to one decimal, so rounded that they sum to 100 minus that figure to one decimal.
    """

    element_id: str
    name: str
    group: str
    have: float | None
    need: float
    rating_have: int | None
    rating_needed: int
    anchor_needed: str
    points: float
    worth: float
    assumed: bool
    shown: float = 0.0


@dataclass(frozen=True, slots=True)
class Requirement:
    """One skill or knowledge area of a job beside the person's, whether it counts in a score or not.

    Args:
        element_id: O*NET's element id.
        name: Its name.
        group: Its group, such as Social.
        domain: skill or knowledge.
        importance: How important the job finds it, 1-5; None without a figure.
        need: The level that the job asks for, 0-7; None without a figure.
        relevant: False where O*NET says that it is not relevant to the job.
        core: It counts in the level-aware scores.
        have: The person's level, 0-7; None where unknown.
        rating_have: The person's rating, 0-4; None where unknown.
        rating_needed: The smallest rating that meets the job's level, 0-4.
        anchor_needed: What that rating means, in our words.
        assumed: The person did not rate it; a job they hold suggests it.
    """

    element_id: str
    name: str
    group: str
    domain: str
    importance: float | None
    need: float | None
    relevant: bool
    core: bool
    have: float | None
    rating_have: int | None
    rating_needed: int
    anchor_needed: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Training:
    """A path into the job; every figure is an estimate and labelled so.

    Args:
        kind: Such as "bootcamp or certificate".
        months_low: At least so many months.
        months_high: At most so many months.
        steps: Sentences in the order to take them: basics first.
        education: What people in the job say a new hire needs, the largest share first.
        licences: Licences that the person still needs.
        estimate: The sentence that says that these are estimates, and from what.
    """

    kind: str
    months_low: int
    months_high: int
    steps: tuple[str, ...]
    education: tuple[EducationShare, ...]
    licences: tuple[Licence, ...]
    estimate: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One occupation for one person.

    Args:
        onet_code: O*NET-SOC code.
        title: A curator's title, else O*NET's.
        bucket: READY_NOW, TRAINABLE or LONG_RESKILL; None where too little is known to say.
        match_score: v1's match, 0-100; None where the job or the person has no figures.
        gap_severity: v1's gap, 0-100; None like the match.
        job_zone: 1-5, or None.
        estimated: The job's figures are our estimate, not O*NET's.
        score: The chosen model's score that orders the tier, 0-100; None like the match.
        gaps: Skills below what the job asks, the costliest first.
        strengths: Skills that meet what the job asks, the weightiest first.
        training: The path into the job; None where the job has no zone.
        pay: Pay and outlook; None where the source has none.
        reasons: Sentences: why this tier, what is assumed, what would change it.
        readiness, knowledge_readiness, fit: v2's figures, 0-100; None under v1.
        fit_parts: What made up the fit: part and z-score.
        certainty: high, medium or low; None under v1.
        firm: Whether small errors in the ratings leave the tier as it is; None under v1.
        above_level: The job asks for clearly less than the person can do.
        related: O*NET lists the job as related to the person's; a badge, never an input.
        position: 1 is the top of its tier; 0 for a job looked at outside a list.
        is_exploration: Something a little different: drawn by lot in this list, or in the one that it goes on from.
        propensity: The probability with which this job was shown in its slot.
        calibrated_probability: How likely people with such figures are to take it up, 0-1; None where no calibration
            was applied.
        calibrated_low, calibrated_high: Ends of the 95 % interval of the average over people with such figures; one
            person's own chance varies more.
        calibration_target: What it is of: interest or outcome; empty where no calibration was applied.
    """

    onet_code: str
    title: str
    bucket: str | None
    match_score: float | None
    gap_severity: float | None
    job_zone: int | None
    estimated: bool
    score: float | None
    gaps: tuple[SkillPoint, ...]
    strengths: tuple[SkillPoint, ...]
    training: Training | None
    pay: PayOutlook | None
    reasons: tuple[str, ...] = ()
    readiness: float | None = None
    knowledge_readiness: float | None = None
    fit: float | None = None
    fit_parts: tuple[tuple[str, float], ...] = ()
    certainty: str | None = None
    firm: bool | None = None
    above_level: bool = False
    related: bool = False
    position: int = 0
    is_exploration: bool = False
    propensity: float = 1.0
    calibrated_probability: float | None = None
    calibrated_low: float | None = None
    calibrated_high: float | None = None
    calibration_target: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """One list of recommendations.

    Args:
        event_id: The stored event, None for a list that was not stored.
        model_version: Such as v1_baseline.
        release: The version of the O*NET release that the figures came from.
        buckets: Recommendations by tier, best first; all three tiers are always there.
        totals: How many jobs each tier holds in all.
        held_back: By tier, the SOC minor groups (such as 15-1) of which better jobs gave way to variety, and how
            many: ask for them with `more_of`.
        notes: Sentences about the whole list: what was assumed, how sure it is.
        calibration: The version of the calibration that was applied, or why none was.
        calibration_target: What its probabilities are of: interest or outcome; empty where none was applied.
        epsilon: Share of the last places that go by lot; 0 without exploration.
        pool_sizes: By tier, the jobs that its last place could show; 0 where it was not given by lot.
    """

    event_id: str | None
    model_version: str
    release: str
    buckets: dict[str, list[Recommendation]]
    totals: dict[str, int]
    held_back: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    calibration: str = NOT_ASKED_FOR
    calibration_target: str = ""
    epsilon: float = 0.0
    pool_sizes: dict[str, int] = field(default_factory=dict)
