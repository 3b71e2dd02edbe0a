/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs: donated descriptors, READ, WRITE and RELEASE. */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/log.c */
#include "test_virtio_fs_harness.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NODE (broker_root_node(0) + 1)

static int read_at(enum broker_class class, uint64_t fh, uint64_t off, uint32_t size)
{
	struct fuse_read_in in = {.fh = fh, .offset = off, .size = size};

	return ask_op(class, FUSE_READ, NODE, &in, sizeof(in));
}

static struct req make_write(uint64_t fh, uint64_t off, const char *text, uint32_t write_flags, uint32_t flags)
{
	struct {
		struct fuse_write_in in;
		char text[100];
	} w = {.in = {.fh = fh,
		      .offset = off,
		      .size = (uint32_t)strlen(text),
		      .flags = flags,
		      .write_flags = write_flags}};

	memcpy(w.text, text, strlen(text));
	return make(FUSE_WRITE, NODE, &w, sizeof(w.in) + strlen(text));
}

static int write_at(enum broker_class class, uint64_t fh, uint64_t off, const char *text,
		    uint32_t write_flags, uint32_t flags)
{
	struct req r = make_write(fh, off, text, write_flags, flags);

	return ask(class, &r, 0x400);
}

static int fsd_release(uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh};
	struct req r = make(FUSE_RELEASE, NODE, &in, sizeof(in));
	uint32_t head;
	int len;

	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_RELEASE);
	/* The guest has its answer already, and none is expected of nacre-fsd. */
	assert_true(got.broker.tag == BROKER_TAG_QUIET);
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	return read_answer(ROOT, head, len);
}

static void test_read_write(void **state)
{
	int fd = temporary(O_RDWR), mine = dup(fd);
	char text[8] = "";

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDWR, 5, fd), 0);
	assert_int_equal(write_at(ROOT, 5, 0, "hello", 0, 0), 0);
	assert_int_equal(*(uint32_t *)(void *)answer.body, 5);
	assert_int_equal(pread(mine, text, 8, 0), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(read_at(ROOT, 5, 1, 100), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + 4);
	assert_memory_equal(answer.body, "ello", 4);
	assert_int_equal(read_at(ROOT, 5, 5, 100), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr));
	assert_int_equal(read_at(ROOT, 5, 0, 0), 0);
	/* O_APPEND of the guest's file, but not for what comes out of its cache. */
	assert_int_equal(write_at(ROOT, 5, 0, "++", 0, O_APPEND), 0);
	assert_int_equal(write_at(ROOT, 5, 0, "J", FUSE_WRITE_CACHE, O_APPEND), 0);
	assert_int_equal(pread(mine, text, 8, 0), 7);
	assert_memory_equal(text, "Jello++", 7);
	/* A session of volumes does not have the handle. */
	assert_int_equal(read_at(VOLUME, 5, 0, 1), -EBADF);
	assert_int_equal(fsd_release(5), 0);
	assert_int_equal(read_at(ROOT, 5, 0, 1), -EBADF);
	close(mine);
}

/* Interrupts of a device since the last call, once there are `n` and no more come. */
static uint64_t interrupts(enum broker_class class, uint64_t n)
{
	uint64_t count = 0, more;

	for (int i = 0; i < 1000 && count < n; i++) {
		if (read(dev[class].irq_fd, &more, sizeof(more)) == sizeof(more))
			count += more;
		else
			usleep(1000);
	}
	usleep(10000);
	return read(dev[class].irq_fd, &more, sizeof(more)) == sizeof(more) ? count + more : count;
}

/* WRITEs of the file wait, as behind one that a worker has; */
static void hold_writes(struct fs_file *file)
{
	pthread_mutex_lock(&fs.lock);
	file->writing = true;
	pthread_mutex_unlock(&fs.lock);
}

/* and go on, as when that one has ended. */
static void let_writes_go(struct fs_file *file)
{
	pthread_mutex_lock(&fs.lock);
	fs_list_push(&fs.jobs, fs_list_pop(&file->writes));
	pthread_mutex_unlock(&fs.lock);
	pthread_cond_signal(&fs.work);
}

