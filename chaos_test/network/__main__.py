"""`python -m chaos_test.network CONFIG RUN_DIR NAME=PORT=HOST:PORT ...`: the links of a run, until it is ended."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import signal  # noqa: E402 - what is imported from here on is gevent's
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from chaos_middleware.callsite import AppFrames  # noqa: E402
from chaos_middleware.control import Control  # noqa: E402
from chaos_middleware.experiment import load  # noqa: E402
from chaos_middleware.injector import Injector  # noqa: E402
from chaos_middleware.ledger import Ledger  # noqa: E402
from chaos_test.network.proxy import Link  # noqa: E402
from chaos_test.network.stage import Stage  # noqa: E402


def main(argv: list[str]) -> int:
    """Carry the links; ends with SIGTERM, or when nobody renews the run's lease any more."""
    config, run_dir, *links = argv
    experiment, folder = load(config), Path(run_dir)
    control = Control(experiment.safety, folder)
    ledger = Ledger(folder / "faults", server="network", seed=experiment.seed, experiment=experiment.sha256)
    injector = Injector(experiment, ledger, control, AppFrames(run_dir))
    for link in links:
        name, port, to = link.split("=")
        host, _, number = to.rpartition(":")
        Link(name, int(port), (host, int(number)), injector, Stage(folder).now).start()
    over = Event()
    gevent.signal_handler(signal.SIGTERM, over.set)
    print("ready", flush=True)
    while not over.wait(0.5) and control.stopped() != "lease":
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
