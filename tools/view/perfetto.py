# SPDX-License-Identifier: BSD-2-Clause
"""For zonal-view: the same as events for chrome://tracing and ui.perfetto.dev.

The format is Chrome's Trace Event format in JSON. A task is a thread, because what begins and ends
in one task nests, and on one CPU it need not. Zones and nodes are counters. Times there are
microseconds; where a record's time is calls, and a log's is steps, one of them is a microsecond.
"""

PID = 1


def entry(kind, name, t, tid=0, **more):
    return {"ph": kind, "name": name, "ts": t, "pid": PID, "tid": tid, **more}


def counters(step, t):
    for zone in step["zones"]:
        yield entry("C", f"node {zone['node']} {zone['zone']}", t, args={
            "free": zone["free"], **{mark: zone[mark] + zone["boost"] for mark in ("min", "low", "high")}})
    for node in step["numa"]:
        yield entry("C", f"node {node['node']} NUMA", t,
                    args={key: node[key] for key in ("hit", "miss", "foreign")})


def trace_of(data):
    scale = 1000 if data["unit"] == "ns" else 1
    thread = "CPU" if data["unit"] == "call" else "task"
    out = [entry("M", "process_name", 0, args={"name": "Zonal"})]
    out += [entry("M", "thread_name", 0, task, args={"name": f"{thread} {task}"})
            for task in sorted({event["task"] for event in data["events"]})]
    for step in data["steps"]:
        out += counters(step, step["t"] / scale)
    for event in data["events"]:
        out.append(entry("i", event["name"], event["t"] / scale, event["task"], s="t", cat=event["row"],
                         args={"cpu": event["cpu"], "text": event["text"]}))
    for span in data["spans"]:
        out.append(entry("X", span["row"], span["t"] / scale, span["task"], cat=span["row"],
                         dur=(span["end"] - span["t"]) / scale,
                         args={"cpu": span["cpu"], "text": span["text"]}))
    return {"traceEvents": out, "displayTimeUnit": "ms"}
