/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/virtio_console.c: what is kept of a guest's output, and how much of it. */
/* SOURCES: vmm/virtio_console.c vmm/klog.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c */
/* SOURCES: vmm/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "fake_driver.h"
#include "vmm/arch/arch.h"
#include "vmm/virtio_console.h"

#define RING FAKE_BASE
#define DATA (FAKE_BASE + 0x10000)

/* A machine without a log in memory. */
uint64_t arch_klog_base(void)
{
	return 0;
}

uint32_t arch_klog_size(void)
{
	return 4096;
}

static struct gmem mem;
static struct fake_driver in, out;
static struct virtio_dev dev;
static int kept_fd;

static int setup(void **state)
{
	(void)state;
	mem = fake_memory();
	in = fake_driver_at(&mem, RING, 8);
	out = fake_driver_at(&mem, RING + 0x2000, 8);
	kept_fd = memfd_create("console", MFD_CLOEXEC);
	virtio_console_init(&dev, kept_fd);
	if (mmio_attach(&dev, &mem))
		return -1;
	driver_negotiate(&dev, FEATURE_VERSION_1);
	driver_queue(&dev, 0, &in);
	driver_queue(&dev, 1, &out);
	driver_ok(&dev);
	return dev_is_live(&dev) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_remove(&dev.kick[0].src);
	loop_remove(&dev.kick[1].src);
	close(kept_fd);
	fake_memory_free(&mem);
	return 0;
}

static void print(uint64_t gpa, uint32_t len)
{
	uint32_t id, used_len;

	fake_desc(&out, 0, gpa, len, 0, 0);
	fake_offer(&out, 0);
	driver_notify(&dev, 1);
	loop_step(1000);
	assert_true(fake_used(&out, &id, &used_len));
	assert_int_equal(used_len, 0);
}

static void test_lines(void **state)
{
	char text[16] = "";

	(void)state;
	fake_put(&mem, DATA, "hello\n", 6);
	print(DATA, 6);
	print(DATA, 0);
	print(DATA, 6);
	assert_int_equal(pread(kept_fd, text, sizeof(text), 0), 12);
	assert_string_equal(text, "hello\nhello\n");
}

/* Bug of others, number 3: a buffer without bound (CVE-2020-27174). */
static void test_bug03_output_is_bounded(void **state)
{
	static const char cut[] = "\n[console log is full]\n";
	const off_t most = CONSOLE_LOG_MAX + (off_t)sizeof(cut) - 1;
	char end[sizeof(cut)] = "";

	(void)state;
	for (unsigned int i = 0; i < 3 * CONSOLE_LOG_MAX / 0x80000; i++)
		print(DATA, 0x80000);
	assert_int_equal(lseek(kept_fd, 0, SEEK_END), most);
	assert_int_equal(pread(kept_fd, end, sizeof(end), CONSOLE_LOG_MAX), sizeof(cut) - 1);
	assert_string_equal(end, cut);
}

/* Readable bytes outside of memory. */
static void test_outside(void **state)
{
	(void)state;
	fake_desc(&out, 0, FAKE_BASE + FAKE_SIZE - 1, 2, 0, 0);
	fake_offer(&out, 0);
	driver_notify(&dev, 1);
	loop_step(1000);
	assert_true(reg_read(&dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(lseek(kept_fd, 0, SEEK_END), 0);
}

/* The queue towards the guest is never used, and one that does not exist is no queue. */
static void test_other_queues(void **state)
{
	uint32_t id, len;

	(void)state;
	fake_desc(&in, 0, DATA, 16, FAKE_WRITE, 0);
	fake_offer(&in, 0);
	driver_notify(&dev, 0);
	driver_notify(&dev, 2);
	driver_notify(&dev, UINT32_MAX);
	loop_step(10);
	assert_false(fake_used(&in, &id, &len));
	assert_true(dev_is_live(&dev));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_outside),
		TEST(test_other_queues),
		TEST(test_bug03_output_is_bounded),
	};

	if (loop_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
