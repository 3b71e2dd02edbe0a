/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-fsd against any packet: unknown opcodes, node ids and handles never given out, names with
 * slashes and dots, lengths that lie. It works on a tree in a mount namespace of its own; beside
 * the exported directory lies a file that no request may reach.
 */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c */
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fsd/request.h"
#include "fuzz.h"
#include "plan.h"

#define CONTAINER 3u
#define PLACE	  "/mnt"

static struct fsd fsd;
static bool made;

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CLAIM(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void make(void)
{
	int proc_fd;

	/* Nothing outside of this namespace is changed, whatever goes wrong. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("fuzz", PLACE, "tmpfs", 0, "size=64m,nr_inodes=20000")) {
		fprintf(stderr, "fuzz_fsd needs root\n");
		exit(0);
	}
	umask(0);
	CLAIM(mkdir(PLACE "/root", 0777) == 0 && mkdir(PLACE "/volume", 0777) == 0);
	proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLAIM(fchdir(proc_fd) == 0);
	CLAIM(fsd_init(&fsd, CONTAINER, proc_fd, 4096, 64) == 0);
	CLAIM(export_add(&fsd.exports, open(PLACE "/root", O_PATH | O_CLOEXEC), false) == 0);
	CLAIM(export_add(&fsd.exports, open(PLACE "/volume", O_PATH | O_CLOEXEC), false) == 1);
	CLAIM(node_add_export(&fsd.nodes, 0) == 0 && node_add_export(&fsd.nodes, 1) == 0);
	made = true;
}

/* The same tree for every input. */
static void remove_below(const char *path)
{
	DIR *d = opendir(path);
	char name[4096];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		CLAIM((size_t)snprintf(name, sizeof(name), "%s/%s", path, e->d_name) <
		      sizeof(name));
		if (e->d_type == DT_DIR)
			remove_below(name);
		CLAIM(remove(name) == 0);
	}
	if (d)
		closedir(d);
}

static void make_tree(void)
{
	remove_below(PLACE "/root");
	remove_below(PLACE "/volume");
	put_file(PLACE "/outside", "outside");
	put_file(PLACE "/root/file", "hello");
	CLAIM(mkdir(PLACE "/root/dir", 0777) == 0);
	put_file(PLACE "/root/dir/inner", "inner");
	CLAIM(symlink("../outside", PLACE "/root/up") == 0);
	CLAIM(symlink(PLACE, PLACE "/root/out") == 0);
	CLAIM(mkfifo(PLACE "/root/fifo", 0666) == 0);
	CLAIM(mknod(PLACE "/root/null", S_IFCHR | 0666, 1 << 8 | 3) == 0);
	put_file(PLACE "/volume/data", "data");
}

/* Sends a packet; looks at the reply and at what comes with it. The reply's first 8 bytes. */
static uint64_t send_packet(uint32_t class, uint16_t flags, const struct fuse_in_header *h,
			    const void *body, size_t len)
{
	struct broker_header bh = { .tag = 7, .class = (uint16_t)class, .flags = flags };
	struct fuse_out_header out;
	struct stat st;
	uint64_t first = 0;
	int donated;
	size_t n;

	memcpy(fsd.in, &bh, sizeof(bh));
	memcpy(fsd.in + sizeof(bh), h, sizeof(*h));
	memcpy(fsd.in + sizeof(bh) + sizeof(*h), body, len);
	n = request_serve(&fsd, sizeof(bh) + sizeof(*h) + len, &donated);
	if (!n) {
		CLAIM(donated < 0);
		return 0;
	}
	CLAIM(n >= sizeof(bh) + sizeof(out) && n <= sizeof(bh) + BROKER_MSG_MAX);
	memcpy(&out, fsd.out + sizeof(bh), sizeof(out));
	CLAIM(out.len == n - sizeof(bh) && out.unique == h->unique);
	CLAIM(out.error <= 0 && out.error > -4096 && (!out.error || out.len == sizeof(out)));
	if (donated >= 0) {
		CLAIM(h->opcode == FUSE_OPEN || h->opcode == FUSE_CREATE ||
		      h->opcode == FUSE_TMPFILE ||
		      (h->opcode == FUSE_LOOKUP && (flags & BROKER_OPEN_AHEAD)));
		CLAIM(fstat(donated, &st) == 0 && S_ISREG(st.st_mode));
		CLAIM(!(fcntl(donated, F_GETFL) & (O_PATH | O_APPEND)));
	}
	if (out.len >= sizeof(out) + sizeof(first))
		memcpy(&first, fsd.out + sizeof(bh) + sizeof(out), sizeof(first));
	return out.error ? 0 : first;
}

static size_t some_name(struct cursor *c, uint8_t *to)
{
	static const char *const names[] = { "file", "dir", "inner", "up", "out", "fifo", "null",
					     "new", "..", ".", "", "a/b", "/", "../outside", "root",
					     "mounts", "0", "data" };
	uint8_t i = in8(c);
	size_t len;

	if (i % 32 >= sizeof(names) / sizeof(names[0])) {
		len = in_bytes(c, to, i);
		to[len] = 0;
		return len + (i & 1);
	}
	len = strlen(names[i % 32]) + 1;
	memcpy(to, names[i % 32], len);
	return len;
}

/* Sizes of the fixed parts, so that a request is whole as often as not. */
static size_t fixed_len(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_SETATTR:
		return sizeof(struct fuse_setattr_in);
	case FUSE_MKNOD:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return 16;
	case FUSE_MKDIR:
	case FUSE_OPEN:
	case FUSE_OPENDIR:
	case FUSE_RENAME:
	case FUSE_LINK:
	case FUSE_FORGET:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_SYNCFS:
		return 8;
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_GETATTR:
		return 16;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return sizeof(struct fuse_read_in);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_LSEEK:
		return 24;
	case FUSE_FALLOCATE:
		return 32;
	case FUSE_COPY_FILE_RANGE:
		return 56;
	default:
		return 0;
	}
}

