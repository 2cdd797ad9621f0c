"""The figures as Markdown."""

import dataclasses
import datetime
import importlib.metadata
import math
import os
import pathlib
import platform

import cases


@dataclasses.dataclass
class Row:
    case: cases.Case
    # By number of threads, then by name of the contestant.
    results: dict = dataclasses.field(default_factory=dict)
    disagreements: dict = dataclasses.field(default_factory=dict)

    def is_wrong(self):
        """Whether an answer of ours is missing or not that of a peer. What a peer cannot do is not our fault."""
        return bool(self.disagreements) or any(not results["ours"].ran for results in self.results.values())

    def ours(self, threads):
        return self.results.get(threads, {}).get("ours")

    def peers(self, threads):
        results = self.results.get(threads, {})
        return {name: result for name, result in results.items() if name != "ours"}

    def best(self, threads, measure):
        """Name and figure of the best peer that ended; `measure` is a field of Result."""
        figures = {name: getattr(result, measure) for name, result in self.peers(threads).items() if result.ran}
        return min(figures.items(), key=lambda item: item[1]) if figures else None

    def cpu_ratio(self):
        ours, best = self.ours(1), self.best(1, "cpu_seconds")
        return ours.cpu_seconds / best[1] if ours and ours.ran and best else None

    def best_wall(self):
        """Of any peer with any number of threads: a thread too many is no merit."""
        found = [best for threads in self.results if (best := self.best(threads, "wall_seconds"))]
        return min(found, key=lambda item: item[1]) if found else None

    def wall_ratio(self):
        ours, best = self.ours(max(self.results)), self.best_wall()
        return ours.wall_seconds / best[1] if ours and ours.ran and best else None

    def as_json(self):
        results = {
            threads: {name: dataclasses.asdict(result) for name, result in results.items()}
            for threads, results in self.results.items()
        }
        return {
            "group": self.case.group,
            "case": self.case.name,
            "results": results,
            "disagreements": self.disagreements,
        }


def write(rows, left_out, options):
    parts = [heading(rows, options)]
    groups = list(dict.fromkeys(row.case.group for row in rows))
    for group in groups:
        of_group = [row for row in rows if row.case.group == group]
        parts.append(f"## {group}\n\n" + summary(of_group) + group_goals(group, of_group))
    parts.append("## Every contestant\n\n" + details(rows))
    wrong = [f"* {row.case.name}, {peer}: {problem}" for row in rows for peer, problem in row.disagreements.items()]
    if wrong:
        parts.append("## Answers that differ\n\n" + "\n".join(wrong))
    if left_out:
        parts.append("## Left out\n\n" + "\n".join(f"* {line}" for line in left_out))
    return "\n\n".join(parts) + "\n"


# --- how it was measured


def heading(rows, options):
    threads = sorted({threads for row in rows for threads in row.results})
    return f"""# Persistent homology, beside its peers

Measured {datetime.date.today().isoformat()} by `benches/homology/run.sh` on {machine()}.

Every run is a process of its own. What is measured is the computation from the numbers in memory to the diagram in memory:
starting, imports, reading and writing are not in it, on either side. CPU is that of all threads of the process
(`CLOCK_PROCESS_CPUTIME_ID`); MB is how far the resident memory rose above what it was before. Runs of all contestants
alternate; figures are medians of {options.runs} (of 1 beyond 20 s), of which each repeats a short computation up to five
times. For one thread a process is bound to one processor. A run is ended after {options.timeout:g} s. *Best* is the best mode
of the best peer in that row; the ratio is ours divided by it, lower is better. Answers are compared with every peer that
ended: finite classes within bottleneck distance 1e-9 in double and {cases.SINGLE:g} in single precision (ripser.py, giotto-ph).

Contestants: {versions()}. Those that start from points compute the distances within the measured time.
Threads: {", ".join(map(str, threads))}."""


