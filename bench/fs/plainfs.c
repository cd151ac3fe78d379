// The baseline of bench/fs: what a good plain FUSE file system in C does with a tree that never changes. libfuse 3, low
// level, several threads, each with its own clone of /dev/fuse. The tree is in memory with every answer prepared, names
// in one hash table, contents in one file that is read with pread. Names and attributes are valid for ever, OPEN and
// OPENDIR are answered with ENOSYS so that the kernel stops asking, directories come with attributes, symbolic links are
// cached, reads are up to 1 MiB, and the mount's readahead is that of Shoal's mounts.
//
//   plainfs SOURCE DATA MOUNTPOINT
//
// Packs the contents of SOURCE into the new file DATA, mounts, writes "ready" and serves in the foreground.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { BLOCK = 4096, MAX_READ = 1 << 20, READAHEAD = 512 << 10 };
static const double FOREVER = 1e9;

struct node {
	struct fuse_entry_param entry;
	const char *name;
	const char *target; // symbolic links
	uint64_t parent, hash;
	off_t data; // files: where the contents start
	uint64_t first_child, child_count; // directories: ids
};

static struct node *nodes; // node id n is nodes[n]; 1 is the root
static uint64_t node_count = 1, node_room;
static uint64_t *table, table_mask;
static int data_fd;
static off_t data_end;
static __thread char *read_buffer;

static void die(const char *doing, const char *what)
{
	fprintf(stderr, "plainfs: %s %s: %s\n", doing, what, strerror(errno));
	exit(1);
}

static uint64_t hash_name(uint64_t parent, const char *name)
{
	uint64_t hash = 14695981039346656037u ^ (parent * 0x9e3779b97f4a7c15u);
	for (; *name != 0; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	return hash ^ (hash >> 32);
}

static uint64_t find(uint64_t parent, const char *name)
{
	uint64_t hash = hash_name(parent, name);
	for (uint64_t at = hash & table_mask; table[at] != 0; at = (at + 1) & table_mask) {
		const struct node *node = &nodes[table[at]];
		if (node->hash == hash && node->parent == parent && strcmp(node->name, name) == 0)
			return table[at];
	}
	return 0;
}

// ---- packing ----

static void pack_contents(struct node *node, int directory)
{
	static char buffer[1 << 16];
	int fd = openat(directory, node->name, O_RDONLY);
	if (fd < 0)
		die("open", node->name);
	node->data = data_end;
	off_t at = data_end;
	for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0; at += got)
		if (pwrite(data_fd, buffer, got, at) != got)
			die("write", node->name);
	data_end = (at + BLOCK - 1) / BLOCK * BLOCK;
	close(fd);
}

static uint64_t add(uint64_t parent, const char *name, int directory)
{
	if (node_count >= node_room) {
		node_room = node_room == 0 ? 1024 : node_room * 2;
		nodes = realloc(nodes, node_room * sizeof *nodes);
	}
	uint64_t id = node_count++;
	struct node *node = &nodes[id];
	memset(node, 0, sizeof *node);
	node->name = strdup(name);
	node->parent = parent;
	node->hash = hash_name(parent, name);
	node->entry.ino = id;
	node->entry.attr_timeout = node->entry.entry_timeout = FOREVER;
	if (fstatat(directory, name, &node->entry.attr, AT_SYMLINK_NOFOLLOW) != 0)
		die("stat", name);
	node->entry.attr.st_ino = id;
	if (S_ISREG(node->entry.attr.st_mode))
		pack_contents(node, directory);
	if (S_ISLNK(node->entry.attr.st_mode)) {
		char target[4097];
		ssize_t length = readlinkat(directory, name, target, sizeof target - 1);
		if (length < 0)
			die("read", name);
		node->target = strndup(target, length);
	}
	return id;
}

// The children of a directory get neighbouring ids; below them the walk goes on.
static void walk(uint64_t id, int directory)
{
	DIR *listing = fdopendir(directory);
	if (listing == NULL)
		die("list", nodes[id].name);
	uint64_t first = node_count;
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			add(id, entry->d_name, directory);
	uint64_t end = node_count;
	nodes[id].first_child = first;
	nodes[id].child_count = end - first;
	for (uint64_t child = first; child < end; child++) {
		if (!S_ISDIR(nodes[child].entry.attr.st_mode))
			continue;
		int below = openat(directory, nodes[child].name, O_RDONLY | O_DIRECTORY);
		if (below < 0)
			die("open", nodes[child].name);
		walk(child, below);
	}
	closedir(listing);
}

static void build_table(void)
{
	uint64_t size = 2;
	while (size < node_count * 2)
		size *= 2;
	table = calloc(size, sizeof *table);
	table_mask = size - 1;
	for (uint64_t id = 2; id < node_count; id++) {
		uint64_t at = nodes[id].hash & table_mask;
		while (table[at] != 0)
			at = (at + 1) & table_mask;
		table[at] = id;
	}
}

// ---- serving ----

