// The tree as programs see it through a real mount, compared with what was put into the image.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { directory, makeOnDisk } from '../image/image-builder.ts';
import { noise, richTree } from '../image/rich-tree.ts';
import { mountpointIn, python, runOutside, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { driverInUse, libraryOf, makeImage, requestFor } from './lazy-image.ts';

const TREE = pathToFileURL(join(import.meta.dirname, '../../support/tree.ts')).href;
const LIMITS = pathToFileURL(join(import.meta.dirname, '../../support/native-limits.ts')).href;

/** Differences between two directories, the driver's listed limits aside, found by another process. */
async function differences(expected: string, found: string): Promise<string> {
  const program = `
    import { compareTrees, readTree } from ${JSON.stringify(TREE)};
    import { asNativeShows } from ${JSON.stringify(LIMITS)};
    const [unpacked, found] = [await readTree(${JSON.stringify(expected)}), await readTree(${JSON.stringify(found)})];
    const expected = ${JSON.stringify(driverInUse())} === 'fuse-native' ? asNativeShows(unpacked) : unpacked;
    console.log(JSON.stringify({ entries: expected.size, differences: compareTrees(expected, found) }));
  `;
  return runOutside(process.execPath, '--input-type=module', '-e', program);
}

test('shows types, modes, owners, times, links, devices, attributes and contents as they were put in', async t => {
  const image = makeImage(richTree, { chunkSize: 1 << 16 });
  const scratchDirectory = scratch(t);
  const onDisk = join(scratchDirectory, 'expected');
  mkdirSync(onDisk);
  await makeOnDisk(image.root, image.builder.contents, onDisk);
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratchDirectory);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const result = JSON.parse(await differences(onDisk, mountpoint));
  assert.deepEqual(result.differences, []);
  assert.ok(result.entries > 1000);
  const [info] = await daemon.list();
  assert.equal(info?.stats.waiting, 0);
  assert.ok((info?.stats.misses ?? 0) > 0 && (info?.stats.fetchedBytes ?? 0) > 0);
});

