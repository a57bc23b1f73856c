from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.crypto import get_random_string

from profiles.models import User


class Command(BaseCommand):
    help = "In DEBUG, make the first admin account and print its random password once."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG or User.objects.filter(is_superuser=True).exists():
            return
        password = get_random_string(16)
        User.objects.create_superuser("admin", password=password)
        self.stdout.write(
            f"Made the account admin with the password {password} for /admin/. It is not shown again; "
            "`manage.py changepassword admin` sets another."
        )
