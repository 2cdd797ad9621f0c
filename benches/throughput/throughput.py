"""Runs both clusters in turn and prints the table; run.sh says what the arguments mean."""

import argparse
import contextlib
import datetime
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile

from bettiflow import Bettiflow
from cluster import Failed, Load
from flink import Flink, Unavailable, fetch, java, version

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANY_KEYS = 100_000
MOST_WARM_UPS, LEAST_PROGRESS = 6, 1.1
ROWS_WITH_FEW_KEYS, ROWS_WITH_MANY_KEYS = 20_000_000, 5_000_000


def integers(text):
    return [int(word) for word in text.split(",")]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run.sh", add_help=False)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--keys", type=integers, default=[1_000, 1_000_000])
    parser.add_argument("--parallelism", type=integers, default=[2, 4])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--key-type", choices=["long", "text"], default="long")
    parser.add_argument("--no-object-reuse", dest="object_reuse", action="store_false")
    parser.add_argument("--without-flink", action="store_true")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args(arguments)


def loads(options):
    # Few keys first: a JVM does not give back the memory that many keys took.
    for keys in sorted(options.keys):
        rows = options.rows or (ROWS_WITH_MANY_KEYS if keys > MANY_KEYS else ROWS_WITH_FEW_KEYS)
        for parallelism in options.parallelism:
            # Flink's source is given equal ranges.
            yield Load(rows=rows - rows % parallelism, keys=keys, parallelism=parallelism)


def flink_jars(options):
    """The folder of Flink's jars, or `None` where it is not wanted or not to be had."""
    if options.without_flink:
        return None
    cache = pathlib.Path(os.environ.get("BETTIFLOW_BENCH_DIR") or ROOT / ".bettiflow" / "bench")
    try:
        return fetch(cache.absolute())
    except Unavailable as reason:
        print(f"Flink is not measured: {reason}", flush=True)
        return None


def start_flink(stack, jars, folder, options):
    try:
        return stack.enter_context(Flink(jars, folder, options.key_type, options.object_reuse))
    except Failed as reason:
        print(f"Flink is not measured: {reason}", flush=True)
        return None


def warm_up(cluster, load):
    """Runs the first load until it gets no faster: a JIT compiles for several runs, and what came first would look slow."""
    best = 0.0
    for number in range(1, MOST_WARM_UPS + 1):
        rate = cluster.run(load).rows_per_cpu_second()
        print(f"{cluster.name:10} warm-up {number}: {rate / 1e6:.2f} M rows per CPU second", flush=True)
        if rate < best * LEAST_PROGRESS:
            return
        best = max(best, rate)
    print(f"{cluster.name} was still getting faster after {MOST_WARM_UPS} runs; its first figures are too low", flush=True)


def measure(clusters, load, runs):
    """`runs` measurements per cluster, in turn, so that whatever else the machine does meets both."""
    found = {cluster.name: [] for cluster in clusters}
    for _ in range(runs):
        for cluster in clusters:
            one = cluster.run(load)
            found[cluster.name].append(one)
            print(
                f"{cluster.name:10} parallelism {load.parallelism}, {load.keys} keys:"
                f" {one.rows_per_cpu_second() / 1e6:.2f} M rows per CPU second, {one.wall_seconds:.1f} s",
                flush=True,
            )
    return found


def cells(measurements):
    """Of one cluster: medians, and the range of what matters most."""
    rates = [each.rows_per_cpu_second() / 1e6 for each in measurements]
    wall = statistics.median(each.wall_seconds for each in measurements)
    peak = statistics.median(each.peak_bytes for each in measurements) / 2**20
    checkpoints = statistics.median_low(each.checkpoints for each in measurements)
    rate = f"**{statistics.median(rates):.2f}** ({min(rates):.2f}–{max(rates):.2f})"
    return [rate, f"{wall:.1f} s", f"{peak:.0f} MiB", str(checkpoints)]


def ratio(found):
    """How many times more rows per CPU second ours processes than Flink."""
    ours, theirs = (
        statistics.median(each.rows_per_cpu_second() for each in found[name]) for name in (Bettiflow.name, Flink.name)
    )
    return f"{ours / theirs:.1f}"


def print_table(results, clusters, options, load_before):
    now = datetime.datetime.now(datetime.timezone.utc)
    with_flink = any(cluster.name == Flink.name for cluster in clusters)
    print(f"\n{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({cpu_model()}),", end=" ")
    print(f"load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after, median of {options.runs} (least–most)")
    if with_flink:
        reuse = "on" if options.object_reuse else "off"
        print(f"Flink {version()}, {java()[1]}, {options.key_type} keys, object reuse {reuse}")
    columns = ["rows", "keys", "parallelism", "system", "M rows per CPU s", "wall time", "peak RSS", "checkpoints"]
    columns += ["ratio"] if with_flink else []
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for load, found in results:
        for name, measurements in found.items():
            row = [f"{load.rows:,}", f"{load.keys:,}", str(load.parallelism), name, *cells(measurements)]
            if with_flink:
                row.append(ratio(found) if name == Bettiflow.name else "")
            print("| " + " | ".join(row) + " |")


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown model"


def run(options, folder):
    load_before = os.getloadavg()[0]
    jars = flink_jars(options)
    with contextlib.ExitStack() as stack:
        for name in ("bettiflow", "flink"):
            (folder / name).mkdir()
        clusters = [stack.enter_context(Bettiflow(os.environ["BETTIFLOW_BIN_DIR"], folder / "bettiflow"))]
        if jars and (flink := start_flink(stack, jars, folder / "flink", options)):
            clusters.append(flink)
        wanted = list(loads(options))
        for cluster in clusters:
            warm_up(cluster, wanted[0])
        results = [(load, measure(clusters, load, options.runs)) for load in wanted]
    print_table(results, clusters, options, load_before)


def main():
    options = parse(sys.argv[1:])
    # Ended from outside, the `with` blocks still end what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bettiflow-throughput-"))
    try:
        run(options, folder)
    except Failed as reason:
        options.keep = True
        sys.exit(f"run.sh: {reason}")
    finally:
        if options.keep:
            print(f"configurations and logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
