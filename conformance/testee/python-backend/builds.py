# SPDX-License-Identifier: Apache-2.0
"""One build: the steps of all stages, and the layers they make."""

import os
import time

from google.protobuf.unknown_fields import UnknownFieldSet

import layers
import tree
from patterns import Hidden
from steps import Copy, make_dir
from zlayer.backend.v1 import backend_pb2 as pb
from zlayer.ir.v1 import resolved_pb2 as ir

# What is built; the same as in the manifest.
FEATURES = {"copy", "copy.chmod", "copy.chmod.symbolic", "copy.chown", "copy.exclude", "copy.from.context",
            "copy.from.image", "copy.from.stage", "copy.inline", "make-dir"}


class Foreign(Exception):
    """A build that the host should not have asked for."""


class Cancelled(Exception):
    """The host wants no result any more."""


def foreign(message):
    """Report whether a message has fields, or a set oneof, that are not known: the IR is closed."""
    if len(UnknownFieldSet(message)):
        return True
    if any(len(one.fields) > 1 and message.WhichOneof(one.name) is None for one in message.DESCRIPTOR.oneofs):
        return True
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            if any(foreign(m) for m in (value if field.is_repeated else [value])):
                return True
    return False


class Build:
    """A build that runs. Its folder is empty before, and for nobody else."""

    def __init__(self, start, folder):
        self.start, self.folder, self.cancelled = start, folder, False
        self.build = start.build.container
        self.images, self.contexts, self.stages = {}, {}, []
        self.now = start.source_date_epoch if start.HasField("source_date_epoch") else int(time.time())
        self.ref = None  # the step that runs

    def cancel(self):
        self.cancelled = True

    def check(self):
        if self.cancelled:
            raise Cancelled()

    def run(self):
        """Yield the events of all steps. Then "blobs" of the last stage is the result."""
        if not self.start.build.HasField("container") or not FEATURES.issuperset(self.start.build.features):
            raise Foreign("the build needs something that this backend does not have")
        if foreign(self.start.build):
            raise Foreign("the build has something in it that this backend does not understand")
        for number, stage in enumerate(self.build.stages):
            files, blobs = self.base(stage.base)
            self.stages.append((files, blobs))
            for step_number, step in enumerate(stage.steps):
                self.check()
                self.ref = pb.StepRef(stage=number, step=step_number)
                yield pb.BuildEvent(step_started=pb.StepStarted(ref=self.ref))
                self.step(files, step)
                if files.changed:
                    blobs.append(self.layer(files))
                yield pb.BuildEvent(step_finished=pb.StepFinished(ref=self.ref))
            self.ref = None

    def base(self, source):
        """Return the tree that a stage starts from and its layers above an image."""
        if source.kind == ir.INPUT_KIND_SCRATCH:
            return tree.Tree(), []
        blobs = self.stages[source.index][1] if source.kind == ir.INPUT_KIND_STAGE else []
        return self.input(source).clone(), list(blobs)

    def input(self, source):
        """Return the tree of an input."""
        if source.kind == ir.INPUT_KIND_STAGE:
            return self.stages[source.index][0]
        if source.kind == ir.INPUT_KIND_IMAGE:
            if source.index not in self.images:
                digest = self.build.images[source.index].digest
                self.images[source.index] = layers.of_image(self.start.images_dir, digest, self.folder, self.check)
            return self.images[source.index]
        if source.kind == ir.INPUT_KIND_CONTEXT:
            if source.index not in self.contexts:
                context = self.start.contexts[source.index]
                self.contexts[source.index] = tree.of_context(context.path, Hidden(context.ignore), self.check)
            return self.contexts[source.index]
        return tree.Tree()

    def step(self, files, step):
        """Do one step."""
        op = step.WhichOneof("op")
        if op == "make_dir":
            make_dir(files, step.make_dir, self.now)
        elif op == "transfer":
            inline = os.path.join(self.folder, "inline-%d-%d" % (self.ref.stage, self.ref.step))
            source = getattr(step.transfer, "from")
            own = source.kind == ir.INPUT_KIND_CONTEXT
            Copy(files, self.input(source), own, step.transfer, self.now, inline).run()
        elif op != "metadata":
            raise Foreign("a step needs something that this backend does not have")

    def layer(self, files):
        """Write what a step has changed and return its blob."""
        path = os.path.join(self.folder, "layer")
        digest, size = layers.write(files, path, self.check)
        os.rename(path, os.path.join(self.folder, digest.split(":")[1]))
        return pb.Blob(digest=digest, size=size, ref=self.ref)
