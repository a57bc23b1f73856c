"""Deleting in the admin: what goes with the rows is counted, because it may be more than memory holds."""

from collections import deque
from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db.models import CASCADE, ManyToOneRel, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

# The page on which a deletion is confirmed names each row, and a form may hold no more than 1,000 fields.
MOST_AT_ONCE = 500


class CountedDeletionAdmin(ModelAdmin):
    """Names the rows that were chosen and counts those that go with them, of which nothing protects any."""

    actions = ["delete_selected"]

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if (chosen := queryset.count()) > MOST_AT_ONCE:
            refusal = f"Nothing was deleted: {chosen:,} were chosen, and at most {MOST_AT_ONCE} can be deleted at once."
            self.message_user(request, refusal, messages.ERROR)
            return None
        return delete_selected(self, request, queryset)

    def get_deleted_objects(
        self, objs: Collection[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        names = [f"{capfirst(self.opts.verbose_name)}: {row}" for row in objs]
        keys = [row.pk for row in objs]
        counts, lacking = {}, set()
        for table, way in _tables_below(self.model).items():
            count = table._base_manager.filter(**{way: keys}).count()
            if not count:
                continue
            opts = table._meta
            counts[opts.verbose_name_plural] = count
            # What may not be deleted by itself may still go with what it belongs to: the account's right decides.
            right = f"{opts.app_label}.delete_{opts.model_name}"
            if self.admin_site.is_registered(table) and not request.user.has_perm(right):
                lacking.add(opts.verbose_name)
        return names, counts, lacking, []


def _tables_below(model: type[Model]) -> dict[type[Model], str]:
    """Return each table of which rows go with a model's, itself included, and the lookup by the model's keys.

    A table that can be reached in several ways has the shortest.
    """
    ways: dict[type[Model], str] = {model: "pk__in"}
    to_follow = deque([model])
    while to_follow:
        table = to_follow.popleft()
        for relation in table._meta.get_fields(include_hidden=True):
            if not isinstance(relation, ManyToOneRel) or relation.on_delete is not CASCADE:
                continue
            below = relation.related_model
            if below not in ways:
                ways[below] = f"{relation.field.name}__{ways[table]}"
                to_follow.append(below)
    return ways
