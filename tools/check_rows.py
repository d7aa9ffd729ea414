#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every row of test/rows.tsv has a test that ran and passed.

check_rows.py LOGS: reads the TAP in the logs of this run. Columns of rows.tsv, apart
by tabs: row, where (host, target, both or next), globs of test names apart by commas,
note. Every glob must match a test that passed on each side named; a skipped test did not
run. `next` is for a row whose mechanism comes later, and must say so in its note.
check_rows.py alone looks at the table only: its columns can be wrong in the first minute
of a run, and need not wait for the last board to be told.
"""
import fnmatch
import glob
import os
import re
import sys

import tree

OK = re.compile(r"^ok \d+ - (\S+)(.*)$")
LOGS = {"host": ("host", "hooks", "model", "script"), "boot": ("boot", "image")}
WHERE = {"host": ["host"], "target": ["boot"], "both": ["host", "boot"], "next": []}


def passed(logs, kind):
    names = set()
    for path in [p for k in LOGS[kind] for p in glob.glob(os.path.join(logs, f"{k}-*.log"))]:
        with open(path, errors="replace") as file:
            for line in file:
                match = OK.match(line.rstrip())
                if match and "# SKIP" not in match.group(2):
                    names.add(match.group(1))
    return names


def row_faults(number, fields, ran):
    if len(fields) != 4:
        return [f"line {number}: {len(fields)} columns, expected row, where, tests, note"]
    row, where, tests, note = (f.strip() for f in fields)
    if where not in WHERE:
        return [f"{row}: where is '{where}', expected one of {', '.join(WHERE)}"]
    if where == "next":
        return [] if note else [f"{row}: 'next' without a reason"]
    patterns = [t.strip() for t in tests.split(",") if t.strip()]
    faults = [] if patterns else [f"{row}: names no test"]
    for kind in WHERE[where] if ran else []:
        for pattern in patterns:
            if not fnmatch.filter(ran[kind], pattern):
                faults.append(f"{row}: no test {pattern} ran and passed ({kind})")
    return faults


def main():
    logs = sys.argv[1] if len(sys.argv) > 1 else None
    ran = {kind: passed(logs, kind) for kind in ("host", "boot")} if logs else {}
    faults, seen = [], {}
    for number, line in enumerate(tree.lines("test/rows.tsv"), 1):
        if not line.strip() or line.startswith(("#", "row\t")):
            continue
        fields = line.split("\t")
        seen[fields[0]] = seen.get(fields[0], 0) + 1
        faults += row_faults(number, fields, ran)
    faults += [f"{row}: listed {count} times" for row, count in seen.items() if count > 1]
    tests = (f"{len(ran['host'])} tests passed on the host, "
             f"{len(ran['boot'])} on the boards, ") if ran else ""
    print("\n".join(faults + [f"{len(seen)} rows, {tests}{len(faults)} faults"]))
    return 1 if faults or not seen else 0


sys.exit(main())
