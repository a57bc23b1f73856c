"""What the wizard asks: ratings in groups, education and licences, an account."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.text import slugify

from occupations.models import Element, Licence
from occupations.services import Catalogue
from profiles.models import Profile, User

NOT_SURE = "unsure"


@dataclass(frozen=True, slots=True)
class ElementGroup:
    """Skills or knowledge areas that are rated together."""

    slug: str
    name: str
    elements: tuple[Element, ...]

    def rated(self, ratings: Collection[str]) -> int:
        return sum(element.id in ratings for element in self.elements)


def element_groups(catalogue: Catalogue, domain: str) -> list[ElementGroup]:
    """Return the groups of one domain in the order of O*NET's content model, without a query."""
    groups: dict[str, list[Element]] = {}
    for element in sorted(catalogue.elements.values(), key=lambda element: (element.order, element.id)):
        if element.domain == domain:
            groups.setdefault(element.group or "Other", []).append(element)
    return [ElementGroup(slugify(name), name, tuple(elements)) for name, elements in groups.items()]


class RatingField(forms.TypedChoiceField):
    """One element as radio buttons; `assumed` is the value that a held job suggests, never checked by itself."""

    def __init__(self, element: Element, assumed: int | None) -> None:
        self.element = element
        self.assumed = None if assumed is None else str(assumed)
        anchors = element.anchors or ["None", "A little", "Some", "A lot", "As an expert"]
        super().__init__(
            choices=[*((str(rating), anchor) for rating, anchor in enumerate(anchors)), (NOT_SURE, "Not sure")],
            coerce=lambda value: None if value == NOT_SURE else int(value),
            empty_value="",
            required=False,
            label=element.name,
            widget=forms.RadioSelect,
        )


class RatingForm(forms.Form):
    """The ratings of some elements; whoever chooses nothing leaves an element unrated."""

    def __init__(
        self,
        elements: Collection[Element],
        *,
        rated: Mapping[str, int | None],
        assumed: Mapping[str, int],
        **kwargs: Any,
    ) -> None:
        initial = {id_: NOT_SURE if rating is None else str(rating) for id_, rating in rated.items()}
        super().__init__(initial=initial, **kwargs)
        self.assumed = {
            element.id: assumed[element.id] for element in elements if element.id in assumed and element.id not in rated
        }
        for element in elements:
            self.fields[element.id] = RatingField(element, self.assumed.get(element.id))

    def ratings(self) -> dict[str, int | None]:
        """Return what was chosen; "not sure" is None."""
        return {id_: rating for id_, rating in self.cleaned_data.items() if rating != ""}

    def of(self, group: ElementGroup) -> Iterator[forms.BoundField]:
        return (self[element.id] for element in group.elements)


class HistoryForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ["education", "licences"]
        labels = {"education": "Highest education you have finished"}
        widgets = {"licences": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        education = self.fields["education"]
        assert isinstance(education, forms.TypedChoiceField)
        education.choices = [("", "I'd rather not say"), *Profile._meta.get_field("education").flatchoices]
        licences = self.fields["licences"]
        assert isinstance(licences, forms.ModelMultipleChoiceField)
        licences.queryset = Licence.objects.order_by("name")


class ExplorationForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ["allow_exploration"]
        labels = {"allow_exploration": "Let one suggestion in each list be a little different from the rest"}


class SignupForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)
