# SPDX-License-Identifier: BSD-2-Clause
"""The selection of `make test TEST=`, globs of test names apart by commas, for the scripts
in Python. Without one every case runs."""
import fnmatch
import os

GLOBS = [glob for glob in os.environ.get("TEST", "").split(",") if glob]


def selected(name):
    """Is the case of this full name asked for?"""
    return not GLOBS or any(fnmatch.fnmatchcase(name, glob) for glob in GLOBS)


def plan(count):
    """The line of TAP that says how many cases there are."""
    if count or not GLOBS:
        return f"1..{count}"
    return f"1..0 # SKIP no case of TEST={','.join(GLOBS)}"
