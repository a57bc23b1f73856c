"""The operator's desk: reports, which model serves, a training on demand."""

import csv
import io
import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from calibration import services, tasks
from calibration.curves.features import Rung
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.reports import BY_LOT, BY_SCORE
from profiles.models import User
from recommendations.models import Curve
from tests.calibration.rows import make_model, make_report, make_run
from tests.factories import make_event, make_profile, make_world

pytestmark = pytest.mark.django_db

MODEL, RUN = "calibration_calibrationmodel", "calibration_trainingrun"


def page_of(row, name="change"):
    of = MODEL if isinstance(row, CalibrationModel) else RUN
    return reverse(f"admin:{of}_{name}", args=[row.pk])


@pytest.fixture
def world():
    make_world()


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator", password="secret"))
    return client


@pytest.fixture
def onlooker(client):
    user = User.objects.create_user("onlooker", password="secret", is_staff=True)
    user.user_permissions.add(
        Permission.objects.get(codename="view_calibrationmodel"), Permission.objects.get(codename="view_trainingrun")
    )
    client.force_login(user)
    return client


@pytest.fixture
def queued(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks.train, "delay", lambda: calls.append("train"))
    return calls


def words(answer):
    assert answer.status_code == 200
    text = answer.content.decode()
    assert ">nan" not in text.lower()
    assert "None" not in text
    return text


def notes(answer):
    return [str(message) for message in answer.context["messages"]]


# Pages


def test_lists_open_and_need_a_bounded_number_of_queries(operator, django_assert_max_num_queries):
    for number in range(8):
        make_model(f"c{number}", run=make_run())
    for of in (MODEL, RUN):
        operator.get(reverse(f"admin:{of}_changelist"))
        with django_assert_max_num_queries(12):
            words(operator.get(reverse(f"admin:{of}_changelist")))


def test_the_list_tells_brier_against_the_constant_and_who_is_to_be_retrained(operator):
    run = make_run()
    profile = make_profile()
    TrainedOn.objects.create(run=run, profile=profile)
    model = make_model("good", run=run, n_profiles=1)
    text = words(operator.get(reverse(f"admin:{MODEL}_changelist")))
    for figure in (model.figures["brier"], model.figures["brier_of_constant"], model.details["roc"]["auc"]):
        assert f"{figure:.4f}" in text
    assert "1 of 1 gone" not in text
    profile.delete()
    assert "1 of 1 gone" in words(operator.get(reverse(f"admin:{MODEL}_changelist")))
    assert "Marked for retraining" in words(operator.get(page_of(model)))


def test_the_list_of_trainings_says_shortly_what_became_of_each_target(operator):
    run = make_run(outcome=["Interest: a sentence that is long."])
    make_model("plain", run=run, state="champion")
    make_model("trees", run=run)
    make_model("outcomes", run=run, state="rejected", target="outcome")
    failed = make_run(state="failed", error="The training failed: a sentence that is long.")
    page = operator.get(reverse(f"admin:{RUN}_changelist"))
    assert "that is long" not in words(page)
    told = {run.pk: page.context["cl"].model_admin.came_of_it(run) for run in page.context["cl"].result_list}
    assert told == {run.pk: "interest: champion; outcome: rejected", failed.pk: "its page says why"}
    assert "Interest: a sentence that is long." in words(operator.get(page_of(run)))
    assert "The training failed: a sentence that is long." in words(operator.get(page_of(failed)))


@pytest.mark.parametrize("rung", [Rung.PLATT, Rung.LOGISTIC, Rung.BOOSTING])
def test_a_models_page_has_charts_with_titles_and_their_numbers(operator, rung):
    model = make_model(rung=rung, live={"items": 300, "people": 40, "ece": 0.031, "within": True})
    text = words(operator.get(page_of(model)))
    assert text.count('role="img"') == text.count("<title>") - 1 == 3 + len(model.details["effects"])
    for reason in [*model.reasons, *model.history]:
        assert reason.replace("'", "&#x27;") in text
    first = model.details["reliability"][0]
    assert f"{100 * first['rate']:.1f} %" in text
    assert "0.0310" in text


