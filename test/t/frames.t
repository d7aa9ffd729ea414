#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Frame records from outside: each thing that is compared is changed once in a copy of a record
and must be noticed, with the place; what breaks the format ends with status 2 and one line;
and what a record may have beyond those of test/oracle/frames is played.

The changed record is one of a fresh board, because it is the smallest. make test plays all
records as they are by tools/run_frames.sh."""
import gzip
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORACLE = os.path.join(os.environ.get('O', 'build'), 'host', 'oracle')
RECORDS = os.path.join(ROOT, 'test', 'oracle', 'frames')
sys.path.insert(0, os.path.join(ROOT, 'test'))
from selection import plan, selected  # noqa: E402

os.chdir(ROOT)
results = []


def read(name):
    with gzip.open(os.path.join(RECORDS, f'frames-{name}.txt.gz'), 'rt') as source:
        return source.read()


def run(*files):
    done = subprocess.run([ORACLE, *files], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def check(name, good, output=''):
    results.append(good)
    print(f'{"ok" if good else "not ok"} {len(results)} - frames.{name}', flush=True)
    if not good:
        print(''.join(f'# {line[:300]}\n' for line in output.splitlines()[:20]), end='')


def play(name, text, status, *says):
    """The record `text` must end with `status` and say all that."""
    if not selected('frames.' + name):
        return
    path = os.path.join(directory, name + '.txt')
    with open(path, 'wb') as out:
        out.write(text if isinstance(text, bytes) else text.encode())
    code, out, err = run(path)
    good = code == status and all(re.search(s, out + err) for s in says)
    check(name, good and (code != 2 or err.count('\n') == 1), f'status {code}, not {status} with {says}\n{out}{err}')


def part(text, which):
    """(before, state, behind) of one of the two states."""
    begin = text.index(f'state {which}\n')
    end = text.index('\nend ', begin)
    return text[:begin], text[begin:end], text[end:]


def in_state(which, pattern, new):
    """A change of the first match in a state."""
    def change(text):
        before, state, behind = part(text, which)
        changed, count = re.subn(pattern, new, state, count=1, flags=re.M)
        assert count, pattern
        return before + changed + behind
    return change


def sub(pattern, new):
    def change(text):
        changed, count = re.subn(pattern, new, text, count=1, flags=re.M)
        assert count, pattern
        return changed
    return change


def plus(group):
    """A replacement that adds one to a decimal."""
    return lambda m: m[0][:m.start(group) - m.start()] + str(int(m[group]) + 1) + m[0][m.end(group) - m.start():]


def swap(m):
    return f'{m[1]} {m[3]} {m[2]}'


FRAME = r'^(a [0-9a-f]+ 0 0 0 0) [1-9a-f][0-9a-f]+$'
DEVIATIONS = [  # each changes one thing that is compared
    ('frame', sub(FRAME, r'\1 41a00'), r'call \d+ \(line \d+\), "a .*ours is frame', r'Linux 41a00: with us in use'),
    ('frame-in-a-list', sub(FRAME, r'\1 40000'), r'Linux 40000: with us in block \d+ of \d+ of free list'),
    ('no-frame', sub(FRAME, r'\1 0'), r"Linux's 0$|Linux's 0\n"),
    ('unreserved', sub(r'^(u .*) 0$', r'\1 1'), r'ours moved no pages, Linux did'),
    ('mark-free', sub(r'^k 0 (\d+)', plus(1)), r"zone 0's free is"),
    ('mark-cma', sub(r'^k 4 \d+ (\d+)', plus(1)), r"zone 4's cma is"),
    ('mark-highatomic', sub(r'^k 4 \d+ \d+ (\d+)', plus(1)), r"zone 4's highatomic is"),
    ('mark-boost', sub(r'^k 4 \d+ \d+ \d+ (\d+)', plus(1)), r"zone 4's boost is"),
    ('mark-boosted', sub(r'^(k 4 \d+ \d+ \d+ \d+) 0', r'\1 1'), r"zone 4's boosted is"),
    ('mark-hash', sub(r'^(k 0 .*) [0-9a-f]+$', r'\1 1234'), r'mark behind call \d+.*zone 0.s lists or pageblock types differ'),
    ('end-free-list', in_state('end', r'^(free 0 0 0) (\S+) (\S+)', swap), r'zone 0, free list order 0 type 0: place 1'),
    ('end-free-list-short', in_state('end', r'^(free 0 0 0) \S+', r'\1'), r'zone 0, free list order 0 type 0: place'),
    ('end-per-cpu-list', in_state('end', r'^(pcp \d+ \d+ \d+) (\S+) (\S+)', swap), r'list \d of CPU \d: place 1'),
    ('end-home', in_state('end', r'^(pcp 4 \d+ 1) ([0-9a-f]+)(?: |$)', r'\1 \2.3 '), r'list 1 of CPU \d: place 1'),
    ('end-pageblocks', in_state('end', r'^(blocks 0) (\d)\*(\d+)', r'\1 2*\3'), r'zone 0, pageblock types: place 1'),
    ('end-boost', in_state('end', r'^zone 4 .*boost=(\d+)', plus(1)), 'zone 4: boost is'),
    ('end-highatomic', in_state('end', r'^zone 4 .*highatomic=(\d+)', plus(1)), 'zone 4: highatomic is'),
    ('end-cma', in_state('end', r'^zone 4 .*cma=(\d+)', plus(1)), 'zone 4: cma is'),
    ('end-low', in_state('end', r'^zone 0 .*low=(\d+)', plus(1)), 'zone 0: low is'),
    ('end-hit', in_state('end', r'^numa 0 (\d+)', plus(1)), 'zone 0: hit is'),
    ('end-miss', in_state('end', r'^numa 0 \d+ (\d+)', plus(1)), 'zone 0: miss is'),
    ('end-foreign', in_state('end', r'^numa 0 \d+ \d+ (\d+)', plus(1)), 'zone 0: foreign is'),
    ('end-local', in_state('end', r'^numa 0 \d+ \d+ \d+ \d+ (\d+)', plus(1)), 'zone 0: local is'),
    ('end-other', in_state('end', r'^numa 0 \d+ \d+ \d+ \d+ \d+ (\d+)', plus(1)), 'zone 0: other is'),
    ('end-held', in_state('end', r'^held \S+ ', 'held '), 'held blocks: ours'),
    ('end-held-order', in_state('end', r'^held ([0-9a-f]+):\d', r'held \1:0'), 'held blocks: ours'),
    ('end-movable', in_state('end', r'^(movable 0) \S+ ', r'\1 '), 'movable pages'),
    ('zonelist', sub(r'^zonelist 0 all 0 4', 'zonelist 0 all 4 0'), 'zonelist 0 all: place 1 holds 0'),
    ('distances-and-zonelist', sub(r'^zonelist 1 this 4', 'zonelist 1 this 0'), 'zonelist 1 this'),
    ('marks-moved', lambda t: t.replace('min=5395 low=6743 high=8091', 'min=50000 low=60000 high=70000'), r'call \d+|mark behind'),
    ('boost-factor', sub('boost_factor=15000', 'boost_factor=0'), r'call \d+|mark behind'),
    ('not-held', sub(r'^f ([0-9a-f]+) 0$', 'f 40000 0'), 'is not held'),
    ('freed-with-another-order', sub(r'^f ([0-9a-f]+) 0$', r'f \1 1'), 'is not held'),
    ('buddies-both-free', in_state('start', r'^(free 0 0 1) .*', r'\1 50000 50001'), 'not reached: .*(twice|both free)'),
    ('named-twice', in_state('start', r'^(free 0 0 1) (\S+)', r'\1 \2 \2'), 'not reached: .*named twice'),
    ('held-and-free', in_state('start', r'^(free 0 10 1) (\S+).*((?:.|\n)*?\nheld)', r'\1 \2\3 \2:10'), 'not reached: .*named twice'),
    ('count-not-that-of-the-lists', in_state('start', r'^zone 0 .*free=(\d+)', plus(1)), 'zone 0: free is'),
    ('list-out-of-the-zone', in_state('start', r'^(free 0 0 1) \S+', r'\1 70001'), 'not reached'),
    ('home-in-another-list', in_state('start', r'^(pcp 0 \d+ 1) ([0-9a-f]+)(?: |$)', r'\1 \2.2 '), 'not reached: .*in list 1'),
    ('zones-overlap', lambda t: t.replace('start=60000', 'start=5f000'), 'not reached|lies in another'),
]
BAD = [  # each breaks the format
    ('empty', lambda t: '', 'cut short'),
    ('not-a-record', lambda t: 'hello\n' + t, 'line 1: a line of kind "hello"'),
    ('version', sub('^frames 1$', 'frames 2'), 'version 1'),
    ('unknown-kind', sub('^play', 'zorder 1\nplay'), 'line \\d+: a line of kind "zorder" is not known here'),
    ('call-in-a-state', sub('^end start', 'd\nend start'), 'kind "d" is not known in a state'),
    ('state-line-in-the-play', sub('^d$', 'numa 0 1 2 3 4 5 6'), 'kind "numa" is not known in the play'),
    ('too-much', sub('^d$', 'd 1'), '"1" is too much behind "d"'),
    ('not-hex', sub(r'^f ([0-9a-f]+) 0$', r'f g\1 0'), 'is not a number up to ffffffff, in hex'),
    ('word-missing', sub(r'^f ([0-9a-f]+) 0$', r'f \1'), '"" is not a number'),
    ('negative', sub(r'^f ([0-9a-f]+) 0$', r'f -\1 0'), 'is not a number'),
    ('order', sub(r'^f ([0-9a-f]+) 0$', r'f \1 11'), '"11" is not a number up to 0xa'),
    ('task', sub(FRAME, r'a 0 0 0 0 10 1'), 'is not a number up to f'),
    ('cpu', sub(r'^c \d$', 'c 4'), '"4" is not a number up to 0x3'),
    ('zone-key-missing', in_state('start', r' batch=\d+', ''), 'a key of FORMAT.md is missing'),
    ('zone-twice', in_state('start', r'^(zone 0 .*)$', r'\1\n\1'), 'zone 0 stands twice'),
    ('zone-unknown', in_state('start', r'^numa 0', 'numa 1'), 'zone 1 has no "zone" line above'),
    ('zone-of-no-node', lambda t: t.replace('zone 4 ', 'zone 8 '), 'node 2 has no "distance" line'),
    ('managed-above-present', in_state('start', r'managed=\d+', 'managed=200000'), 'do not fit'),
    ('blocks-too-many', in_state('start', r'^(blocks 0 .*)$', r'\1 1*1'), 'is not a number up to 0x0'),
    ('type', in_state('start', r'^free 0 0 1', 'free 0 0 6'), '"6" is not a number up to 0x5'),
    ('range-backwards', in_state('start', r'^(movable 0) .*', r'\1 50001-50000'), 'ends before it begins'),
    ('cpus-not-from-0', sub('^cpus 0:0 1:0', 'cpus 1:0 2:0'), 'numbered from 0 on'),
    ('cpu-of-no-node', sub('3:1$', '3:2'), 'CPU 3 is on node 2'),
    ('distances-short', sub('^distance 0 10 20', 'distance 0 10'), 'fewer than there are nodes'),
    ('node-twice', sub('^distance 1', 'distance 0'), 'node 0 stands twice'),
    ('another-pageblock-size', sub('pageblock_order=9', 'pageblock_order=8'), 'only pageblock_order=9'),
    ('cpusets', sub('cpusets=0', 'cpusets=1'), 'only cpusets=0'),
    ('calls-missing', sub(r'^d\n', ''), r'cut short: \d+ of \d+ calls'),
    ('end-missing', lambda t: t[:t.index('state end')], 'no "state end"'),
    ('cut-in-the-end', lambda t: t[:-2000], 'cut short|is not a number|kind "'),
    ('state-twice', lambda t: t + part(t, 'end')[1] + '\nend end\n', 'one "state end"'),
    ('nul', lambda t: t[:5000] + '\0' + t[5001:], 'NUL byte'),
    ('cut-gzip', lambda t: gzip.compress(t.encode())[:-100], 'not a whole gzip file'),
]


def drift_cases():
    """The first request that drift decides is found and explained by its counters."""
    text = read('p1-2n-drift-c2-s71')
    explained = r'equal up to call 1184 .*drift decides: zone 0 passes MIN .* by its 2228 free'
    play('drift.explained', text, 0, explained, "calls, 86 marks equal with the kernel's counters")
    # The same counters told at once: the record is another kernel's then.
    told = re.sub(r'^(diff \d+).*$', r'\1 0,0 0,0 0,0 0,0', text, flags=re.M)
    play('drift.counters-told', told, 1, r'call \d+|mark behind|holds back')
    play('drift.held-back-at-the-end', in_state('end', r'^diff 0 (-?\d+)', plus(1))(text), 1,
         r'zone 0: CPU 0 holds back')
    play('drift.threshold', text.replace('threshold=', 'threshold=1'), 1, r'call \d+|mark behind|holds back')
    # A frame that is wrong before drift decides anything is no drift.
    play('drift.frame-before', sub(FRAME, r'\1 40000')(text), 1, 'ours is frame')
    # Without drift in the head nothing is explained away.
    play('drift.not-said', text.replace('drift=1', 'drift=0'), 1, 'call 1184 ')


def main():
    text = read('p1-2n-c0-s1')
    play('plain-text', text, 0, 'ladder: 20653 calls', 'lanes: 20653 calls', '20653 calls equal frame by frame')
    play('carriage-returns', text.replace('\n', '\r\n'), 0, '20653 calls equal')
    play('further-keys', sub('^global ', 'global colour=1 ')(text), 0, '20653 calls equal')
    for name, change, *says in DEVIATIONS:
        play('deviates.' + name, change(text), 1, *says)
    for name, change, *says in BAD:
        play('refused.' + name, change(text), 2, *says)
    # Two pages taken with __GFP_COMP: the second counts as movable, also in the states.
    with gzip.open(os.path.join(ROOT, 'test/fixtures/frames/pairs.txt.gz'), 'rt') as source:
        pairs = source.read()
    play('pairs', pairs, 0, '3678 calls equal')
    play('pairs-at-the-start', pairs_first(pairs), 0, 'end state equal')
    drift_cases()
    if selected('frames.missing-file'):
        code, _, err = run(os.path.join(directory, 'none.txt.gz'))
        check('missing-file', code == 2 and err.count('\n') == 1, err)
    print(plan(len(results)))
    return not all(results)


def pairs_first(pairs):
    """The end state of a record as the start of one without calls."""
    before, _, _ = part(pairs, 'start')
    _, end, _ = part(pairs, 'end')
    before = re.sub(r'^calls .*', 'calls 0', before, flags=re.M)
    return (before + end.replace('state end', 'state start') + '\nend start\nplay 0\ndone 0\n' +
            end + '\nend end\n')


with tempfile.TemporaryDirectory() as directory:
    status = main()
sys.exit(status)
