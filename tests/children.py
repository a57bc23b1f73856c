"""Other processes on the test's database, and what is left where one of them is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from django.db import connection

from tests.locked import wait_for_the_dead

ROOT = Path(__file__).parent.parent


class Children:
    """Processes that share the test's database, or have a copy of it in `folder` where the test's is in memory."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._copy = folder / "child.sqlite3"
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "skillsprout.settings",
            "SECRET_KEY": "only-for-tests",
            "DEBUG": "0",
            "LOG_LEVEL": "ERROR",
            "VAR_DIR": str(folder),
            "DATABASE_URL": self._url(),
            **environment,
        }
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(self._copy)) as child:
                connection.connection.backup(child)

    def start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *arguments: str) -> str:
        """Return what a process printed that came to its end."""
        with self.start(code, *arguments) as child:
            printed, _ = child.communicate()
        assert child.returncode == 0
        return printed

    def kill(self, child: subprocess.Popen[str]) -> None:
        """End the process at once, and wait until the database has let go of what it held."""
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        wait_for_the_dead()

    def look(self) -> None:
        """Make the children's database this process's."""
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(self._copy)) as child:
                child.backup(connection.connection)

    def _url(self) -> str:
        if connection.vendor == "sqlite":
            return f"sqlite:///{self._copy}"
        place = connection.settings_dict
        password = f":{place['PASSWORD']}" if place["PASSWORD"] else ""
        return f"postgres://{place['USER']}{password}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
