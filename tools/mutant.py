# SPDX-License-Identifier: BSD-2-Clause
"""A place to try one edit of the tree: compile what it touches, link, run the quick tests.

The unchanged objects come from the variant host-mutant, which has the costly assertions on
and ends where something undefined is done; an edit costs the files that hold it or include
it, a link, and the tests up to the first that fails. Each place has a copy of the sources
below $O/mutants, so that several edits are tried side by side and the tree itself is never
changed.

A test program that dies, does not end in time or prints without an end has noticed the
edit as well as one that fails.
"""
import os
import re
import resource
import shutil
import subprocess
import sys

import tree

BUILD = os.environ.get("O", "build")
ENOUGH = ["-O1", "-g0", "-w", "-Wno-error"]  # a mutant need not be fast or clean
PRINTED_MAX = 64 << 20
# What an edited header goes into; tests and tools that include it stay as they are, which
# is right for all that does not move a field.
CORE = ("mm/", "sched/", "lib/", "arch/", "board/", "report/")
FOLDERS = ("arch", "board", "drivers", "include", "lib", "mm", "monitor", "platform",
           "report", "sched", "test", "tools")


class Step:
    """One program to ask, its arguments, and how many seconds of a CPU it may take. By the
    clock it has twenty times that, so that a busy host does not pass for an endless loop."""

    def __init__(self, variant, program, arguments, seconds, finds):
        self.variant, self.program, self.arguments = variant, program, arguments
        self.seconds, self.finds = seconds, finds


def cases(rooms):
    """Globs of the suites that the unit tests of these rooms define."""
    suites = set()
    for path in tree.files(".c"):
        if path.startswith(tuple(f"test/unit/{room}/" for room in rooms)):
            suites |= set(re.findall(r"^KTEST(?:_F)?\((\w+), ", "\n".join(tree.lines(path)), re.M))
    return [f"{suite}.*" for suite in sorted(suites)]


def quick(seed, paths=()):
    """The tests of a mutant, cheapest first. What lies in one room is asked of the tests of
    that room; the others would be slower and see no more."""
    rooms = {path.split("/")[0] for path in paths}
    figures = sorted(os.path.join(tree.ROOT, "test/oracle", name)
                     for name in os.listdir(os.path.join(tree.ROOT, "test/oracle"))
                     if name.startswith(("state", "probe", "policy")) and name.endswith(".json"))
    if rooms in ({"sched"}, {"board"}):
        return [Step("host-mutant", "test", cases(rooms), 15, "unit")]
    if rooms and not rooms & {"mm", "lib", "include", "arch"}:
        return [Step("host-mutant", "test", [], 15, "unit")]
    return [
        Step("host-mutant", "test", cases(["mm", "report"]) if rooms == {"mm"} else [], 15, "unit"),
        Step("host-mutant", "model", ["--seed", str(seed), "--ops", "60000"], 15, "model"),
        Step("host-mutant", "oracle", figures, 20, "oracle"),
    ]


def threads(seed, paths=()):
    """For locks, masks and orderings: something else at every access in turn, and threads
    under the sanitizer."""
    steps = [
        Step("host-hooks", "hooks", [], 40, "hooks"),
        Step("host-tsan", "stress", ["--seed", str(seed), "--ops", "400000"], 40, "stress"),
    ]
    if any(path.startswith("sched/") for path in paths):
        steps.append(Step("host-tsan", "test", ["sched.*"], 60, "threads"))
    return steps


def make_says(goal):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", "-s", "--no-print-directory", f"O={BUILD}", goal],
                          cwd=tree.ROOT, env=env, check=True, capture_output=True,
                          text=True).stdout.split()


class Variant:
    """The objects of one way to build the host programs, and who includes what."""

    def __init__(self, name):
        self.base = os.path.join(tree.ROOT, BUILD, name)
        with open(os.path.join(self.base, "command"), encoding="utf-8") as file:
            self.command = file.read().split()
        self.sources, self.users, self.libs = {}, {}, []
        for folder, _, names in os.walk(os.path.join(self.base, "obj")):
            for name in names:
                if name.endswith(".d"):
                    self.read_users(os.path.join(folder, name))

    def read_users(self, path):
        source = os.path.relpath(path, os.path.join(self.base, "obj"))[:-2] + ".c"
        with open(path, encoding="utf-8") as file:
            words = file.read().replace("\\\n", " ").split(":", 2)[1].split()
        for word in words:
            self.users.setdefault(os.path.normpath(word), set()).add(source)

    def sources_of(self, program):
        if program not in self.sources:
            words = make_says(f"sources-{program}")
            self.libs = [w for w in words if w.startswith("-")]
            self.sources[program] = [w for w in words if not w.startswith("-")]
        return self.sources[program]

    def object(self, source):
        return os.path.join(self.base, "obj", source[:-2] + ".o")


