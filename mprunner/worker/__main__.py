"""``python -m mprunner.worker FD``: serve trials over the control socket FD."""

import socket
import sys

from mprunner.worker.launcher import serve

if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