/* Five WRITEs wait for one file: all are answered, and the guest hears of them this many times. */
static uint64_t told_of_five(struct fs_file *file, uint32_t write_flags, uint64_t expected)
{
	uint32_t head;

	hold_writes(file);
	for (uint64_t i = 0; i < 5; i++) {
		struct req r = make_write(5, 2 * i, "ab", write_flags, 0);

		offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	}
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	(void)interrupts(ROOT, 0);
	let_writes_go(file);
	for (int i = 0; i < 5; i++) {
		int len = await_used(ROOT, FS_QUEUE_REQUEST, &head);

		assert_int_equal(read_answer(ROOT, head, len), 0);
	}
	return interrupts(ROOT, expected);
}

/* Of cached pages two at once, of the last one in any case; of other WRITEs each. */
static void test_told_together(void **state)
{
	int fd = temporary(O_RDWR), mine = dup(fd);
	struct fs_file *file;
	char text[11] = "";

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDWR, 5, fd), 0);
	file = fs_file_get(&fs.broker[0], 5, ROOT);
	assert_int_equal(told_of_five(file, FUSE_WRITE_CACHE, 3), 3);
	assert_int_equal(told_of_five(file, 0, 5), 5);
	assert_false(file->writing || file->writes.first);
	assert_int_equal(pread(mine, text, sizeof(text), 0), 10);
	assert_string_equal(text, "ababababab");
	assert_false(fs_file_put(file));
	close(mine);
}

/* A host that takes no more: of 20 bytes the last 10 are past the limit on a file's size. */
static void test_short_write(void **state)
{
	const char *text = "01234567890123456789";
	int fd = temporary(O_RDWR), mine = dup(fd), cached, uncached;
	uint32_t uncached_size;
	struct rlimit old, ten;
	char back[21] = "";

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDWR, 5, fd), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	ten = old;
	ten.rlim_cur = 10;
	setrlimit(RLIMIT_FSIZE, &ten);
	cached = write_at(ROOT, 5, 0, text, FUSE_WRITE_CACHE, 0);
	uncached = write_at(ROOT, 5, 0, text, 0, 0);
	uncached_size = *(uint32_t *)(void *)answer.body;
	setrlimit(RLIMIT_FSIZE, &old);
	/* Linux looks at nothing but the error when it writes pages back. */
	assert_int_equal(cached, -EFBIG);
	assert_int_equal(uncached, 0);
	assert_int_equal(uncached_size, 10);
	assert_int_equal(pread(mine, back, 20, 0), 10);
	assert_memory_equal(back, text, 10);
	close(mine);
}

/* An error behind the first bytes of a READ is not the file's end. */
static void test_bad_sector(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t hole = (uint64_t)(uintptr_t)two + page;

	(void)state;
	assert_true(two != MAP_FAILED);
	memset(two, 'x', page);
	assert_int_equal(munmap(two + page, page), 0);
	/* A regular file with a page that cannot be read: this process' memory. */
	assert_int_equal(open_as(VOLUME, O_RDONLY, 5, open("/proc/self/mem", O_RDONLY | O_CLOEXEC)),
			 0);
	assert_int_equal(read_at(VOLUME, 5, hole - 100, 100), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + 100);
	assert_int_equal(read_at(VOLUME, 5, hole - 100, 101), -EIO);
	assert_int_equal(read_at(VOLUME, 5, hole - 100, 600), -EIO);
	assert_int_equal(munmap(two, page), 0);
}

