"""`python -m tests.bench`: measures the workloads through real processes, prints, writes JSON."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import w1, w2, w3, w4, w5, w6, w7, w8, w9
from tests.bench.machine import describe_machine
from tests.bench.report import Result, format_head, format_table, to_json
from tests.bench.workload import BACKENDS, Setting, Workload

WORKLOADS = {
    module.WORKLOAD.name: module.WORKLOAD for module in (w1, w2, w3, w4, w5, w6, w7, w8, w9)
}
RUNS = 3


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments name; returns 1 if a count of faults is not zero."""
    args = _parse(arguments)
    setting = Setting(is_quick=args.quick, backend=args.backend, durability=args.durability)
    chosen = [
        WORKLOADS[name]
        for name in args.workloads or WORKLOADS
        if args.backend in WORKLOADS[name].backends
    ]
    machine = describe_machine(setting)
    print(format_head(machine), flush=True)
    results = [
        _measure(workload, setting, runs=args.runs, has_peer=args.peer) for workload in chosen
    ]
    settings = {**dataclasses.asdict(setting), "runs": args.runs, "peer": args.peer}
    report = to_json(machine, settings, results)
    args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(f"\n{format_table(results)}\n\nwritten: {args.json}")
    faults = [
        line
        for result in results
        for line in result.lines()
        if line.measure.is_exact and not line.is_met
    ]
    for line in faults:
        print(f"FAULT: {line.workload} {line.measure.name}: {max(line.values):g}")
    return 1 if faults else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="W", help="W1 ... W9; default all")
    parser.add_argument("--peer", action="store_true", help="stock Huey too, by turns (W1-W5)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one run: a smoke test")
    parser.add_argument("--runs", type=int, help="runs of each workload; 3, with --quick 1")
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(datetime.now(UTC).strftime("bench-%Y%m%dT%H%M%SZ.json")),
        help="where JSON goes; by default a new file, named by the time",
    )
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0])
    parser.add_argument("--durability", choices=("normal", "full"), default="normal")
    args = parser.parse_args(arguments)
    if unknown := set(args.workloads) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    if not any(args.backend in WORKLOADS[name].backends for name in args.workloads or WORKLOADS):
        parser.error(f"{', '.join(args.workloads)}: not measured on {args.backend}")
    args.runs = args.runs or (1 if args.quick else RUNS)
    return args


def _measure(workload: Workload, setting: Setting, *, runs: int, has_peer: bool) -> Result:
    """Run a workload, ours and the peer's by turns."""
    result = Result(workload if setting.is_required else workload.without_bounds())
    for number in range(runs):
        print(f"{workload.name} run {number + 1} of {runs}", file=sys.stderr, flush=True)
        result.ours.append(workload.run(setting))
        if has_peer and workload.run_peer is not None:
            result.peers.append(workload.run_peer(setting))
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
