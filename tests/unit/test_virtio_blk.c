/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-blk: a fake guest on fake memory, a memory file as the disk. */
/* SOURCES: vmm/virtio_blk.c vmm/thread.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c */
/* SOURCES: vmm/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_driver.h"
#include "vmm/virtio_blk.h"

#define SECTORS 128u
#define RING	FAKE_BASE
#define HDR	(FAKE_BASE + 0x10000u)
#define DATA	(FAKE_BASE + 0x20000u)
#define STATUS	(FAKE_BASE + 0x18000u)
#define BIT(f)	(UINT64_C(1) << (f))

static struct {
	struct gmem mem;
	struct virtio_dev dev[2]; /* the second is read-only */
	int fd;
	struct fake_driver q[2];
} t;

#define RW (&t.dev[0])
#define RO (&t.dev[1])

static uint8_t disk_byte(uint64_t i)
{
	return (uint8_t)(i / 512 * 3 + i);
}

static int group_setup(void **state)
{
	struct blk_options o = { .bytes = SECTORS * 512, .n_queues = 2 };

	(void)state;
	t.mem = fake_memory();
	t.fd = o.fd = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(loop_init(), 0);
	assert_int_equal(virtio_blk_init(RW, &o), 0);
	o.read_only = true;
	assert_int_equal(virtio_blk_init(RO, &o), 0);
	o.bytes++;
	assert_int_not_equal(virtio_blk_init(RO, &o), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(mmio_attach(&t.dev[i], &t.mem), 0);
		assert_int_equal(mmio_listen(&t.dev[i], 0, 2), 0);
	}
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	fake_memory_free(&t.mem);
	return 0;
}

static void settle(void)
{
	for (int i = 0; i < 20; i++)
		loop_step(0);
}

static void bring_up(struct virtio_dev *dev)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, 0);
	settle();
	memset(t.mem.region[0].hva, 0, FAKE_SIZE);
	assert_true(driver_negotiate(dev, dev->ops->features | FEATURE_VERSION_1) &
		    VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint32_t i = 0; i < 2; i++) {
		t.q[i] = fake_driver_at(&t.mem, RING + i * 0x4000, 64);
		driver_queue(dev, i, &t.q[i]);
	}
	driver_ok(dev);
}

static int setup(void **state)
{
	uint8_t sector[512];

	(void)state;
	assert_int_equal(ftruncate(t.fd, 0), 0);
	for (uint64_t s = 0; s < SECTORS; s++) {
		for (uint64_t i = 0; i < 512; i++)
			sector[i] = disk_byte(s * 512 + i);
		assert_int_equal(pwrite(t.fd, sector, 512, (off_t)(s * 512)), 512);
	}
	bring_up(RW);
	return 0;
}

/* Header, data, status in three descriptors of queue q. What the status byte is afterwards. */
static uint8_t request(struct virtio_dev *dev, uint32_t q, uint32_t type, uint64_t sector,
		       uint64_t data, uint32_t len, uint32_t *written)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	bool to_guest = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	uint8_t status = 0x77;
	uint32_t id = 0;

	fake_put(&t.mem, HDR, &h, sizeof(h));
	fake_put(&t.mem, STATUS, &status, 1);
	fake_desc(&t.q[q], 0, HDR, sizeof(h), FAKE_NEXT, len ? 1 : 2);
	fake_desc(&t.q[q], 1, data, len, FAKE_NEXT | (to_guest ? FAKE_WRITE : 0), 2);
	fake_desc(&t.q[q], 2, STATUS, 1, FAKE_WRITE, 0);
	fake_offer(&t.q[q], 0);
	driver_notify(dev, q);
	settle();
	if (!fake_used(&t.q[q], &id, written))
		return 0xff;
	gmem_read(&t.mem, GPA(STATUS), &status, 1);
	return status;
}

