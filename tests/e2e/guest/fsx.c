/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random reads, writes, mappings, truncations, holes and copies on one file, against a model in
 * memory.
 *
 *   fsx FILE SEED SECONDS
 *
 * Every byte that is read is compared. What went wrong is printed with the number of the operation,
 * which is the same for the same seed. The file is left for the caller to compare with FILE.model.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (256u * 1024u)
#define OP_MAX         (40u * 1024u)
#define PAGE           4096u

enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, ZERO_RANGE = 16 }; /* fallocate(2) */

static uint8_t model[SIZE_MAX_BYTES], got[SIZE_MAX_BYTES];
static uint32_t size;
static uint64_t random_state;
static unsigned long op;
static const char *name, *doing = "nothing";
static int fd;

static uint32_t next(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)(random_state >> 33) % below : 0;
}

static void die(const char *what)
{
	printf("not ok fsx: operation %lu, %s: %s (%s), the size should be %u\n", op, doing, what,
	       strerror(errno), size);
	exit(1);
}

static void compare(const uint8_t *p, uint32_t off, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (p[i] != model[off + i]) {
			printf("# byte %u is %02x, should be %02x\n", off + i, p[i],
			       model[off + i]);
			die("wrong byte");
		}
	}
}

static void fill(uint8_t *p, uint32_t len)
{
	uint8_t tag = (uint8_t)next(256);

	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(tag + i * 7 + (i >> 8));
}

/* A range within the file, or for a change up to the largest size. */
static uint32_t range(uint32_t limit, uint32_t *len)
{
	uint32_t off = next(limit);

	*len = 1 + next(OP_MAX);
	if (next(3) == 0) {
		off &= ~(PAGE - 1);
		*len = (*len + PAGE - 1) & ~(PAGE - 1);
	}
	if (*len > limit - off)
		*len = limit - off;
	return off;
}

static void grow(uint32_t to)
{
	if (to <= size)
		return;
	memset(model + size, 0, to - size);
	size = to;
}

static void do_read(void)
{
	uint32_t len, off = range(SIZE_MAX_BYTES, &len);
	uint32_t expect = off >= size ? 0 : len < size - off ? len : size - off;

	doing = "read";
	if (pread(fd, got, len, off) != (ssize_t)expect)
		die("short or long");
	compare(got, off, expect);
}

static void do_write(void)
{
	uint32_t len, off = range(SIZE_MAX_BYTES, &len);

	doing = "write";
	grow(off + len);
	fill(model + off, len);
	if (pwrite(fd, model + off, len, off) != (ssize_t)len)
		die("failed");
}

static void do_append(void)
{
	uint32_t len = 1 + next(OP_MAX);
	int other = open(name, O_WRONLY | O_APPEND);

	doing = "append";
	if (len > SIZE_MAX_BYTES - size)
		len = SIZE_MAX_BYTES - size;
	fill(model + size, len);
	if (other < 0 || write(other, model + size, len) != (ssize_t)len || close(other))
		die("failed");
	size += len;
}

static void do_map(void)
{
	uint32_t len, off, lead;
	int writes = next(2) == 0;
	uint8_t *p;

	doing = writes ? "writing to a mapping" : "reading from a mapping";
	if (size == 0)
		return;
	off = range(size, &len);
	lead = off % PAGE;
	p = mmap(NULL, lead + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off - lead);
	if (p == MAP_FAILED)
		die("mmap");
	if (writes) {
		fill(model + off, len);
		memcpy(p + lead, model + off, len);
		if (next(4) == 0 && msync(p, lead + len, MS_SYNC))
			die("msync");
	}
	compare(p + lead, off, len);
	munmap(p, lead + len);
}

static void do_truncate(void)
{
	uint32_t to = next(SIZE_MAX_BYTES);

	doing = "truncate";
	if ((next(2) ? ftruncate(fd, to) : truncate(name, to)) < 0)
		die("failed");
	grow(to);
	size = to;
}

static void do_allocate(void)
{
	static const int modes[] = {0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE,
				    ZERO_RANGE | KEEP_SIZE};
	uint32_t len, off = range(SIZE_MAX_BYTES, &len), end;
	int mode = modes[next(5)];

	doing = "fallocate";
	if (len == 0)
		return;
	if (fallocate(fd, mode, off, len) < 0) {
		if (errno != EOPNOTSUPP)
			die("failed");
		return; /* ZERO_RANGE is not known everywhere */
	}
	if (!(mode & KEEP_SIZE))
		grow(off + len);
	end = off + len < size ? off + len : size;
	if ((mode & (PUNCH_HOLE | ZERO_RANGE)) && off < end)
		memset(model + off, 0, end - off);
}