/* Data over many pieces, the last of one byte, with the headers split. */
static void test_pieces(void **state)
{
	struct fake_driver *d = &drv[ROOT][FS_QUEUE_REQUEST];
	int fd = temporary(O_RDWR), mine = dup(fd);
	struct {
		struct fuse_in_header hdr;
		struct fuse_write_in in;
	} w = {.hdr = {.len = 80 + 3001, .opcode = FUSE_WRITE, .nodeid = NODE, .unique = 9},
	       .in = {.fh = 1, .size = 3001}};
	uint8_t data[3001], back[3001];
	uint32_t head;

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDWR, 1, fd), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	fake_put(&mem, DATA, &w, sizeof(w));
	fake_put(&mem, DATA + 0x1000, data, sizeof(data));
	fake_desc(d, 20, DATA, 13, FAKE_NEXT, 21);
	fake_desc(d, 21, DATA + 13, 67, FAKE_NEXT, 22);
	fake_desc(d, 22, DATA + 0x1000, 3000, FAKE_NEXT, 23);
	fake_desc(d, 23, DATA, 0, FAKE_NEXT, 24);
	fake_desc(d, 24, DATA + 0x1000 + 3000, 1, FAKE_NEXT, 25);
	fake_desc(d, 25, DATA + 0x800, 7, FAKE_NEXT | FAKE_WRITE, 26);
	fake_desc(d, 26, DATA + 0x807, 17, FAKE_WRITE, 0);
	fake_offer(d, 20);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	assert_int_equal(await_used(ROOT, FS_QUEUE_REQUEST, &head), 24);
	assert_int_equal(pread(mine, back, sizeof(back), 0), sizeof(back));
	assert_memory_equal(back, data, sizeof(data));
	close(mine);
}

#define LARGEST_RING (FAKE_BASE + FAKE_SIZE - 0x10000u)

/* The device begins anew with a ring of requests of the largest size. */
static void use_largest_ring(void)
{
	struct fake_driver *d = &drv[ROOT][FS_QUEUE_REQUEST];

	driver_negotiate(&dev[ROOT], FEATURE_VERSION_1);
	assert_int_equal(dev_queue_size_max(&dev[ROOT], FS_QUEUE_HIPRIO), FS_HIPRIO_SIZE);
	*d = fake_driver_at(&mem, LARGEST_RING, VIRTQ_SIZE_MAX);
	driver_queue(&dev[ROOT], FS_QUEUE_REQUEST, d);
	driver_ok(&dev[ROOT]);
	pump();
	next_head[ROOT][FS_QUEUE_REQUEST] = 0;
	assert_int_equal(session_init(ROOT), 0);
	while (fsd_receive(0) > 0)
		;
}

#define PIECE  7u
#define STRIDE 16u
#define PIECES (VIRTQ_SIZE_MAX - 2)

/* Bytes or -errno of a READ into PIECES pieces, more than a system call takes, that lie STRIDE apart at `to`. */
static int64_t read_in_pieces(uint64_t fh, uint64_t offset, uint64_t to)
{
	const uint64_t at = LARGEST_RING - 0x3000u;
	struct fake_driver *d = &drv[ROOT][FS_QUEUE_REQUEST];
	struct {
		struct fuse_in_header hdr;
		struct fuse_read_in in;
	} r = { .hdr = { .len = sizeof(r), .opcode = FUSE_READ, .nodeid = NODE },
		.in = { .fh = fh, .offset = offset, .size = PIECES * PIECE } };
	struct fuse_out_header answered;
	uint32_t head;

	fake_put(&mem, at, &r, sizeof(r));
	fake_desc(d, 0, at, sizeof(r), FAKE_NEXT, 1);
	fake_desc(d, 1, at + 0x1000, sizeof(answered), FAKE_WRITE | FAKE_NEXT, 2);
	for (uint16_t i = 0; i < PIECES; i++)
		fake_desc(d, (uint16_t)(i + 2), to + i * STRIDE, PIECE,
			  FAKE_WRITE | (i + 1 < (int)PIECES ? FAKE_NEXT : 0), (uint16_t)(i + 3));
	fake_offer(d, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	assert_true(await_used(ROOT, FS_QUEUE_REQUEST, &head) > 0);
	assert_int_equal(gmem_read(&mem, GPA(at + 0x1000), &answered, sizeof(answered)), 0);
	return answered.error ? answered.error : (int64_t)answered.len - (int64_t)sizeof(answered);
}

/* A READ of two system calls is as one: to its end, or to the file's; and an error in the second is told. */
static void test_more_pieces_than_a_call_takes(void **state)
{
	const uint64_t to = LARGEST_RING - 0x3000u - PIECES * STRIDE;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	static uint8_t text[PIECES * PIECE], back[PIECE];
	const int64_t half = sizeof(text) / 2;
	uint8_t *two;
	int fd, mine;

	(void)state;
	use_largest_ring();
	fd = temporary(O_RDWR);
	mine = dup(fd);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, fd), 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 13 + i / 256);
	assert_int_equal(pwrite(mine, text, sizeof(text), 0), sizeof(text));
	assert_int_equal(read_in_pieces(1, 0, to), sizeof(text));
	for (size_t i = 0; i < PIECES; i++) {
		assert_int_equal(gmem_read(&mem, GPA(to + i * STRIDE), back, PIECE), 0);
		assert_memory_equal(back, text + i * PIECE, PIECE);
	}
	for (int64_t size = half - 1; size < half + 10; size += 5) {
		assert_int_equal(ftruncate(mine, size), 0);
		assert_int_equal(read_in_pieces(1, 0, to), size);
	}
	assert_int_equal(ftruncate(mine, 0), 0);
	assert_int_equal(read_in_pieces(1, 0, to), 0);
	close(mine);

	/* this process' memory, up to a hole in the second half */
	two = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(two != MAP_FAILED);
	memset(two, 'x', 4 * page);
	assert_int_equal(munmap(two + 4 * page, 4 * page), 0);
	assert_int_equal(open_as(ROOT, O_RDONLY, 2, open("/proc/self/mem", O_RDONLY | O_CLOEXEC)), 0);
	assert_int_equal(read_in_pieces(2, (uint64_t)(uintptr_t)two, to), sizeof(text));
	assert_int_equal(read_in_pieces(2, (uint64_t)(uintptr_t)two + 4 * page - (uint64_t)half - 100, to),
			 -EIO);
	assert_int_equal(munmap(two, 4 * page), 0);
}