struct known {
	uint64_t node[16], fh[16];
};

/* Handles come from the input or from what was opened; sizes of what is made stay small. */
static size_t make_body(struct cursor *c, const struct known *k, uint32_t opcode, uint8_t *body)
{
	size_t n = fixed_len(opcode);
	uint8_t how = in8(c);

	memset(body, 0, n);
	(void)in_bytes(c, body, how & 1 ? n : 0);
	if (how & 2 && n >= 8)
		memcpy(body, &k->fh[in8(c) % 16], 8);
	if ((how & 4) && (opcode == FUSE_RENAME || opcode == FUSE_RENAME2 || opcode == FUSE_LINK))
		memcpy(body, &k->node[in8(c) % 16], 8);
	if (opcode == FUSE_OPEN || opcode == FUSE_CREATE)
		body[0] &= 3;
	if (opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS)
		memcpy(body + 16, &(uint32_t){ 4096 }, 4);
	if (how & 8)
		n += some_name(c, body + n);
	if (how & 16)
		n += some_name(c, body + n);
	if (how & 32)
		n += in_bytes(c, body + n, in8(c));
	return n;
}

static void request(struct cursor *c, struct known *k)
{
	static uint8_t body[4096];
	uint8_t how = in8(c), slot = in8(c);
	struct fuse_in_header h = { .unique = slot, .opcode = in8(c) % 64, .uid = PLAN_ID_BASE,
				    .gid = PLAN_ID_BASE, .nodeid = k->node[slot & 15] };
	size_t len;
	uint64_t first;

	if (how & 1)
		h.nodeid = in64(c);
	if (how & 2)
		h.uid = in32(c);
	len = make_body(c, k, h.opcode, body);
	h.len = (uint32_t)(sizeof(h) + len);
	if (how & 4)
		h.len = in32(c);
	if (how & 8)
		h.total_extlen = in8(c);
	/* A file of 2^60 bytes on a tmpfs costs nothing; filling it would. */
	if (h.opcode == FUSE_FALLOCATE || h.opcode == FUSE_COPY_FILE_RANGE)
		memset(body + len - (len > 16 ? 12 : 0), 0, len > 16 ? 12 : 0);
	first = send_packet(how & 16 ? BROKER_CLASS_VOLUME : BROKER_CLASS_ROOT,
			    how & 32 ? BROKER_OPEN_AHEAD : 0, &h, body, len);
	if (!first)
		return;
	if (h.opcode == FUSE_OPEN || h.opcode == FUSE_OPENDIR)
		k->fh[slot >> 4] = first;
	else if (h.opcode == FUSE_LOOKUP || h.opcode == FUSE_CREATE || h.opcode == FUSE_MKDIR)
		k->node[slot >> 4] = first;
}

static void reset_session(uint32_t class)
{
	struct broker_header bh = { .tag = BROKER_TAG_RESET, .class = (uint16_t)class };
	int donated;

	memcpy(fsd.in, &bh, sizeof(bh));
	CLAIM(request_serve(&fsd, sizeof(bh), &donated) == 0);
}

static void check_outside(void)
{
	char text[16] = "";
	int fd = open(PLACE "/outside", O_RDONLY | O_CLOEXEC);
	struct stat st;

	CLAIM(fd >= 0 && read(fd, text, sizeof(text)) == 7 && !strcmp(text, "outside"));
	CLAIM(fstat(fd, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 07777) == 0644 &&
	      st.st_uid == 0);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct known k = { .node = { broker_root_node(CONTAINER) } };
	unsigned int n_open;

	if (!made)
		make();
	make_tree();
	n_open = open_descriptors();
	{
		struct fuse_in_header h = { .len = sizeof(h) + 5, .opcode = FUSE_LOOKUP, .unique = 1,
					    .nodeid = k.node[0] };

		k.node[1] = send_packet(BROKER_CLASS_ROOT, 0, &h, "root", 5);
	}
	for (unsigned int n = 0; in_more(&c) && n < 100; n++)
		request(&c, &k);
	reset_session(BROKER_CLASS_ROOT);
	reset_session(BROKER_CLASS_VOLUME);
	check_outside();
	CLAIM(fsd.nodes.n_nodes == 2 + fsd.exports.n_exports && fsd.nodes.name_bytes == 0);
	CLAIM(open_descriptors() == n_open);
	return 0;
}