static bool needs_reset(struct virtio_dev *dev)
{
	return reg_read(dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void test_read(void **state)
{
	uint8_t got[1024];
	uint32_t written;

	(void)state;
	for (uint32_t q = 0; q < 2; q++) {
		assert_int_equal(request(RW, q, VIRTIO_BLK_T_IN, SECTORS - 2, DATA, 1024, &written),
				 VIRTIO_BLK_S_OK);
		assert_int_equal(written, 1025);
		gmem_read(&t.mem, GPA(DATA), got, sizeof(got));
		for (uint64_t i = 0; i < sizeof(got); i++)
			assert_int_equal(got[i], disk_byte((SECTORS - 2) * 512 + i));
	}
	assert_true(reg_read(RW, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_VRING);
}

static void test_write_and_flush(void **state)
{
	uint8_t data[512], got[512];
	uint32_t written;

	(void)state;
	memset(data, 0xa5, sizeof(data));
	fake_put(&t.mem, DATA, data, sizeof(data));
	assert_int_equal(request(RW, 0, VIRTIO_BLK_T_OUT, 5, DATA, 512, &written), VIRTIO_BLK_S_OK);
	assert_int_equal(written, 1);
	assert_int_equal(request(RW, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0, &written), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(t.fd, got, 512, 5 * 512), 512);
	assert_memory_equal(got, data, 512);
	assert_int_equal(pread(t.fd, got, 512, 6 * 512), 512);
	assert_int_equal(got[0], disk_byte(6 * 512));
}

/* Sectors and lengths at the end and past it; sums that would wrap. The disk never grows. */
static void test_out_of_range(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = {
		{ SECTORS, 512 }, { SECTORS - 1, 1024 }, { UINT64_MAX, 512 },
		{ UINT64_MAX / 512, 512 }, { UINT64_MAX / 512 + 1, 512 }, { INT64_MAX, 1024 },
		{ 0, 511 }, { 0, 513 }, { 0, 1 }, { 0, (SECTORS + 1) * 512 },
	};
	uint32_t written;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(request(RW, 0, VIRTIO_BLK_T_IN, bad[i].sector, DATA, bad[i].len,
					 &written), VIRTIO_BLK_S_IOERR);
		assert_int_equal(written, 1);
		assert_int_equal(request(RW, 0, VIRTIO_BLK_T_OUT, bad[i].sector, DATA, bad[i].len,
					 &written), VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(fstat(t.fd, &st), 0);
	assert_int_equal(st.st_size, SECTORS * 512);
	assert_false(needs_reset(RW));
}

/* CVE-2021-3748's place: what is not a request gets an error, not a crash. */
static void test_cve_2021_3748_unknown_requests(void **state)
{
	static const uint32_t types[] = { 2, 3, 5, 7, 9, 10, 12, 15, 0x80000000u, UINT32_MAX };
	uint32_t written;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(request(RW, 0, types[i], 0, DATA, 512, &written),
				 VIRTIO_BLK_S_UNSUPP);
}

static void test_id(void **state)
{
	char id[21] = "";
	uint32_t written;

	(void)state;
	assert_int_equal(request(RW, 0, VIRTIO_BLK_T_GET_ID, 0, DATA, 20, &written), VIRTIO_BLK_S_OK);
	gmem_read(&t.mem, GPA(DATA), id, 20);
	assert_string_equal(id, "nacre-0");
	assert_int_equal(request(RW, 0, VIRTIO_BLK_T_GET_ID, 0, DATA, 19, &written),
			 VIRTIO_BLK_S_IOERR);
}

static uint8_t erase(struct virtio_dev *dev, uint32_t type, uint64_t sector, uint32_t n,
		     uint32_t flags, uint32_t len)
{
	struct virtio_blk_discard_write_zeroes r[2] = {
		{ .sector = sector, .num_sectors = n, .flags = flags },
		{ .sector = sector, .num_sectors = n, .flags = flags },
	};
	uint32_t written;

	fake_put(&t.mem, DATA, r, sizeof(r));
	return request(dev, 0, type, 0, DATA, len, &written);
}

static void test_discard_and_zeroes(void **state)
{
	const uint32_t one = sizeof(struct virtio_blk_discard_write_zeroes);
	uint8_t got[512];

	(void)state;
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, 8, 8, 0, one), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(t.fd, got, 512, 15 * 512), 512);
	assert_int_equal(got[100], 0);
	assert_int_equal(pread(t.fd, got, 512, 16 * 512), 512);
	assert_int_equal(got[100], disk_byte(16 * 512 + 100));
	assert_int_equal(erase(RW, VIRTIO_BLK_T_WRITE_ZEROES, SECTORS - 1, 1,
			       VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP, one), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(t.fd, got, 512, (SECTORS - 1) * 512), 512);
	assert_int_equal(got[511], 0);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, SECTORS - 1, 2, 0, one),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, UINT64_MAX, 2, 0, one),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0, one), VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, 0, 1, 1, one), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2, one), VIRTIO_BLK_S_UNSUPP);
	/* One range, as the configuration says: not two, not half of one. */
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, 0, 1, 0, 2 * one), VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RW, VIRTIO_BLK_T_DISCARD, 0, 1, 0, one - 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(pread(t.fd, got, 512, 0), 512);
	assert_int_equal(got[1], disk_byte(1));
}

