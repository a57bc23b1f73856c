"""What people are told while a release is imported and when it is loaded."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from occupations.models import Element
from occupations.release_archive import Progress

LISTED_CODES = 10
DOMAINS = {
    Element.Domain.SKILL: "skills",
    Element.Domain.KNOWLEDGE: "knowledge areas",
    Element.Domain.ABILITY: "abilities",
    Element.Domain.WORK_ACTIVITY: "work activities",
}


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show what is being done on a terminal, and nothing elsewhere."""
    with tqdm(
        file=sys.stderr, disable=not sys.stderr.isatty(), leave=False, bar_format="{desc} {bar} {n_fmt}/{total_fmt}"
    ) as bar:

        def progress(what: str, done: int, of: int) -> None:
            bar.set_description_str(what, refresh=False)
            bar.total = of or None
            bar.n = done
            bar.refresh()

        yield progress


def summary(counts: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    """Return lines that tell what was read, skipped, estimated and changed, from a Release row's counts and report."""
    elements = counts["elements"]
    rated_on = ", ".join(f"{elements[domain]} {name}" for domain, name in DOMAINS.items() if elements[domain])
    lines = [
        "Read",
        f"  {counts['occupations']:,} occupations, {counts['described']:,} of them with a job zone, "
        f"{counts['rated']:,} rated on {elements['skill']} skills",
        f"  {counts['ratings']:,} ratings on {rated_on}",
        f"  {counts['alternate_titles']:,} alternate titles, {counts['related']:,} related pairs, "
        f"{counts['tasks']:,} tasks, {counts['software']:,} software skills, {counts['education']:,} education "
        f"shares, {counts['anchors']:,} level anchors",
        "Skipped",
        *(f"  {rows:,} {reason}" for reason, rows in counts["skipped"].items()),
        *(f"  {file}, which the release does not have" for file in counts["missing"]),
    ]
    if lines[-1] == "Skipped":
        lines.append("  nothing")
    unrated = counts["occupations"] - counts["rated"] - counts["estimated"]
    lines += [
        "Estimated",
        f"  the skills of {counts['estimated']:,} occupations and the knowledge of "
        f"{counts['estimated_knowledge']:,}, which O*NET describes without rating; {unrated:,} stay unrated",
    ]
    return [*lines, *changes(report)]


def changes(report: Mapping[str, Any]) -> list[str]:
    """Return lines that tell what changed; none where there was no release before."""
    if not report["before"]:
        return []
    changed = report["changed"]
    lines = [
        f"Changed against {report['before']}",
        f"  {report['added']:,} occupations added, {report['retired']:,} retired; {changed['title']:,} titles, "
        f"{changed['description']:,} descriptions, {changed['zone']:,} job zones and {changed['ratings']:,} "
        "ratings changed",
    ]
    if report["retired_codes"]:
        lines.append(f"  retired: {_listed(report['retired_codes'])}")
    if report["now_estimated"]:
        lines.append(f"  rated before and estimated now: {_listed(report['now_estimated'])}")
    if report["curated"]:
        lines.append(f"  O*NET changed what a curator had changed: {_listed(list(report['curated']))}")
    return lines


def _listed(codes: list[str]) -> str:
    more = len(codes) - LISTED_CODES
    return ", ".join(codes[:LISTED_CODES]) + (f" and {more:,} more" if more > 0 else "")
