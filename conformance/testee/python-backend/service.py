# SPDX-License-Identifier: Apache-2.0
"""The calls of a host (proto/zlayer/backend/v1/service.proto)."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import threading
import traceback

import grpc

from builds import Build, Cancelled
from layers import Unable
from tree import Wrong
from zlayer.backend.v1 import backend_pb2 as pb, service_pb2_grpc
from zlayer.ir.v1 import resolved_pb2 as ir

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class Store:
    """A state folder: blobs/HEX, artifacts/HANDLE with a list of digests, jobs/ID while a build runs."""

    def __init__(self, path):
        self.path = path

    def at(self, kind, name):
        """Return the path of an entry. A name never leads elsewhere."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
            raise ValueError("%r is no name" % name)
        return os.path.join(self.path, kind, name)

    @contextlib.contextmanager
    def lock(self):
        """Keep other processes from adding and removing."""
        os.makedirs(self.path, exist_ok=True)
        with open(os.path.join(self.path, "lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def digests(self, handle):
        """Return the digests of an artifact; nothing when it is not whole."""
        try:
            with open(self.at("artifacts", handle)) as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if all(os.path.exists(self.blob(d)) for d in found) else None

    def blob(self, digest):
        return self.at("blobs", digest.split(":")[-1])

    def keep(self, folder, blobs):
        """Take the blobs of a build out of its folder, and return the handle of the artifact."""
        digests = [b.digest for b in blobs]
        handle = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
        with self.lock():
            for kind in ("blobs", "artifacts"):
                os.makedirs(os.path.join(self.path, kind), exist_ok=True)
            for digest in set(digests):
                os.rename(os.path.join(folder, digest.split(":")[1]), self.blob(digest))
            with open(os.path.join(folder, "artifact"), "w") as file:
                json.dump(digests, file)
            os.rename(os.path.join(folder, "artifact"), self.at("artifacts", handle))
        return handle

    def remove(self, handles):
        """Forget artifacts, and the blobs that no other has."""
        with self.lock():
            for handle in handles:
                with contextlib.suppress(OSError, ValueError):
                    os.remove(self.at("artifacts", handle))
            used = set()
            for handle in self.names("artifacts"):
                used.update(d.split(":")[1] for d in self.digests(handle) or ())
            for blob in self.names("blobs"):
                if blob not in used:
                    os.remove(self.at("blobs", blob))

    def names(self, kind):
        with contextlib.suppress(FileNotFoundError):
            return os.listdir(os.path.join(self.path, kind))
        return []


class Backend(service_pb2_grpc.BackendServicer):
    """The service. Its builds end when the host is gone."""

    def __init__(self):
        self.builds, self.idle = set(), threading.Condition()

    def end(self, seconds):
        """Cancel all builds and wait for their ends."""
        with self.idle:
            for build in self.builds:
                build.cancel()
            self.idle.wait_for(lambda: not self.builds, seconds)

    def Describe(self, request, context):
        here = ir.Platform(os="linux", architecture=MACHINES.get(platform.machine(), platform.machine()))
        return pb.DescribeResponse(platforms=[pb.PlatformSupport(platform=here, run=pb.RUN_MODE_NONE)])

    def Build(self, requests, context):
        start = next(requests).start
        if not start.job_id:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message of a build is not start")
        store = Store(start.state_dir)
        folder = store.at("jobs", start.job_id)
        os.makedirs(folder)
        build = Build(start, folder)
        with self.idle:
            self.builds.add(build)
        if not context.add_callback(build.cancel):
            build.cancel()
        threading.Thread(target=listen, args=(requests, build), daemon=True).start()
        try:
            yield from build.run()
            blobs = build.stages[-1][1]
            last = pb.BuildEvent(artifact=pb.Artifact(handle=store.keep(folder, blobs), blobs=blobs))
        except Exception as e:  # whatever it is, the host is told
            last = pb.BuildEvent(failed=failed(e, build.ref))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self.idle:
                self.builds.discard(build)
                self.idle.notify_all()
        yield last

    def Has(self, request, context):
        return pb.HasResponse(present=Store(request.state_dir).digests(request.handle) is not None)

    def Export(self, request, context):
        store = Store(request.state_dir)
        there = store.digests(request.handle)
        for digest in request.digests:
            if there is None or digest not in there:
                context.abort(grpc.StatusCode.NOT_FOUND, "there is no blob %s of %s" % (digest, request.handle))
            shutil.copyfile(store.blob(digest), os.path.join(request.directory, digest.split(":")[1]))
        return pb.ExportResponse()

    def Remove(self, request, context):
        Store(request.state_dir).remove(request.handles)
        return pb.RemoveResponse()

    def Recover(self, request, context):
        store = Store(request.state_dir)
        try:
            folders = [store.at("jobs", job) for job in request.job_ids]
        except ValueError as e:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(e))
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return pb.RecoverResponse()


def listen(requests, build):
    """Wait for a cancel, or the end of the stream."""
    try:
        for request in requests:
            if request.HasField("cancel"):
                build.cancel()
    except Exception:  # the stream broke
        build.cancel()


def failed(error, ref):
    """Say whose fault an error is."""
    if isinstance(error, Cancelled):
        return pb.Failed(kind=pb.FAILURE_KIND_CANCELLED, message="the build was cancelled")
    if isinstance(error, (Wrong, PermissionError)):
        return pb.Failed(kind=pb.FAILURE_KIND_SOURCE, ref=ref, message=str(error))
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or isinstance(error, Unable):
        return pb.Failed(kind=pb.FAILURE_KIND_MACHINE, ref=ref, message=str(error), help="free some disk space" if full else "")
    traceback.print_exc()
    return pb.Failed(kind=pb.FAILURE_KIND_INTERNAL, ref=ref, message="%s: %s" % (type(error).__name__, error))