def limits(seconds):
    def apply():
        resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_MAX, PRINTED_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    return apply


def first_complaint(text):
    """The test that failed, or how the program ended, in a few words."""
    for pattern in (r"^not ok \d+ - (\S+)", r"^(?:# )?(Bail out! .*)", r"(WARNING: ThreadSanitizer.*)",
                    r"(ERROR: \w+Sanitizer.*)", r"^(.* deviates.*)"):
        match = re.search(pattern, text, re.M)
        if match:
            return re.sub(r" \(pid=\d+\)", "", match.group(1)).strip()[:100]
    return ""


class Bench:
    """A copy of the sources with room for the objects of one edit."""

    def __init__(self, slot, variants):
        self.slot, self.variants = slot, variants
        self.root = os.path.join(tree.ROOT, BUILD, "mutants", str(slot))
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(self.root)
        for folder in FOLDERS:
            shutil.copytree(os.path.join(tree.ROOT, folder), os.path.join(self.root, folder),
                            symlinks=True)

    def variant(self, name):
        if name not in self.variants:
            self.variants[name] = Variant(name)
        return self.variants[name]

    def compile(self, variant, paths):
        """Objects of all that the edited files go into; None if one does not compile."""
        sources = set()
        for path in paths:
            users = variant.users.get(path, set())
            sources |= {path} if path.endswith(".c") else {u for u in users if u.startswith(CORE)}
        objects = {}
        for source in sorted(sources):
            out = os.path.join(self.root, "obj", source[:-2] + ".o")
            os.makedirs(os.path.dirname(out), exist_ok=True)
            done = subprocess.run(variant.command + ENOUGH + ["-c", "-o", out, source],
                                  cwd=self.root, capture_output=True, check=False)
            if done.returncode:
                return None
            objects[source] = out
        return objects

    def link(self, variant, program, objects):
        out = os.path.join(self.root, "bin", program)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        sources = variant.sources_of(program)
        files = [objects.get(s) or variant.object(s) for s in sources]
        sanitize = [w for w in variant.command if w.startswith("-fsanitize")]
        done = subprocess.run([variant.command[0], *sanitize, "-o", out, *files, *variant.libs],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} does not link: {done.stderr[-400:]}")
        return out

    def ask(self, step, path, seed):
        """None if the program is content, else what it says."""
        log = path + ".log"
        env = dict(os.environ, KT_SEED=str(seed), TSAN_OPTIONS="halt_on_error=1")
        try:
            with open(log, "wb") as out:
                done = subprocess.run([path, *step.arguments], cwd=self.root, stdout=out,
                                      stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env,
                                      timeout=20 * step.seconds,
                                      preexec_fn=limits(step.seconds), check=False)
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = "no end in time"
        if status == 0:
            return None
        with open(log, errors="replace", encoding="utf-8") as file:
            said = first_complaint(file.read(4 << 20))
        return f"{step.finds}: {said or f'status {status}'}"

    def try_edit(self, edits, steps, seed):
        """edits: {path: new text}. ('noticed', who), ('unseen', '') or ('does not compile', '')."""
        old = {}
        for path, text in edits.items():
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                old[path] = file.read()
            with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
                file.write(text)
        try:
            return self.try_steps(list(edits), steps, seed)
        finally:
            for path, text in old.items():
                with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
                    file.write(text)

    def try_steps(self, paths, steps, seed):
        objects = {}
        for step in steps:
            variant = self.variant(step.variant)
            if step.variant not in objects:
                objects[step.variant] = self.compile(variant, paths)
            if objects[step.variant] is None:
                return "does not compile", ""
            program = self.link(variant, step.program, objects[step.variant])
            said = self.ask(step, program, seed)
            if said:
                return "noticed", said
        return "unseen", ""


def must_pass(bench, steps, seed):
    """The unchanged tree has to pass, or every edit would count as noticed."""
    fate, said = bench.try_edit({}, steps, seed)
    if fate != "unseen":
        print(f"the tree without any edit: {fate} {said}", file=sys.stderr)
        sys.exit(2)
