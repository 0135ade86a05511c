# SPDX-License-Identifier: Apache-2.0
"""What steps do to the tree of their stage (SPEC.md, 6.1)."""

import copy
import posixpath
import re

from patterns import Hidden, Mode, is_pattern, regex
from tree import Node, Wrong, without


def owner(tree, text, also_group):
    """Return the ids of "user[:group]". With also_group a number alone is the group too."""
    user, _, group = text.partition(":")
    uid, own = lookup(tree, "/etc/passwd", user, "user")
    if group:
        return uid, lookup(tree, "/etc/group", group, "group")[0]
    return uid, own if own is not None else uid if also_group else 0


def lookup(tree, file, name, what):
    """Return the id of a name or number, and the group that a user has."""
    if name.isdecimal():
        return int(name), None
    for line in tree.read(file).splitlines():
        fields = line.split(":")
        if fields[0] == name and len(fields) > 3:
            return int(fields[2]), int(fields[3]) if what == "user" else None
    raise Wrong("the %s %s is not in %s of the stage" % (what, name, file))


def make_dir(tree, step, now):
    """Do WORKDIR."""
    uid, gid = owner(tree, step.owner or "0", True)
    tree.folder(step.path, lambda: Node("dir", 0o755, uid, gid, now))


class Copy:
    """COPY, or ADD of what needs no fetching and no unpacking."""

    def __init__(self, tree, source, own, step, now, scratch):
        self.tree, self.source, self.step, self.now, self.scratch = tree, source, step, now, scratch
        self.owner = owner(tree, step.chown, True) if step.chown else (0, 0) if own else None
        self.mode = Mode(step.chmod)
        self.exclude = Hidden(step.exclude)
        self.twins = {}  # what was copied of each node, for those with several names

    def run(self):
        for word in self.step.sources:
            for path in self.matches(word):
                self.copy(path)
        for number, inline in enumerate(self.step.inline):
            path = "%s-%d" % (self.scratch, number)
            with open(path, "wb") as file:
                file.write(inline.content)
            self.file(Node("file", 0o644, time=self.now, content=(path, 0, len(inline.content))), inline.name)

    def matches(self, word):
        """Return the paths in the source that a word stands for. Only what is before a wildcard must be there."""
        found, sure = [""], True
        for segment in word.split("/"):
            if is_pattern(segment):
                rule, sure = re.compile(regex(segment, False), re.S), False
                found = [posixpath.join(path, name) for path in found for name in self.names(path) if rule.fullmatch(name)]
            else:
                segment = re.sub(r"\\(.)", r"\1", segment)
                found = [posixpath.join(path, segment) for path in found if sure or segment in self.names(path)]
                for path in found if sure else ():
                    self.there(path)
        return found

    def names(self, path):
        """Return the names in a folder, sorted; none when it is something else."""
        node = self.source.at(self.source.find(path))
        return sorted(node.children) if node is not None and node.kind == "dir" else []

    def there(self, path):
        """Return the node that a path in the source leads to."""
        node = self.source.at(self.source.find(path))
        if node is None:
            raise Wrong("%s: there is no such file, or it is hidden" % path)
        return node

    def copy(self, path):
        """Copy one source to the destination."""
        name = posixpath.basename(path.rstrip("/"))
        node = self.there(path)
        if node.kind != "dir":
            if not self.exclude(name):
                self.file(node, name)
            return
        node = without(node, self.exclude)
        place = self.tree.folder(self.step.destination, self.made)
        if place in self.tree.changed:  # made by this step, it stands for the source
            self.tree.at(place).time = node.time
        for name, child in sorted(node.children.items()):
            self.merge(child, place + (name,))

    def made(self):
        """Return a folder that a step has to make."""
        uid, gid = self.owner or (0, 0)
        mode = 0o755
        if self.mode.octal is not None:
            mode = self.mode.octal & 0o777
            mode |= (mode & 0o444) >> 2
        return Node("dir", mode, uid, gid, self.now)

    def file(self, node, name):
        """Copy a file to the destination, or into it when that is a folder."""
        destination = self.step.destination
        place = self.tree.find(destination)
        old = self.tree.at(place)
        if destination.endswith("/") or old is not None and old.kind == "dir":
            place = self.tree.folder(destination, self.made) + (name,)
        else:
            self.tree.folder("/".join(place[:-1]), self.made)
        self.merge(node, place)

    def merge(self, node, place):
        """Put a copy of a node at a place; a folder is merged with the one that is there."""
        old = self.tree.at(place)
        if old is not None and old.kind == "symlink" and node.kind == "dir":
            place = self.tree.find("/".join(place))
            old = self.tree.at(place)
        if old is not None and (old.kind == "dir") != (node.kind == "dir"):
            raise Wrong("/%s: a file cannot take the place of a folder, nor a folder that of a file" % "/".join(place))
        twin = self.twin(node)
        if node.kind == "dir":
            twin.children = old.children if old is not None else {}
        self.tree.put(place, twin)
        for name, child in sorted(node.children.items()) if node.kind == "dir" else ():
            self.merge(child, place + (name,))

    def twin(self, node):
        """Return a node as it is in the stage."""
        if node in self.twins and node.kind != "dir":
            return self.twins[node]
        self.twins[node] = twin = copy.copy(node)
        if self.owner:
            twin.uid, twin.gid = self.owner
        if node.kind != "symlink":
            twin.mode = self.mode.of(node.mode, node.kind == "dir")
        return twin
