"""Runs every case and writes the report; run.sh prepares what this needs and tells its options."""

import argparse
import json
import os
import pathlib
import sys
import time

import agree
import cases
import inputs
import report
from contestants import Ours, Theirs, compete


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--threads", choices=["one", "all", "both"], default="both")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    return parser.parse_args()


def chosen(options):
    words = [word.lower() for word in options.only.split(",") if word]
    for case in cases.all_cases():
        text = f"{case.group}: {case.name}".lower()
        if (not words or any(word in text for word in words)) and (case.quick or not options.quick):
            yield case


def compare(case, results):
    """What differs from our answer, by peer."""
    ours = results["ours"]
    if not ours.ran:
        return {}
    same = agree.same_value if case.answer == "value" else agree.same_diagrams
    problems = {}
    for peer in case.peers:
        theirs = results.get(peer.name)
        if theirs is not None and theirs.answer is not None:
            problem = same(ours.answer, theirs.answer, peer.tolerance)
            if problem:
                problems[peer.name] = problem
    return problems


def thread_counts(which):
    available = len(os.sched_getaffinity(0))
    counts = {"one": [1], "all": [available], "both": [1, available]}[which]
    return sorted(set(counts))


def run_case(case, options, store):
    paths = [store.path(name, make) for name, make in case.files]
    peers = [] if options.without_peers else case.peers
    row = report.Row(case)
    for threads in thread_counts(options.threads):
        # With more threads a peer that has but one is what it was.
        contestants = [Ours(options.binary)] + [Theirs(peer) for peer in peers if threads == 1 or peer.threads]
        results = compete(contestants, case, paths, threads, options.runs, options.timeout)
        row.disagreements |= compare(case, results)
        for result in results.values():
            result.answer = None
        row.results[threads] = results
    return row


def main():
    options = arguments()
    selected = list(chosen(options))
    if options.list:
        for case in selected:
            print(f"{case.group}: {case.name}")
        return 0
    store = inputs.Store(options.inputs)
    rows, left_out = [], []
    for case in selected:
        began = time.monotonic()
        print(f"{case.group}: {case.name} ...", end=" ", file=sys.stderr, flush=True)
        try:
            rows.append(run_case(case, options, store))
            print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
        except inputs.Absent as absent:
            left_out.append(f"{case.name}: {absent}")
            print("left out", file=sys.stderr)
    text = report.write(rows, left_out, options)
    print(text)
    if options.report:
        options.report.write_text(text)
    if options.json:
        options.json.write_text(json.dumps([row.as_json() for row in rows], indent=1))
    return 1 if any(row.is_wrong() for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
