#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The bugs that such code really had, put back one at a time: which test notices?

	tools/historic.py [--check|--quick] [GLOB...]

test/historic/ holds them as edits of today's files: bugs.py those of the catalogue,
races.py broken locks, masks and orderings. Each is applied to a copy of the tree, and the
quick tests run until one fails, then the hooks and the stress under the thread sanitizer. Prints TAP: `ok` with the test that noticed. An edit whose text is
no longer in its file, or stands there twice, is an error; --check looks for that alone,
--quick leaves the sanitizer out.
A GLOB chooses edits by number, item or file. JOBS=2, KT_SEED=1.
"""
import concurrent.futures
import fnmatch
import os
import queue
import sys

import mutant
import tree

SEED = int(os.environ.get("KT_SEED", "1"), 0)
JOBS = int(os.environ.get("JOBS", "2"))
QUICK = "--quick" in sys.argv


class Edit:
    def __init__(self, kind, number, item, title, parts, unseen):
        self.kind, self.number, self.item, self.title = kind, number, item, title
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


def read_edits():
    edits = []

    def adder(kind):
        def bug(number, item, title, *parts, unseen=None):
            triples = [parts[i:i + 3] for i in range(0, len(parts), 3)]
            edits.append(Edit(kind, number, item, title, triples, unseen))
        return bug

    for kind in ("bugs", "races"):
        path = os.path.join(tree.ROOT, "test/historic", kind + ".py")
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), {"bug": adder(kind)})
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


def steps_for(texts):
    return mutant.quick(SEED, texts) + ([] if QUICK else mutant.threads(SEED, texts))


def try_one(edit, benches):
    bench = benches.get()
    try:
        texts = edit.apply()
        return bench.try_edit(texts, steps_for(texts), SEED)
    finally:
        benches.put(bench)


def verdict(edit, fate, said):
    """(good, the words behind the name)"""
    if fate == "noticed":
        return True, f"# {said}"
    if fate == "unseen" and edit.unseen:
        return True, f"# SKIP {edit.unseen}"
    return False, f"# {fate}"


def main():
    globs = [a for a in sys.argv[1:] if not a.startswith("-")]
    edits = [e for e in read_edits() if e.chosen(globs)]
    if misfits(edits) or not edits:
        return 2
    if "--check" in sys.argv:
        print(f"{len(edits)} edits fit their files")
        return 0
    benches, variants, bad = queue.Queue(), {}, 0
    for slot in range(JOBS):
        benches.put(mutant.Bench(f"historic-{slot}", variants))
    first = benches.get()
    mutant.must_pass(first, steps_for(()), SEED)
    benches.put(first)
    print(f"TAP version 13\n1..{len(edits)}\n# seed {SEED}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        fates = {pool.submit(try_one, edit, benches): edit for edit in edits}
        for future in concurrent.futures.as_completed(fates):
            edit = fates[future]
            good, words = verdict(edit, *future.result())
            bad += not good
            print(f"{'ok' if good else 'not ok'} {edit.number} - historic.{edit.item} "
                  f"{edit.title} {words}", flush=True)
    print(f"# {len(edits) - bad} of {len(edits)} noticed or explained")
    return 1 if bad else 0


sys.exit(main())