test('lists a directory of thousands in any way: rewinding, seeking, in small and large buffers', async t => {
  const names = Array.from({ length: 3000 }, (_, i) => `entry ${i} ${'x'.repeat(i % 200)}`);
  const image = makeImage(builder =>
    directory({ big: directory(Object.fromEntries(names.map(name => [name, builder.file('')]))) }),
  );
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Dirent(ctypes.Structure):
    _fields_ = [('ino', ctypes.c_uint64), ('off', ctypes.c_int64), ('reclen', ctypes.c_uint16), ('type', ctypes.c_uint8), ('name', ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.readdir.argtypes = libc.rewinddir.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
d = libc.opendir(sys.argv[1].encode())
def rest():
    names = []
    while True:
        e = libc.readdir(d)
        if not e: return names
        names.append(os.fsdecode(e.contents.name))
first = rest()
libc.rewinddir(d)
second = rest()
libc.rewinddir(d)
head = [os.fsdecode(libc.readdir(d).contents.name) for _ in range(1500)]
place = libc.telldir(d)
tail = rest()
libc.seekdir(d, place)
again = rest()
print(json.dumps(dict(first=first, same=first == second, split=head + tail == first, seek=again == tail)))
`;
  const result = JSON.parse(await python(program, join(mountpoint, 'big')));
  assert.deepEqual(result.first.toSorted(), ['.', '..', ...names].toSorted());
  assert.deepEqual(
    { same: result.same, split: result.split, seek: result.seek },
    { same: true, split: true, seek: true },
  );
});

test('gives 64 parallel readers the right bytes at every offset and size', async t => {
  const chunkSize = 1 << 16;
  const content = noise(40 * chunkSize + 777, 'parallel');
  const image = makeImage(builder => directory({ file: builder.file(content) }), { chunkSize });
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import hashlib, os, random, sys, threading
path, size = sys.argv[1], int(sys.argv[2])
pieces = {}
def read(seed):
    rng = random.Random(seed)
    fd = os.open(path, os.O_RDONLY)
    for _ in range(20):
        at, length = rng.randrange(size), rng.randrange(1, 200000)
        pieces[(at, length)] = hashlib.sha256(os.pread(fd, length, at)).hexdigest()
threads = [threading.Thread(target=read, args=(i,)) for i in range(64)]
[x.start() for x in threads]; [x.join() for x in threads]
whole = open(path, 'rb').read()
bad = [k for k, v in pieces.items() if hashlib.sha256(whole[k[0]:k[0] + k[1]]).hexdigest() != v]
print(len(pieces), len(bad), hashlib.sha256(whole).hexdigest(), len(whole))
`;
  const [reads, bad, digest, size] = (await python(program, join(mountpoint, 'file'), `${content.length}`)).split(
    /\s+/,
  );
  assert.ok(Number(reads) > 1000);
  assert.equal(bad, '0');
  assert.equal(Number(size), content.length);
  assert.equal(digest, createHash('sha256').update(content).digest('hex'));
  assert.ok(image.origin.requests.length < 45, `${image.origin.requests.length} requests for 41 chunks`);
});

test('refuses every change, answers statfs, and says what is not there', async t => {
  const image = makeImage(builder => directory({ file: builder.file('content'), folder: directory() }));
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import errno, json, os, sys
os.chdir(sys.argv[1])
def result(f):
    try: f(); return 'done'
    except OSError as e: return errno.errorcode[e.errno]
print(json.dumps(dict(
    write=result(lambda: os.open('file', os.O_WRONLY)), create=result(lambda: os.open('new', os.O_CREAT | os.O_WRONLY)),
    unlink=result(lambda: os.unlink('file')), mkdir=result(lambda: os.mkdir('x')), rename=result(lambda: os.rename('file', 'y')),
    chmod=result(lambda: os.chmod('file', 0)), setxattr=result(lambda: os.setxattr('file', 'user.x', b'')),
    missing=[result(lambda: os.stat('missing')) for _ in range(2)], long=result(lambda: os.stat('n' * 256)),
    notdir=result(lambda: os.stat('file/x')), xattr=result(lambda: os.getxattr('file', 'user.x')),
    names=os.statvfs('.').f_namemax, files=os.statvfs('.').f_files - os.statvfs('.').f_ffree, beyond=len(os.pread(os.open('file', os.O_RDONLY), 10, 100)))))
`;
  const result = JSON.parse(await python(program, mountpoint));
  for (const name of ['write', 'create', 'unlink', 'mkdir', 'rename', 'chmod', 'setxattr']) {
    assert.equal(result[name], 'EROFS', name);
  }
  assert.deepEqual(result.missing, ['ENOENT', 'ENOENT']);
  assert.equal(result.long, 'ENAMETOOLONG');
  assert.equal(result.notdir, 'ENOTDIR');
  assert.match(result.xattr, /ENODATA|EOPNOTSUPP|ENOTSUP/);
  assert.equal(result.names, 255);
  assert.equal(result.files, 3);
  assert.equal(result.beyond, 0);
});

test('hides the attributes that are private to overlayfs, and reports sizes and missing room as others do', async t => {
  const xattrs = new Map([
    ['trusted.overlay.opaque', Buffer.from('y')],
    ['user.shown', Buffer.from('value')],
  ]);
  const image = makeImage(builder => directory({ file: builder.file('x', { xattrs }) }));
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
path = sys.argv[1].encode()
def get(name, size):
    n = libc.getxattr(path, name, ctypes.create_string_buffer(max(size, 1)), size)
    return n if n >= 0 else errno.errorcode[ctypes.get_errno()]
print(json.dumps(dict(names=os.listxattr(path), hidden=get(b'trusted.overlay.opaque', 10), probe=get(b'user.shown', 0),
    small=get(b'user.shown', 2), fits=get(b'user.shown', 5))))
`;
  const isShown = driverInUse() === 'erofs'; // a listed limit
  assert.deepEqual(JSON.parse(await python(program, join(mountpoint, 'file'))), {
    names: isShown ? ['user.shown', 'trusted.overlay.opaque'] : ['user.shown'],
    hidden: isShown ? 1 : 'ENODATA',
    probe: 5,
    small: 'ERANGE',
    fits: 5,
  });
});
