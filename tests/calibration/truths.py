"""What `simulate_feedback` knew, laid beside what was read from the database."""

import json

import numpy as np

from recommendations.models import RecommendationEvent, RecommendedItem, Tier


def read_truth(path, target="interest"):
    """Return the true probability of each list's jobs, shown or not, by the keys of list and job."""
    known = json.loads(path.read_text())
    return {(of_list["event"], job["code"]): job[target] for of_list in known["lists"] for job in of_list["jobs"]}


def of_items(dataset, truth):
    """Return the true probability of each item, shape (n,); NaN where it is not known."""
    keys = {
        pk: (str(event), code) for pk, event, code in RecommendedItem.objects.values_list("pk", "event", "occupation")
    }
    return np.array([truth.get(keys[item], np.nan) for item in dataset.item.tolist()])


def of_pools(dataset, truth):
    """Return the true probability of each job that a slot could show, shape (s, m); NaN beyond a pool's size."""
    slots = dataset.slots
    tiers = Tier.values
    keys = dict(RecommendedItem.objects.values_list("pk", "event"))
    pools = dict(RecommendationEvent.objects.values_list("pk", "pools"))
    result = np.full(slots.pool.shape[:2], np.nan)
    for row, item in enumerate(slots.item.tolist()):
        event = keys[int(dataset.item[item])]
        codes = pools[event][tiers[int(dataset.tier[item])]]["codes"]
        result[row, : len(codes)] = [truth[str(event), code] for code in codes]
    return result
