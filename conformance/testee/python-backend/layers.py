# SPDX-License-Identifier: Apache-2.0
"""Layers: those of images are read, those of steps are written."""

import gzip
import hashlib
import json
import os
import tarfile

from tree import Node, Tree, XATTR

KINDS = {tarfile.AREGTYPE: "file", tarfile.REGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink",
         tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block"}
TYPES = {kind: type for type, kind in KINDS.items()}


class Unable(Exception):
    """Something that this machine or program lacks."""


def of_image(layout, digest, scratch, check):
    """Return the tree of an image in an OCI layout. Layers are unpacked into scratch."""

    def blob(digest):
        return os.path.join(layout, "blobs", *digest.split(":"))

    with open(blob(digest)) as file:
        manifest = json.load(file)
    tree = Tree()
    for layer in manifest["layers"]:
        tar = os.path.join(scratch, layer["digest"].replace(":", "-"))
        if not os.path.exists(tar):
            unpack(blob(layer["digest"]), tar, check)
        apply(tree, tar, check)
    tree.changed.clear()
    return tree


def unpack(path, to, check):
    """Write the uncompressed tar of a layer."""
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic == b"\x28\xb5\x2f\xfd":
        raise Unable("layers compressed by zstd cannot be read")
    opened = gzip.open if magic.startswith(b"\x1f\x8b") else open
    with opened(path, "rb") as source, open(to, "wb") as out:
        while piece := source.read(1 << 20):
            check()
            out.write(piece)


def apply(tree, path, check):
    """Change a tree by a layer (OCI image-spec, layer.md): what it deletes is below it, so that comes first."""
    for deletes in (True, False):
        with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as tar:
            for entry in tar:
                check()
                place = clean(entry.name)
                if place and place[-1].startswith(".wh.") == deletes:
                    (delete if deletes else add)(tree, place, entry, path)


def clean(name):
    """Return a name in a tar as a place."""
    return tuple(p for p in name.split("/") if p not in ("", ".", ".."))


def delete(tree, place, entry, path):
    """Do what an entry for a deletion says."""
    folder = tree.at(place[:-1])
    if folder is None or folder.kind != "dir":
        return
    if place[-1] == ".wh..wh..opq":
        folder.children = {}
    else:
        folder.children.pop(place[-1][4:], None)


def add(tree, place, entry, path):
    """Put an entry into a tree. A folder over a folder keeps what is in it."""
    parent = make(tree, place[:-1])
    old = parent.children.get(place[-1])
    new = tree.at(clean(entry.linkname)) if entry.islnk() else node(entry, path)
    if new.kind == "dir" and old is not None and old.kind == "dir":
        new.children = old.children
    parent.children[place[-1]] = new


def make(tree, place):
    """Return the folder at a place; what is missing, or none, is made one."""
    folder = tree.root
    for name in place:
        child = folder.children.get(name)
        if child is None or child.kind != "dir":
            child = folder.children[name] = Node("dir", 0o755)
        folder = child
    return folder


def node(entry, path):
    """Return an entry of a tar as a node."""
    xattrs = {key: value for key, value in entry.pax_headers.items() if key.startswith(XATTR)}
    target = (entry.devmajor, entry.devminor) if entry.isdev() and not entry.isfifo() else entry.linkname
    return Node(KINDS[entry.type], entry.mode & 0o7777, entry.uid, entry.gid, int(entry.mtime), target,
                (path, entry.offset_data, entry.size), xattrs)


def write(tree, path, check):
    """Write what was changed in a tree as a layer. Return its digest and size."""
    first = {}  # the first name of each node
    with open(path, "wb") as file, tarfile.open(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape") as tar:
        for place in sorted(tree.changed):
            check()
            entry(tar, "/".join(place), tree.at(place), first, check)
    tree.changed.clear()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            check()
            digest.update(piece)
    return "sha256:" + digest.hexdigest(), os.path.getsize(path)


def entry(tar, name, n, first, check):
    """Write one file."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.mtime = TYPES[n.kind], n.mode, n.uid, n.gid, n.time
    if n.kind != "dir" and n in first:
        info.type, info.linkname = tarfile.LNKTYPE, first[n]
        tar.addfile(info)
        return
    first[n] = name
    info.pax_headers = dict(n.xattrs)
    if n.kind == "symlink":
        info.linkname = n.target
    if n.kind in ("char", "block"):
        info.devmajor, info.devminor = n.target
    if n.kind != "file":
        tar.addfile(info)
        return
    info.size = n.content[2]
    with n.open() as file:
        tar.addfile(info, Checked(file, check))


class Checked:
    """A file whose reading can be stopped."""

    def __init__(self, file, check):
        self.file, self.check = file, check

    def read(self, size):
        self.check()
        return self.file.read(size)
