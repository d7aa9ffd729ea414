# SPDX-License-Identifier: BSD-2-Clause
"""A place to try one edit of the tree: compile what it touches, link, run the quick tests.

The unchanged objects come from the variant host-mutant, which has the costly assertions on
and ends where something undefined is done; an edit costs the files that hold it or include
it, a link, and the tests up to the first that fails. Each place has a copy of the sources
below $O/mutants, so that several edits are tried side by side and the tree itself is never
changed.

A test program that dies, does not end in time or prints without an end has noticed the
edit as well as one that fails. It is ended at the first test that fails.
An endless loop is seen by the processor time of the program and its children, which is read
from /proc (not every host enforces RLIMIT_CPU), a deadlock by time that stands still.
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import tree

BUILD = os.environ.get("O", "build")
ENOUGH = ["-O1", "-g0", "-w", "-Wno-error"]  # a mutant need not be fast or clean
LINKER = ["-fuse-ld=gold"] if shutil.which("ld.gold") else []  # takes half as long
ONCE = dict(os.environ, CCACHE_DISABLE="1")  # no edit is compiled twice
PRINTED_MAX = 16 << 20
WALL = 5
STILL = 15  # seconds of the clock without one tick of a CPU: all of them wait for each other
TICKS = os.sysconf("SC_CLK_TCK")
# What an edited header goes into: all of these that include it, and the tests that name it
# because they ask its inline functions. The rest stays as it is, which is right for all that
# does not move a field.
CORE = ("mm/", "sched/", "lib/", "arch/", "board/", "report/", "user/")
FOLDERS = ("arch", "block", "board", "drivers", "dts", "include", "lib", "mm", "monitor", "platform",
           "report", "sched", "test", "tools", "user")


class Step:
    """One program to ask, its arguments, and how many seconds of a CPU it may take. By the
    clock it has WALL times that, so that a busy host does not pass for an endless loop. A
    script is asked instead of the program, which it finds in the environment. A narrow one
    has an edited header of lib/ go only into the tests that name it."""

    def __init__(self, finds, variant, program, arguments, seconds):
        self.finds, self.variant, self.program = finds, variant, program
        self.arguments, self.seconds = arguments, seconds
        self.script, self.only, self.narrow = None, "", False

    def of(self, name):
        """The same for one test alone."""
        alone = Step(self.finds, self.variant, self.program, self.arguments, self.seconds)
        alone.script, alone.narrow = self.script, self.narrow
        if self.script:
            alone.only = name
        elif name:
            alone.arguments = [name]
        return alone


def defined(room, pattern):
    """What the unit tests of a room define, as `pattern` finds it."""
    found = []
    for path in tree.files(".c"):
        if path.startswith(f"test/unit/{room}/"):
            found += re.findall(pattern, "\n".join(tree.lines(path)), re.M)
    return found


def cases(rooms):
    """Globs of the suites that the unit tests of these rooms define."""
    suites = {suite for room in rooms for suite in defined(room, r"^KTEST(?:_F)?\((\w+), ")}
    return [f"{suite}.*" for suite in sorted(suites)]


def threaded():
    """Tests of sched/ with threads, but for the one that takes a minute under the sanitizer."""
    return ["sched.a_task_that_names*", "sched.the_queue_of_a_task*"] + [
        f"sched.{name}" for name in defined("sched", r"^SCHED_TEST\((\w+)\)")
        if "ten_thousand" not in name]


def oracle_files():
    """What a real kernel did: all that is compared, and of the frames one record a board."""
    folder = os.path.join(tree.ROOT, "test/oracle")
    found = [name for name in os.listdir(folder)
             if name.startswith(("state", "probe", "policy", "kswapd")) and name.endswith(".json")]
    found += [f"frames/{name}" for name in os.listdir(os.path.join(folder, "frames"))
              if name.endswith("-c2-s3.txt.gz")]
    return sorted(os.path.join(folder, name) for name in found)


def steps(seed):
    """{name: step} of all there is to ask."""
    found = [
        Step("unit", "host-mutant", "test", [], 20),
        Step("hooks", "host-hooks", "hooks", [], 15),
        Step("model", "host-mutant", "model", ["--seed", str(seed), "--ops", "30000"], 15),
        Step("oracle", "host-mutant", "oracle", oracle_files(), 20),
        Step("boards", "host-mutant", "topology", [], 40),
        Step("stress", "host-tsan", "stress", ["--seed", str(seed), "--ops", "400000"], 40),
        Step("locks", "host-tsan", "test", ["lock.*", "rows_t.t4*", "rows_t.t5*", "rows_z.z3*"], 20),
        Step("threads", "host-tsan", "test", threaded(), 120),
    ]
    by_name = {step.finds: step for step in found}
    by_name["boards"].script = "test/t/topology.t"
    by_name["locks"].narrow = True
    return by_name


def quick(seed, paths=()):
    """The tests of a mutant, cheapest first. What lies in one room is asked of the tests of
    that room; the others would be slower and see no more."""
    known, rooms = steps(seed), {path.split("/")[0] for path in paths}
    if rooms == {"board"}:
        known["unit"].arguments = cases(["board"])
        return [known["unit"], known["boards"]]
    if rooms == {"sched"}:
        known["unit"].arguments = cases(["sched"])
        return [known["unit"]]
    if rooms and not rooms & {"mm", "lib", "include", "arch"}:
        return [known["unit"]]
    if rooms == {"mm"}:
        known["unit"].arguments = cases(["mm", "report"])
    return [known["unit"], known["model"], known["oracle"]]


def all_steps(seed, paths):
    """The same for locks, masks and orderings too: something else at every access in turn,
    and threads under the sanitizer."""
    known, rooms = steps(seed), {path.split("/")[0] for path in paths}
    found = quick(seed, paths)
    if rooms == {"board"}:
        return found
    if rooms == {"lib"}:
        found = [known["locks"], known["hooks"], *found, known["stress"]]
    elif rooms != {"sched"}:
        found = [found[0], known["hooks"], known["locks"], *found[1:], known["stress"]]
    return found + ([known["threads"]] if rooms & {"sched", "lib"} else [])


def make_says(goal):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", "-s", "--no-print-directory", f"O={BUILD}", goal],
                          cwd=tree.ROOT, env=env, check=True, capture_output=True,
                          text=True).stdout.split()


class Variant:
    """The objects of one way to build the host programs, and who includes what."""

    def __init__(self, name):
        self.name, self.base = name, os.path.join(tree.ROOT, BUILD, name)
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
    """(test, what it says) of the first that failed, or how the program ended."""
    failed = re.search(r"^not ok \d+ - (\S+)", text, re.M)
    died = re.search(r"^(?:# )?(Bail out! .*)", text, re.M)
    if failed and not (died and died.start() < failed.start()):
        return failed.group(1), "failed"
    if died:
        test = re.search(r"Bail out! .* in (\w+\.\w+)$", text, re.M)
        return test.group(1) if test else "", died.group(1)[:100]
    for pattern in (r"(WARNING: ThreadSanitizer.*)", r"(ERROR: \w+Sanitizer.*)",
                    r"^(.* deviates.*)"):
        match = re.search(pattern, text, re.M)
        if match:
            return "", re.sub(r" \(pid=\d+\)", "", match.group(1)).strip()[:100]
    return "", ""


def end(program):
    """With the children that a test of a panic has."""
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def cpu_used(group):
    """Seconds of a CPU that the processes of a group have had, with the children they waited for."""
    ticks = 0
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(name)}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (ValueError, OSError):  # no process, or one that has just ended
            continue
        if int(fields[2]) == group:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


def watch(program, seconds, late, over):
    """Ends the program when its time is up: that of a CPU, that of the clock, or none used."""
    start = moved = time.monotonic()
    used = 0.0
    while not over.wait(0.25):
        now, before, used = time.monotonic(), used, cpu_used(program.pid)
        moved = now if used != before else moved
        if used > seconds or now - start > WALL * seconds or now - moved > STILL:
            late.set()
            end(program)
            return


def listen(program):
    """(what it printed, its status); ends it when the first test has failed."""
    text = []
    size = 0
    for line in program.stdout:
        size += len(line)
        text.append(line.decode(errors="replace"))
        if line.startswith(b"not ok ") or size > PRINTED_MAX:
            end(program)
            program.wait()
            return "".join(text), "ended"
    return "".join(text), program.wait()


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

    def names(self, user, header):
        with open(os.path.join(self.root, user), encoding="utf-8") as file:
            return f'#include "{header}"' in file.read()

    def compile(self, variant, paths, narrow=False):
        """Objects of all that the edited files go into; None if one does not compile."""
        sources = set()
        for path in paths:
            users = variant.users.get(path, set())
            # A test that includes a .c file tests a copy of its own.
            sources |= {path, *users} if path.endswith(".c") else {
                user for user in users if self.names(user, path) or
                (user.startswith(CORE) and not (narrow and path.startswith("lib/")))}
        objects = {}
        for source in sorted(sources):
            out = os.path.join(self.root, variant.name, "obj", source[:-2] + ".o")
            os.makedirs(os.path.dirname(out), exist_ok=True)
            done = subprocess.run(variant.command + ENOUGH + ["-c", "-o", out, source],
                                  cwd=self.root, capture_output=True, check=False, env=ONCE)
            if done.returncode:
                return None
            objects[source] = out
        return objects

    def link(self, variant, program, objects):
        out = os.path.join(self.root, variant.name, program)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        sources = variant.sources_of(program)
        files = [objects.get(s) or variant.object(s) for s in sources]
        sanitize = [w for w in variant.command if w.startswith("-fsanitize")]
        done = subprocess.run([variant.command[0], *sanitize, *LINKER, "-o", out, *files, *variant.libs],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} does not link: {done.stderr[-400:]}")
        return out

    def ask(self, step, path, seed):
        """None if the program is content, else (test, what it says)."""
        command = [os.path.join(self.root, step.script)] if step.script else [path]
        out = os.path.join(self.root, "out")
        env = dict(os.environ, KT_SEED=str(seed), TSAN_OPTIONS="halt_on_error=1", TEST=step.only,
                   TOPOLOGY=path, O=out)
        with subprocess.Popen(command + step.arguments, cwd=self.root, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env,
                              preexec_fn=limits(step.seconds), start_new_session=True) as program:
            late, over = threading.Event(), threading.Event()
            clock = threading.Thread(target=watch, args=(program, step.seconds, late, over))
            clock.start()
            text, status = listen(program)
            over.set()
            clock.join()
        if late.is_set():
            status = "no end in time"
        if status == 0:
            return None
        test, said = first_complaint(text)
        return test, said or f"status {status}"

    def try_edit(self, edits, steps, seed, same=lambda objects: False):
        """edits: {path: new text}. ('noticed', (step, test, words)), or 'unseen' or 'does not
        compile' with None, or 'the same code' if same() says so of the objects."""
        old = {}
        for path, text in edits.items():
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                old[path] = file.read()
            with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
                file.write(text)
        try:
            return self.try_steps(list(edits), steps, seed, same)
        finally:
            for path, text in old.items():
                with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
                    file.write(text)

    def try_steps(self, paths, steps, seed, same):
        objects = {}
        for step in steps:
            variant = self.variant(step.variant)
            key = step.variant, step.narrow
            if key not in objects:
                objects[key] = self.compile(variant, paths, step.narrow)
            if objects[key] is None:
                return "does not compile", None
            if same(objects[key]):
                return "the same code", None
            program = self.link(variant, step.program, objects[key])
            said = self.ask(step, program, seed)
            if said:
                return "noticed", (step.finds, *said)
        return "unseen", None


def must_pass(bench, steps, seed):
    """The unchanged tree has to pass, or every edit would count as noticed."""
    fate, said = bench.try_edit({}, steps, seed)
    if fate != "unseen":
        print(f"Bail out! the tree without any edit: {fate} {' '.join(said or ())}", flush=True)
        os._exit(2)