static void do_copy(void)
{
	uint32_t len, from, to;
	off_t in, out;
	ssize_t n;

	doing = "copy_file_range";
	if (size < 2)
		return;
	from = range(size, &len);
	to = next(SIZE_MAX_BYTES - len);
	if ((from < to ? to - from : from - to) < len)
		return; /* overlapping: EINVAL */
	for (uint32_t done = 0; done < len; done += (uint32_t)n) {
		in = from + done;
		out = to + done;
		n = copy_file_range(fd, &in, fd, &out, len - done, 0);
		if (n <= 0)
			die("failed");
	}
	grow(to + len);
	memmove(model + to, model + from, len);
}

static void do_direct(void)
{
	uint32_t off = next(SIZE_MAX_BYTES / PAGE) * PAGE, len = (1 + next(8)) * PAGE;
	uint8_t *buf = aligned_alloc(PAGE, len);
	int direct = open(name, O_RDWR | O_DIRECT);

	doing = "direct I/O";
	if (len > SIZE_MAX_BYTES - off)
		len = SIZE_MAX_BYTES - off;
	if (direct >= 0 && next(2)) {
		fill(buf, len);
		if (pwrite(direct, buf, len, off) != (ssize_t)len)
			die("write failed");
		grow(off + len);
		memcpy(model + off, buf, len);
	} else if (direct >= 0) {
		uint32_t expect = off >= size ? 0 : len < size - off ? len : size - off;

		if (pread(direct, buf, len, off) != (ssize_t)expect)
			die("read is short or long");
		compare(buf, off, expect);
	}
	if (direct >= 0)
		close(direct);
	free(buf);
}

static void do_reopen(void)
{
	struct stat st;

	doing = "fstat";
	if (fstat(fd, &st) < 0 || st.st_size != size)
		die("wrong size");
	switch (next(4)) {
	case 0:
		doing = "reopening";
		if (close(fd) || (fd = open(name, O_RDWR)) < 0)
			die("failed");
		break;
	case 1:
		doing = "fsync";
		if (fsync(fd))
			die("failed");
		break;
	case 2:
		doing = "dropping the cache";
		if (fdatasync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die("failed");
		break;
	}
}

static void finish(void)
{
	char path[4096];
	int copy;

	doing = "the last comparison";
	if (pread(fd, got, SIZE_MAX_BYTES, 0) != (ssize_t)size)
		die("wrong size");
	compare(got, 0, size);
	if (close(fd))
		die("close");
	snprintf(path, sizeof(path), "%s.model", name);
	copy = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (copy < 0 || write(copy, model, size) != (ssize_t)size || close(copy))
		die("the model's copy");
}

/* One in `weight` of all weights. */
static struct {
	void (*run)(void);
	const char *name;
	uint32_t weight;
	unsigned long count;
} ops[] = {
	{do_read, "reads", 2, 0},         {do_write, "writes", 2, 0},
	{do_append, "appends", 1, 0},     {do_map, "mappings", 3, 0},
	{do_truncate, "truncates", 1, 0}, {do_allocate, "fallocates", 1, 0},
	{do_copy, "copies", 1, 0},        {do_direct, "direct", 1, 0},
	{do_reopen, "synced", 1, 0},
};
#define N_OPS   (sizeof(ops) / sizeof(ops[0]))
#define WEIGHTS 13u

static void do_one(void)
{
	uint32_t r = next(WEIGHTS);
	size_t i = 0;

	while (r >= ops[i].weight)
		r -= ops[i++].weight;
	ops[i].run();
	ops[i].count++;
}

int main(int argc, char **argv)
{
	time_t end;

	if (argc != 4) {
		fputs("usage: fsx FILE SEED SECONDS\n", stderr);
		return 2;
	}
	name = argv[1];
	random_state = strtoul(argv[2], NULL, 10);
	end = time(NULL) + atol(argv[3]);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		die("open");
	for (op = 1; time(NULL) < end; op++)
		do_one();
	finish();
	printf("ok fsx: seed %s, %s s, %lu operations:", argv[2], argv[3], op - 1);
	for (size_t i = 0; i < N_OPS; i++)
		printf("%s %lu %s", i ? "," : "", ops[i].count, ops[i].name);
	putchar('\n');
	return 0;
}
