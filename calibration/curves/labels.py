"""From what people did to what a curve learns: two targets, each with a label per recommended job.

A label tells what happened within a fixed time after the job was shown, and exists once that time is over:

- INTEREST (mature after the longer of `save_days` and `apply_days`, 14): 1 if the person applied, had an interview
  or an offer, or saved the job and did not hide it, there or in another list; 0 if they hid it, or saw it and did none
  of that.
- OUTCOME (mature after the longer of `interview_days` and `offer_days`, 90): 1 if the job led to an interview within
  `interview_days` or an offer within `offer_days`; 0 if it was hidden, or seen and led to neither.

So precedence is offer, interview, apply > hide > save > view, click, nothing: whoever applied and then tidied the card
away was interested; whoever saved and then hid it was not. What was taken back never happened. A job that nobody
was seen to see has no label, because it was never turned down.

The same job may be shown to the same person in many lists. Then feedback still belongs to the list that it names, but
no list may count as a failure what another one had settled:

- Once a job was decided on (INTEREST: saved or more; OUTCOME: applied for or more), it has no label in the lists that
  are shown afterwards, and none where the decision is dated more than a day before the list.
- Lists that show it again within the longer of `save_days` and `apply_days` are one showing: a negative counts in
  the last of them only, and in none if it was decided on in another.

Young jobs have no label even if somebody has already acted: counting early positives before the negatives of their
age are known would inflate the base rate (delayed feedback: Chapelle 2014). For the same reason an action after its
time counts as none: otherwise old jobs, which had longer, would look better than new ones.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from calibration.curves.features import Bools, Floats, Ints

NO_LABEL = -1
DAY = 1.0


class Action(IntEnum):
    """What people do; the names are those of the stored feedback in capitals. Taking back is a mask, not an action."""

    VIEW = 0
    CLICK = 1
    SAVE = 2
    APPLY = 3
    INTERVIEW = 4
    OFFER = 5
    HIDE = 6


class Target(IntEnum):
    """What a label tells: INTEREST of the person, or the OUTCOME in the labour market."""

    INTEREST = 0
    OUTCOME = 1


@dataclass(frozen=True, slots=True)
class Maturity:
    """Days after a job was shown within which an action counts.

    Raises:
        ValueError: One is not above 0.
    """

    save_days: float = 14.0
    apply_days: float = 14.0
    interview_days: float = 60.0
    offer_days: float = 90.0

    def __post_init__(self) -> None:
        if not min(self.save_days, self.apply_days, self.interview_days, self.offer_days) > 0:
            raise ValueError("days to maturity must be above 0")

    def days(self, target: Target) -> float:
        """Return the age in days from which a job has a label."""
        if target == Target.INTEREST:
            return max(self.save_days, self.apply_days)
        return max(self.interview_days, self.offer_days)


DEFAULT_MATURITY = Maturity()


def label(
    target: Target,
    *,
    shown_days: Floats,
    item: Ints,
    action: Ints,
    happened_days: Floats,
    withdrawn: Bools,
    now_days: float,
    seen: Bools,
    pair: Ints | None = None,
    maturity: Maturity = DEFAULT_MATURITY,
) -> Ints:
    """Return each recommended job's label, shape (n,): 1, 0 or `NO_LABEL`.

    Times are days since any one moment. A date up to a day before the job was shown counts as the moment it was shown,
    because people often give a day without an hour; a date after now has not happened.

    Args:
        target: What the label tells.
        shown_days: Shape (n,), when each job was shown.
        item: Shape (m,), the job that each feedback is about, 0 to n - 1.
        action: Shape (m,), `Action` numbers.
        happened_days: Shape (m,).
        withdrawn: Shape (m,); True where it was taken back.
        now_days: The moment of labelling.
        seen: Shape (n,); False for a job that nobody was seen to see, which has no label.
        pair: Shape (n,), numbers that tell pairs of a person and an occupation apart; all differ where None.
        maturity: How long each action has.

    Raises:
        ValueError: Shapes differ, or a feedback is about no job.
    """
    if not item.shape == action.shape == happened_days.shape == withdrawn.shape:
        raise ValueError("item, action, happened_days and withdrawn must have the same shape")
    n = len(shown_days)
    if seen.shape != (n,):
        raise ValueError(f"seen must have shape ({n},): {seen.shape}")
    if len(item) and not (item.min() >= 0 and item.max() < n):
        raise ValueError(f"feedback must be about jobs 0 to {n - 1}")
    pairs = np.arange(n) if pair is None else pair
    counts = ~withdrawn & (happened_days <= now_days)
    elapsed = happened_days - shown_days[item]

    def did(what: Action, within_days: float) -> Bools:
        done = np.zeros(n, bool)
        done[item[counts & (action == what) & (elapsed <= within_days)]] = True
        return done

    # Saved and hidden: turned down for good, whatever other lists tell.
    settled = np.zeros(n, bool)
    if target == Target.INTEREST:
        applied = [did(what, maturity.apply_days) for what in (Action.APPLY, Action.INTERVIEW, Action.OFFER)]
        saved = did(Action.SAVE, maturity.save_days)
        hides = np.flatnonzero(counts & (action == Action.HIDE))
        settled[saved] = _hidden(
            pairs, shown_days, np.flatnonzero(saved), item[hides], happened_days[hides], maturity.save_days
        )
        saved &= ~settled
        positive = np.logical_or.reduce([*applied, saved])
    else:
        positive = did(Action.INTERVIEW, maturity.interview_days) | did(Action.OFFER, maturity.offer_days)
    known = seen & (now_days - shown_days >= maturity.days(target))
    least = Action.SAVE if target == Target.INTEREST else Action.APPLY
    decides = counts & (action >= least) & (action != Action.HIDE)
    known[item[decides & (elapsed < -DAY)]] = False
    elsewhere = _first_elsewhere(pairs, item[decides], happened_days[decides])
    again = np.minimum(elsewhere, _next_showing(pairs, shown_days, seen))
    open_still = ~positive & ~settled
    known &= ~((elsewhere <= shown_days) | (open_still & (again - shown_days < maturity.days(Target.INTEREST))))
    return np.where(known, positive, NO_LABEL).astype(np.int64)


def _hidden(pair: Ints, shown_days: Floats, saved: Ints, hidden: Ints, days: Floats, within_days: float) -> Bools:
    """Return which of the saved items were hidden within their time, there or in another list, shape (k,).

    Args:
        pair: Shape (n,), of the items.
        shown_days: Shape (n,).
        saved: Shape (k,), items.
        hidden: Shape (h,), the items that were hidden.
        days: Shape (h,), when they were.
        within_days: How long after it was shown a hide counts.
    """
    result = np.zeros(len(saved), bool)
    order = np.lexsort((days, pair[hidden]))
    of, days = pair[hidden[order]], days[order]
    # Few pairs are both saved and hidden.
    for row in np.flatnonzero(np.isin(pair[saved], of)):
        one, shown = pair[saved[row]], shown_days[saved[row]]
        own = days[np.searchsorted(of, one) : np.searchsorted(of, one, side="right")]
        result[row] = ((own >= shown - DAY) & (own <= shown + within_days)).any()
    return result


def _first_elsewhere(pair: Ints, item: Ints, days: Floats) -> Floats:
    """Return when each pair was first decided on in another item, shape (n,); infinite where it was not.

    Args:
        pair: Shape (n,), of the items.
        item: Shape (m,), the items that decisions are about.
        days: Shape (m,), when they were made.
    """
    if not len(item):
        return np.full(len(pair), np.inf)
    order = np.lexsort((days, pair[item]))
    item, days = item[order], days[order]
    decided, first = np.unique(pair[item], return_index=True)
    of_pair = np.minimum(np.searchsorted(decided, pair), len(decided) - 1)
    first_item = item[first][of_pair]
    # Of the item that the first decision is about, the first one about another item counts.
    others = np.flatnonzero(item != first_item[item])
    with_others, first_other = np.unique(of_pair[item[others]], return_index=True)
    second = np.full(len(decided), np.inf)
    second[with_others] = days[others[first_other]]
    elsewhere = np.where(first_item == np.arange(len(pair)), second[of_pair], days[first][of_pair])
    return np.where(decided[of_pair] == pair, elsewhere, np.inf)


def _next_showing(pair: Ints, shown_days: Floats, seen: Bools) -> Floats:
    """Return when each item's pair was seen next in another item, shape (n,); infinite where it was not."""
    order = np.lexsort((shown_days, pair))
    order = order[seen[order]]
    follows = np.append(pair[order][1:] == pair[order][:-1], False)
    result = np.full(len(pair), np.inf)
    result[order[:-1]] = np.where(follows[:-1], shown_days[order][1:], np.inf)
    return result
