"""Reads files of a mount and digests them, each time in another way.

  python3 reader.py SEED once|loop FILE...
  once: prints the digest of each file
  loop: goes on until it is killed; prints a line after each round: the digests

An error is printed and ends it with exit code 2. With mmap an error is a SIGBUS.
"""

import hashlib
import mmap
import os
import random
import socket
import sys
import threading
import time

seed, mode, *paths = sys.argv[1:]
chance = random.Random(seed)


def by_read(fd, size):
    digest = hashlib.sha256()
    at = 0
    while piece := os.pread(fd, chance.randint(1, 200_000), at):
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()


def by_mmap(fd, size):
    with mmap.mmap(fd, size, prot=mmap.PROT_READ) as area:
        for _ in range(10):
            area[chance.randrange(size)]
        return hashlib.sha256(area).hexdigest()


def by_sendfile(fd, size):
    ours, theirs = socket.socketpair()
    digest = hashlib.sha256()

    def receive():
        while piece := theirs.recv(1 << 16):
            digest.update(piece)

    listener = threading.Thread(target=receive, daemon=True)
    listener.start()
    at = 0
    while at < size and (sent := os.sendfile(ours.fileno(), fd, at, size - at)):
        at += sent
    ours.close()
    listener.join()
    theirs.close()
    return digest.hexdigest()


def read(path):
    fd = os.open(path, os.O_RDONLY)
    if chance.random() < 0.7:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        return chance.choice([by_read, by_mmap, by_sendfile])(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)


try:
    while True:
        print(*(read(path) for path in paths), flush=True)
        if mode == "once":
            break
        time.sleep(0.03)  # others need the processor, too
except OSError as error:
    print(f"error: {error}", flush=True)
    os._exit(2)
