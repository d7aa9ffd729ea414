# SPDX-License-Identifier: BSD-2-Clause
"""For the scripts in Python: the selection of `make test TEST=`, globs of test names apart by
commas, and how what it leaves runs and is printed. Without one every case runs."""
import fnmatch
import os
import sys

GLOBS = [glob for glob in os.environ.get("TEST", "").split(",") if glob]


def selected(name):
    """Is the case of this full name asked for?"""
    return not GLOBS or any(fnmatch.fnmatchcase(name, glob) for glob in GLOBS)


def plan(count):
    """The line of TAP that says how many cases there are."""
    if count or not GLOBS:
        return f"1..{count}"
    return f"1..0 # SKIP no case of TEST={','.join(GLOBS)}"


def run_cases(suite, cases, errors=()):
    """Run those of `cases` that are asked for, print them as TAP, and return the exit status.

    A case is a function without arguments that returns texts that say what is wrong. An exception
    of `errors` is one such text; another one ends the script, and the plan says what is missing.
    """
    cases = [case for case in cases if selected(f"{suite}.{case.__name__}")]
    print(plan(len(cases)), flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            faults = case()
        except errors as error:
            faults = [f"{type(error).__name__}: {error}"]
        print(f"{'not ' if faults else ''}ok {number} - {suite}.{case.__name__}")
        for fault in faults:
            print("# " + str(fault).replace("\n", "\n# "))
        sys.stdout.flush()
        failed += bool(faults)
    return 1 if failed else 0