/*
 * A WRITE of 256 pages, and one of as many pieces as a ring of the largest size has; then a byte
 * more than a request may have. (One page of memory is all the data.)
 */
static void test_largest(void **state)
{
	const uint64_t at = LARGEST_RING - 0x3000u;
	static const struct {
		uint32_t pieces, len, size, used;
	} cases[] = {
		{256, 4096, FS_WRITE_MAX, FS_WRITE_MAX},
		{VIRTQ_SIZE_MAX - 2, 7, (VIRTQ_SIZE_MAX - 2) * 7, (VIRTQ_SIZE_MAX - 2) * 7},
		{257, 4096, FS_WRITE_MAX + 4096, 0},
	};
	struct fake_driver *d = &drv[ROOT][FS_QUEUE_REQUEST];
	uint8_t page[4096], back[4096];
	int fd, mine;

	(void)state;
	use_largest_ring();
	fd = temporary(O_RDWR);
	mine = dup(fd);
	assert_int_equal(open_as(ROOT, O_RDWR, 1, fd), 0);
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * 13 + 1);
	fake_put(&mem, at, page, sizeof(page));
	for (size_t c = 0; c < 3; c++) {
		struct {
			struct fuse_in_header hdr;
			struct fuse_write_in in;
		} w = {.hdr = {.len = 80 + cases[c].size, .opcode = FUSE_WRITE, .nodeid = NODE},
		       .in = {.fh = 1, .size = cases[c].size}};
		struct {
			struct fuse_out_header hdr;
			struct fuse_write_out out;
		} answered;
		uint32_t head;

		assert_int_equal(ftruncate(mine, 0), 0);
		fake_put(&mem, at + 0x1000, &w, sizeof(w));
		fake_desc(d, 0, at + 0x1000, sizeof(w), FAKE_NEXT, 1);
		for (uint16_t i = 1; i <= cases[c].pieces; i++)
			fake_desc(d, i, at, cases[c].len, FAKE_NEXT, (uint16_t)(i + 1));
		fake_desc(d, (uint16_t)(cases[c].pieces + 1), at + 0x2000, 24, FAKE_WRITE, 0);
		fake_offer(d, 0);
		driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
		assert_true(await_used(ROOT, FS_QUEUE_REQUEST, &head) > 0);
		assert_int_equal(gmem_read(&mem, GPA(at + 0x2000), &answered, sizeof(answered)), 0);
		assert_int_equal(answered.hdr.error, cases[c].used ? 0 : -EINVAL);
		if (!cases[c].used)
			continue;
		assert_int_equal(answered.out.size, cases[c].used);
		assert_int_equal(lseek(mine, 0, SEEK_END), cases[c].used);
		assert_int_equal(pread(mine, back, cases[c].len, cases[c].used - cases[c].len),
				 cases[c].len);
		assert_memory_equal(back, page, cases[c].len);
	}
	close(mine);
}

