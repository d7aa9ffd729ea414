#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Cost against size: the same work on boards of 1 to 16 nodes, 1 GiB to 1 TiB and 1 to 16 cores,
by counted instructions. Prints the tables of docs/speed.md; a figure is that of one core, while the
others are idle.

    tools/run_cost.py
"""
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TIMEOUT = float(os.environ.get("BENCH_TIMEOUT", "900"))
SIZES = (
    ("nodes", (("1", "1n", ""), ("2", "2n", ""), ("4", "4n", ""), ("8", "8n", ""), ("16", "16n", ""))),
    ("memory", (("512 MiB", "1n", ""), ("1 GiB", "1g", ""), ("16 GiB", "16g", ""), ("1 TiB", "1t", ""))),
    ("cores", (("1", "16c", "maxcpus=1"), ("2", "16c", "maxcpus=2"), ("4", "16c", "maxcpus=4"),
               ("8", "16c", "maxcpus=8"), ("16", "16c", ""))),
)
WORK = (("pair, 0", "pair", 0), ("3", "pair", 3), ("9", "pair", 9), ("10", "pair", 10),
        ("INTERLEAVE", "pair-interleave", 0), ("BIND", "pair-bind", 0), ("b512", "b512-alloc", 0),
        ("free", "b512-free", 0))
GLOBS = ("pair", "pair-interleave", "pair-bind", "b512")


def board(shape, bootargs):
    """Figures by case and order."""
    run = "run=" + ";".join(f"bench+{glob}+-j" for glob in GLOBS)
    environment = dict(os.environ, SHAPE=shape, EL="1", GIC="3", CPU="max")
    done = subprocess.run(
        ["tools/run_qemu.sh", f"{run} exit=semihosting {bootargs}".strip(), "-icount",
         "shift=0,sleep=off", "-seed", "1"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=TIMEOUT, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    figures = {(r["name"], r["order"]): r["ns_per_op"] for r in records}
    missing = [f"{name}.{order}" for _, name, order in WORK if (name, order) not in figures]
    if done.returncode or missing:
        tail = "\n".join(done.stdout.splitlines()[-5:])
        sys.exit(f"tools/run_cost.py: SHAPE={shape}: status {done.returncode}, "
                 f"without {', '.join(missing) or 'nothing'}\n{tail}")
    return figures


def row(cells):
    return "| " + " | ".join(cells) + " |"


def main():
    for what, sizes in SIZES:
        print(row([what] + [title for title, _, _ in WORK]))
        print("|" + "---|" * (len(WORK) + 1))
        for size, shape, bootargs in sizes:
            figures = board(shape, bootargs)
            print(row([size] + [f"{figures[name, order]:.1f}" for _, name, order in WORK]),
                  flush=True)
        print()
    orders = board("2n", "")
    print(row(["order"] + [str(order) for order in range(11)]))
    print("|" + "---|" * 12)
    print(row(["pair"] + [f"{orders['pair', order]:.1f}" for order in range(11)]))


if __name__ == "__main__":
    main()
