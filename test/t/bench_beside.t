#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""build/host/bench beside other allocators: malloc, mmap, and one that a user writes over three
functions and links in. Figures are judged within one run, as ratios, never as times."""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

os.chdir(ROOT)
O = os.environ.get("O", "build")
BENCH = os.path.join(O, "host", "bench")
TIMEOUT = float(os.environ.get("HOST_TIMEOUT", "300"))
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-beside-")
MINE = """#include "tools/bench_allocator.h"
static char *next, *end;
static void *freed[11];
const char *bench_allocator_begin(void *memory, size_t bytes)
{ next = memory; end = next + bytes; return %s; }
void *bench_allocator_take(unsigned order)
{
	void *block = freed[order];
	if (block) { freed[order] = *(void **)block; return block; }
	if ((size_t)(end - next) < (size_t)4096 << order || order > MOST) return NULL;
	block = next; next += (size_t)4096 << order; return block;
}
#ifndef NO_GIVE
void bench_allocator_give(void *block, unsigned order)
{ *(void **)block = freed[order]; freed[order] = block; }
#endif
"""


def run(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def rows(out):
    lines = [json.loads(line) for line in out.splitlines()]
    return {(line["name"], line["order"], line["with"]): line for line in lines}


def with_mine(name='"mine"', *flags):
    """The bench with that allocator linked in, as its header says to do it."""
    source, program = (os.path.join(FOLDER.name, file) for file in ("mine.c", "bench"))
    with open(source, "w", encoding="ascii") as file:
        file.write(MINE % name)
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-I.", "-DMOST=10", *flags, "-c", "-o",
                    source[:-1] + "o", source], check=True, timeout=TIMEOUT)
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-s", f"O={O}", "bench-with", f"WITH={source[:-1]}o", f"OUT={program}"],
                   check=True, timeout=TIMEOUT, env=environment)
    return program


def names(*allocators):
    return {(name, order, allocator) for name in ("beside-pair", "beside-burst")
            for order in (0, 3, 9) for allocator in allocators}


def each_piece_of_work_is_done_by_all_and_the_ratio_is_that_of_the_times():
    status, out, err = run(BENCH, "-j", "beside*")
    found = rows(out)
    faults = [] if status == 0 and set(found) == names("zonal", "malloc", "mmap") else [out + err]
    for (name, order, _), row in found.items():
        ratio = row["ns_per_op"] / found[name, order, "zonal"]["ns_per_op"]
        if abs(row["ratio"] - ratio) > 0.01 * ratio + 0.01:
            faults.append(str(row))
    # Two system calls against none: the widest margin there is.
    if not all(found["beside-pair", order, "mmap"]["ratio"] > 2 for order in (0, 3, 9)):
        faults.append(out)
    return faults


def an_allocator_of_the_users_is_one_more_row():
    program = with_mine()
    status, out, err = run(program, "-j", "beside*")
    if status != 0 or set(rows(out)) != names("zonal", "malloc", "mmap", "mine"):
        return [out + err]
    status, out, err = run(program, "beside-pair")
    line = r"beside-pair order=3 with=mine ops=\d+ ns_per_op=[\d.]+ ratio=[\d.]+\n"
    return [] if status == 0 and re.search(line, out) else [out + err]


def one_that_has_no_memory_is_told_and_the_others_go_on():
    status, out, err = run(with_mine('"small"', "-UMOST", "-DMOST=3"), "-j", "beside-burst")
    found = {(order, name) for _, order, name in rows(out)}
    good = (status == 0 and (3, "small") in found and (9, "small") not in found
            and (9, "malloc") in found and "bench: beside-burst order=9: small has no memory" in err)
    return [] if good else [out + err]


def one_that_is_not_whole_is_refused_with_the_reason():
    faults = []
    for name, flags, says in (("0", [], "does not begin"),
                              ('"two words"', [], "has no good name"),
                              ('"half"', ["-DNO_GIVE"], "without its take() or give()")):
        status, out, err = run(with_mine(name, *flags), "beside*")
        if status != 1 or out or says not in err or err.count("\n") != 1:
            faults.append(f"{name}: {status}\n{out}{err}")
    return faults


def a_selection_of_it_runs_nothing_else_and_one_of_others_not_it():
    beside, other, both = (run(BENCH, "-j", *words)[1] for words in (["beside-pair"], ["b512"], ["b*"]))
    return [] if '"pair"' not in beside and "beside" not in other and "b512" in other and \
        "beside" in both and "b512" in both else [beside + other + both]


CASES = [each_piece_of_work_is_done_by_all_and_the_ratio_is_that_of_the_times,
         an_allocator_of_the_users_is_one_more_row,
         one_that_has_no_memory_is_told_and_the_others_go_on,
         one_that_is_not_whole_is_refused_with_the_reason,
         a_selection_of_it_runs_nothing_else_and_one_of_others_not_it]

if __name__ == "__main__":
    sys.exit(run_cases("bench_beside", CASES, (AssertionError, subprocess.SubprocessError, OSError,
                                               ValueError, KeyError)))
