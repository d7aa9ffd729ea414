#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The bugs that such code really had, put back one at a time: which test notices?

	tools/historic.py [--check|--write] [GLOB...]

test/historic/ holds them as edits of today's files: bugs.py those of the catalogue,
races.py broken locks, masks and orderings. Each is applied to a copy of the tree. The test
that the table in test/historic/README.md names is asked first; if it is content, or none
is named, all are asked, cheapest first: the unit tests, something else at every access,
the model, the oracle, boards, and threads under the sanitizer. Prints TAP, `ok` with the
test that noticed; --write puts that into the table. An edit whose text is no longer in its
file, or stands there twice, is an error; --check looks for that alone, and for edits that
the table lacks.

An edit may say unseen="reason": only a machine that reorders shows it, and a model of
test/models/ is where it is found. These count apart, and one that is noticed all the same
is an error, since the reason is false then.

A GLOB chooses edits by number, item or file. JOBS=2, KT_SEED=1.
"""
import concurrent.futures
import fnmatch
import os
import queue
import re
import sys

import mutant
import tree

SEED = int(os.environ.get("KT_SEED", "1"), 0)
JOBS = int(os.environ.get("JOBS", "2"))
TABLE = os.path.join(tree.ROOT, "test/historic/README.md")
ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]*) \|$", re.M)


class Edit:
    def __init__(self, number, item, title, parts, unseen):
        self.number, self.item, self.title = number, item, title
        self.parts, self.unseen = parts, unseen

    def apply(self):
        """{path: text}; ValueError names what does not fit any more."""
        texts = {}
        for path, old, new in self.parts:
            if not os.path.exists(os.path.join(tree.ROOT, path)):
                raise ValueError(f"{path} is not there")
            if path not in texts:
                with open(os.path.join(tree.ROOT, path), encoding="utf-8") as file:
                    texts[path] = file.read()
            if texts[path].count(old) != 1:
                raise ValueError(f"{path} has {texts[path].count(old)} times: "
                                 f"{old.strip().splitlines()[0].strip()}")
            texts[path] = texts[path].replace(old, new)
        return texts

    def chosen(self, globs):
        names = [str(self.number), self.item] + [path for path, _, _ in self.parts]
        return not globs or any(fnmatch.fnmatch(n, g) for n in names for g in globs)

    def row(self, noticed):
        files = ", ".join(sorted({f"`{path}`" for path, _, _ in self.parts}))
        return f"| {self.number} | {self.item} | {self.title} | {files} | {noticed} |"


def read_edits():
    edits = []

    def bug(number, item, title, *parts, unseen=None):
        triples = [parts[i:i + 3] for i in range(0, len(parts), 3)]
        edits.append(Edit(number, item, title, triples, unseen))

    for kind in ("bugs", "races"):
        path = os.path.join(tree.ROOT, "test/historic", kind + ".py")
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), {"bug": bug})
    return edits


def misfits(edits):
    found = 0
    for edit in edits:
        try:
            edit.apply()
        except ValueError as why:
            found += 1
            print(f"historic {edit.number} ({edit.item}, {edit.title}): {why}")
    return found


def read_table():
    """{number: who noticed}, as the table has it."""
    with open(TABLE, encoding="utf-8") as file:
        return {int(number): words for number, words in ROW.findall(file.read())}


def write_table(edits, noticed):
    with open(TABLE, encoding="utf-8") as file:
        head = file.read().split("\n| 1 |")[0]
    rows = [edit.row(noticed.get(edit.number, "")) for edit in edits]
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write(head + "\n" + "\n".join(rows) + "\n")


def unlisted(edits, table):
    """Edits whose row is not in the table, or names nobody."""
    missing = [str(edit.number) for edit in edits if not table.get(edit.number)]
    if missing:
        print(f"test/historic/README.md lacks: {' '.join(missing)}")
    return len(missing)


def expected(table, number):
    """The step that the table names, or None: `unit` `rows_b.b12_x`."""
    words = table.get(number, "").replace("`", "").split()
    step = mutant.steps(SEED).get(words[0]) if words else None
    return [step.of(words[1] if len(words) > 1 else "")] if step else []


def try_one(edit, benches, table, proven):
    bench = benches.get()
    try:
        texts = edit.apply()
        fate, said = "unseen", None
        if edit.unseen is None and expected(table, edit.number):
            fate, said = bench.try_edit(texts, expected(table, edit.number), SEED)
        if fate == "unseen":
            fate, said = bench.try_edit(texts, mutant.all_steps(SEED, texts), SEED)
        if fate == "noticed" and said[0] not in proven:
            # What complains of the tree as it is has noticed nothing.
            mutant.must_pass(bench, [mutant.steps(SEED)[said[0]]], SEED)
            proven.add(said[0])
        return fate, said
    finally:
        benches.put(bench)


def verdict(edit, fate, said):
    """(good, the words behind the name, the cell of the table)"""
    if fate == "noticed" and edit.unseen:
        return False, f"# noticed, though said to be unseen: {' '.join(said)}", ""
    if fate == "noticed":
        step, test, words = said
        return True, f"# {step}: {test} {words}", f"{step} `{test}`" if test else f"{step}"
    if fate == "unseen" and edit.unseen:
        return True, f"# SKIP {edit.unseen}", f"not here: {edit.unseen}"
    return False, f"# {fate}", ""


def run(edits, table):
    """How many are not as they should be; fills the table in."""
    benches, variants, proven, bad = queue.Queue(), {}, set(), 0
    for slot in range(JOBS):
        benches.put(mutant.Bench(f"historic-{slot}", variants))
    print(f"TAP version 13\n1..{len(edits)}\n# seed {SEED}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        fates = {pool.submit(try_one, edit, benches, table, proven): edit for edit in edits}
        for future in concurrent.futures.as_completed(fates):
            edit = fates[future]
            good, words, table[edit.number] = verdict(edit, *future.result())
            bad += not good
            print(f"{'ok' if good else 'not ok'} {edit.number} - historic.{edit.item} "
                  f"{edit.title} {words}", flush=True)
    return bad


def main():
    globs = [a for a in sys.argv[1:] if not a.startswith("-")]
    edits = [e for e in read_edits() if e.chosen(globs)]
    if misfits(edits) or not edits:
        return 2
    table = read_table()
    if "--check" in sys.argv:
        print(f"{len(edits)} edits fit their files")
        return 1 if unlisted(edits, table) else 0
    bad = run(edits, table)
    if "--write" in sys.argv:
        write_table(read_edits(), table)
    weak = sum(edit.unseen is not None for edit in edits)
    print(f"# {len(edits) - weak} to be noticed, {weak} by models only; {bad} not as it should be")
    return 1 if bad else 0


sys.exit(main())
