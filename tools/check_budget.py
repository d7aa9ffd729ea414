#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Limits on the size of what a reader must hold in mind at once.

Lengths are lines; functions come from ctags. Above the second number of LIMITS
the check fails, above the first it prints a warning with -w. A function that must
pass a limit says why in a comment with the word `budget:` on one of the three lines
above it; such waivers are counted and printed.
"""
import re
import subprocess
import sys

import tree

LIMITS = {  # measure: (warn above, fail above)
    "function lines": (40, 60),
    "nesting": (3, 4),
    "parameters": (4, 6),
    "lines of a .c file": (350, 500),
    "lines of a header": (150, 250),
    "lines of a public header": (320, 400),
    "lines of the Makefile": (200, 220),
    "lines of README.md": (140, 150),
    "#if per 1000 lines of mm/*.c": (0, 3),
    "hooks in port.h": (17, 20),
}
# Assertions per 1000 lines of a room, at least.
ASSERTIONS = {"mm": 15, "sched": 20, "lib": 15, "report": 15, "monitor": 15, "arch/host": 15}
ASSERTION = re.compile(r"\s*(?:D?ASSERT\w*|lock_assert_held)\(")
ESSAY_LINES = 5
LIST = "lib/prefix.h"  # a line for each name, and nothing to read
COMMENT_RATIO = 0.2
CODE = (".c", ".h")

faults, warnings, waivers = [], [], []


def measure(name, value, where, waived=False):
    warn, fail = LIMITS[name]
    text = f"{where}: {name} {value}, limit {fail}"
    if value > fail:
        (waivers if waived else faults).append(text)
    elif value > warn:
        warnings.append(text)


def functions(paths):
    """Of each path: (name, first line, last line, parameters) of each of its functions."""
    found = {path: [] for path in paths}
    output = subprocess.run(
        ["ctags", "-x", "--kinds-C=f", "--language-force=C",
         "--_xformat=%F\t%N\t%n\t%{end}\t%{signature}", *paths],
        cwd=tree.ROOT, capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        path, name, first, last, signature = line.split("\t")
        if last.isdigit():
            found[path].append((name, int(first), int(last), signature))
    return found


def parameter_count(signature):
    inner = signature.strip()[1:-1].strip()
    if inner in ("", "void"):
        return 0
    depth = count = 0
    for c in inner:
        depth += (c == "(") - (c == ")")
        count += c == "," and depth == 0
    return count + 1


def nesting(body):
    """Deepest control statement by indentation; case labels are not indented."""
    deepest = 0
    for line in body:
        match = re.match(r"(\t+)(?:\} else )?(?:if|for|while|switch|do)\b", line)
        if match:
            deepest = max(deepest, len(match.group(1)))
    return deepest


def check_functions(path, text, found):
    for name, first, last, signature in found:
        where = f"{path}:{first}: {name}()"
        waived = any("budget:" in line for line in text[max(0, first - 4):first - 1])
        measure("function lines", last - first + 1, where, waived)
        measure("nesting", nesting(text[first:last]), where, waived)
        measure("parameters", parameter_count(signature), where, waived)


def first_comment_lines(text):
    """Length of the first comment behind the licence line."""
    count, inside = 0, False
    for line in text[1:]:
        if not inside and line.startswith("/*"):
            inside = True
        if inside:
            count += 1
            if "*/" in line:
                return count
        elif line.strip():
            return 0
    return 0


def check_file(path, found):
    text = tree.lines(path)
    public = path.startswith("include/zonal/")
    kind = "a .c file" if path.endswith(".c") else "a public header" if public else "a header"
    if path != LIST:
        measure(f"lines of {kind}", len(text), path)
    if path.endswith(".c"):
        if first_comment_lines(text) < ESSAY_LINES:
            faults.append(f"{path}: no opening comment of at least {ESSAY_LINES} lines")
    for number, line in enumerate(text, 1):
        if len(line.expandtabs(8)) > 100:
            faults.append(f"{path}:{number}: longer than 100 columns")
        if line != line.rstrip():
            faults.append(f"{path}:{number}: blanks at the end of the line")
    check_functions(path, text, found)


def comment_lines(text):
    count, inside = 0, False
    for line in text:
        starts = "/*" in line
        count += inside or starts
        if starts:
            inside = True
        if inside and "*/" in line:
            inside = False
    return count


def check_core():
    texts = [tree.lines(p) for p in tree.files(".c") if p.startswith("mm/")]
    total = sum(map(len, texts))
    if not total:
        return
    conditionals = sum(bool(re.match(r"\s*#\s*if", line)) for text in texts for line in text)
    comments = sum(map(comment_lines, texts))
    code = sum(bool(line.strip()) for text in texts for line in text) - comments
    measure("#if per 1000 lines of mm/*.c", round(1000 * conditionals / total, 1), "mm")
    ratio = comments / max(code, 1)
    print(f"mm/*.c: {code} lines of code, {comments} of comment, ratio {ratio:.2f}")
    if ratio < COMMENT_RATIO:
        faults.append(f"mm: comment lines per code line {ratio:.2f}, at least {COMMENT_RATIO}")


def check_assertions():
    for room, floor in ASSERTIONS.items():
        texts = [tree.lines(p) for p in tree.files(*CODE)
                 if p.startswith(f"{room}/") and not p.startswith("lib/freestanding/")]
        count = sum(bool(ASSERTION.match(line)) for text in texts for line in text)
        rate = 1000 * count / max(sum(map(len, texts)), 1)
        print(f"{room}: {count} assertions, {rate:.1f} per 1000 lines")
        if rate < floor:
            faults.append(f"{room}: {rate:.1f} assertions per 1000 lines, at least {floor}")


def check_singles():
    for name, path in (("Makefile", "Makefile"), ("README.md", "README.md")):
        measure(f"lines of {'the ' if name == 'Makefile' else ''}{name}",
                len(tree.lines(path)), path)
    hooks = {m for line in tree.lines("include/zonal/port.h")
             for m in re.findall(r"\b(zonal_port_\w+)\(", line) if not line.lstrip().startswith("*")}
    measure("hooks in port.h", len(hooks), "include/zonal/port.h")


def main():
    paths = tree.files(*CODE)
    found = functions(paths)
    for path in paths:
        check_file(path, found[path])
    check_core()
    check_assertions()
    check_singles()
    if "-w" in sys.argv:
        print("\n".join(f"warning: {w}" for w in warnings))
    for waiver in waivers:
        print(f"waived: {waiver}")
    for fault in faults:
        print(fault)
    print(f"{len(paths)} files checked: {len(faults)} faults, {len(warnings)} warnings, "
          f"{len(waivers)} waivers")
    return 1 if faults or not paths else 0


sys.exit(main())
