"""Runs of us and of peers, each in a process of its own."""

import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

import numpy

# Short computations are repeated within a process, by the same rule as in peers.py.
MOST_REPEATS = 5
FOLDER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Result:
    """Medians over the runs. `problem` says why there are none."""

    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    megabytes: float | None = None
    timed_out_after: float | None = None
    problem: str | None = None
    answer: list | None = None

    @property
    def ran(self):
        return self.cpu_seconds is not None


class Failed(Exception):
    pass


class TimedOut(Exception):
    pass


def one_cpu():
    """Before the process starts: it sees one processor, whatever its library makes of that."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(command, timeout, threads):
    """Standard output of a process that may take `timeout` seconds; it is killed with all its children after that."""
    environment = dict(os.environ)
    if threads == 1:
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TBB_NUM_THREADS": "1"}
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        preexec_fn=one_cpu if threads == 1 else None,
    )
    try:
        output, error = child.communicate(timeout=timeout)
    except BaseException as fault:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        if isinstance(fault, subprocess.TimeoutExpired):
            raise TimedOut from None
        raise
    if child.returncode:
        lines = error.decode(errors="replace").strip().splitlines()
        raise Failed(lines[-1] if lines else f"ended with code {child.returncode}")
    return output


class Ours:
    name = "ours"

    def __init__(self, binary):
        self.binary = binary

    def measure(self, case, paths, threads, timeout, want_answer):
        arguments = case.command.format(*paths).split()
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "answer.json"
            options = ["--threads", str(threads), "--measure", str(MOST_REPEATS), "--output", str(target)]
            run([str(self.binary), *arguments, *options], timeout, threads)
            document = json.loads(target.read_text())
        return document["measured"], diagrams_of(document, case.answer) if want_answer else None


def diagrams_of(document, kind):
    def arrays(dgms):
        return [numpy.array(diagram, dtype=float).reshape(-1, 2) for diagram in with_infinity(dgms)]

    if kind == "value":
        return [numpy.array([numpy.inf if document["value"] is None else document["value"]])]
    if kind == "windows":
        return [diagram for window in document["windows"] for diagram in arrays(window["dgms"])]
    return arrays(document["dgms"])


def with_infinity(dgms):
    return [[(birth, numpy.inf if death is None else death) for birth, death in diagram] for diagram in dgms]


class Theirs:
    def __init__(self, peer):
        self.peer = peer
        self.name = peer.name

    def measure(self, case, paths, threads, timeout, want_answer):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "answer.npz" if want_answer else "-"
            options = self.peer.options | ({"threads": threads} if self.peer.threads else {})
            command = [sys.executable, "-B", FOLDER / "peers.py", self.peer.function, json.dumps(options), target, *paths]
            document = json.loads(run([str(part) for part in command], timeout, threads))
            answer = None
            if want_answer:
                with numpy.load(target) as file:
                    answer = [file[f"arr_{at}"] for at in range(len(file.files))]
        return document["measured"], answer


# What takes longer is not repeated: its own length averages over what else the machine does.
LONG_SECONDS = 20


def compete(contestants, case, paths, threads, runs, timeout):
    """Results by name; the runs of all alternate, so that a busy minute of the machine hits all alike."""
    results = {contestant.name: Result() for contestant in contestants}
    samples = {contestant.name: [] for contestant in contestants}
    for number in range(runs):
        for contestant in contestants:
            result = results[contestant.name]
            if result.timed_out_after or result.problem or is_long(samples[contestant.name]):
                continue
            try:
                measured, answer = contestant.measure(case, paths, threads, timeout, want_answer=number == 0)
            except TimedOut:
                result.timed_out_after = timeout
            except Failed as failure:
                result.problem = str(failure)
            else:
                samples[contestant.name].append(median_of(measured))
                result.answer = answer if number == 0 else result.answer
    for name, measured in samples.items():
        result = results[name]
        if measured and not result.timed_out_after and not result.problem:
            whole = median_of(measured)
            result.cpu_seconds = whole["cpu_seconds"] / case.steps
            result.wall_seconds = whole["wall_seconds"] / case.steps
            result.megabytes = whole["peak_bytes"] / 1e6
    return results


def is_long(measured):
    return any(run["wall_seconds"] > LONG_SECONDS for run in measured)


def median_of(measured):
    """Of CPU and wall clock; of memory the largest, since a process that repeats keeps what it has."""
    return {
        "cpu_seconds": statistics.median(run["cpu_seconds"] for run in measured),
        "wall_seconds": statistics.median(run["wall_seconds"] for run in measured),
        "peak_bytes": max(run["peak_bytes"] or 0 for run in measured),
    }