static void on_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	conn->want |= conn->capable & FUSE_CAP_CACHE_SYMLINKS;
	// Splicing was tried: slower for small requests, no faster for large ones, and much slower at 1 MiB, where the
	// pages and the header no longer fit a pipe.
	conn->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->max_readahead = READAHEAD;
	conn->max_background = 128;
	conn->congestion_threshold = 96;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	static const struct fuse_entry_param missing = { .entry_timeout = 1e9 };
	uint64_t id = find(parent, name);
	fuse_reply_entry(request, id == 0 ? &missing : &nodes[id].entry);
}

static void on_getattr(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
	(void)info;
	fuse_reply_attr(request, &nodes[id].entry.attr, FOREVER);
}

static void on_readlink(fuse_req_t request, fuse_ino_t id) { fuse_reply_readlink(request, nodes[id].target); }

static void on_open(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
	(void)id, (void)info;
	fuse_reply_err(request, ENOSYS);
}

static void on_read(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)info;
	const struct node *node = &nodes[id];
	off_t left = node->entry.attr.st_size - offset;
	if (left <= 0) {
		fuse_reply_buf(request, NULL, 0);
		return;
	}
	if (size > (size_t)left)
		size = left;
	if (read_buffer == NULL)
		read_buffer = aligned_alloc(BLOCK, MAX_READ);
	ssize_t got = pread(data_fd, read_buffer, size, node->data + offset);
	if (got != (ssize_t)size)
		fuse_reply_err(request, EIO);
	else
		fuse_reply_buf(request, read_buffer, size);
}

// Cookies: 0 is the start, 1 follows ".", 2 follows "..", 2 + n follows child n.
static void list(fuse_req_t request, fuse_ino_t id, size_t size, off_t cookie, int plus)
{
	static __thread char buffer[1 << 16];
	const struct node *node = &nodes[id];
	size_t used = 0;
	if (size > sizeof buffer)
		size = sizeof buffer;
	for (uint64_t at = cookie; at < node->child_count + 2; at++) {
		uint64_t of = at == 0 ? id : at == 1 ? (node->parent == 0 ? id : node->parent) : node->first_child + at - 2;
		const char *name = at == 0 ? "." : at == 1 ? ".." : nodes[of].name;
		struct fuse_entry_param entry = nodes[of].entry;
		if (at < 2)
			entry.ino = 0;
		size_t needed = plus ? fuse_add_direntry_plus(request, buffer + used, size - used, name, &entry, at + 1)
				     : fuse_add_direntry(request, buffer + used, size - used, name, &entry.attr, at + 1);
		if (needed > size - used)
			break;
		used += needed;
	}
	fuse_reply_buf(request, buffer, used);
}

static void on_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t cookie, struct fuse_file_info *info)
{
	(void)info;
	list(request, id, size, cookie, 0);
}

static void on_readdirplus(fuse_req_t request, fuse_ino_t id, size_t size, off_t cookie, struct fuse_file_info *info)
{
	(void)info;
	list(request, id, size, cookie, 1);
}

static void on_forget(fuse_req_t request, fuse_ino_t id, uint64_t count)
{
	(void)id, (void)count;
	fuse_reply_none(request);
}

static void on_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
	(void)count, (void)forgets;
	fuse_reply_none(request);
}

static const struct fuse_lowlevel_ops operations = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.readlink = on_readlink,
	.open = on_open,
	.opendir = on_open,
	.read = on_read,
	.readdir = on_readdir,
	.readdirplus = on_readdirplus,
	.forget = on_forget,
	.forget_multi = on_forget_multi,
};

// Before INIT is answered, which can only lower it. Found in the mount table: a stat of our own mount would wait for ourselves.
static void raise_readahead(const char *mountpoint)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	char line[8192], device[64], where[4096], path[128];
	while (mounts != NULL && fgets(line, sizeof line, mounts) != NULL) {
		if (sscanf(line, "%*d %*d %63s %*s %4095s", device, where) != 2 || strcmp(where, mountpoint) != 0)
			continue;
		snprintf(path, sizeof path, "/sys/class/bdi/%s/read_ahead_kb", device);
		FILE *setting = fopen(path, "w");
		if (setting == NULL)
			die("open", path);
		fprintf(setting, "%d\n", READAHEAD / 1024);
		fclose(setting);
	}
	if (mounts != NULL)
		fclose(mounts);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: plainfs SOURCE DATA MOUNTPOINT\n");
		return 2;
	}
	int source = open(argv[1], O_RDONLY | O_DIRECTORY);
	data_fd = open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600);
	if (source < 0 || data_fd < 0)
		die("open", source < 0 ? argv[1] : argv[2]);
	add(0, ".", source);
	walk(1, source);
	build_table();

	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	fuse_opt_add_arg(&arguments, "plainfs");
	fuse_opt_add_arg(&arguments, "-oro,allow_other,default_permissions,fsname=plainfs");
	struct fuse_session *session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
	if (session == NULL || fuse_set_signal_handlers(session) != 0 || fuse_session_mount(session, argv[3]) != 0)
		return 1;
	raise_readahead(argv[3]);
	printf("ready\n");
	fflush(stdout);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	fuse_loop_cfg_set_clone_fd(config, 1);
	int result = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	return result == 0 ? 0 : 1;
}
