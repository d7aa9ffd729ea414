# SPDX-License-Identifier: BSD-2-Clause
"""For the scripts in Python: a page in headless Chromium, as the tree of its elements after its
scripts ran, and as a picture of which every pixel can be asked."""
import collections
import html.parser
import os
import struct
import subprocess
import tempfile
import zlib

TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))
VOID = "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"


def chromium(url, *options):
    """What it prints. Profile and caches are its own, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="zonal-chromium-") as folder:
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--hide-scrollbars", f"--user-data-dir={folder}",
             *options, url],
            capture_output=True, text=True, timeout=TIMEOUT, check=False,
            env=dict(os.environ, HOME=folder, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder))
    if done.returncode:
        raise OSError(f"chromium: status {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


class Element:
    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.children, self.words = tag, dict(attributes), [], []

    def __getitem__(self, name):
        return self.attributes.get(name)

    def all(self, tag=None, **wanted):
        """Those inside of it in order; data_x=, class_= are data-x and class."""
        names = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        for child in self.children:
            if (tag is None or child.tag == tag) and all(child[n] == v for n, v in names.items()):
                yield child
            yield from child.all(tag, **wanted)

    def one(self, tag=None, **wanted):
        found = list(self.all(tag, **wanted))
        if len(found) != 1:
            raise ValueError(f"there are {len(found)} of {tag} {wanted}")
        return found[0]

    @property
    def text(self):
        return "".join(word if isinstance(word, str) else word.text for word in self.words)

    def rows(self):
        """The cells of a table."""
        return [[cell.text for cell in row.children] for row in self.all("tr")]


class Builder(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.path = [Element("document", ())]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs)
        self.path[-1].children.append(element)
        self.path[-1].words.append(element)
        if tag not in VOID:
            self.path.append(element)

    def handle_endtag(self, tag):
        if any(element.tag == tag for element in self.path[1:]):
            while self.path.pop().tag != tag:
                pass

    def handle_data(self, data):
        self.path[-1].words.append(data)


def address(path, fragment):
    return f"file://{os.path.abspath(path)}#{fragment}"


def tree(path, fragment="", size=(1100, 1000)):
    builder = Builder()
    builder.feed(chromium(address(path, fragment), "--dump-dom", "--window-size={},{}".format(*size)))
    builder.close()
    return builder.path[0]


def unfilter(kind, line, above, step):
    """A line of a PNG from the differences that stand in the file."""
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(line, above))
    for i in range(len(line) if kind else 0):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = left
        if kind == 3:
            guess = (left + above[i]) // 2
        elif kind == 4:
            far = abs(above[i] - corner), abs(left - corner), abs(left + above[i] - 2 * corner)
            guess = left if far[0] <= far[1] and far[0] <= far[2] else above[i] if far[1] <= far[2] else corner
        line[i] = (line[i] + guess) & 255
    return line


class Picture:
    """A PNG of 8 bits a colour, without interlace, as browsers write it."""

    def __init__(self, data):
        if data[:8] != b"\x89PNG\r\n\x1a\n":
            raise ValueError("no PNG")
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            if kind == b"IHDR":
                self.width, self.height, depth, colour, _, _, laced = struct.unpack_from(">IIBBBBB", data, at + 8)
                if depth != 8 or colour not in (2, 6) or laced:
                    raise ValueError(f"a PNG of depth {depth}, colour type {colour}, interlace {laced}")
                self.step = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                packed += data[at + 8:at + 8 + length]
            at += 12 + length
        self.lines = self.unpack(zlib.decompress(packed))

    def unpack(self, flat):
        above, lines, bytes_a_line = bytearray(self.width * self.step), [], self.width * self.step
        for y in range(self.height):
            start = y * (bytes_a_line + 1)
            above = unfilter(flat[start], bytearray(flat[start + 1:start + 1 + bytes_a_line]), above, self.step)
            lines.append(above)
        return lines

    def colours(self, left=0, top=0, width=None, height=None):
        """How many pixels of a part have each colour, as #rrggbb."""
        found = collections.Counter()
        right = self.width if width is None else left + width
        for line in self.lines[top:self.height if height is None else top + height]:
            part = bytes(line[left * self.step:right * self.step])
            found.update(part[i:i + 3] for i in range(0, len(part), self.step))
        return collections.Counter({"#" + colour.hex(): n for colour, n in found.items()})


def picture(path, fragment="", size=(1100, 1000)):
    with tempfile.TemporaryDirectory(prefix="zonal-picture-") as folder:
        shot = os.path.join(folder, "shot.png")
        chromium(address(path, fragment), f"--screenshot={shot}", "--window-size={},{}".format(*size))
        with open(shot, "rb") as file:
            return Picture(file.read())
