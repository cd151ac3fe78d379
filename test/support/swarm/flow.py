# One flow of bytes between two namespaces, to see whether a link is as fast as it was made.
#   flow.py receive PORT SECONDS     accepts one connection; prints payload bits/s after the first half second
#   flow.py send HOST PORT           sends until the other side closes
import socket, sys, time

WARM_UP_S = 0.5
BUFFER = bytes(1 << 16)


def receive(port, seconds):
    listener = socket.create_server(('0.0.0.0', int(port)))
    print('listening', flush=True)
    connection, _ = listener.accept()
    started = time.monotonic()
    counted_from, counted = None, 0
    while True:
        got = len(connection.recv(1 << 16))
        now = time.monotonic()
        if got == 0:
            raise EOFError('the sender went away')
        if counted_from is not None:
            counted += got
        elif now - started > WARM_UP_S:
            counted_from = now
        if counted_from is not None and now - counted_from > float(seconds):
            print(counted * 8 / (now - counted_from), flush=True)
            return


def send(host, port):
    connection = socket.create_connection((host, int(port)))
    try:
        while True:
            connection.sendall(BUFFER)
    except OSError:
        pass  # the receiver has seen enough


{'receive': receive, 'send': send}[sys.argv[1]](*sys.argv[2:])
