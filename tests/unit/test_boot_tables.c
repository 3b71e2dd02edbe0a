/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what a guest boots from: MP table, initramfs, and of the log it leaves. */
/* SOURCES: vmm/arch/x86_64/mptable.c vmm/initramfs.c vmm/klog.c vmm/gmem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "fake_guest.h"
#include "vmm/arch/arch.h"
#include "vmm/arch/x86_64/layout.h"
#include "vmm/arch/x86_64/mptable.h"
#include "vmm/initramfs.h"
#include "vmm/klog.h"

#define LOG_SIZE 64u

uint64_t arch_klog_base(void)
{
	return FAKE_BASE;
}

uint32_t arch_klog_size(void)
{
	return LOG_SIZE;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + *p++);
	return s;
}

static void test_mptable(void **state)
{
	uint8_t buf[MPTABLE_MAX];
	size_t len;

	(void)state;
	for (unsigned int n = 1; n <= MACHINE_MAX_CPUS; n++) {
		len = mptable_write(buf, sizeof(buf), MPTABLE_GPA, n);
		assert_int_equal(len, 16 + 44 + 20 * n + 8 + 8 + 24 * 8 + 2 * 8);
		assert_memory_equal(buf, "_MP_", 4);
		assert_memory_equal(buf + 16, "PCMP", 4);
		assert_int_equal(sum(buf, 16), 0);
		assert_int_equal(sum(buf + 16, len - 16), 0);
		assert_int_equal(buf[16 + 4] | buf[16 + 5] << 8, len - 16);
	}
	/* One byte less does not fit; nothing is written past the end (ASan). */
	uint8_t *small = malloc(len - 1);

	assert_int_equal(mptable_write(small, len - 1, MPTABLE_GPA, MACHINE_MAX_CPUS), 0);
	free(small);
}

static int file_with(const char *content)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	return fd;
}

static void test_initramfs(void **state)
{
	struct gmem m = fake_memory();
	int fd = file_with("12345");
	uint64_t size = initramfs_size(fd), end = FAKE_BASE + FAKE_SIZE;
	const char *p = gmem_slice(&m, GPA(end - size), size);

	(void)state;
	assert_int_equal(size, 116 + 8 + 124);
	assert_int_equal(initramfs_write(&m, GPA(end - size), fd), 0);
	assert_memory_equal(p, "070701", 6);
	assert_memory_equal(p + 54, "00000005", 8); /* c_filesize */
	assert_memory_equal(p + 110, "init", 5);
	assert_memory_equal(p + 116, "12345\0\0\0", 8);
	assert_memory_equal(p + 124 + 110, "TRAILER!!!", 11);
	/* One byte less of memory. */
	assert_int_equal(initramfs_write(&m, GPA(end - size + 4), fd), -EFAULT);
	assert_int_equal(initramfs_size(STDIN_FILENO), 0);
	close(fd);
	fake_memory_free(&m);
}

static void log_zone(struct gmem *m, uint32_t signature, uint32_t start, uint32_t size)
{
	struct le32 head[3] = { le32_of(signature), le32_of(start), le32_of(size) };

	fake_put(m, FAKE_BASE, head, sizeof(head));
}

static void test_klog(void **state)
{
	struct gmem m = fake_memory();
	const uint32_t room = LOG_SIZE - 12;
	uint8_t buf[128];

	(void)state;
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), 0); /* never written */
	fake_put(&m, FAKE_BASE + 12, "abcdef", 6);
	log_zone(&m, 0x43474244, 6, 6);
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "abcdef", 6);
	assert_int_equal(klog_read(&m, buf, 2), 2);
	assert_memory_equal(buf, "ef", 2);

	/* Full and wrapped: the newest byte is the one before start. */
	for (uint32_t i = 0; i < room; i++)
		fake_put(&m, FAKE_BASE + 12 + i, &(char){ (char)i }, 1);
	log_zone(&m, 0x43474244, 10, room);
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), room);
	assert_int_equal(buf[0], 10);
	assert_int_equal(buf[room - 1], 9);
	assert_int_equal(klog_read(&m, buf, 11), 11);
	assert_int_equal(buf[0], room - 1);
	assert_int_equal(buf[10], 9);

	/* Forged positions. */
	log_zone(&m, 0x43474244, 0, room + 1);
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), 0);
	log_zone(&m, 0x43474244, UINT32_MAX, 5);
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), 0);
	log_zone(&m, 1, 0, 5);
	assert_int_equal(klog_read(&m, buf, sizeof(buf)), 0);
	fake_memory_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mptable),
		cmocka_unit_test(test_initramfs),
		cmocka_unit_test(test_klog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