def test_a_model_that_was_too_small_to_judge_has_a_page(operator):
    model = make_model(state="rejected", figures={"people": 4, "items": 9, "rarer": 1, "base_rate": 0.1}, details={})
    text = words(operator.get(page_of(model)))
    assert "<polyline" not in text
    assert "Jobs held out" in text


def test_a_trainings_page_has_its_report(world, operator):
    report = make_report()
    whole = report["funnel"][0]
    whole["did"]["offer"] = whole["offer"] - 1
    text = words(operator.get(page_of(make_run(report=report))))
    assert "One occupation was seen in more than a tenth of the lists" in text
    assert "Cashiers" in text
    for title in ("All tiers", "Ready now", "Zone 2", "Drift of probability by month"):
        assert title in text
    # Names and figures are text beside each other: a long one wraps and never runs over the other.
    row = report["exposure"]["rows"][0]
    assert f"<span>{row['title']}</span>" in text
    assert f'<span class="figure">{100 * row["of_lists"]:.1f} %</span>' in text
    did, of = whole["did"]["offer"], whole["of"]["offer"]
    assert f"{did:,} of {of:,} = {100 * whole['shares']['offer']:.1f} %" in text


def test_the_bar_of_what_was_on_screen_stands_where_it_differs_from_what_is_taken_as_seen(world, operator):
    report = make_report()
    whole = report["funnel"][0]
    report["funnel"] = [whole]
    run = make_run(report=report)
    assert whole["did"]["view"] == whole["of"]["view"]
    text = words(operator.get(page_of(run)))
    assert "<span>Seen (or taken as seen)</span>" in text
    assert "<span>Seen on screen</span>" not in text
    whole["did"]["view"] -= 1
    TrainingRun.objects.update(report=report)
    assert "<span>Seen on screen</span>" in words(operator.get(page_of(run)))


def test_a_trainings_page_draws_the_worth_of_choices_of_which_there_is_a_verdict(world, operator):
    report = make_report()
    rows = [row for row in report["off_policy"] if row["policy"] == BY_LOT]
    report["off_policy"] = [
        *({**row, "value": 0.3, "low": 0.2, "high": 0.4, "enough": True} for row in rows),
        *({**row, "policy": BY_SCORE, "value": None, "low": None, "high": None, "enough": False} for row in rows),
    ]
    text = words(operator.get(page_of(make_run(report=report))))
    assert f"<title>{BY_LOT}</title>" in text
    assert f"<title>{BY_SCORE}</title>" not in text
    for estimator in ("IPS", "SNIPS", "Doubly robust"):
        assert re.search(f'text-anchor="middle">{estimator}</text>', text)


def test_a_trainings_page_says_of_whom_and_of_which_months_it_is_too_early_to_say(world, operator):
    report = make_report()
    report["funnel"][0]["shares"]["offer"] = None
    text = " ".join(words(operator.get(page_of(make_run(report=report)))).split())
    assert "at least so many days before this report: saved 14, applied 14, interview 60, offer 90" in text
    assert "too early to say" in text
    assert "A month with fewer than 100 jobs or 50 people has no verdict" in text
    assert f"({report['drift']['n']:,} jobs, {report['drift']['people']:,} people)" in text


def test_a_training_without_a_report_has_a_page_and_no_charts(operator):
    run = make_run(state=TrainingRun.State.FAILED, error="The training ended before it was whole.")
    text = words(operator.get(page_of(run)))
    assert "The training ended before it was whole." in text
    assert 'role="img"' not in text


def test_a_report_on_nothing_has_a_page(world, operator):
    report = make_report()
    empty = {
        "counts": {**report["counts"], "base_rate": None},
        "funnel": [],
        "maturity": report["maturity"],
        "exposure": {"rows": [], "total": 0, "jobs": 12, "gini": None, "largest_share": None, "alert": None},
        "drift": {"since": None, "until": None, "n": 0, "people": 0, "months": []},
        "off_policy": [],
    }
    text = words(operator.get(page_of(make_run(report=empty))))
    assert "Nothing was seen yet." in text