static void test_bad_io(void **state)
{
	struct fuse_read_in in = {.fh = 2, .size = 0x400 - 16};
	struct {
		struct fuse_write_in in;
		char text[10];
	} w = {.in = {.fh = 2}};
	struct req r;

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDONLY, 2, temporary(O_RDONLY)), 0);
	assert_int_equal(read_at(ROOT, 3, 0, 1), -EBADF);
	assert_int_equal(read_at(ROOT, BROKER_HANDLES, 0, 1), -EBADF);
	assert_int_equal(read_at(ROOT, UINT64_MAX, 0, 1), -EBADF);
	/* More than the chain has room for, by one byte. */
	assert_int_equal(read_at(ROOT, 2, 0, 0x400 - 16), 0);
	assert_int_equal(read_at(ROOT, 2, 0, 0x400 - 15), -EINVAL);
	assert_int_equal(read_at(ROOT, 2, 0, UINT32_MAX), -EINVAL);
	assert_int_equal(read_at(ROOT, 2, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(read_at(ROOT, 2, INT64_MAX, 1), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_READ, NODE, &in, sizeof(in) - 1), -EINVAL);
	/* The size against the data that came. */
	w.in.size = 10;
	assert_int_equal(ask_op(ROOT, FUSE_WRITE, NODE, &w, sizeof(w.in) + 9), -EINVAL);
	w.in.size = 8;
	assert_int_equal(ask_op(ROOT, FUSE_WRITE, NODE, &w, sizeof(w.in) + 9), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_WRITE, NODE, &w, sizeof(w.in) - 1), -EINVAL);
	w.in.size = 9;
	r = make(FUSE_WRITE, NODE, &w, sizeof(w.in) + 9);
	assert_int_equal(ask(ROOT, &r, 23), -EINVAL);
	/* Not open for writing. */
	assert_int_equal(ask_op(ROOT, FUSE_WRITE, NODE, &w, sizeof(w.in) + 9), -EBADF);
	/* A node of another container, with this one's handle. */
	assert_int_equal(ask_op(ROOT, FUSE_READ, broker_root_node(5), &in, sizeof(in)), -EBADF);
	assert_int_equal(ask_op(ROOT, FUSE_READ, FUSE_ROOT_ID, &in, sizeof(in)), -ENOSYS);
}

