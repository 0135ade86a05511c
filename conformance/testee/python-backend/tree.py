# SPDX-License-Identifier: Apache-2.0
"""File trees in memory. The contents of files stay where they are."""

import copy
import os
import posixpath
import stat

MAX_LINKS = 40
XATTR = "SCHILY.xattr."  # how attributes are called in a tar


class Wrong(Exception):
    """A mistake of the user: one sentence."""


class Node:
    """A file. A file with several names is one node in several places."""

    def __init__(self, kind, mode, uid=0, gid=0, time=0, target="", content=None, xattrs=None):
        self.kind, self.mode, self.uid, self.gid, self.time = kind, mode, uid, gid, time
        self.target = target  # of a link; major and minor of a device
        self.content = content or ("", 0, 0)  # path, offset and size
        self.xattrs = xattrs or {}
        self.children = {} if kind == "dir" else None

    def clone(self, seen):
        """Return a copy with all that is below; seen keeps what has several names together."""
        if self not in seen:
            seen[self] = twin = copy.copy(self)
            if self.children is not None:
                twin.children = {name: child.clone(seen) for name, child in self.children.items()}
        return seen[self]

    def open(self):
        file = open(self.content[0], "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW))
        file.seek(self.content[1])
        return file


class Tree:
    """A root folder, and the places in it that were changed."""

    def __init__(self, root=None):
        self.root = root or Node("dir", 0o755)
        self.changed = set()

    def clone(self):
        return Tree(self.root.clone({}))

    def at(self, place):
        """Return the node at a place, a tuple of names, without following links."""
        node = self.root
        for name in place:
            node = node.children.get(name) if node and node.children is not None else None
        return node

    def put(self, place, node):
        """Put a node at a place whose folder is there."""
        if place[-1].startswith(".wh."):
            raise Wrong("%s: a name must not begin with .wh., which means a deletion in a layer" % "/".join(place))
        self.at(place[:-1]).children[place[-1]] = node
        self.changed.add(place)

    def find(self, path, make=None):
        """Return the place that a path leads to, links being followed inside the tree.

        With make, folders that are missing on the way are made of what it returns."""
        place, todo, links = (), path.split("/")[::-1], 0
        while todo:
            name = todo.pop()
            if name in ("", "."):
                continue
            if name == "..":
                place = place[:-1]
                continue
            here = self.at(place)
            if here is not None and here.kind != "dir":
                raise Wrong("%s: /%s is not a folder" % (path, "/".join(place)))
            if here is None and make:
                self.put(place, make())
            place += (name,)
            node = self.at(place)
            if node is not None and node.kind == "symlink":
                links += 1
                if links > MAX_LINKS:
                    raise Wrong("%s: too many links, or one that leads to itself" % path)
                todo += node.target.split("/")[::-1]
                place = () if node.target.startswith("/") else place[:-1]
        return place

    def folder(self, path, make):
        """Return the place of a folder, made with all above it where it is missing."""
        place = self.find(path, make=make)
        if self.at(place) is None:
            self.put(place, make())
        if self.at(place).kind != "dir":
            raise Wrong("%s is not a folder" % path)
        return place

    def read(self, path):
        """Return the text of a file; nothing when it is not there."""
        node = self.at(self.find(path))
        if node is None or node.kind != "file":
            return ""
        with node.open() as file:
            return file.read(node.content[2]).decode(errors="surrogateescape")


def of_context(path, hidden, check):
    """Return the tree of a build context. Links are not followed."""
    names = {}  # of files with several, by device and inode

    def scan(folder, rel):
        check()
        node = read(folder, os.lstat(folder), names)
        for entry in sorted(os.scandir(folder), key=lambda e: e.name):
            name = posixpath.join(rel, entry.name)
            is_dir = entry.is_dir(follow_symlinks=False)
            if hidden(name) and not (is_dir and hidden.puts_back()):
                continue
            child = scan(entry.path, name) if is_dir else read(entry.path, os.lstat(entry.path), names)
            if child is not None and (child.children or not hidden(name)):
                node.children[entry.name] = child
        return node

    return Tree(scan(os.path.realpath(path), ""))


def read(path, info, names):
    """Return a file of this machine, as one of root; nothing for a socket."""
    if info.st_nlink > 1 and (info.st_dev, info.st_ino) in names:
        return names[info.st_dev, info.st_ino]
    kind = {stat.S_IFDIR: "dir", stat.S_IFREG: "file", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
            stat.S_IFCHR: "char", stat.S_IFBLK: "block"}.get(stat.S_IFMT(info.st_mode))
    if kind is None:
        return None
    node = Node(kind, stat.S_IMODE(info.st_mode), time=int(info.st_mtime // 1), content=(path, 0, info.st_size))
    if kind == "symlink":
        node.target = os.readlink(path)
    if kind in ("char", "block"):
        node.target = (os.major(info.st_rdev), os.minor(info.st_rdev))
    if kind in ("file", "dir"):
        node.xattrs = {XATTR + key: os.getxattr(path, key).decode(errors="surrogateescape")
                       for key in os.listxattr(path) if key.startswith(("user.", "security.capability"))}
    if info.st_nlink > 1 and kind != "dir":
        names[info.st_dev, info.st_ino] = node
    return node


def without(node, hidden, rel=""):
    """Return a node without what is hidden below; nothing when it is hidden itself."""
    if node.kind != "dir":
        return None if hidden(rel) else node
    twin = copy.copy(node)
    children = ((name, without(child, hidden, posixpath.join(rel, name))) for name, child in node.children.items())
    twin.children = {name: child for name, child in children if child is not None}
    return twin if twin.children or rel == "" or not hidden(rel) else None
