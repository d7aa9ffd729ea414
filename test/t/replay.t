#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs recorded on a board and played again here: the same frames to the last, or the first that
is not; what a record does not hold is named, and ends the play; a broken file is one line."""
import functools
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

os.chdir(ROOT)
HOST = os.path.join(os.environ.get("O", "build"), "host")
TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))
SEED = int(os.environ.get("KT_SEED", "0")) or random.randrange(1, 1 << 31)
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-replay-")
EQUAL, DIFFERENT, UNREADABLE, EARLY = range(4)


def boot(shape, commands):
    """What the board prints, and its exit status."""
    environment = dict(os.environ, SHAPE=shape, EL="1", GIC="3", CPU="max")
    done = subprocess.run(
        ["tools/run_qemu.sh", f"run={commands.replace(' ', '+')} seed={SEED} exit=semihosting"],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
        check=False)
    return done.stdout.replace("\r", ""), done.returncode


@functools.lru_cache(None)
def record(shape, commands):
    """The text of a record that the board wrote into a file while it ran these."""
    path = os.path.join(FOLDER.name, "board.txt")
    out, status = boot(shape, f"record start {path};{commands};record stop")
    with open(path, encoding="ascii") as file:
        text = file.read()
    assert status == 0 and re.search(r"^record: \d+ calls, \d+ lost$", out, re.M), out[-2000:]
    return text


def work():
    return record("4n", "test record_calls.*")


def play(text, program="replay"):
    path = os.path.join(FOLDER.name, "played.txt")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    done = subprocess.run([os.path.join(HOST, program), path], capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(text, status, says):
    code, out, err = play(text)
    faults = []
    if code != status:
        faults.append(f"status {code}, not {status}")
    if not re.search(says, out + err):
        faults.append(f"does not say {says}")
    if status == UNREADABLE and (out or err.count("\n") != 1):
        faults.append("an unreadable file is not one line")
    return faults and [*faults, f"seed {SEED}", (out + err)[:2000]]


def lines_of(text, kind):
    return [i for i, line in enumerate(text.split("\n")) if line.split(" ")[0] == kind]


def every_core_in_turn_gets_the_same_frames():
    text = work()
    orders = {line.split()[2] for line in text.split("\n") if line.startswith("a ")}
    cores = {line for line in text.split("\n") if line.startswith("c ")}
    faults = expect(text, EQUAL, r": \d{4,} calls, equal\n")
    if len(orders) != 11 or len(cores) != 8:
        faults.append(f"seed {SEED}: orders {sorted(orders)}, cores {sorted(cores)}")
    return faults


def the_oracle_reads_it_too():
    code, out, err = play(work(), "oracle")
    return [] if code == 0 and "calls equal frame by frame" in out else [out[-1000:] + err]


def the_log_of_a_console_is_a_record():
    out, status = boot("2n", "record start;alloc GFP_KERNEL 3;alloc GFP_ATOMIC 0 1;free all;"
                             "alloc GFP_HIGHUSER_MOVABLE 9;free all;drain;record stop")
    return expect(out, EQUAL, r": \d+ calls, equal\n") + (["status"] if status else [])


def a_changed_frame_is_the_first_difference():
    lines = work().split("\n")
    allocs = [i for i in lines_of(work(), "a") if not lines[i].endswith(" 0")]
    at = allocs[SEED % len(allocs)]
    words = lines[at].split()
    words[6] = f"{int(words[6], 16) ^ 1 << int(words[2]):x}"
    lines[at] = " ".join(words)
    return expect("\n".join(lines), DIFFERENT,
                  rf"\(line {at + 1}\), .*: ours is frame [0-9a-f]+, the board's {words[6]}\n")


def a_changed_list_at_the_end_is_seen():
    head, end = work().split("state end\n")
    changed = re.sub(r"^(free \d+ \d+ \d+) ([0-9a-f]+) ([0-9a-f]+)", r"\1 \3 \2", end, count=1,
                     flags=re.M)
    assert changed != end
    return expect(f"{head}state end\n{changed}", DIFFERENT,
                  r"calls equal, then the state at the end is not")


def a_lost_line_is_noticed():
    lines = work().split("\n")
    frees = lines_of(work(), "f")
    del lines[frees[len(frees) // 2]]
    text = "\n".join(lines)
    calls = int(re.search(r"^calls (\d+)$", text, re.M)[1])
    return (expect(text, UNREADABLE, rf"cut short: {calls - 1} of {calls} calls") +
            expect(text.replace(f"calls {calls}\n", f"calls {calls - 1}\n"), DIFFERENT, "calls equal, then"))


def a_broken_file_is_one_line():
    text = work()
    faults = []
    for part in range(1, 12):
        faults += expect(text[:len(text) * part // 12], UNREADABLE, "replay: .*")
    faults += expect(text[:text.rindex("calls ")], UNREADABLE, "no \"calls\"")
    faults += expect("nothing of ours\n", UNREADABLE, "replay: .*line 1")
    faults += expect("", UNREADABLE, "replay: .*cut short")
    for wrong in "D 0 0 0 0 1 2", "D 0 99 0 0 2 1", "D 3 0 0 0 2 1", "D 0 0 3 0 2 1", "l 40000 2", "q":
        faults += expect(text.replace("\nplay 0\n", f"\nplay 0\n{wrong}\n"), UNREADABLE, "line")
    return faults


def frees_that_nobody_can_do_are_told():
    return [fault for wrong in ("f 40000 10", "l 40000 0", "f ffffffff 0")
            for fault in expect(
                re.sub(r"\ncalls (\d+)", lambda match: f"\ncalls {int(match[1]) + 1}",
                       work().replace("\nplay 0\n", f"\nplay 0\n{wrong}\n")),
                DIFFERENT, "call 1 .*the block is not held")]


def a_ring_that_was_full_ends_the_play():
    text = record("uma", "probe GFP_HIGHUSER_MOVABLE 0 0")
    return expect(text, EARLY, r": \d+ calls equal, then \(line \d+\): the ring was full and "
                               r"records are lost, CPU 0\n")


def what_is_written_meanwhile_leaves_room():
    """A ring holds 4,096; half as many at a time, written out in between."""
    some = "probe GFP_HIGHUSER_MOVABLE 7 0;record write;"
    text = record("uma", some * 4 + "drain")
    return expect(text, EQUAL, r": [5-9]\d\d\d calls, equal\n")


def what_a_record_does_not_hold_is_named():
    faults = []
    for commands, says in (("set min_free_kbytes 9000", "watermarks were computed anew"),
                           ("contig alloc 1024", "a pageblock was isolated")):
        text = record("2n", f"alloc GFP_KERNEL 0;{commands};alloc GFP_KERNEL 1")
        faults += expect(text, EARLY, rf": \d+ calls equal, then \(line \d+\): {says}")
    return faults


def a_mistake_is_one_line():
    faults = []
    for commands, says in (
            ("record stop", "record: none is being written; record start begins one"),
            ("record write", "record: none is being written; record start begins one"),
            ("record now", "record: now: start [FILE], write, or stop"),
            ("record start /nowhere/at/all", "record: the file cannot be written"),
            ("trace on;record start", "record: trace is on, and both read the same rings"),
            ("inject 100 1;record start", "record: requests are failed on purpose (inject)"),
            ("record start;record start", "record: one is being written; record stop ends it")):
        out, status = boot("uma", commands)
        if status != 1 or out.count("\nrecord: ") != 1 or says not in out:
            faults.append(f"{commands}: status {status}\n{out[-500:]}")
    return faults


CASES = [every_core_in_turn_gets_the_same_frames, the_oracle_reads_it_too,
         the_log_of_a_console_is_a_record, a_changed_frame_is_the_first_difference,
         a_changed_list_at_the_end_is_seen, a_lost_line_is_noticed, a_broken_file_is_one_line,
         frees_that_nobody_can_do_are_told, a_ring_that_was_full_ends_the_play,
         what_is_written_meanwhile_leaves_room, what_a_record_does_not_hold_is_named,
         a_mistake_is_one_line]

if __name__ == "__main__":
    sys.exit(run_cases("replay", CASES, (AssertionError, subprocess.TimeoutExpired, OSError)))