def test_pages_do_not_open_for_strangers(client):
    model = make_model()
    for of in (MODEL, RUN):
        assert client.get(reverse(f"admin:{of}_changelist")).status_code == 302
    client.force_login(User.objects.create_user("clerk", password="secret", is_staff=True))
    for row in (model, model.run):
        for query in ({}, {"csv": "figures"}):
            assert client.get(page_of(row), query).status_code == 403
    assert client.get(page_of(model.run, "progress")).status_code == 403


@pytest.mark.parametrize("sees", ["view_trainingrun", "view_calibrationmodel"])
def test_no_link_leads_to_what_somebody_may_not_open(client, sees):
    model = make_model("good", state="champion")
    user = User.objects.create_user("clerk", password="secret", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=sees))
    client.force_login(user)
    seen, name, hidden = (
        (model.run, "good", model) if sees == "view_trainingrun" else (model, str(model.run), model.run)
    )
    pages = [page_of(seen), reverse(f"admin:{RUN if seen == model.run else MODEL}_changelist")]
    for page in pages:
        assert page_of(hidden) not in words(client.get(page))
    assert name in words(client.get(pages[0]))
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="calibration"))
    assert f'<a href="{page_of(hidden)}">{name}</a>' in words(client.get(pages[0]))


def test_nothing_can_be_typed_over_or_deleted(operator):
    model = make_model()
    for row in (model, model.run):
        assert operator.post(page_of(row), {"state": "done"}).status_code == 403
        assert operator.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403


# CSV


def table(client, row, name):
    answer = client.get(page_of(row), {"csv": name})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    assert f'{name}.csv"' in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_every_table_of_a_report_is_a_file_with_figures_in_full(world, onlooker):
    report = make_report()
    run = make_run(report=report)
    whole = table(onlooker, run, "funnel")[0]
    assert (whole["tier"], whole["zone"]) == ("All tiers", "All zones")
    assert int(whole["seen"]) == report["funnel"][0]["seen"]
    assert float(whole["save_share"]) == report["funnel"][0]["shares"]["save"]
    rows = table(onlooker, run, "exposure")
    assert [float(row["share"]) for row in rows] == [row["share"] for row in report["exposure"]["rows"]]
    assert [(row["month"], int(row["people"])) for row in table(onlooker, run, "drift")] == [
        (row["month"], row["people"]) for row in report["drift"]["months"]
    ]
    policies = table(onlooker, run, "off_policy")
    assert len(policies) == 9
    assert {row["value"] for row in policies if row["enough"] == "not enough to say"} == {""}
    counts = {row["count"]: row["value"] for row in table(onlooker, run, "counts")}
    assert int(counts["People"]) == report["counts"]["people"]


def test_every_table_of_a_model_is_a_file(onlooker):
    model = make_model()
    assert [int(row["n"]) for row in table(onlooker, model, "reliability")] == [
        row["n"] for row in model.details["reliability"]
    ]
    for name, longest in (("roc", 101), ("gains", 101), ("effects", 999), ("coefficients", 10), ("figures", 30)):
        assert 0 < len(table(onlooker, model, name)) <= longest
    brier = next(row for row in table(onlooker, model, "figures") if row["figure"] == "Brier score")
    assert float(brier["value"]) == model.figures["brier"]


def test_a_table_that_is_not_there_is_not_found(operator):
    model = make_model(details={})
    assert operator.get(page_of(model), {"csv": "roc"}).status_code == 404
    assert operator.get(page_of(model.run), {"csv": "funnel"}).status_code == 404


# Which one serves


def test_a_candidate_is_promoted_and_the_champion_taken_back(operator):
    old, new = make_model("old", state="champion"), make_model("new")
    assert ">Promote<" in words(operator.get(page_of(new)))
    answer = operator.post(page_of(new, "promote"), follow=True)
    assert notes(answer) == ["new is the champion. It serves."]
    assert Curve.objects.get(serving=True).version == "new"
    old.refresh_from_db()
    assert old.state == "retired"

    text = words(operator.get(page_of(new)))
    assert "Take back" in text
    assert ">Promote<" not in text
    answer = operator.post(page_of(new, "take_back"), {"reason": "Odd figures."}, follow=True)
    new.refresh_from_db()
    assert new.state == "retired"
    assert new.history[-1].endswith("Taken back by operator: Odd figures.")
    assert "Taken back by operator: Odd figures." in words(answer)
    assert any("Promoted by operator." in sentence for sentence in new.history)


