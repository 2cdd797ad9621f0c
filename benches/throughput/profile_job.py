"""Records a profile of one of our TaskManagers during a job; profile.sh says what the arguments mean."""

import argparse
import collections
import datetime
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

from bettiflow import Bettiflow
from cluster import Failed, Load

SAMPLES_PER_SECOND = 997
PERF_SECONDS = 300
MANY_KEYS = 100_000
# The thread of a task is named task-VERTEX/SUBTASK; in this job vertex 0 is the source, vertex 1 the windows.
KINDS = (("task-0/", "source task"), ("task-1/", "window task"), ("tokio", "tokio worker"), ("compute", "compute pool"))


def parse(arguments):
    parser = argparse.ArgumentParser(prog="profile.sh", add_help=False)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--top", type=int, default=25)
    return parser.parse_args(arguments)


def record(cluster, load, file):
    """Runs the job while `perf` samples what the cores do."""
    # Recording only the process would miss the threads of the tasks, which start later.
    command = ["perf", "record", "--all-cpus", "--event", "cpu-clock", "--freq", str(SAMPLES_PER_SECOND), "--output", file]
    perf = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        measurement = cluster.run(load)
    finally:
        perf.send_signal(signal.SIGINT)
        _, said = perf.communicate(timeout=PERF_SECONDS)
    if not file.exists():
        raise Failed(f"perf could not record: {said.strip()}")
    return measurement


def samples(file, pid):
    """A pair (kind of thread, function) per sample of the process."""
    # Names of functions are those of the binary; looking for inlined ones as well would take minutes.
    command = ["perf", "script", "--input", file, "--fields", "comm,ip,sym", "--no-inline"]
    command += ["--pid", str(pid)]
    script = subprocess.run(command, capture_output=True, text=True, timeout=PERF_SECONDS, check=True).stdout
    for line in script.splitlines():
        found = re.match(r"\s*(.*?)\s+([0-9a-f]{6,16})\s+(.*)$", line)
        if found:
            yield kind_of(found[1]), readable(found[3], int(found[2], 16))


def kind_of(thread):
    return next((kind for start, kind in KINDS if thread.startswith(start)), "other")


def readable(symbol, address):
    symbol = re.sub(r"::h[0-9a-f]{16}$", "", symbol)
    # The upper half of the addresses is the kernel's.
    return f"kernel: {symbol}" if address >> 63 else symbol


def print_profile(found, measurement, options):
    total = sum(found.values())
    kinds = collections.Counter()
    for (kind, _), count in found.items():
        kinds[kind] += count
    now = datetime.datetime.now(datetime.timezone.utc)
    print(f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores: {measurement.rows:,} rows, {options.keys:,} keys,", end=" ")
    print(f"parallelism {options.parallelism}, {measurement.rows_per_cpu_second() / 1e6:.2f} M rows per CPU second")
    print(f"{total} samples of one of two TaskManagers: " + ", ".join(f"{k} {c / total:.0%}" for k, c in kinds.most_common()))
    print("\n| share | thread | function |\n|---|---|---|")
    for (kind, symbol), count in found.most_common(options.top):
        print(f"| {count / total:.1%} | {kind} | `{symbol}` |")


def main():
    options = parse(sys.argv[1:])
    rows = options.rows or (5_000_000 if options.keys > MANY_KEYS else 60_000_000)
    load = Load(rows=rows, keys=options.keys, parallelism=options.parallelism)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="bettiflow-profile-") as name:
        folder = pathlib.Path(name)
        try:
            with Bettiflow(os.environ["BETTIFLOW_BIN_DIR"], folder) as cluster:
                measurement = record(cluster, load, folder / "perf.data")
                pid = cluster.taskmanagers[0].pid
        except Failed as reason:
            sys.exit(f"profile.sh: {reason}")
        found = collections.Counter(samples(folder / "perf.data", pid))
    if not found:
        sys.exit("profile.sh: perf recorded no samples")
    print_profile(found, measurement, options)


if __name__ == "__main__":
    main()