static void test_donations(void **state)
{
	int pipes[2], fds[2];
	uint32_t head;
	struct fuse_open_in in = {.flags = O_RDWR};
	struct fuse_open_out out = {.fh = 8};
	struct req r;
	int len;

	(void)state;
	/* None; a pipe; a directory; only a path; appending; not enough access; no such handle. */
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, -1), -EIO);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[1]);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, pipes[0]), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, open("/", O_RDONLY | O_CLOEXEC)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, open("/dev/null", O_RDWR | O_CLOEXEC)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, temporary(O_PATH)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDWR, 1, temporary(O_RDWR | O_APPEND)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDWR, 1, temporary(O_RDONLY)), -EIO);
	assert_int_equal(open_as(ROOT, O_WRONLY, 1, temporary(O_RDONLY)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, 1, temporary(O_WRONLY)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, BROKER_HANDLES, temporary(O_RDONLY)), -EIO);
	assert_int_equal(open_as(ROOT, O_RDONLY, UINT64_MAX, temporary(O_RDONLY)), -EIO);
	assert_int_equal(read_at(ROOT, 1, 0, 1), -EBADF);
	/* The highest handle, and more access than asked. */
	assert_int_equal(open_as(ROOT, O_WRONLY, BROKER_HANDLES - 1, temporary(O_RDWR)), 0);
	assert_int_equal(read_at(ROOT, BROKER_HANDLES - 1, 0, 1), 0);
	/* A number given twice: the old descriptor is closed (teardown counts). */
	assert_int_equal(open_as(ROOT, O_RDONLY, 4, temporary(O_RDONLY)), 0);
	assert_int_equal(open_as(ROOT, O_RDONLY, 4, temporary(O_RDONLY)), 0);
	/* Two descriptors, a wrong length, a descriptor with an error, one where none belongs. */
	for (int how = 0; how < 4; how++) {
		uint64_t body[3] = {9};

		r = make(how == 3 ? FUSE_GETATTR : FUSE_OPEN, NODE, &in, sizeof(in));
		offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
		driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
		pump();
		assert_true(fsd_receive(0) > 0);
		fds[0] = temporary(O_RDWR);
		fds[1] = temporary(O_RDWR);
		fsd_send(0, got.broker.tag, got.hdr.unique, how == 2 ? -ENOENT : 0,
			 how == 1 ? (void *)body : &out,
			 how == 1   ? 24
			 : how == 2 ? 0
				    : sizeof(out),
			 fds, how == 0 ? 2 : 1);
		close(fds[0]);
		close(fds[1]);
		pump();
		len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
		assert_int_equal(read_answer(ROOT, head, len), how == 2 ? -ENOENT : -EIO);
	}
	assert_int_equal(read_at(ROOT, 8, 0, 1), -EBADF);
	assert_int_equal(read_at(ROOT, 9, 0, 1), -EBADF);
}

/* This process has no descriptor left: nacre-fsd closes its own, the guest hears ENFILE. */
static void test_no_descriptors(void **state)
{
	struct rlimit old, few;
	int fd = temporary(O_RDONLY), err;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)fd + 1;
	struct fuse_open_in in = {.flags = O_RDONLY};
	struct fuse_open_out out = {.fh = 12};
	struct req r = make(FUSE_OPEN, NODE, &in, sizeof(in));
	uint32_t head;
	int len;

	/* Fill every number below. */
	setrlimit(RLIMIT_NOFILE, &few);
	while (dup(fd) >= 0)
		;
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	err = fsd_receive(0) > 0 ? 0 : -1;
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &out, sizeof(out), &fd, 1);
	pump();
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(err, 0);
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_RELEASE);
	assert_int_equal(*(uint64_t *)(void *)got.body, 12);
	fsd_reply(0, 0, NULL, 0);
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	assert_int_equal(read_answer(ROOT, head, len), -ENFILE);
	/* Close the copies: all numbers that are the same file. */
	struct stat a, b;

	fstat(fd, &a);
	for (int i = 3; i <= fd; i++) {
		if (fstat(i, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			close(i);
	}
}

/* RELEASE while I/O is under way: the test holds the file as a worker would. */
static void test_release_waits(void **state)
{
	struct fuse_release_in in = {.fh = 6};
	struct req r = make(FUSE_RELEASE, NODE, &in, sizeof(in));
	struct fs_file *file;
	uint32_t head;
	int len;

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDONLY, 6, temporary(O_RDONLY)), 0);
	file = fs_file_get(&fs.broker[0], 6, ROOT);
	assert_non_null(file);
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_int_equal(fsd_receive(0), -1);
	assert_int_equal(fcntl(file->fd, F_GETFD), FD_CLOEXEC);
	/* The handle is gone for everybody else; a second RELEASE is nacre-fsd's to refuse. */
	assert_int_equal(read_at(ROOT, 6, 0, 1), -EBADF);
	assert_true(fs_file_put(file));
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_RELEASE);
	assert_true(got.hdr.unique == r.hdr.unique);
	fsd_reply(0, 0, NULL, 0);
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	read_answer(ROOT, head, len);
}