def machine():
    cpu = next(
        (line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cpu}, {len(os.sched_getaffinity(0))} processors, {memory:.0f} GB, {platform.system()} {platform.release()}"


def versions():
    found = []
    for package in ("gudhi", "ripser", "giotto-ph", "oineus", "diode", "POT"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} (not there)")
    return ", ".join(found)


# --- tables


def summary(rows):
    lines = [
        "| case | CPU s | MB | best peer | CPU s | MB | ratio | goal | | wall s, all threads | best wall s | ratio | goal | |",
        "|---|--:|--:|---|--:|--:|--:|--:|---|--:|--:|--:|--:|---|",
    ]
    return "\n".join(lines + [summary_line(row) for row in rows])


def summary_line(row):
    goal = row.case.goal
    one, every = row.ours(1), row.ours(max(row.results))
    best, wall = row.best(1, "cpu_seconds"), row.best_wall()
    cells = [
        row.case.name + (" **differs**" if row.disagreements else ""),
        seconds_of(one, "cpu_seconds"),
        megabytes_of(one),
        best[0] if best else unfinished(row),
        seconds(best[1]) if best else "",
        megabytes_of(row.peers(1)[best[0]]) if best else "",
        ratio(row.cpu_ratio()),
        *cpu_goal(row, goal, one, every),
        seconds_of(every, "wall_seconds") if max(row.results) > 1 else "",
        f"{seconds(wall[1])} ({wall[0]})" if wall and max(row.results) > 1 else "",
        ratio(row.wall_ratio()) if max(row.results) > 1 else "",
        *wall_goal(row, goal, every),
    ]
    return "| " + " | ".join(cells) + " |"


def cpu_goal(row, goal, one, every):
    """The bounds in words, and whether all of them that could be judged are kept."""
    words, kept = [], []
    if goal.cpu_ratio is not None:
        words.append(f"≤ {goal.cpu_ratio:g}")
        if row.cpu_ratio() is not None:
            kept.append(row.cpu_ratio() <= goal.cpu_ratio)
    if goal.cpu_seconds is not None:
        words.append(f"≤ {goal.cpu_seconds:g} s")
        if one and one.ran:
            kept.append(one.cpu_seconds <= goal.cpu_seconds)
    if goal.megabytes is not None:
        words.append(f"≤ {goal.megabytes:g} MB")
        measured = one if one and one.ran else every
        if measured and measured.ran:
            kept.append(measured.megabytes <= goal.megabytes)
    return ", ".join(words), mark(kept)


def wall_goal(row, goal, every):
    words, kept = [], []
    if goal.wall_ratio_all_threads is not None:
        words.append(f"≤ {goal.wall_ratio_all_threads:g}")
        if row.wall_ratio() is not None:
            kept.append(row.wall_ratio() <= goal.wall_ratio_all_threads)
    if goal.wall_seconds_all_threads is not None:
        words.append(f"≤ {goal.wall_seconds_all_threads:g} s")
        if every and every.ran:
            kept.append(every.wall_seconds <= goal.wall_seconds_all_threads)
    return ", ".join(words), mark(kept) if max(row.results) > 1 else ""


def mark(kept):
    if not kept:
        return ""
    return "✓" if all(kept) else "✗"


def unfinished(row):
    """What became of the peers, where none ended."""
    limits = [result.timed_out_after for result in row.peers(1).values() if result.timed_out_after]
    return f"all > {limits[0]:g} s" if limits else ""


def group_goals(group, rows):
    """Goals over all rows of a group."""
    lines = []
    ratios = [value for row in rows if (value := row.cpu_ratio()) is not None]
    if group == cases.DIMENSIONS and ratios:
        mean = geometric_mean(ratios)
        lines.append(f"Geometric mean of {len(ratios)} CPU ratios: {ratio(mean)}, goal ≤ 0.33 {mark([mean <= 0.33])}")
    walls = [value for row in rows if max(row.results) > 1 and (value := row.wall_ratio()) is not None]
    if group == cases.DIMENSIONS and walls:
        mean = geometric_mean(walls)
        lines.append(f"Geometric mean of {len(walls)} wall ratios, all threads: {ratio(mean)}, goal ≤ 0.15 {mark([mean <= 0.15])}")
    memory = memory_ratios(rows)
    if memory:
        worst = max(memory, key=memory.get)
        lines.append(
            f"Memory beside the least of Ripser's kind (ripser.py, giotto-ph, GUDHI without collapse): {ratio(geometric_mean(memory.values()))} (geometric mean), at most "
            f"{ratio(memory[worst])} ({worst}), goal ≤ 0.5 {mark([memory[worst] <= 0.5])}"
        )
    return "".join(f"\n\n{line}" for line in lines)


def memory_ratios(rows):
    ratios = {}
    for row in rows:
        ours = row.ours(1)
        kin = [row.peers(1).get(name) for name in ("ripser.py", "giotto-ph", "GUDHI")]
        used = [result.megabytes for result in kin if result and result.ran]
        if row.case.group in cases.RIPS and ours and ours.ran and used:
            ratios[row.case.name] = ours.megabytes / max(min(used), 1)
    return ratios


def geometric_mean(values):
    values = [max(value, 1e-9) for value in values]
    return math.exp(sum(map(math.log, values)) / len(values))


def details(rows):
    lines = ["| case | threads | contestant | CPU s | wall s | MB |", "|---|--:|---|--:|--:|--:|"]
    for row in rows:
        for threads, results in row.results.items():
            for name, result in results.items():
                lines.append(f"| {row.case.name} | {threads} | {name} | {figures(result)} |")
    return "\n".join(lines)


def figures(result):
    if result.timed_out_after:
        return f"> {result.timed_out_after:g} | > {result.timed_out_after:g} | "
    if not result.ran:
        return f"{(result.problem or '').replace('|', '/')} | | "
    return " | ".join([seconds(result.cpu_seconds), seconds(result.wall_seconds), f"{result.megabytes:.0f}"])


def seconds_of(result, measure):
    if result is None:
        return ""
    if result.timed_out_after:
        return f"> {result.timed_out_after:g}"
    return seconds(getattr(result, measure)) if result.ran else "failed"


def megabytes_of(result):
    return f"{result.megabytes:.0f}" if result and result.ran else ""


def seconds(value):
    """Three digits that count."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(max(value, 1e-6))))}f}"


def ratio(value):
    return "" if value is None else f"{value:.2g}" if value < 10 else f"{value:.0f}"
