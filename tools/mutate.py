#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: would the quick tests notice, if the code were slightly wrong?

	make mutate [FILES="mm/free.c sched/place.c"] [N=20] [SEED=n]

Makes N random mutants of each file (all of mm/ and sched/ if none is named), runs the quick
tests on each and lists the survivors with file, line and change. One mutant is one of:
a comparison or arithmetic operator turned, a constant or bound off by one, a statement
dropped, a condition negated, fixed or its negation lost, && for ||, the arms of a choice
swapped, a mask bit operation turned. Mutants that do not compile, or compile to the same
code, are not counted.

test/mutate/equivalent.txt keeps what was judged to change nothing that the code promises,
with the reason; see there. Ends with a table; status 1 if a file is below FLOOR or all
together below AIM (only with N of 20 and more, below that chance decides).
SEED replays a run. JOBS=2.
"""
import concurrent.futures
import glob
import hashlib
import os
import queue
import random
import re
import sys

import mutant
import tree

JOBS = int(os.environ.get("JOBS") or 2)
COUNT = int(os.environ.get("N") or "20", 0)
SEED = int(os.environ.get("SEED") or str(random.randrange(1, 1 << 31)), 0)
FLOOR, AIM = 80, 93
EQUIVALENT = os.path.join(tree.ROOT, "test/mutate/equivalent.txt")

TURNS = [  # (what to find, what it becomes), one place at a time
    (r" < ", [" <= ", " > "]), (r" > ", [" >= ", " < "]),
    (r" <= ", [" < ", " >= "]), (r" >= ", [" > ", " <= "]),
    (r" == ", [" != "]), (r" != ", [" == "]),
    (r" \+ ", [" - "]), (r" - ", [" + "]), (r" / ", [" * "]), (r" % ", [" / "]),
    (r" << ", [" >> "]), (r" >> ", [" << "]),
    (r" && ", [" || "]), (r" \|\| ", [" && "]),
    (r" & ", [" | "]), (r"(?<=[\w)]) \| ", [" & "]), (r" & ~", [" & "]),
    (r" \+= ", [" -= "]), (r" -= ", [" += "]), (r" \|= ", [" = ", " &= "]), (r" &= ", [" |= "]),
    (r"\+\+", ["--"]), (r"(?<![-\w])--(?=\w)|(?<=\w)--(?![->])", ["++"]),
    (r"(?<=[(\s|&])!(?=[\w(])", [""]), (r"~(?=[\w(])", [""]),
    (r"\btrue\b", ["false"]), (r"\bfalse\b", ["true"]),
    (r"\bZN_MIN\(", ["ZN_MAX("]), (r"\bZN_MAX\(", ["ZN_MIN("]),
    (r"\breturn NULL;", None), (r"\bcontinue;", ["break;"]), (r"\bbreak;", ["continue;"]),
    (r"(?<![\w.])\d+(?:u|ull)?(?![\w.])", "number"),
    (r"\bif \(", "condition"), (r"\? ", "choice"),
]
STATEMENT = re.compile(r"^\t+(?:[a-z_]\w*\([^;]*\)|\*?[a-z_][\w.>\[\]-]*(?: [-+|&*/]?= [^;]*|\+\+|--));$")
NOT_CODE = re.compile(r"^\s*(#|/\*|\*|//|ASSERT|DASSERT|_Static_assert|KTEST|port_log|port_panic"
                      r"|KT_|\"|static const char|enum |struct \w+ \{|case \w+:$|default:$)")
FUNCTION = re.compile(r"^(?:[a-zA-Z_][\w *]*?\b)?(\w+)\(")


class Mutant:
    def __init__(self, path, number, function, old, new):
        self.path, self.number, self.function = path, number, function
        self.old, self.new = old, new

    def key(self):
        return (self.path, self.function, squeeze(self.old), squeeze(self.new))


def squeeze(text):
    return " ".join(text.split())


def code_lines(lines):
    """(index, function) of the lines that can be mutated: in a function, no comment."""
    function, comment, assertion = "", False, False
    for i, line in enumerate(lines):
        starts = FUNCTION.match(line)
        if starts and not line.startswith("#"):
            function = starts.group(1)
        was_comment = comment
        if "/*" in line or comment:
            comment = "*/" not in line[line.rfind("/*"):] if "/*" in line else "*/" not in line
        skip = assertion
        if re.match(r"\s*(D?ASSERT\w*|port_log|port_panic|_Static_assert)\(", line) or assertion:
            assertion = not line.rstrip().endswith(";")
            skip = True
        if line.startswith("\t") and function and not (was_comment or skip or NOT_CODE.match(line)):
            yield i, function


def matching(line, start):
    """Index of the parenthesis that closes the one at `start`, -1 if not on this line."""
    depth = 0
    for i in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[i], 0)
        if depth == 0:
            return i
    return -1


def variants(line, match, what):
    """What a match in a line becomes."""
    head, tail, found = line[:match.start()], line[match.end():], match.group(0)
    if what is None:
        return []
    if what == "number":
        number = re.match(r"\d+", found).group(0)
        suffix = found[len(number):]
        values = {int(number) + 1, max(int(number) - 1, 0)} - {int(number)}
        return [f"{head}{v}{suffix}{tail}" for v in sorted(values)]
    if what == "condition":
        end = matching(line, match.end() - 1)
        inner = line[match.end():end]
        return [] if end < 0 else [f"{head}if ({c}){line[end + 1:]}"
                                   for c in (f"!({inner})", "0", "1")]
    if what == "choice":
        parts = re.match(r"(.*?) : ([^;,)]*)(.*)", tail)
        return [f"{head}? {parts[2]} : {parts[1]}{parts[3]}"] if parts else []
    return [head + w + tail for w in what]


def mutants_of(path):
    with open(os.path.join(tree.ROOT, path), encoding="utf-8") as file:
        lines = file.read().split("\n")
    for i, function in code_lines(lines):
        line = lines[i]
        code = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group(0)), line)
        code = re.sub(r'"[^"]*"', lambda m: '"' + "_" * (len(m.group(0)) - 2) + '"', code)
        for pattern, what in TURNS:
            for match in re.finditer(pattern, code):
                for new in variants(line, match, what):
                    yield Mutant(path, i, function, line, new)
        if STATEMENT.match(line) and not line.strip().startswith("return"):
            before = lines[i - 1].rstrip()
            body = before.endswith((")", "else", "do")) and not before.endswith("};")
            yield Mutant(path, i, function, line, "\t;" if body else "")


def read_equivalent():
    """{key: reason}; a block is four lines, see the file's own head."""
    known = {}
    if not os.path.exists(EQUIVALENT):
        return known
    with open(EQUIVALENT, encoding="utf-8") as file:
        lines = [l.rstrip("\n") for l in file if l.strip() and not l.startswith("#")]
    for i in range(0, len(lines), 4):
        place, old, new, why = lines[i:i + 4]
        path, function = place.split()
        if not (old.startswith("- ") and new.startswith("+") and why.startswith("= ")):
            sys.exit(f"{EQUIVALENT}: {place}: expected '- old', '+ new', '= why'")
        known[(path, function, squeeze(old[2:]), squeeze(new[1:]))] = why[2:]
    return known


