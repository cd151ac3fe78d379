// The load of bench/fs: one row at a time, against any directory that holds the bench's tree, from any number of
// threads. In C so that what is measured is the file system. Everything but the operations themselves (lists, names,
// threads, dropping pages) happens before the clock starts.
//
//   load ROW THREADS keep|drop|again ROOT LIST OPS
//
// LIST has one path a line, below ROOT: files, directories or the one large file, as the row needs. OPS is how many
// random reads are made. `drop` tells the kernel to forget the large file's pages first; `again` runs the row twice and
// times the second run, so the kernel's caches hold all they can. Prints {"ops":N,"ns":N,"cpuNs":N,"bytes":N}; ns are
// from the first thread's start to the last one's end, cpuNs what they used.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, PIECE = 1 << 20, LISTING = 32768, MAX_THREADS = 64 };

struct share {
	long first, end; // of the list, or of the random reads
	int number;
	uint64_t ops, bytes;
	uint64_t started, ended, cpu; // of this thread, ns
	char *buffer;
};

static char **paths;
static long path_count, random_reads;
static int threads;
static off_t large_size;
static uint32_t *order; // of the large file's blocks
static pthread_barrier_t start_line;
static int rounds = 1;

static void die(const char *doing, const char *what)
{
	fprintf(stderr, "load: %s %s: %s\n", doing, what, strerror(errno));
	exit(1);
}

static void row_stat(struct share *share)
{
	struct stat st;
	for (long i = share->first; i < share->end; i++)
		if (lstat(paths[i], &st) != 0)
			die("stat", paths[i]);
	share->ops += share->end - share->first;
}

static void row_miss(struct share *share)
{
	struct stat st;
	for (long i = share->first; i < share->end; i++)
		if (lstat(paths[i], &st) == 0 || errno != ENOENT)
			die("stat of what is not there", paths[i]);
	share->ops += share->end - share->first;
}

// An operation is an entry that was listed.
static void list_directories(struct share *share, int with_stat)
{
	struct stat st;
	for (long i = share->first; i < share->end; i++) {
		int fd = open(paths[i], O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			die("open", paths[i]);
		for (;;) {
			long got = syscall(SYS_getdents64, fd, share->buffer, LISTING);
			if (got < 0)
				die("list", paths[i]);
			if (got == 0)
				break;
			for (long at = 0; at < got;) {
				struct dirent64 *entry = (struct dirent64 *)(share->buffer + at);
				at += entry->d_reclen;
				share->ops++;
				if (with_stat && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
					die("stat", entry->d_name);
			}
		}
		close(fd);
	}
}

static void row_readdir(struct share *share) { list_directories(share, 0); }
static void row_readdir_stat(struct share *share) { list_directories(share, 1); }

// As cat does it: reads until there is nothing more.
static void row_open_read_close(struct share *share)
{
	for (long i = share->first; i < share->end; i++) {
		int fd = open(paths[i], O_RDONLY);
		if (fd < 0)
			die("open", paths[i]);
		ssize_t got;
		while ((got = read(fd, share->buffer, PIECE)) > 0)
			share->bytes += got;
		if (got < 0)
			die("read", paths[i]);
		close(fd);
	}
	share->ops += share->end - share->first;
}

static int open_large(void)
{
	int fd = open(paths[0], O_RDONLY);
	if (fd < 0)
		die("open", paths[0]);
	return fd;
}

static void row_random(struct share *share)
{
	int fd = open_large();
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); // no readahead: one block is one request
	for (long i = share->first; i < share->end; i++) {
		if (pread(fd, share->buffer, BLOCK, (off_t)order[i] * BLOCK) != BLOCK)
			die("read", paths[0]);
	}
	share->ops += share->end - share->first;
	share->bytes += (share->end - share->first) * BLOCK;
	close(fd);
}

// An operation is a MiB; each thread reads its own part of the file.
static void row_sequential(struct share *share)
{
	int fd = open_large();
	off_t pieces = large_size / PIECE;
	off_t first = pieces * share->number / threads, end = pieces * (share->number + 1) / threads;
	for (off_t i = first; i < end; i++) {
		if (pread(fd, share->buffer, PIECE, i * PIECE) != PIECE)
			die("read", paths[0]);
	}
	share->ops += end - first;
	share->bytes += (end - first) * PIECE;
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(struct share *);
	int uses_large;
} rows[] = {
	{ "stat", row_stat, 0 },
	{ "lookup-miss", row_miss, 0 },
	{ "readdir", row_readdir, 0 },
	{ "readdir-stat", row_readdir_stat, 0 },
	{ "open-read-close", row_open_read_close, 0 },
	{ "random-4k", row_random, 1 },
	{ "sequential", row_sequential, 1 },
};
static void (*run_row)(struct share *);

static void read_list(const char *file)
{
	FILE *list = fopen(file, "r");
	if (list == NULL)
		die("open", file);
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	while ((length = getline(&line, &room, list)) > 0) {
		line[length - 1] = 0;
		paths = realloc(paths, (path_count + 1) * sizeof *paths);
		paths[path_count++] = strdup(line);
	}
	free(line);
	fclose(list);
}

// A permutation of the file's blocks, the same in every run, so no block is read twice.
static void shuffle_blocks(void)
{
	uint32_t count = large_size / BLOCK;
	uint64_t state = 88172645463325252u;
	order = malloc(count * sizeof *order);
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count - 1; i > 0; i--) {
		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		uint32_t other = state % (i + 1), block = order[i];
		order[i] = order[other], order[other] = block;
	}
	if (random_reads > count)
		random_reads = count;
}

