/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's initramfs (Linux Documentation/driver-api/early-userspace/buffer-format.rst): header
 * of 13 fields in 8 hexadecimal digits, name, padding to 4, content, padding to 4; then a trailer.
 */
#include "initramfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_LEN 110u
#define MODE_FILE  0100755u

static const char init_name[] = "init";
static const char trailer_name[] = "TRAILER!!!";

static uint64_t pad4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

static uint64_t entry_len(size_t name_size, uint64_t content)
{
	return pad4(HEADER_LEN + name_size) + pad4(content);
}

uint64_t initramfs_size(int init_fd)
{
	struct stat st;

	if (fstat(init_fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > INITRAMFS_INIT_MAX)
		return 0;
	return entry_len(sizeof(init_name), (uint64_t)st.st_size) +
	       entry_len(sizeof(trailer_name), 0);
}

/* Header and name of one entry, with padding. Returns its length. */
static size_t format_entry(char *buf, size_t size, const char *name, unsigned int mode, uint32_t len)
{
	size_t name_size = strlen(name) + 1;
	size_t whole = pad4(HEADER_LEN + name_size);

	memset(buf, 0, size);
	/* magic, inode, mode, uid, gid, links, mtime, file size, 4 device numbers, name size, check */
	snprintf(buf, size, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", 1u, mode,
		 0u, 0u, 1u, 0u, (unsigned int)len, 0u, 0u, 0u, 0u, (unsigned int)name_size, 0u, name);
	return whole;
}

int initramfs_write(const struct gmem *mem, gpa_t gpa, int init_fd)
{
	char entry[HEADER_LEN + 16];
	struct stat st;
	void *content;
	size_t n;

	if (fstat(init_fd, &st) || st.st_size <= 0 || st.st_size > INITRAMFS_INIT_MAX)
		return -EIO;
	n = format_entry(entry, sizeof(entry), init_name, MODE_FILE, (uint32_t)st.st_size);
	if (gmem_write(mem, gpa, entry, n))
		return -EFAULT;
	content = gmem_slice(mem, GPA(gpa.v + n), (size_t)st.st_size);
	if (!content)
		return -EFAULT;
	if (pread(init_fd, content, (size_t)st.st_size, 0) != st.st_size)
		return -EIO;
	gpa.v += n + pad4((uint64_t)st.st_size);
	n = format_entry(entry, sizeof(entry), trailer_name, 0, 0);
	return gmem_write(mem, gpa, entry, n);
}