def draw(path, known):
    """N mutants of a file, spread over its lines: no line twice before all had their turn."""
    rng = random.Random(f"{SEED} {path}")
    pool = [m for m in mutants_of(path) if m.key() not in known]
    by_line = {}
    for m in pool:
        by_line.setdefault(m.number, []).append(m)
    for group in by_line.values():
        rng.shuffle(group)
    drawn = []
    while len(drawn) < COUNT and by_line:
        numbers = list(by_line)
        rng.shuffle(numbers)
        for number in numbers:
            drawn.append(by_line[number].pop())
            if not by_line[number]:
                del by_line[number]
    return drawn[:COUNT + COUNT // 2]  # some will not compile


def digest(objects, path):
    with open(objects[path], "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def apply(m, text):
    lines = text.split("\n")
    lines[m.number] = m.new
    return "\n".join(lines)


def steps_for(m, found):
    """The suites first that noticed others of this file: they will most often be enough."""
    steps = mutant.quick(SEED, [m.path])
    likely = [f"{suite}.*" for suite in sorted(found)]
    return [steps[0].of(",".join(likely)), *steps] if likely else steps


def try_mutant(m, benches, done, found):
    if len(done[m.path]) >= COUNT:
        return
    bench = benches.get()
    try:
        with open(os.path.join(tree.ROOT, m.path), encoding="utf-8") as file:
            text = file.read()
        if m.path not in bench.plain:
            bench.plain[m.path] = digest(bench.compile(bench.variant("host-mutant"), [m.path]),
                                         m.path)
        fate, said = bench.try_edit({m.path: apply(m, text)}, steps_for(m, found), SEED,
                                    lambda made: digest(made, m.path) == bench.plain[m.path])
    finally:
        benches.put(bench)
    if fate in ("the same code", "does not compile"):
        return
    done[m.path].append((m, fate))
    if fate == "noticed" and said[0] == "unit" and "." in said[1]:
        found.add(said[1].split(".")[0])
    if fate == "unseen":
        print(f"{m.path}:{m.number + 1}: {m.function}\n- {squeeze(m.old)}\n+ {squeeze(m.new)}",
              flush=True)
    elif os.environ.get("V") == "1":
        print(f"# {m.path}:{m.number + 1}: {squeeze(m.new)}: {fate} "
              f"{' '.join(said or ())}", flush=True)


def table(done):
    """Prints noticed of tried by file; the status of the run."""
    low, all_seen, all_tried = [], 0, 0
    for path in sorted(done):
        tried, seen = len(done[path]), sum(fate == "noticed" for _, fate in done[path])
        all_seen, all_tried = all_seen + seen, all_tried + tried
        percent = 100 * seen // tried if tried else 100
        print(f"{path:28} {seen:4} of {tried:4} {percent:4} %")
        if percent < FLOOR:
            low.append(path)
    percent = 100 * all_seen / all_tried if all_tried else 0
    print(f"{'all':28} {all_seen:4} of {all_tried:4} {percent:6.1f} %   SEED={SEED}")
    return 1 if COUNT >= 20 and (low or percent < AIM) else 0


def stale(known, files):
    """Judgements of lines that are gone: the code has moved on, so must they."""
    there = {m.key() for path in files for m in mutants_of(path)}
    return [key for key in known if key[0] in files and key not in there]


def main():
    files = sys.argv[1:] or sorted(
        p for folder in ("mm", "mm/*", "sched")
        for p in glob.glob(f"{folder}/*.c", root_dir=tree.ROOT))
    known = read_equivalent()
    for path, function, old, new in stale(known, files):
        print(f"# no longer there: {path} {function}: {old} -> {new or 'dropped'}")
    print(f"# SEED={SEED} N={COUNT}: {len(files)} files, {len(known)} judged equivalent", flush=True)
    benches, built = queue.Queue(), {}
    for slot in range(JOBS):
        bench = mutant.Bench(f"mutate-{slot}", built)
        bench.plain = {}
        benches.put(bench)
    first = benches.get()
    for room in sorted({path.split("/")[0] for path in files}):  # as each mutant is asked
        mutant.must_pass(first, mutant.quick(SEED, [f"{room}/"]), SEED)
    benches.put(first)
    done, found = {path: [] for path in files}, {path: set() for path in files}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for future in [pool.submit(try_mutant, m, benches, done, found[m.path])
                       for path in files for m in draw(path, known)]:
            future.result()
    return table(done)


if __name__ == "__main__":
    sys.exit(main())