static void test_read_only(void **state)
{
	const uint32_t one = sizeof(struct virtio_blk_discard_write_zeroes);
	uint8_t got[512];
	uint32_t written;

	(void)state;
	bring_up(RO);
	assert_true(RO->ops->features & BIT(VIRTIO_BLK_F_RO));
	assert_int_equal(request(RO, 0, VIRTIO_BLK_T_IN, 0, DATA, 512, &written), VIRTIO_BLK_S_OK);
	assert_int_equal(request(RO, 0, VIRTIO_BLK_T_OUT, 0, DATA + 4096, 512, &written),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RO, VIRTIO_BLK_T_DISCARD, 0, 1, 0, one), VIRTIO_BLK_S_IOERR);
	assert_int_equal(erase(RO, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 0, one), VIRTIO_BLK_S_IOERR);
	assert_int_equal(pread(t.fd, got, 512, 0), 512);
	assert_int_equal(got[1], disk_byte(1));
}

/* The file shrank under us: an error for the guest. */
static void test_file_that_shrank(void **state)
{
	uint32_t written;

	(void)state;
	assert_int_equal(ftruncate(t.fd, 4096), 0);
	assert_int_equal(request(RW, 0, VIRTIO_BLK_T_IN, 4, DATA, 4096, &written),
			 VIRTIO_BLK_S_IOERR);
}

static void expect_violation(uint64_t hdr_len, uint32_t status_len)
{
	bring_up(RW);
	fake_desc(&t.q[0], 0, HDR, (uint32_t)hdr_len, status_len ? FAKE_NEXT : 0, 1);
	fake_desc(&t.q[0], 1, STATUS, status_len, FAKE_WRITE, 0);
	fake_offer(&t.q[0], 0);
	driver_notify(RW, 0);
	settle();
	assert_true(needs_reset(RW));
}

static void test_chains_that_are_too_short(void **state)
{
	(void)state;
	expect_violation(15, 1);
	expect_violation(16, 0);
	expect_violation(0, 1);
}

/* A chain whose pieces name the same memory again and again: more than one request may move. */
static void test_transfer_of_everything(void **state)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN };
	uint32_t id, written;
	uint8_t status;

	(void)state;
	fake_put(&t.mem, HDR, &h, sizeof(h));
	fake_desc(&t.q[0], 0, HDR, sizeof(h), FAKE_NEXT, 1);
	for (uint16_t i = 1; i < 63; i++)
		fake_desc(&t.q[0], i, DATA, FAKE_SIZE - 0x20000, FAKE_NEXT | FAKE_WRITE,
			  (uint16_t)(i + 1));
	fake_desc(&t.q[0], 63, STATUS, 1, FAKE_WRITE, 0);
	fake_offer(&t.q[0], 0);
	driver_notify(RW, 0);
	settle();
	assert_true(fake_used(&t.q[0], &id, &written));
	gmem_read(&t.mem, GPA(STATUS), &status, 1);
	assert_int_equal(status, VIRTIO_BLK_S_IOERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_read, setup),
		cmocka_unit_test_setup(test_write_and_flush, setup),
		cmocka_unit_test_setup(test_out_of_range, setup),
		cmocka_unit_test_setup(test_cve_2021_3748_unknown_requests, setup),
		cmocka_unit_test_setup(test_id, setup),
		cmocka_unit_test_setup(test_discard_and_zeroes, setup),
		cmocka_unit_test_setup(test_read_only, setup),
		cmocka_unit_test_setup(test_file_that_shrank, setup),
		cmocka_unit_test_setup(test_chains_that_are_too_short, setup),
		cmocka_unit_test_setup(test_transfer_of_everything, setup),
	};

	return cmocka_run_group_tests_name("virtio_blk", tests, group_setup, group_teardown);
}
