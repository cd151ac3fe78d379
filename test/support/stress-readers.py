"""Reads a mounted image with many processes at once, in the ways that Node can't: mmap, sendfile, splice, O_DIRECT,
exec, getdents with seeks, telldir and rewinddir. Every byte and every name is compared with what the image was made of.

  python3 stress-readers.py MOUNTPOINT MANIFEST READERS SECONDS SEED [may-fail] [WITHOUT...]

MANIFEST is the JSON file that stress-image.ts writes. Every reader does one whole round, and goes on until SECONDS have
passed. WITHOUT are kinds of readers that there are not to be. `may-fail`: a read may end with an error instead of the bytes,
never with other bytes or with fewer. Prints one JSON object: rounds, bytes, entries and failures by kind of reader. Exit code
1: somebody saw something wrong.
"""

import ctypes
import fcntl
import hashlib
import json
import mmap
import os
import random
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

PIECE = 1 << 20
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031
PR_SET_PDEATHSIG = 1
SIGKILL = 9
SIGBUS = 7
SYS_GETDENTS64 = {"x86_64": 217, "aarch64": 61}[os.uname().machine]
# Larger than any single FUSE read, so that the kernel must split it.
MAX_DIRECT_BYTES = 3 << 20
MAX_GETDENTS_BYTES = 256 << 10


class Wrong(Exception):
    """What was read is not what the image holds."""


