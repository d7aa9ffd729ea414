# SPDX-License-Identifier: BSD-2-Clause
"""A second reader of device tree blobs, and a writer, for the tests.

It shares no code and no idea with board/: the whole tree becomes nested Python
objects first, and questions are asked of those. Well-formed blobs only.
"""
import struct


class Node:
    def __init__(self, name):
        self.name, self.props, self.children = name, {}, []

    def cells(self, name):
        value = self.props.get(name, b"")
        return [w[0] for w in struct.iter_unpack(">I", value[:len(value) & ~3])]

    def count(self, name, default=1):
        """How many cells an address or a size below this node has."""
        return (self.cells(name) or [default])[0]

    def text(self, name):
        """The first string; None if it lacks its NUL, "" if there is no such property."""
        value = self.props.get(name, b"\0")
        return value.split(b"\0")[0].decode() if b"\0" in value else None


def read(blob):
    """The root node, and the reserve map as (address, size) pairs."""
    (_, _, at, strings, reserve) = struct.unpack_from(">5I", blob)
    reserved = []
    while True:
        entry = struct.unpack_from(">2Q", blob, reserve)
        if entry[1] == 0:
            break
        reserved.append(entry)
        reserve += 16
    stack = [Node(None)]
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            node = Node(blob[at:end].decode())
            stack[-1].children.append(node)
            stack.append(node)
            at = (end + 4) & ~3
        elif token == 2:
            stack.pop()
        elif token == 3:
            length, name = struct.unpack_from(">2I", blob, at)
            start = strings + name
            key = blob[start:blob.index(b"\0", start)].decode()
            stack[-1].props[key] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif token == 9:
            return stack[0].children[0], reserved


def ids_without_a_place(root, nodes=64):
    """Node ids of memory that a table of so many nodes leaves out: none if it would be all."""
    ids = {node.cells("numa-node-id")[0] for node in root.children
           if node.text("device_type") == "memory" and node.cells("numa-node-id")}
    out = {i for i in ids if i >= nodes}
    return set() if out == ids else out


def memory_pages(root):
    """Page frames of RAM as a list of disjoint (first, last + 1), sorted. No-map is not cut out."""
    out = ids_without_a_place(root)
    a, s = root.count("#address-cells"), root.count("#size-cells")
    spans = []
    for node in root.children:
        if node.text("device_type") != "memory":
            continue
        if node.text("status") not in ("", "ok", "okay"):
            continue
        if out & set(node.cells("numa-node-id")[:1]):
            continue
        key = "linux,usable-memory" if "linux,usable-memory" in node.props else "reg"
        cells = node.cells(key)
        for i in range(0, len(cells) - a - s + 1, a + s):
            start = int("".join(f"{c:08x}" for c in cells[i:i + a]), 16)
            size = int("".join(f"{c:08x}" for c in cells[i + a:i + a + s]), 16)
            end = min(start + size, 2**64 - 1, 2**44 - 2**22)
            spans.append((-(-start // 4096), end // 4096))
    pages = []
    for first, last in sorted(s for s in spans if s[0] < s[1]):
        if pages and first <= pages[-1][1]:
            pages[-1][1] = max(pages[-1][1], last)
        else:
            pages.append([first, last])
    return pages


def cpu_ids(root):
    """MPIDRs in tree order, each once."""
    ids, out = [], ids_without_a_place(root)
    for cpus in root.children:
        if cpus.name != "cpus":
            continue
        width = cpus.count("#address-cells", root.count("#address-cells"))
        for node in cpus.children:
            if node.name.split("@")[0] != "cpu" and node.text("device_type") != "cpu":
                continue
            reg = node.cells("reg")
            if len(reg) < width or out & set(node.cells("numa-node-id")[:1]):
                continue
            mpidr = int("".join(f"{c:08x}" for c in reg[:width]), 16) & 0xff00ffffff
            if mpidr not in ids:
                ids.append(mpidr)
    return ids


def write(root, reserved=(), pad_to=0):
    """A blob from a Node tree."""
    strings, offsets, out = b"", {}, b""

    def emit(node):
        nonlocal strings, out
        name = node.name.encode() + b"\0"
        out += struct.pack(">I", 1) + name + b"\0" * (-len(name) % 4)
        for key, value in node.props.items():
            if key not in offsets:
                offsets[key] = len(strings)
                strings += key.encode() + b"\0"
            out += struct.pack(">3I", 3, len(value), offsets[key]) + value
            out += b"\0" * (-len(value) % 4)
        for child in node.children:
            emit(child)
        out += struct.pack(">I", 2)

    emit(root)
    out += struct.pack(">I", 9)
    rsv = b"".join(struct.pack(">2Q", *r) for r in reserved) + b"\0" * 16
    at = 40 + len(rsv)
    total = max(at + len(out) + len(strings), pad_to)
    head = struct.pack(">10I", 0xd00dfeed, total, at, at + len(out), 40, 17, 16, 0,
                       len(strings), len(out))
    return (head + rsv + out + strings).ljust(total, b"\0")


def node(name, props=None, children=()):
    """Build a node; integers become one cell, lists cells, text a string."""
    n = Node(name)
    for key, value in (props or {}).items():
        if isinstance(value, int):
            value = [value]
        if isinstance(value, list):
            value = b"".join(struct.pack(">I", v) for v in value)
        elif isinstance(value, str):
            value = value.encode() + b"\0"
        n.props[key] = value
    n.children = list(children)
    return n
