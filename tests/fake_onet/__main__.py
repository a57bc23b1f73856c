"""Serve a release as O*NET Web Services would.

    python -m tests.fake_onet RELEASE.zip --port 8765 --generation 2.0 --layout new \\
        --faults '[{"kind": "429|500|cut|html|truncated|short", "share": 0.05, "seed": 7}]'

It prints its address, and what opens it, then serves until it is stopped or its lifetime is over. `/-/requests`
below its port lists the requests so far.
"""

import argparse
import signal
import sys
from pathlib import Path

from tests.fake_onet.faults import KINDS, faults_of
from tests.fake_onet.server import FakeOnet


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_onet", description=__doc__.split("\n")[0])
    parser.add_argument("release", type=Path, help="a text release (zip or folder), or fixtures/starter")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--generation", choices=["2.0", "1.9"], default="2.0")
    parser.add_argument("--layout", choices=["old", "new"], default="", help="the release's own where left out")
    parser.add_argument("--faults", default="[]", help=f"JSON list; kinds: {', '.join(KINDS)}")
    parser.add_argument("--key", default="a-made-up-key")
    parser.add_argument("--username", default="sprout")
    parser.add_argument("--password", default="a-made-up-password")
    parser.add_argument("--merge-zones", action="store_true", help="zone 1 becomes 2, as from 30.2 on")
    parser.add_argument("--plain-rows", action="store_true", help="rows without titles and names")
    parser.add_argument("--unknown-code-status", type=int, choices=[404, 422], default=404)
    parser.add_argument("--filter-name", choices=["filter", "filter1", ""], default="filter")
    parser.add_argument("--lifetime-seconds", type=float, default=3600)
    arguments = vars(parser.parse_args())
    fake = FakeOnet(arguments.pop("release"), faults=faults_of(arguments.pop("faults")), **arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with fake:
        opens = f"X-API-Key {fake.key}" if fake.generation == "2.0" else f"Basic {fake.username}:{fake.password}"
        print(f"O*NET {fake.release.version} at {fake.url} ({opens})", flush=True)
        fake.wait()


if __name__ == "__main__":
    main()