/* The same, but nacre-fsd is lost, or the session ends, while it waits. */
static void test_release_never_sent(void **state)
{
	struct fuse_release_in in = {.fh = 6};
	struct req r;
	struct fs_file *file;
	uint32_t head;
	int len;

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDONLY, 6, temporary(O_RDONLY)), 0);
	file = fs_file_get(&fs.broker[0], 6, ROOT);
	r = make(FUSE_RELEASE, NODE, &in, sizeof(in));
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	bring_up(ROOT);
	assert_int_equal(session_init(ROOT), 0);
	assert_int_equal(fsd_receive(0), sizeof(struct broker_header));
	assert_true(fs_file_put(file));
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	/* Its number may be another file's by now. */
	assert_int_equal(fsd_receive(0), -1);
	assert_int_equal(fs.tags_used[0], 0);

	assert_int_equal(open_as(ROOT, O_RDONLY, 6, temporary(O_RDONLY)), 0);
	file = fs_file_get(&fs.broker[0], 6, ROOT);
	r = make(FUSE_RELEASE, NODE, &in, sizeof(in));
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	shutdown(fsd_end[0], SHUT_RDWR);
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	assert_int_equal(read_answer(ROOT, head, len), -EIO);
	assert_false(fs_file_put(file));
}

/* Many reads in flight while the guest resets the device again and again. */
static void test_reset_under_io(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		uint32_t head, len;

		assert_int_equal(open_as(ROOT, O_RDONLY, 1, temporary(O_RDONLY)), 0);
		for (int i = 0; i < 100; i++) {
			struct fuse_read_in in = {.fh = 1, .size = 0x3f0};
			struct req r = make(FUSE_READ, NODE, &in, sizeof(in));

			offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
		}
		driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
		pump_once(10);
		bring_up(ROOT);
		assert_int_equal(session_init(ROOT), 0);
		assert_false(fake_used(&drv[ROOT][FS_QUEUE_REQUEST], &head, &len));
		assert_int_equal(read_at(ROOT, 1, 0, 1), -EBADF);
		while (fsd_receive(0) > 0)
			;
		while (fsd_receive(1) > 0)
			;
	}
}

/* Each queue has its own used ring to tell of. */
static void test_writes_of_two_queues_share_no_interrupt(void **state)
{
	int fd = temporary(O_RDWR);
	struct fs_file *file;
	struct req a, b;
	uint32_t head;
	struct virtq *hp = &dev[ROOT].queue[FS_QUEUE_HIPRIO];

	(void)state;
	assert_int_equal(open_as(ROOT, O_RDWR, 5, fd), 0);
	file = fs_file_get(&fs.broker[0], 5, ROOT);
	hold_writes(file);
	a = make_write(5, 0, "ab", FUSE_WRITE_CACHE, 0);
	next_head[ROOT][FS_QUEUE_HIPRIO] = 40;
	offer(ROOT, FS_QUEUE_HIPRIO, &a, a.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	pump();
	b = make_write(5, 2, "cd", FUSE_WRITE_CACHE, 0);
	offer(ROOT, FS_QUEUE_REQUEST, &b, b.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	(void)interrupts(ROOT, 0);
	let_writes_go(file);
	assert_true(await_used(ROOT, FS_QUEUE_REQUEST, &head) > 0);
	assert_true(await_used(ROOT, FS_QUEUE_HIPRIO, &head) > 0);
	assert_false(fs_file_put(file));
	assert_int_equal(interrupts(ROOT, 2), 2);
	pthread_mutex_lock(&dev[ROOT].lock);
	assert_int_equal(hp->used_idx, hp->signalled_used);
	pthread_mutex_unlock(&dev[ROOT].lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_read_write),
		FS_TEST(test_told_together),
		FS_TEST(test_short_write),
		FS_TEST(test_bad_sector),
		FS_TEST(test_pieces),
		FS_TEST(test_largest),
		FS_TEST(test_more_pieces_than_a_call_takes),
		FS_TEST(test_bad_io),
		FS_TEST(test_donations),
		FS_TEST(test_no_descriptors),
		FS_TEST(test_release_waits),
		FS_TEST(test_release_never_sent),
		FS_TEST(test_reset_under_io),
		FS_TEST(test_writes_of_two_queues_share_no_interrupt),
	};

	return cmocka_run_group_tests(tests, start_workers, NULL);
}
