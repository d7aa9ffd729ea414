#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The oracle program from outside: real figures pass, other boards pass, changed figures
deviate with status 1, and what it does not understand ends with status 2 and one line."""
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORACLE = os.path.join(os.environ.get('O', 'build'), 'host', 'oracle')
FIGURES = os.path.join(ROOT, 'test', 'oracle')
sys.path.insert(0, os.path.join(ROOT, 'test'))
from selection import plan, selected  # noqa: E402

os.chdir(ROOT)
results = []


def run(*files):
    done = subprocess.run([ORACLE, *files], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def check(name, good, output=''):
    if not selected('oracle.' + name):
        return
    results.append(good)
    print(f'{"ok" if good else "not ok"} {len(results)} - oracle.{name}')
    if not good:
        print(''.join(f'# {line}\n' for line in output.splitlines()[:20]), end='')
    sys.stdout.flush()


def changed(name, form, change, status, says):
    """A copy of a figure file with one thing changed must end with `status`."""
    if not selected('oracle.' + name):
        return
    with open(os.path.join(FIGURES, form), encoding='utf-8') as source:
        root = json.load(source)
    if 'cases' in root:
        root['cases'] = copy.deepcopy(root['cases'][:60])
    root = change(root) or root
    path = os.path.join(work.name, name + '.json')
    with open(path, 'w', encoding='utf-8') as out:
        out.write(root if isinstance(root, str) else json.dumps(root))
    code, out, err = run(path)
    one_line = code != 2 or err.count('\n') == 1
    check(name, code == status and says in out + err and one_line,
          f'status {code}, wanted {status} and "{says}"\n{out}{err}')


def setter(*path_and_value):
    """A change that sets root[a][b]... to the last argument."""
    *path, last, value = path_and_value

    def change(root):
        for key in path:
            root = root[key]
        root[last] = value
    return change


def remover(*path):
    def change(root):
        for key in path[:-1]:
            root = root[key]
        del root[path[-1]]
    return change


def adder(*path_and_value):
    *path, value = path_and_value

    def change(root):
        for key in path[:-1]:
            root = root[key]
        root[path[-1]] += value
    return change


STATE, PROBE, POLICY = 'state-s4-2n-uneven.json', 'probe-p1-2n.json', 'policy-p1-2n.json'
OOM = 'oom-u512.json'
DEVIATIONS = [  # each breaks one thing that is compared
    ('min-off-by-more-than-five', STATE, adder('zones', 0, 'min', 9), 'min is'),
    ('low-not-from-min', STATE, adder('zones', 1, 'low', 1), 'low, from'),
    ('high-not-from-min', STATE, adder('zones', 2, 'high', 1), 'high, from'),
    ('lowmem-reserve', STATE, setter('zones', 1, 'lowmem_reserve', 2, 1728), 'lowmem_reserve[2]'),
    ('pcp-batch', STATE, setter('zones', 0, 'pcp_batch', 31), 'pcp_batch'),
    ('pcp-high', STATE, setter('zones', 0, 'pcp_high', 91), 'pcp_high'),
    ('stat-threshold', STATE, setter('zones', 0, 'stat_threshold', 14), 'stat_threshold'),
    ('cpu-count', STATE, setter('cpus', '1', '2-9'), 'stat_threshold'),
    ('reserve-ratio', STATE, setter('lowmem_reserve_ratio', 0, 128), 'lowmem_reserve'),
    ('zone-moved', STATE, adder('zones', 2, 'start_pfn', -4096), 'not reached'),
    ('run-one-batch-too-long', PROBE, adder('cases', 0, 'runs', 1, 2, 104), 'run 2'),
    ('run-elsewhere', PROBE, setter('cases', 0, 'runs', 1, 0, 0), 'other places'),
    ('run-missing', PROBE, remover('cases', 3, 'runs', 3), 'other places'),
    ('run-of-blocks', PROBE, setter('cases', 37, 'runs', 3, 2, 14), 'run 4'),
    ('mark-moved', PROBE, adder('cases', 4, 'before', 0, 'min', 200), 'run 1'),
    ('boost-not-seen', PROBE, setter('cases', 57, 'before', 0, 'boost', 0), 'run 2'),
    ('reserve-not-seen', PROBE, setter('cases', 14, 'before', 0, 'ha', 0), 'run 1'),
    ('cma-not-usable', PROBE, setter('cases', 0, 'before', 1, 'cma', 0), 'run 2'),
    ('distance-turned', PROBE, setter('cases', 0, 'nid', 1), 'other places'),
    ('policy-run', POLICY, setter('cases', 12, 'runs', [[0, 13]]), 'other places'),
    ('policy-one-block', POLICY, setter('cases', 0, 'runs', [[0, 12]]), 'run 1'),
    ('policy-got', POLICY, setter('cases', 46, 'got', 116000), 'blocks got'),
    ('counter-hit', POLICY, setter('cases', 12, 'stats', 1, 'hit', 12), "node 1's hit"),
    ('counter-other', POLICY, setter('cases', 12, 'stats', 1, 'other', 12), "node 1's other"),
    ('counter-interleave', POLICY, setter('cases', 36, 'stats', 0, 'interleave', 5), 'interleave'),
    ('counter-foreign', POLICY, setter('cases', 44, 'stats', 0, 'foreign', 0), 'foreign'),
    ('interleave-twice', POLICY, setter('cases', 36, 'runs', 0, 1, 2), 'run 1'),
    ('oom-who', OOM, lambda root: root['runs'][1]['events'][2].update(a=71), 'task ended'),
    ('oom-points', OOM, lambda root: root['runs'][0]['events'][2].update(b=93000), 'its pages'),
    ('oom-when', OOM, lambda root: root['runs'][0]['events'][1].update(free=760), 'free pages'),
    ('oom-table', OOM, lambda root: root['runs'][0].update(
        oom_log=[line.replace('     499 ', '   99499 ', 1) for line in root['runs'][0]['oom_log']]),
     'choice from'),
    ('bind-set', POLICY, setter('cases', 20, 'nodes', [0]), 'other places'),
]
BAD = [  # each is refused
    ('unknown-key', STATE, setter('zones', 0, 'colour', 1), 'unknown key "colour"'),
    ('unknown-form', STATE, lambda root: '{"a": 1}', 'neither'),
    ('not-json', STATE, lambda root: '{"zones": [', 'not JSON'),
    ('trailing-text', STATE, lambda root: json.dumps(root) + 'x', 'not JSON'),
    ('empty', STATE, lambda root: ' ', 'not JSON'),
    ('list', STATE, lambda root: '[1, 2]', 'neither'),
    ('deep', STATE, lambda root: '[' * 100000, 'not JSON'),
    ('key-twice', STATE, lambda root: '{"zones": [], ' + json.dumps(root)[1:], 'twice'),
    ('missing-key', STATE, remover('zones', 0, 'managed'), '"managed" is missing'),
    ('fraction', STATE, setter('zones', 0, 'managed', 1.5), 'not a whole number'),
    ('negative', STATE, setter('zones', 0, 'start_pfn', -1), 'not a whole number'),
    ('huge', STATE, setter('zones', 0, 'spanned', 1e300), 'not a whole number'),
    ('managed-above-present', STATE, setter('zones', 0, 'managed', 65537), 'not a whole number'),
    ('zone-name', STATE, setter('zones', 0, 'zone', 'HighMem'), 'HighMem'),
    ('zone-twice', STATE, setter('zones', 2, 'zone', 'DMA'), 'stands twice'),
    ('node-too-large', STATE, setter('zones', 0, 'node', 64), 'not a whole number'),
    ('cpu-list', STATE, setter('cpus', '0', '0-'), 'CPU list'),
    ('cpu-twice', STATE, setter('cpus', '0', '0-2'), 'CPU 2 stands twice'),
    ('cpu-range-backwards', STATE, setter('cpus', '0', '1-0'), 'not ascending'),
    ('too-much-ram', STATE, lambda root: root['zones'][2].update(spanned=1 << 31, present=1 << 31),
     'FIG_MAX_PAGES'),
    ('nothing-compared', PROBE, setter('cases', []), 'neither'),
    ('no-cpu', STATE, setter('cpus', {}), 'no CPU'),
    ('distance-short', STATE, setter('distance', '0', [10]), '1 entries for 2 nodes'),
    ('gfp-name', PROBE, setter('cases', 0, 'gfp', 'NOWAIT|SOMETIMES'), 'unknown part'),
    ('order', PROBE, setter('cases', 0, 'order', 11), 'order'),
    ('nid', PROBE, setter('cases', 0, 'nid', 5), 'nid 5'),
    ('zone-not-in-state', PROBE, setter('cases', 0, 'before', 0, 'zone', 'Normal'), 'not in "state"'),
    ('before-missing', PROBE, remover('cases', 0, 'before', 1), 'lacks node 1'),
    ('run-form', PROBE, setter('cases', 0, 'runs', 0, [0, 1]), 'a run is not'),
    ('policy-name', POLICY, setter('cases', 0, 'policy', 'ROUND'), 'policy "ROUND"'),
    ('gfp-bits', POLICY, setter('cases', 0, 'gfp_bits', 'ffffffff'), 'gfp_bits'),
    ('cpu-elsewhere', POLICY, setter('cases', 0, 'node', 1), 'is on node 0'),
]

with tempfile.TemporaryDirectory() as directory:
    class work:  # where changed files go
        name = directory

    for path in sorted(glob.glob(FIGURES + '/*.json')):
        code, out, err = run(os.path.relpath(path))
        name = os.path.basename(path)[:-5]
        with open(path, encoding='utf-8') as source:
            costs = 'lines' in json.load(source)
        if costs:  # figures for the benchmark: they neither pass nor fail
            check('costs-are-no-pass.' + name, code == 2 and 'not counted' in out, out + err)
        else:
            check('real.' + name, code == 0 and ' 0 comp' not in out, out + err)
    subprocess.run([sys.executable, FIGURES + '/make_boards.py', directory], check=True)
    for path in sorted(glob.glob(directory + '/*.json')):
        code, out, err = run(path)
        check('board.' + os.path.basename(path)[:-5], code == 0 and ' 0 comp' not in out, out + err)
    for name, form, change, says in DEVIATIONS:
        changed('deviates.' + name, form, change, 1, says)
    for name, form, change, says in BAD:
        changed('refused.' + name, form, change, 2, says)
    code, out, err = run(directory + '/there-is-none.json')
    check('refused.missing-file', code == 2 and err.count('\n') == 1, err)
    code, out, err = run(directory)
    check('refused.directory', code == 2 and err.count('\n') == 1, err)
    code, out, err = run(FIGURES + '/' + STATE, '/dev/null', FIGURES + '/' + PROBE)
    check('others-are-replayed-after-a-bad-file', code == 2 and 'total: 2 files' in out, out + err)
    code, out, err = run(FIGURES + '/bench-p1-2n.json', FIGURES + '/' + STATE)
    check('costs-beside-a-state-count-for-nothing', code == 0 and 'total: 1 files' in out, out + err)
    code, out, err = run()
    check('refused.no-file', code == 2 and 'usage' in err, err)

print(plan(len(results)))
sys.exit(not all(results))