def test_taking_back_needs_no_reason(operator):
    model = make_model("new", state="champion")
    operator.post(page_of(model, "take_back"), {"reason": " "})
    model.refresh_from_db()
    assert model.history[-1].endswith("Taken back by operator; no reason given.")


def test_a_click_returns_to_a_retired_model(operator):
    make_model("now", state="champion")
    old = make_model("old", state="retired")
    assert "Return to this one" in words(operator.get(page_of(old)))
    assert notes(operator.post(page_of(old, "return_to"), follow=True)) == ["old is the champion again. It serves."]
    assert Curve.objects.get(serving=True).version == "old"
    old.refresh_from_db()
    assert old.history[-1].endswith("operator returned to it.")


@pytest.mark.parametrize(
    ("state", "name", "button"),
    [("candidate", "promote", ">Promote<"), ("retired", "return_to", ">Return to this one<")],
)
def test_where_real_people_have_lists_no_button_lets_simulated_ones_decide(operator, state, name, button):
    model = make_model(state=state, run=make_run(traffic="simulated"))
    assert button in words(operator.get(page_of(model)))
    make_event(make_profile(traffic="person"))
    sentence = "It learnt from simulated people, and real people have lists here, so it cannot serve them."
    text = words(operator.get(page_of(model)))
    assert sentence in text
    assert button not in text
    assert notes(operator.post(page_of(model, name), follow=True)) == [sentence]
    model.refresh_from_db()
    assert model.state == state
    assert not Curve.objects.filter(serving=True).exists()


def test_a_rejected_model_has_no_button_and_does_not_serve(operator):
    model = make_model(state="rejected")
    text = words(operator.get(page_of(model)))
    assert not any(f">{words}<" in text for words in ("Promote", "Take back", "Return to this one"))
    for name in ("promote", "return_to", "take_back"):
        assert "Nothing was done." in notes(operator.post(page_of(model, name), follow=True))[0]
    model.refresh_from_db()
    assert model.state == "rejected"
    assert not Curve.objects.filter(serving=True).exists()


def test_a_tampered_model_is_refused_with_a_sentence(operator):
    model = make_model()
    Curve.objects.update(artifact=b"something else")
    answer = operator.post(page_of(model, "promote"), follow=True)
    assert "not those that were written here" in notes(answer)[0]
    model.refresh_from_db()
    assert model.state == "candidate"


def everywhere(client, model):
    """What the model's page, the list of models and the line above the trainings say."""
    pages = [page_of(model), reverse(f"admin:{MODEL}_changelist"), reverse(f"admin:{RUN}_changelist")]
    return [" ".join(words(client.get(page)).split()) for page in pages]


def served_in_the_list(client):
    page = client.get(reverse(f"admin:{MODEL}_changelist"))
    return {str(model): page.context["cl"].model_admin.serves(model) for model in page.context["cl"].result_list}


def test_a_champion_serves(operator):
    model = make_model("good", state="champion")
    make_model("new")
    page, _, line = everywhere(operator, model)
    assert "good: Champion</h2>" in page
    assert "It serves." in page
    assert "It serves." in line
    assert "No calibration serves" not in line
    assert served_in_the_list(operator) == {"good": "yes", "new": ""}


def test_a_champion_of_another_target_than_the_settings_does_not_serve(operator, settings):
    settings.CALIBRATION_TARGET = "interest"
    model = make_model("good", target="outcome")
    answer = operator.post(page_of(model, "promote"), follow=True)
    sentence = "It does not serve: CALIBRATION_TARGET is interest."
    assert notes(answer) == [f"good is the champion. {sentence}"]
    page, _, line = everywhere(operator, model)
    assert sentence in page
    assert sentence in line
    assert "No calibration serves" in line
    assert served_in_the_list(operator) == {"good": "no"}
    # The settings changed; the next training hands it down.
    settings.CALIBRATION_TARGET = "outcome"
    assert "It does not serve yet: the next training lets it." in everywhere(operator, model)[0]


