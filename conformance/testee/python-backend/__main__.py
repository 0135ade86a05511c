# SPDX-License-Identifier: Apache-2.0
"""The process: handshake, lifeline and end (SPEC.md, 6)."""

import os
import secrets
import signal
import sys
import threading
from concurrent import futures

import grpc

from service import Backend
from zlayer.backend.v1 import service_pb2_grpc

MAX_MESSAGE = 64 << 20  # bytes
GRACE = 5  # seconds for builds that have to end


def main():
    if os.environ.get("ZLAYER_BACKEND_PLUGIN") != "backend-v1":
        sys.exit("python-backend is a zlayer backend: zlayer starts it, people do not")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the lifeline says when to end
    over = threading.Event()
    watch(os.environ.get("ZLAYER_LIFELINE_FD"), over)
    backend = Backend()
    server = grpc.server(futures.ThreadPoolExecutor(64), options=[
        ("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)])
    service_pb2_grpc.add_BackendServicer_to_server(backend, server)
    stop = grpc.unary_unary_rpc_method_handler(lambda request, context: over.set() or b"")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": stop}),))
    folder = os.environ["PLUGIN_UNIX_SOCKET_DIR"]
    socket = os.path.join(folder, "plugin" + secrets.token_hex(4))
    server.add_insecure_port("unix:" + socket)
    server.start()
    print("1|1|unix|%s|grpc" % socket, flush=True)
    os.dup2(2, 1)  # whatever is printed from now on
    over.wait()
    backend.end(GRACE)
    server.stop(0).wait(1)
    for remove, path in ((os.remove, socket), (os.rmdir, folder)):
        try:
            remove(path)
        except OSError:
            pass
    os._exit(0)


def watch(descriptor, over):
    """Set over when the pipe ends that the host holds open while it lives."""

    def wait():
        while os.read(int(descriptor), 1):
            pass
        over.set()

    if descriptor:
        os.set_inheritable(int(descriptor), False)
        threading.Thread(target=wait, daemon=True).start()


main()
