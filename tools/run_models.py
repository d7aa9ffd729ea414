#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`make models`: every model of test/models/ as TAP, with its states and seconds.

    tools/run_models.py [-j JOBS] [GLOB]…     the cases whose name matches, else all

    spin:MODEL         every state of MODEL.pml; no error may be found
    spin:MODEL:BUG     the same with -DBUG, which stands in the model; one must be found
    buddy:WORLD        mm/buddy.c through every state (explore_buddy.c)
    buddy:WORLD:BUG    the same with an edit of buddy_bugs.py; it must fail

A search that was cut short, by depth, memory or time, is a failure, and so are a model
without seeded bugs, an edit that no longer fits, and a GLOB that matches nothing.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "test" / "models"
CC = os.environ.get("HOSTCC", "cc")
HOST_FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-include", "lib/prefix.h"]
INCLUDES = ["-I.", "-Iinclude", "-Iarch/host/include", "-Iarch/host", "-Itest/models"]
TIMEOUT = 300
sys.path.insert(0, str(MODELS))
import buddy_bugs  # noqa: E402


class Fault(Exception):
    """Why a case failed; the text may have several lines."""


def run(command, cwd, good=(0,)):
    """Standard output and error together, and the exit status."""
    try:
        done = subprocess.run(command, cwd=cwd, text=True, timeout=TIMEOUT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Fault(f"{command[0]} did not end in {TIMEOUT} s") from None
    if good and done.returncode not in good:
        raise Fault(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout, done.returncode


def spin_search(model, bug, folder):
    """(errors, states, first error) of a search that was not cut short."""
    define = [f"-D{bug}"] if bug else []
    run(["spin", *define, "-a", MODELS / f"{model}.pml"], folder)
    run([CC, "-O0" if bug else "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=1024", "-o", "pan", "pan.c"],
        folder)
    out, _ = run(["./pan", "-n", "-m1000000"], folder)
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"([\d.e+]+) states, stored", out)
    if not errors or not states or re.search(r"max search depth|out of memory", out):
        raise Fault(f"the search was cut short\n{out}")
    first = re.search(r"pan:\d+: (.*)", out)
    return int(errors.group(1)), states.group(1), first.group(1) if first else ""


def case_spin(folder, model, bug=None):
    errors, states, first = spin_search(model, bug, folder)
    if bug and not errors:
        raise Fault("the seeded bug is not found")
    if errors and not bug:
        raise Fault(first)
    return f"found: {first}" if bug else f"{states} states"


def edited_buddy(folder, bug):
    """A copy of mm/ in which the edit has been made, to be found before the real one."""
    shutil.copytree(ROOT / "mm", folder / "mm")
    sources = [folder / "mm" / name for name in ("buddy.c", "buddy_list.h")]
    for old, new in buddy_bugs.BUGS[bug][1:]:
        texts = {source: source.read_text() for source in sources}
        fits = sum(text.count(old) for text in texts.values())
        if fits != 1:
            raise Fault(f"this edit fits {fits} times in mm/buddy.c and its lists:\n{old}")
        for source, text in texts.items():
            source.write_text(text.replace(old, new))


def case_buddy(folder, world, bug=None):
    if bug:
        edited_buddy(folder, bug)
    program = folder / "explore"
    run([CC, "-O0" if bug else "-O2", *HOST_FLAGS, f"-DEXPLORE_WORLD={world}", f"-I{folder}", *INCLUDES,
         "-o", program, *sorted(MODELS.glob("explore_*.c"))], ROOT)
    out, status = run([program], ROOT, good=() if bug else (0,))
    lines = out.splitlines()
    if not bug:
        return lines[-1]
    if status == 0:
        raise Fault(f"the seeded bug is not found\n{out}")
    found = [line[2:] for line in lines if line.startswith(("# fault", "# panic"))]
    return f"found: {found[-1] if found else f'status {status}'}"


RUN = {"spin": case_spin, "buddy": case_buddy}


def all_cases():
    """Names of all cases, the long ones first."""
    for world in ("1", "2", "3"):
        yield f"buddy:{world}"
    for bug, (world, *_) in buddy_bugs.BUGS.items():
        yield f"buddy:{world}:{bug}"
    for path in sorted(MODELS.glob("*.pml")):
        bugs = sorted(set(re.findall(r"\bBUG_[A-Z_]+", path.read_text())))
        if not bugs:
            raise SystemExit(f"{path.name}: a model without a seeded bug proves nothing")
        yield f"spin:{path.stem}"
        for bug in bugs:
            yield f"spin:{path.stem}:{bug}"


def run_case(case):
    """(good, what to say)"""
    kind, *args = case.split(":")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zonal-models-") as folder:
        try:
            good, text = True, RUN[kind](pathlib.Path(folder), *args)
        except Fault as fault:
            good, text = False, str(fault)
    return good, f"{text}, {time.monotonic() - begin:.1f} s" if good else text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("glob", nargs="*")
    options = parser.parse_args()
    cases = [case for case in all_cases()
             if not options.glob or any(fnmatch.fnmatch(case, g) for g in options.glob)]
    if not cases:
        raise SystemExit("no case matches")
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for number, (case, (good, text)) in enumerate(zip(cases, pool.map(run_case, cases)), 1):
            failed += not good
            if good:
                print(f"ok {number} - {case}: {text}", flush=True)
            else:
                print(f"not ok {number} - {case}\n# " + text.rstrip().replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
