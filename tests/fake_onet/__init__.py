"""A faithful fake of O*NET Web Services, generations 2.0 and 1.9, on 127.0.0.1. See `__main__` for the program."""

from tests.fake_onet.faults import Fault
from tests.fake_onet.release import Release, read_release
from tests.fake_onet.server import FakeOnet, Request

__all__ = ["FakeOnet", "Fault", "Release", "Request", "read_release"]
