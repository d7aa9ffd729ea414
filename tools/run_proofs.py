#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`make proofs`: contracts of test/proofs/*.c, proved by frama-c with z3, as TAP.

    tools/run_proofs.py [GLOB]…     the cases whose name matches, else all

    FILE          every goal of the functions that have a contract in the file; all must be proved
    FILE:N        the same with the Nth edit of the file's list of bugs; a goal must stay open

A contract stands before a declaration, and the source that holds the function is included
behind it, so what is proved is the code that ships. Frama-C 25 knows neither _Atomic nor
__auto_type: atomics are plain here (test/proofs/include/), that is, one CPU is looked at.
"""
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
PROOFS = ROOT / "test" / "proofs"
CPP = [os.environ.get("HOSTCC", "cc"), "-E", "-C", "-P", "-std=gnu11", "-D_GNU_SOURCE",
       "-include", "lib/prefix.h",
       *(f"-I{folder}" for folder in ("test/proofs/include", ".", "include", "arch/host/include", "arch/host"))]
PLAIN = [  # what frama-c does not read, and what it reads instead
    (r"_Atomic\(([^)]*)\)", r"\1"), (r"\b_Atomic\b", ""), (r"\(\(void\)0, ", "("),
    (r"\b__typeof__\b", "typeof"),
    (r"__auto_type (\w+) = ([^;]*);", r"typeof(\2) \1 = \2;"),
    (r"\b_Static_assert\([^;]*\);", ""),  # the compiler has looked; some sizes are beyond frama-c
]
PROVE = ["frama-c", "-c11", "-machdep", "gcc_x86_64", "-ulevel", "4", "-wp", "-wp-rte", "-wp-split",
         "-wp-par", "2", "-wp-prover", "z3", "-wp-timeout", "20"]
CONTRACT = re.compile(r"@\*/\n(?:static |inline )*[\w *]*?\b(\w+)\(")
BUG = re.compile(r"^ \*\tbug (\w+) in (\S+): (.*?) => (.*)$", re.M)
TIMEOUT = 300


class Fault(Exception):
    """Why a case failed."""


def run(command, home):
    """What a command says; it must end well."""
    try:
        done = subprocess.run(command, cwd=ROOT, text=True, timeout=TIMEOUT, check=False,
                              env=dict(os.environ, HOME=home),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Fault(f"{command[0]} did not end in {TIMEOUT} s") from None
    if done.returncode:
        raise Fault(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def functions(path):
    """Those with a body: the others are described, and taken at their word."""
    text = path.read_text()
    assumed = re.findall(r"/\* taken at its word \*/\n/\*@.*?@\*/\n[\w *]*?\b(\w+)\(", text, re.S)
    prefix = dict(re.findall(r"^#define (\w+) (zn_\w+)$", (ROOT / "lib/prefix.h").read_text(), re.M))
    return [prefix.get(name, name) for name in CONTRACT.findall(text) if name not in assumed]


def edited(bug, home):
    """A copy of the room in which the edit has been made, to be found before the real one."""
    function, name, old, new = bug
    folder = pathlib.PurePath(name).parent
    shutil.copytree(ROOT / folder, pathlib.Path(home) / folder)
    source = pathlib.Path(home) / name
    text = source.read_text()
    body = re.search(r"\n[\w *]*\b%s\([^;{]*\)\n\{\n.*?\n\}\n" % function.removeprefix("zn_"), text, re.S)
    fits = body[0].count(old) if body else 0
    if fits != 1:
        raise Fault(f"this edit fits {fits} times in {function}() of {name}: {old}")
    source.write_text(text.replace(body[0], body[0].replace(old, new)))


def plain_text(path, home):
    """What the compiler would see, as frama-c reads it."""
    text = run([*CPP[:1], f"-I{home}", *CPP[1:], path], home)
    for pattern, instead in PLAIN:
        text = re.sub(pattern, instead, text)
    return text


def prove(path, bug, home):
    """(proved, goals, names of those that are open)"""
    source = pathlib.Path(home) / "proof.i"
    if bug:
        edited(bug, home)
    source.write_text(plain_text(path, home))
    names = [bug[0]] if bug else functions(path)
    said = run([*PROVE, f"-wp-fct={','.join(names)}", source], home)
    total = re.search(r"Proved goals:\s+(\d+) / (\d+)", said)
    if not total:
        raise Fault(said)
    still_open = re.findall(r"Goal (\S+) : (?:Failed|Timeout|Unknown)", said)
    return int(total.group(1)), int(total.group(2)), still_open


def run_case(path, bug):
    """(good, what to say)"""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zonal-proofs-") as home:
        try:
            run(["why3", "config", "detect"], home)
            proved, goals, still_open = prove(path, bug, home)
        except Fault as fault:
            return False, str(fault)
    if not bug and (proved != goals or not goals):
        return False, f"{proved} of {goals} goals are proved; open:\n" + "\n".join(still_open)
    if bug and proved == goals:
        return False, f"all {goals} goals are proved all the same"
    seconds = time.monotonic() - begin
    return True, f"{proved} of {goals} goals, {seconds:.1f} s"


def all_cases():
    """(name, path, edit)"""
    for path in sorted(PROOFS.glob("*.c")):
        bugs = BUG.findall(path.read_text())
        if not bugs:
            raise SystemExit(f"{path.name}: a contract without a seeded bug may say nothing")
        yield path.stem, path, None
        for number, bug in enumerate(bugs, 1):
            yield f"{path.stem}:{number}:{bug[0]}", path, bug


def main():
    globs = sys.argv[1:]
    cases = [case for case in all_cases()
             if not globs or any(fnmatch.fnmatch(case[0], g) for g in globs)]
    if not cases:
        raise SystemExit("no case matches")
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, (name, path, bug) in enumerate(cases, 1):
        good, text = run_case(path, bug)
        failed += not good
        if good:
            print(f"ok {number} - {name}: {text}", flush=True)
        else:
            print(f"not ok {number} - {name}\n# " + text.rstrip().replace("\n", "\n# "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