class Reader:
    """One process: what it reads from, its own chance, and what it has seen."""

    def __init__(self, mountpoint, manifest, seed, may_fail):
        self.mountpoint = mountpoint
        self.manifest = manifest
        self.chance = random.Random(seed)
        self.bytes = 0
        self.entries = 0
        self.may_fail = may_fail

    def pread(self, fd, length, at):
        """Where reads may fail, one that meets the failure in its middle gives what came before it, by right."""
        content = os.pread(fd, length, at)
        while self.may_fail and 0 < len(content) < length:
            more = os.pread(fd, length - len(content), at + len(content))
            if more == b"":
                break
            content += more
        return content

    def path(self, name):
        return os.path.join(self.mountpoint, name)

    def check(self, name, digest, size):
        expected = self.manifest["files"][name]
        if (digest, size) != (expected["sha256"], expected["size"]):
            raise Wrong(f"{name}: {size} bytes with sha256 {digest}, expected {expected}")
        self.bytes += size

    def names(self):
        """All large files and some small ones, in this reader's order."""
        names = self.manifest["big"] + self.chance.sample(self.manifest["small"], min(100, len(self.manifest["small"])))
        self.chance.shuffle(names)
        return names

    def pieces(self, size, largest, unit=1):
        """Cuts [0, size) at random places, in random order."""
        cuts = []
        at = 0
        while at < size:
            length = min(size - at, unit * self.chance.randint(1, max(1, largest // unit)))
            cuts.append((at, length))
            at += length
        self.chance.shuffle(cuts)
        return cuts

    def sometimes_drop(self, fd):
        """Gives the kernel's cached pages of this file up, so that others meet hits and misses in any mixture."""
        if self.chance.random() < 0.2:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def by_pread(reader):
    for name in reader.names():
        fd = os.open(reader.path(name), os.O_RDONLY)
        reader.sometimes_drop(fd)
        size = os.fstat(fd).st_size
        content = bytearray(size)
        for at, length in reader.pieces(size, 512 << 10):
            content[at : at + length] = exactly(reader.pread(fd, length, at), length, name)
        if os.pread(fd, 1, size) != b"":
            raise Wrong(f"{name}: there are bytes after its end")
        os.close(fd)
        reader.check(name, hashlib.sha256(content).hexdigest(), size)


def by_mmap(reader):
    for name in reader.names():
        fd = os.open(reader.path(name), os.O_RDONLY)
        reader.sometimes_drop(fd)
        size = os.fstat(fd).st_size
        if size > 0:
            flags = reader.chance.choice([mmap.MAP_SHARED, mmap.MAP_PRIVATE])
            with mmap.mmap(fd, size, prot=mmap.PROT_READ, flags=flags) as area:
                area.madvise(reader.chance.choice([mmap.MADV_NORMAL, mmap.MADV_RANDOM, mmap.MADV_SEQUENTIAL]))
                for at, _ in reader.pieces(size, 256 << 10):
                    area[at]  # a page fault, somewhere
                reader.check(name, hashlib.sha256(area).hexdigest(), size)
        os.close(fd)


def by_sendfile(reader):
    for name in reader.names():
        fd = os.open(reader.path(name), os.O_RDONLY)
        reader.sometimes_drop(fd)
        size = os.fstat(fd).st_size
        ours, theirs = socket.socketpair()
        digest = hashlib.sha256()
        received = [0]

        def receive():
            while piece := theirs.recv(PIECE):
                digest.update(piece)
                received[0] += len(piece)

        listener = threading.Thread(target=receive)
        listener.start()
        at = 0
        while at < size:
            sent = os.sendfile(ours.fileno(), fd, at, min(size - at, reader.chance.randint(1, PIECE)))
            if sent == 0:
                break
            at += sent
        ours.close()
        listener.join()
        theirs.close()
        os.close(fd)
        reader.check(name, digest.hexdigest(), received[0])


def by_splice(reader):
    out, into = os.pipe()
    fcntl.fcntl(into, F_SETPIPE_SZ, PIPE_BYTES)
    for name in reader.names():
        fd = os.open(reader.path(name), os.O_RDONLY)
        reader.sometimes_drop(fd)
        digest = hashlib.sha256()
        at = 0
        while moved := os.splice(fd, into, reader.chance.randint(1, PIPE_BYTES), offset_src=at):
            at += moved
            while moved > 0:
                piece = os.read(out, moved)
                digest.update(piece)
                moved -= len(piece)
        os.close(fd)
        reader.check(name, digest.hexdigest(), at)
    os.close(out)
    os.close(into)


def by_direct(reader):
    with mmap.mmap(-1, MAX_DIRECT_BYTES) as aligned:
        for name in reader.names():
            fd = os.open(reader.path(name), os.O_RDONLY | os.O_DIRECT)
            size = os.fstat(fd).st_size
            content = bytearray(size)
            for at, length in reader.pieces(size, MAX_DIRECT_BYTES, unit=4096):
                with memoryview(aligned)[: -(-length // 4096) * 4096] as room:
                    got = os.preadv(fd, [room], at)
                    while reader.may_fail and 0 < got < length:
                        more = os.preadv(fd, [room[got:]], at + got)
                        if more == 0:
                            break
                        got += more
                    if got != length:
                        raise Wrong(f"{name}: {got} bytes at {at} with O_DIRECT, expected {length}")
                    content[at : at + length] = room[:length]
            os.close(fd)
            reader.check(name, hashlib.sha256(content).hexdigest(), size)


def by_exec(reader):
    """Programs of the image itself (copies of busybox) digest other files of it, and a script says what it should."""
    for program in reader.chance.sample(reader.manifest["programs"], len(reader.manifest["programs"])):
        names = reader.chance.sample(reader.manifest["small"], 20) + [reader.chance.choice(reader.manifest["programs"])]
        command = ["sha256sum"] + [reader.path(name) for name in names]
        done = subprocess.run(command, executable=reader.path(program), capture_output=True, text=True)
        if done.returncode != 0:
            raise Wrong(f"{program}: exit code {done.returncode}: {done.stderr}")
        for name, line in zip(names, done.stdout.splitlines(), strict=True):
            reader.check(name, line.split()[0], os.stat(reader.path(name)).st_size)
    script = reader.manifest["script"]
    said = subprocess.run([reader.path(script["path"])], capture_output=True, text=True).stdout
    if said != script["says"]:
        raise Wrong(f"{script['path']} said {said!r}")


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def getdents(fd, buffer, size):
    got = libc.syscall(SYS_GETDENTS64, fd, buffer, ctypes.c_size_t(size))
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "getdents64")
    entries = []
    raw = buffer.raw[:got]
    at = 0
    while at < got:
        inode, cookie, length, kind = struct.unpack_from("<QqHB", raw, at)
        name = raw[at + 19 : raw.index(0, at + 19)].decode()
        entries.append((name, kind, inode, cookie))
        at += length
    return entries


def by_getdents(reader):
    """Whole passes with calls of any size, seeks to any earlier place, and back to the start in the middle."""
    expected = reader.manifest["directory"]
    fd = os.open(reader.path(expected["path"]), os.O_RDONLY | os.O_DIRECTORY)
    buffer = ctypes.create_string_buffer(MAX_GETDENTS_BYTES)
    reader.sometimes_drop(fd)

    def read(limit=None):
        seen = []
        while limit is None or len(seen) < limit:
            size = reader.chance.choice([1 << 10, 8 << 10, 32 << 10, MAX_GETDENTS_BYTES])
            entries = getdents(fd, buffer, size)
            if not entries:
                break
            seen += entries
        reader.entries += len(seen)
        return seen

    whole = read()
    check_listing(expected, [(name, kind) for name, kind, _, _ in whole])
    for _ in range(20):
        at = reader.chance.randrange(len(whole))
        os.lseek(fd, whole[at][3], os.SEEK_SET)
        same(read(300), whole[at + 1 :], f"after a seek to entry {at}")
        reader.sometimes_drop(fd)
    os.lseek(fd, 0, os.SEEK_SET)
    same(read(reader.chance.randrange(len(whole))), whole, "after a seek to the start")
    os.lseek(fd, 0, os.SEEK_SET)
    same(read(), whole, "in a second pass", to_end=True)
    if read() != []:
        raise Wrong("entries after the end of the directory")
    os.close(fd)


class Dirent(ctypes.Structure):
    _fields_ = [
        ("d_ino", ctypes.c_uint64),
        ("d_off", ctypes.c_int64),
        ("d_reclen", ctypes.c_uint16),
        ("d_type", ctypes.c_uint8),
        ("d_name", ctypes.c_char * 256),
    ]


libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.readdir.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
libc.rewinddir.argtypes = [ctypes.c_void_p]
libc.closedir.argtypes = [ctypes.c_void_p]


def by_libc(reader):
    """opendir, readdir, telldir, seekdir, rewinddir as a program in C has them."""
    expected = reader.manifest["directory"]
    directory = libc.opendir(reader.path(expected["path"]).encode())
    if not directory:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "opendir")

    def read(limit, places=None):
        seen = []
        while len(seen) < limit:
            if places is not None and reader.chance.random() < 0.001:
                places.append((len(seen), libc.telldir(directory)))
            entry = libc.readdir(directory)
            if not entry:
                break
            found = entry.contents
            seen.append((found.d_name.decode(), found.d_type, found.d_ino))
        reader.entries += len(seen)
        return seen

    # Rewind somewhere in the first pass: what follows is the whole directory again.
    start = read(reader.chance.randrange(len(expected["entries"])))
    libc.rewinddir(directory)
    places = []
    whole = read(1 << 30, places)
    same(start, whole, "before a rewind")
    check_listing(expected, [(name, kind) for name, kind, _ in whole])
    reader.chance.shuffle(places)
    for at, place in places[:20]:
        libc.seekdir(directory, place)
        same(read(300), whole[at:], f"after seekdir to entry {at}")
    libc.closedir(directory)


def by_stat(reader):
    """Names looked up in any order while others list them: what `ls -l` and `find` do."""
    expected = reader.manifest["directory"]
    names = reader.chance.sample(sorted(expected["entries"]), 3000)
    folder = reader.path(expected["path"])
    for name in names:
        found = stat.S_IFMT(os.lstat(os.path.join(folder, name)).st_mode) >> 12
        if found != expected["entries"][name]:
            raise Wrong(f"{name}: type {found}, expected {expected['entries'][name]}")
        if os.path.lexists(os.path.join(folder, name + "-not")):
            raise Wrong(f"{name}-not exists")
    reader.entries += len(names)


def check_listing(expected, listed):
    names = [name for name, _ in listed]
    if len(names) != len(set(names)):
        raise Wrong("a name was listed twice")
    wanted = {**expected["entries"], ".": 4, "..": 4}
    missing = sorted(wanted.keys() - set(names))
    if missing:
        raise Wrong(f"{len(missing)} names are missing: {missing[:5]}")
    wrong = [entry for entry in listed if entry[1] != wanted.get(entry[0])]
    if wrong or len(names) != len(wanted):
        raise Wrong(f"{len(names)} names listed of {len(wanted)}; wrong: {wrong[:5]}")


def same(found, expected, when, to_end=False):
    if found == expected[: len(found)] and (not to_end or len(found) == len(expected)):
        return
    both = min(len(found), len(expected))
    at = next((at for at in range(both) if found[at] != expected[at]), both)
    raise Wrong(f"{when}: {len(found)} entries; entry {at} is {found[at:at + 1]}, expected {expected[at:at + 1]}")


def exactly(content, length, name):
    if len(content) != length:
        raise Wrong(f"{name}: {len(content)} bytes, expected {length}")
    return content


KINDS = {
    "pread": by_pread,
    "mmap": by_mmap,
    "sendfile": by_sendfile,
    "splice": by_splice,
    "O_DIRECT": by_direct,
    "exec": by_exec,
    "getdents": by_getdents,
    "seekdir": by_libc,
    "stat": by_stat,
}


def be_a_reader(kind, reader, gate, deadline):
    """Runs in a process of its own, and ends with its parent. Starts when `gate` returns."""
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    gate()
    rounds = failures = 0
    while rounds + failures == 0 or time.monotonic() < deadline:
        try:
            KINDS[kind](reader)
            rounds += 1
        except OSError:
            if not reader.may_fail:
                raise
            failures += 1
    return {"rounds": rounds, "bytes": reader.bytes, "entries": reader.entries, "failures": failures}


def main():
    mountpoint, manifest_path, readers, seconds, seed, *words = sys.argv[1:]
    may_fail = "may-fail" in words
    with open(manifest_path, encoding="utf8") as file:
        manifest = json.load(file)
    # All start at once, on a cold cache: they wait until the other end of this pipe is closed.
    wait_at, open_gate = os.pipe()
    kinds = [kind for kind in KINDS if kind not in words]
    children = []
    deadline = time.monotonic() + float(seconds)
    for number in range(int(readers)):
        kind = kinds[number % len(kinds)]
        report, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(open_gate)
            code = 1
            try:
                reader = Reader(mountpoint, manifest, f"{seed}-{number}", may_fail)
                os.write(tell, json.dumps(be_a_reader(kind, reader, lambda: os.read(wait_at, 1), deadline)).encode())
                code = 0
            except BaseException as error:  # whatever it was: it must be told, and this process must end here
                print(f"reader {number} ({kind}, seed {seed}): {type(error).__name__}: {error}", file=sys.stderr)
            finally:
                os._exit(code)
        os.close(tell)
        children.append((kind, pid, report))
    os.close(open_gate)
    totals = {kind: {"readers": 0, "rounds": 0, "bytes": 0, "entries": 0, "failures": 0} for kind in kinds}
    failed = False
    for kind, pid, report in children:
        said = os.read(report, 4096)
        _, status = os.waitpid(pid, 0)
        if may_fail and kind == "mmap" and os.WIFSIGNALED(status) and os.WTERMSIG(status) == SIGBUS:
            totals[kind]["failures"] += 1  # that is how a page says that it could not be read
            continue
        if status != 0 or said == b"":
            failed = True
            continue
        totals[kind]["readers"] += 1
        for key, value in json.loads(said).items():
            totals[kind][key] += value
    print(json.dumps(totals))
    sys.exit(1 if failed else 0)


main()