static void prepare_large(int drop)
{
	int fd = open_large();
	struct stat st;
	if (fstat(fd, &st) != 0)
		die("stat", paths[0]);
	large_size = st.st_size;
	shuffle_blocks();
	if (drop && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		die("drop the pages of", paths[0]);
	close(fd);
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void *work(void *argument)
{
	struct share *share = argument;
	for (int round = 0; round < rounds; round++) {
		share->ops = share->bytes = 0;
		pthread_barrier_wait(&start_line);
		uint64_t used = now(CLOCK_THREAD_CPUTIME_ID);
		share->started = now(CLOCK_MONOTONIC);
		run_row(share);
		share->ended = now(CLOCK_MONOTONIC);
		share->cpu = now(CLOCK_THREAD_CPUTIME_ID) - used;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: load ROW THREADS keep|drop|again ROOT LIST OPS\n");
		return 2;
	}
	threads = atoi(argv[2]);
	random_reads = atol(argv[6]);
	int uses_large = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(argv[1], rows[i].name) == 0)
			run_row = rows[i].run, uses_large = rows[i].uses_large;
	if (run_row == NULL || threads < 1 || threads > MAX_THREADS) {
		fprintf(stderr, "load: no such row, or too many threads\n");
		return 2;
	}
	if (strcmp(argv[3], "again") == 0)
		rounds = 2;
	read_list(argv[5]);
	if (chdir(argv[4]) != 0)
		die("enter", argv[4]);
	if (uses_large)
		prepare_large(strcmp(argv[3], "drop") == 0);
	long total = uses_large ? random_reads : path_count;
	pthread_barrier_init(&start_line, NULL, threads);
	static struct share shares[MAX_THREADS];
	pthread_t ids[MAX_THREADS];
	for (int i = 0; i < threads; i++) {
		shares[i] = (struct share){ .first = total * i / threads, .end = total * (i + 1) / threads, .number = i };
		shares[i].buffer = aligned_alloc(BLOCK, PIECE);
		memset(shares[i].buffer, 1, PIECE); // its pages are there before the clock starts
		pthread_create(&ids[i], NULL, work, &shares[i]);
	}
	uint64_t started = UINT64_MAX, ended = 0, cpu = 0, ops = 0, bytes = 0;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ops += shares[i].ops, bytes += shares[i].bytes, cpu += shares[i].cpu;
		if (shares[i].started < started)
			started = shares[i].started;
		if (shares[i].ended > ended)
			ended = shares[i].ended;
	}
	printf("{\"ops\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"cpuNs\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", ops, ended - started, cpu, bytes);
	return 0;
}
