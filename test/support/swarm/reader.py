# Who reads on a node: a process that is not the daemon's, light enough for sixteen of them, and that can be killed. Waits
# for a line on standard input, then does one of these and writes JSON lines; times are CLOCK_MONOTONIC in nanoseconds,
# which all processes of the machine share.
#   reader.py all DIRECTORY THREADS SEED    reads every regular file, in an order drawn with SEED (0: sorted)
#   reader.py ahead FILE PARTS BYTES        asks for the first PARTS x BYTES of a file at once, in order
#   reader.py program DIRECTORY ARG...      runs a program below DIRECTORY; it is ready when it says "ready:"
import errno, hashlib, json, os, queue, random, resource, subprocess, sys, threading, time

out = threading.Lock()
PIECE = 1 << 20
# That of our mounts (daemon/config.ts), or less.
READAHEAD = 512 << 10
# Reads that took longer than this are told one by one.
LONG_NS = 500_000_000


def say(**message):
    with out:
        sys.stdout.write(json.dumps(message) + '\n')
        sys.stdout.flush()


def files_below(directory):
    found = []
    for folder, folders, names in os.walk(directory):
        folders.sort()
        found += [os.path.join(folder, name) for name in sorted(names)]
    return [path for path in found if os.path.isfile(path) and not os.path.islink(path)]


def read_file(directory, path):
    digest, waits, start = hashlib.sha256(), [], time.monotonic_ns()
    error = None
    try:
        with open(path, 'rb', buffering=0) as file:
            while True:
                before = time.monotonic_ns()
                piece = file.read(PIECE)
                waited = time.monotonic_ns() - before
                if waited > LONG_NS:
                    waits.append([before, before + waited])
                if not piece:
                    break
                digest.update(piece)
    except OSError as failure:
        error = errno.errorcode.get(failure.errno, str(failure.errno))
    say(path=os.path.relpath(path, directory), start=start, end=time.monotonic_ns(), waits=waits,
        **({'error': error} if error else {'sha256': digest.hexdigest()}))


def read_all(directory, threads, seed):
    paths = files_below(directory)
    if int(seed) != 0:
        random.Random(int(seed)).shuffle(paths)
    todo = queue.SimpleQueue()
    for path in paths:
        todo.put(path)

    def work():
        while True:
            try:
                path = todo.get_nowait()
            except queue.Empty:
                return
            read_file(directory, path)

    in_threads([work] * int(threads))


def read_ahead(path, parts, size):
    file, size = os.open(path, os.O_RDONLY), int(size)
    # The kernel asks for all of it now, in order, and waits for nothing; no more for one call than its readahead. Threads
    # that read a part each would not: the second half of the first part would come after the first halves of all.
    for offset in range(0, int(parts) * size, READAHEAD):
        os.posix_fadvise(file, offset, READAHEAD, os.POSIX_FADV_WILLNEED)
    for number in range(int(parts)):
        got = 0
        while got < size:
            piece = os.pread(file, size - got, number * size + got)
            if not piece:
                raise EOFError(path)
            got += len(piece)
        say(part=number, end=time.monotonic_ns())


def run_program(directory, *command):
    child = subprocess.Popen(['chroot', directory, *command], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    for line in child.stdout:
        if line.startswith(b'ready:'):
            say(ready=line.decode('utf8', 'replace').strip(), end=time.monotonic_ns())
    child.wait()
    if child.returncode != 0:
        say(failed=child.returncode)


def in_threads(works):
    failures = []

    def guarded(work):
        try:
            work()
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


MODES = {'all': read_all, 'ahead': read_ahead, 'program': run_program}
say(waiting=True)
if sys.stdin.readline():
    MODES[sys.argv[1]](*sys.argv[2:])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    say(done=time.monotonic_ns(), cpu=sum(one.ru_utime + one.ru_stime for one in used))
