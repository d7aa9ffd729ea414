#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make_boards.py DIR: figure files of boards that no kernel was asked about.

The files under test/oracle come from boards with one or two nodes. So that the
oracle and the allocator are not fitted to those, this writes files of the same
form for other boards, computed from rows F, G, L, N, P, S, W, Y of the behaviours
alone, without any code of the allocator: order-0 walks page by page, watermarks, reserves.
"""
import json
import os
import sys

ZONES = ['DMA', 'DMA32', 'Normal', 'Movable']
RATIO = [256, 256, 32, 0]
GIB = 1 << 18  # pages
QUARTER = GIB // 4
# (highest zone, halves MIN, takes a quarter off, this node only, movable)
GFP = {'NOWAIT': (2, 0, 0, 0, 0), 'HIGH|NOWAIT': (2, 1, 0, 0, 0), 'ATOMIC': (2, 1, 1, 0, 0),
       'ATOMIC|NOMEMALLOC': (2, 1, 0, 0, 0), 'NOWAIT|THISNODE': (2, 0, 0, 1, 0),
       'NOWAIT|DMA': (0, 0, 0, 0, 0), 'NOWAIT|DMA32': (1, 0, 0, 0, 0),
       'NOWAIT|HIGHUSER_MOVABLE': (3, 0, 0, 0, 1), 'NOWAIT|RECLAIMABLE': (2, 0, 0, 0, 0)}
BITS = {'NOWAIT': '800', 'ATOMIC': 'a20', 'NOWAIT|HARDWALL': '100800'}

# name: (zones (node, zone, start, spanned, present, managed), distance, CPUs by node, kbytes)
BOARDS = {
    'quad': ([(0, 0, GIB, QUARTER, QUARTER, QUARTER - 8001),
              (1, 0, 2 * GIB, QUARTER, QUARTER, QUARTER - 77),
              (2, 0, 3 * GIB, QUARTER, QUARTER, QUARTER - 4097),
              (3, 2, 4 * GIB, QUARTER, QUARTER, QUARTER - 130)],
             {0: [10, 16, 22, 16], 1: [16, 10, 16, 22], 2: [22, 16, 10, 16], 3: [16, 22, 16, 10]},
             {0: '0-1', 1: '2-3', 2: '4-5', 3: '6-7'}, 45056),
    # Node 0 has a hole that node 2 lies in; node 1 has CPUs only, node 2 memory only; node 3
    # is a tebibyte away and smaller than a section.
    'sparse': ([(0, 0, 0x20000, 0x80000, 0x30000, 0x2f3a1),
                (2, 0, 0x60000, 0x18000, 0x18000, 0x17fff),
                (3, 2, 0x10000800, 0x7800, 0x7800, 0x77f0)],
               {0: [10, 12, 30, 40], 1: [12, 10, 30, 41], 2: [30, 30, 10, 50], 3: [40, 41, 50, 10]},
               {0: '0,3', 1: '1-2', 2: '', 3: '4'}, 32768),
    # DMA below 1 GiB, DMA32 to 4 GiB with a hole at its end, NORMAL above: lowmem
    # reserves in two steps. Two of four node numbers are not there.
    'dma32': ([(0, 0, 0, GIB, QUARTER, QUARTER - 9000),
               (0, 1, GIB, 3 * GIB, QUARTER, QUARTER - 1),
               (0, 2, 4 * GIB, QUARTER, QUARTER, QUARTER),
               (3, 2, 5 * GIB, QUARTER, QUARTER, QUARTER - 4100)],
              {0: [10, 20], 3: [20, 10]}, {0: '0-3', 3: '4-7'}, 22528),
    # kernelcore= of half the memory: ZONE_MOVABLE above a DMA zone on both nodes.
    'movable': ([(0, 0, GIB, QUARTER, QUARTER, QUARTER - 5000),
                 (0, 3, GIB + QUARTER, QUARTER, QUARTER, QUARTER),
                 (1, 0, 2 * GIB, QUARTER, QUARTER, QUARTER - 600),
                 (1, 3, 2 * GIB + QUARTER, QUARTER, QUARTER, QUARTER - 1)],
                {0: [10, 21], 1: [21, 10]}, {0: '0-1', 1: '2-3'}, 20000),
    # Limits as plain 5.10.0 drew them: NORMAL begins below 4 GiB.
    'limits': ([(0, 0, GIB, QUARTER, QUARTER, QUARTER - 5000),
                (0, 1, GIB + QUARTER, QUARTER, QUARTER, QUARTER),
                (1, 2, GIB + 2 * QUARTER, QUARTER, QUARTER, QUARTER - 600)],
               {0: [10, 20], 1: [20, 10]}, {0: '0-1', 1: '2-3'}, 20000),
}


def cpu_count(cpus):
    return sum(len(cpu_list(v)) for v in cpus.values())


def cpu_list(text):
    parts = [p.split('-') for p in text.split(',') if p]
    return [c for p in parts for c in range(int(p[0]), int(p[-1]) + 1)]


def pcp_batch(managed):
    batch = max(min(managed // 1024, 256) // 4, 1)
    batch += batch // 2
    return max(1, (1 << (batch.bit_length() - 1)) - 1)


def node_order(dist, memory):
    load, result = dict.fromkeys(dist, 0), {}
    for start in sorted(dist):
        left, prev, order = len(dist), start, []
        while True:
            rest = [n for n in sorted(memory) if n not in order]
            if start not in order:
                best = start
            elif rest:
                best = min(rest, key=lambda n: ((dist[start][n] + (n < start)) * len(dist) * 16
                                                + load[n], n))
            else:
                break
            if dist[start][best] != dist[start][prev]:
                load[best] = left
            order.append(best)
            prev = best
            left -= 1
        result[start] = order
    return result


def make_state(zones, dist, cpus, kbytes):
    total = sum(z[5] for z in zones)
    out = []
    for node, kind, start, spanned, present, managed in zones:
        low = kbytes // 4 * managed // total
        gap = max(low // 4, managed * 10 // 10000)
        above = [sum(z[5] for z in zones if z[0] == node and kind < z[1] <= j) for j in range(4)]
        batch = pcp_batch(managed)
        thr = 2 * cpu_count(cpus).bit_length() * (1 + (managed >> 15).bit_length())
        out.append({'node': node, 'zone': ZONES[kind], 'min': low, 'low': low + gap,
                    'high': low + 2 * gap, 'spanned': spanned, 'present': present,
                    'managed': managed, 'pcp_high': 6 * batch, 'pcp_batch': batch,
                    'lowmem_reserve': [a // RATIO[kind] if RATIO[kind] else 0 for a in above],
                    'stat_threshold': min(thr, 125), 'start_pfn': start})
    return {'zones': out, 'min_free_kbytes': kbytes, 'watermark_scale_factor': 10,
            'watermark_boost_factor': 15000, 'lowmem_reserve_ratio': RATIO,
            'distance': {str(n): d for n, d in dist.items()},
            'cpus': {str(n): c for n, c in cpus.items()}, 'total_pages': total}


def make_before(state, case):
    """Odd amounts of free, CMA and reserved pages, different from case to case."""
    out = []
    for i, z in enumerate(state['zones']):
        free = z['managed'] - 137 * (i + 1) - case % 5 * 211
        cma = 4000 if (i + case) % 3 == 1 else 0
        # The walk below knows amounts, not blocks: the reserve must not outlast the marks.
        ha = 1024 if (i + case) % 2 and z['min'] > 3072 else 0
        out.append({'node': z['node'], 'zone': z['zone'], 'free': free, 'min': z['min'],
                    'low': z['low'], 'high': z['high'], 'boost': 512 * (case % 3),
                    'managed': z['managed'], 'resv': z['lowmem_reserve'], 'ha': ha, 'cma': cma})
    return out


class Walk:
    """Single pages until NULL: the zones of some nodes in order, LOW first, then MIN."""

    def __init__(self, before, gfp):
        self.hz, self.high, self.harder, self.this, self.movable = GFP[gfp]
        self.atomic = 'ATOMIC' in gfp
        self.zones = [dict(b, i=ZONES.index(b['zone']), pcp=0, batch=pcp_batch(b['managed']))
                      for b in before]
        self.of_node = {n: sorted((z for z in self.zones if z['node'] == n and z['i'] <= self.hz),
                                  key=lambda z: -z['i']) for n in range(16)}

    def allows(self, z, mark, urgent):
        base = z[mark]
        for boost in ([z['boost'], 0] if urgent and self.atomic else [z['boost']]):
            m = base + boost
            if urgent and self.high:
                m -= m // 2
            if urgent and self.harder:
                m -= m // 4
            usable = z['free'] - (0 if urgent and self.harder else z['ha'])
            usable -= 0 if self.movable else z['cma']
            if usable > m + z['resv'][self.hz]:
                return True
        return False

    def take(self, nodes, mark, urgent):
        for n in nodes:
            for z in self.of_node[n]:
                if self.allows(z, mark, urgent):
                    if not z['pcp']:
                        z['pcp'] = z['batch']
                        z['free'] -= z['pcp']
                    z['pcp'] -= 1
                    return z
        return None


def add_run(runs, place, count=1):
    if runs and runs[-1][:-1] == place:
        runs[-1][-1] += count
    else:
        runs.append(place + [count])


def make_probes(state, order):
    cases = []
    for number, (gfp, nid) in enumerate((g, n) for g in GFP for n in sorted(order)):
        before = make_before(state, number)
        walk, runs = Walk(before, gfp), []
        nodes = [nid] if walk.this else order[nid]
        while (z := walk.take(nodes, 'low', False) or walk.take(nodes, 'min', True)):
            # Until its list is empty nothing changes, so the same zone serves again.
            add_run(runs, [z['node'], z['i']], 1 + z['pcp'])
            z['pcp'] = 0
        cases.append({'gfp': gfp, 'order': 0, 'nid': nid, 'before': before, 'runs': runs,
                      'after': []})
    return cases


def make_policy(state, order, cpu, node, policy, nodes, mems, gfp, count):
    """One case; nodes of an interleaving task begin at the lowest, as a fresh task does."""
    before = make_before(state, 3)
    walk, runs, turn, got = Walk(before, gfp.replace('|HARDWALL', '')), [], 0, 0
    stat = {n: dict.fromkeys(('blocks', 'hit', 'miss', 'foreign', 'interleave', 'local', 'other'), 0)
            for n in order}
    while got < count:
        start, mask = node, set(order)
        if policy == 'PREFERRED' and nodes:
            start = nodes[0]
        if policy == 'INTERLEAVE':
            start = nodes[turn % len(nodes)]
            turn += 1
        if policy == 'BIND':
            mask = set(nodes)
        # LOW within policy and cpuset; MIN within the policy, the cpuset only if the request
        # is hardwalled; who needs no cpuset also gets MIN on all nodes (L8).
        later = [n for n in order[start] if n in mask]
        steps = [([n for n in order[start] if n in (set(mems) if mems else mask)], None, 'low'),
                 (later, mems if 'HARDWALL' in gfp else None, 'min')]
        if walk.atomic:
            steps.append((order[start], None, 'min'))
        with_zone = {z['node'] for z in walk.zones if z['i'] <= walk.hz}
        for where, hard, mark in steps:
            wanted = next((n for n in where if n in with_zone), None)
            z = walk.take([n for n in where if not hard or n in hard], mark, mark == 'min')
            if z:
                break
        if not z:
            break
        pages = 1 if policy == 'INTERLEAVE' else min(1 + z['pcp'], count - got)
        z['pcp'] -= pages - 1
        got += pages
        s = stat[z['node']]
        s['blocks'] += pages
        s['hit' if z['node'] == wanted else 'miss'] += pages
        s['local' if z['node'] == node else 'other'] += pages
        if z['node'] != wanted:
            stat[wanted]['foreign'] += pages
        if policy == 'INTERLEAVE' and z['node'] == start:
            s['interleave'] += pages
        add_run(runs, [z['node']], pages)
    case = {'policy': policy, 'nodes': nodes, 'gfp': gfp + ('-until-NULL' if got < count else ''),
            'order': 0, 'count': count, 'cpu': cpu, 'node': node, 'gfp_bits': BITS[gfp],
            'before': before, 'runs': runs[:24], 'stats': [dict(s, node=n) for n, s in stat.items()],
            'got': got}
    if len(runs) > 24:
        case['more_runs'] = len(runs) - 24
    if mems:
        case['cpuset_mems'] = mems
    return case


def make_policies(state, order, cpus):
    memory = sorted({z['node'] for z in state['zones']})
    top = max(ZONES.index(z['zone']) for z in state['zones'] if z['zone'] != 'Movable')
    normal = [z['node'] for z in state['zones'] if z['zone'] == ZONES[top]]
    kinds = [('DEFAULT', [], []), ('LOCAL', [], []), ('PREFERRED', [], []),
             ('PREFERRED', [memory[-1]], []), ('BIND', normal, []), ('BIND', normal[-1:], []),
             ('DEFAULT', [], memory[-1:]), ('INTERLEAVE', memory, []), ('INTERLEAVE', memory[1:], [])]
    cases = []
    for node in sorted(order):
        for cpu in cpu_list(cpus[node])[:1]:
            for policy, nodes, mems in kinds:
                for gfp in BITS:
                    counts = [13]
                    # One interleaving walk a board: it cannot take whole lists at once.
                    if policy != 'INTERLEAVE' or (node == min(order) and nodes == memory
                                                  and gfp == 'NOWAIT'):
                        counts.append(1 << 24)
                    cases += [make_policy(state, order, cpu, node, policy, nodes, mems, gfp, count)
                              for count in counts]
    return cases


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, (zones, dist, cpus, kbytes) in BOARDS.items():
        state = make_state(zones, dist, cpus, kbytes)
        order = node_order({n: dict(zip(sorted(dist), d)) for n, d in dist.items()},
                           {z[0] for z in zones})
        head = {'kernel': 'computed from docs, not a kernel', 'qemu': 'none'}
        for kind, body in (('state', state),
                           ('probe', {'state': state, 'cases': make_probes(state, order)}),
                           ('policy', {'state': state, 'cases': make_policies(state, order, cpus)})):
            with open(f'{sys.argv[1]}/{kind}-{name}.json', 'w', encoding='ascii') as out:
                json.dump(dict(head, **body), out)


main()
