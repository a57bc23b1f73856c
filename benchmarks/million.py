"""Fill the database that the environment names with the answers of a million recommended jobs.

`DATABASE_URL=sqlite:///… python -m benchmarks.million [--items N] [--seed N]`, on a database that has its tables and
holds no list of a real person. What people are shown and do is `calibration.curves.simulate`'s: ten jobs of each tier,
the last by lot out of twenty.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta

import django

ITEMS = 1_000_000
PER_TIER, POOL, EPSILON = 10, 20, 0.1
PEOPLE_AT_ONCE = 1000
# The last of them is shown a list more than a hundred days ago, so that all labels are mature.
DAYS_AGO = 465


def fill(n_items: int = ITEMS, seed: int = 0) -> None:
    """Store about so many items, with people, lists and feedback; needs `django.setup()`.

    The same number and seed give the same answers.
    """
    from calibration.curves.simulate import N_TIERS, simulate  # noqa: PLC0415
    from tests.calibration.stored import store  # noqa: PLC0415

    people = -(-n_items // (N_TIERS * PER_TIER))
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS_AGO)
    for part, first in enumerate(range(0, people, PEOPLE_AT_ONCE)):
        history = simulate(
            min(PEOPLE_AT_ONCE, people - first),
            seed + part,
            per_tier=PER_TIER,
            pool_size=POOL,
            epsilon=EPSILON,
        )
        store(history, seed=seed + part, start=start, epsilon=EPSILON)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillsprout.settings")
    django.setup()
    started = time.perf_counter()
    fill(options.items, options.seed)
    print(f"{options.items:,} items in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
