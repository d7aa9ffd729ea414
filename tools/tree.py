# SPDX-License-Identifier: BSD-2-Clause
"""The source files of the tree, for the checks in this folder."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIPPED = {".git", "build", "__pycache__"}


def files(*suffixes):
    """Paths below the root, sorted, whose names end in one of the suffixes."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        # A folder with build products has the stamps of tools/setup.sh.
        folders[:] = [
            f
            for f in folders
            if f not in SKIPPED and not os.path.exists(os.path.join(folder, f, "setup.build"))
        ]
        for name in names:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return sorted(found)


def lines(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read().splitlines()
