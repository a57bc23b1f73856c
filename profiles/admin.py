"""Accounts and profiles, to look at."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from occupations.admin import ReadOnlyInline
from profiles.models import ElementRating, HeldJob, Profile, User
from skillsprout.deletion import CountedDeletionAdmin

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, CountedDeletionAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


class HeldJobInline(ReadOnlyInline):
    model = HeldJob
    fields = ["occupation", "current"]


class ElementRatingInline(ReadOnlyInline):
    model = ElementRating
    fields = readonly_fields = ["element", "rating", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("element")


@admin.register(Profile)
class ProfileAdmin(CountedDeletionAdmin):
    list_display = ["id", "current_job", "user", "traffic", "education", "created_at", "updated_at"]
    list_filter = ["traffic", "education", "allow_exploration", "created_at"]
    search_fields = ["id", "user__username", "jobs__occupation__code", "jobs__occupation__onet_title"]
    readonly_fields = ["id", "user", "education", "licences", "allow_exploration", "created_at", "updated_at"]
    fields = [*readonly_fields, "traffic"]
    inlines = [HeldJobInline, ElementRatingInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user").prefetch_related("jobs__occupation")

    @admin.display(description="current job")
    def current_job(self, profile: Profile) -> str:
        return next((str(job.occupation) for job in profile.jobs.all() if job.current), "none given")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
