"""``python -m mprunner.worker FD``: serve trials over the control socket FD.

``--fresh NOTE FD`` is a worker with an interpreter of its own. It starts here, too, so that the actors that it spawns
import nothing of it: multiprocessing skips a main module whose name ends in ``.__main__``.
"""

import socket
import sys

if __name__ == "__main__":
    if sys.argv[1] == "--fresh":
        from mprunner.worker.forking import main

        main(sys.argv[2], int(sys.argv[3]))
    from mprunner.worker.launcher import serve

    serve(socket.socket(fileno=int(sys.argv[1])))