def test_a_champion_whose_bytes_are_refused_does_not_serve_and_the_one_in_its_place_says_so(operator):
    old, new = make_model("old"), make_model("new")
    for model in (old, new):
        services.promote(model)
    Curve.objects.filter(version="new").update(artifact=b"something else")
    page, _, line = everywhere(operator, new)
    for text in (page, line):
        assert "It does not serve. The stored bytes of calibration new are not those" in text
        assert "old serves in its place." in text
        assert 'class="report-alert"' in text
    assert served_in_the_list(operator)["new"] == "no, refused"
    assert "It serves in place of the champion" in everywhere(operator, old)[0]

    Curve.objects.filter(version="old").update(artifact=b"something else")
    assert "No calibration serves in its place." in everywhere(operator, new)[0]
    assert "It serves" not in everywhere(operator, old)[0]


def test_what_was_learnt_from_simulated_people_says_so_everywhere(operator):
    model = make_model("good", state="champion", run=make_run(traffic="simulated"))
    for text in everywhere(operator, model):
        assert "simulated people" in text
    page, _, line = everywhere(operator, model)
    assert '<p class="report-alert">It learnt from simulated people' in page
    assert '<p class="report-alert"> Champion of v2_level' in line
    TrainingRun.objects.update(traffic="person")
    for text in everywhere(operator, model):
        assert "simulated people" not in text


@pytest.mark.parametrize("name", ["promote", "return_to", "take_back"])
def test_decisions_are_posted_by_those_who_may(name, operator):
    model = make_model()
    assert operator.get(page_of(model, name)).status_code == 404
    assert operator.post(reverse(f"admin:{MODEL}_{name}", args=[model.pk + 1])).status_code == 404


@pytest.mark.parametrize("name", ["promote", "return_to", "take_back"])
def test_an_onlooker_decides_nothing(name, onlooker):
    model = make_model()
    assert onlooker.post(page_of(model, name)).status_code == 403
    assert ">Promote<" not in words(onlooker.get(page_of(model)))
    model.refresh_from_db()
    assert model.state == "candidate"


# A training on demand


def test_a_training_is_queued_once_the_click_is_stored(operator, queued, django_capture_on_commit_callbacks):
    assert "Train now" in words(operator.get(reverse(f"admin:{RUN}_changelist")))
    with django_capture_on_commit_callbacks() as callbacks:
        answer = operator.post(reverse(f"admin:{RUN}_train"), follow=True)
    assert queued == []
    for callback in callbacks:
        callback()
    assert queued == ["train"]
    assert "queued" in notes(answer)[0]


def test_a_training_needs_a_post_and_the_right_to_it(onlooker, queued):
    assert "Train now" not in words(onlooker.get(reverse(f"admin:{RUN}_changelist")))
    assert onlooker.post(reverse(f"admin:{RUN}_train")).status_code == 403
    user = User.objects.get(username="onlooker")
    user.user_permissions.add(Permission.objects.get(codename="add_trainingrun"))
    assert onlooker.get(reverse(f"admin:{RUN}_train")).status_code == 404
    assert queued == []


def test_progress_is_asked_for_until_there_is_a_report(operator, monkeypatch):
    monkeypatch.setattr(services, "settle_stale_trainings", lambda: None)
    run = make_run(
        state=TrainingRun.State.RUNNING, finished=None, progress={"what": "Judging", "step": 3, "steps": 6}, outcome=[]
    )
    text = words(operator.get(page_of(run)))
    assert f'hx-get="{page_of(run, "progress")}"' in text
    part = operator.get(page_of(run, "progress"))
    assert "HX-Refresh" not in part
    assert 'value="50"' in words(part)
    assert "<html" not in words(part)

    TrainingRun.objects.update(state=TrainingRun.State.DONE)
    part = operator.get(page_of(run, "progress"))
    assert part["HX-Refresh"] == "true"
    assert "hx-get" not in words(part)


def test_a_training_whose_worker_died_is_settled_when_looked_at(operator):
    run = make_run(state=TrainingRun.State.RUNNING, finished=None)
    operator.get(page_of(run, "progress"))
    run.refresh_from_db()
    assert run.state == TrainingRun.State.FAILED
