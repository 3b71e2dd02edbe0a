/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/mmio.c with virtio-rng behind it: registers in every wrong order. */
/* SOURCES: vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c vmm/log.c vmm/virtio_rng.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_driver.h"
#include "vmm/virtio_rng.h"

#define RING FAKE_BASE
#define DATA (FAKE_BASE + 0x10000)

struct fixture {
	struct gmem mem;
	struct fake_driver drv;
	struct virtio_dev dev;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = fake_memory();
	f->drv = fake_driver_at(&f->mem, RING, 8);
	virtio_rng_init(&f->dev);
	*state = f;
	return mmio_attach(&f->dev, &f->mem);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_remove(&f->dev.kick[0].src);
	fake_memory_free(&f->mem);
	free(f);
	return 0;
}

static void bring_up(struct fixture *f)
{
	assert_true(driver_negotiate(&f->dev, FEATURE_VERSION_1) & VIRTIO_CONFIG_S_FEATURES_OK);
	driver_queue(&f->dev, 0, &f->drv);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_READY), 1);
	driver_ok(&f->dev);
	assert_true(dev_is_live(&f->dev));
}

static bool needs_reset(struct fixture *f)
{
	return reg_read(&f->dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void test_identity(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_DEVICE_ID), 4);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_NUM_MAX), 16);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_SEL, 1); /* does not exist */
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
}

static void test_rng_fills(void **state)
{
	struct fixture *f = *state;
	uint8_t zero[64] = { 0 };
	uint32_t id, len;

	bring_up(f);
	fake_desc(&f->drv, 0, DATA, 64, FAKE_WRITE, 0);
	fake_offer(&f->drv, 0);
	driver_notify(&f->dev, 0);
	loop_step(1000);
	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(len, 64);
	assert_memory_not_equal(gmem_slice(&f->mem, GPA(DATA), 64), zero, 64);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	reg_write(&f->dev, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

/* Bug of others, number 6: a chain's length sizes an allocation or stalls the loop. */
static void test_bug06_rng_length_is_bounded(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;

	bring_up(f);
	fake_desc(&f->drv, 0, FAKE_BASE, FAKE_SIZE, FAKE_WRITE, 0);
	fake_desc(&f->drv, 1, DATA, 0, FAKE_WRITE, 0);
	fake_desc(&f->drv, 2, DATA, 64, 0, 0); /* nothing to write to */
	fake_offer(&f->drv, 1);
	fake_offer(&f->drv, 2);
	driver_notify(&f->dev, 0);
	loop_step(1000);
	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(len, 0);
	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(len, 0);
	fake_desc(&f->drv, 0, DATA, FAKE_SIZE - 0x10000, FAKE_WRITE, 0);
	fake_offer(&f->drv, 0);
	driver_notify(&f->dev, 0);
	loop_step(1000);
	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(len, 256);
}

static void test_bad_chain_needs_reset(void **state)
{
	struct fixture *f = *state;

	bring_up(f);
	fake_offer(&f->drv, 9);
	driver_notify(&f->dev, 0);
	loop_step(1000);
	assert_true(needs_reset(f));
	assert_true(reg_read(&f->dev, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	/* A reset heals it. */
	f->drv.avail_idx = f->drv.seen_used = 0;
	fake_put16(&f->mem, f->drv.avail + 2, 0);
	bring_up(f);
	assert_false(needs_reset(f));
}

static void test_features_not_offered(void **state)
{
	struct fixture *f = *state;
	uint64_t indirect = UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC;

	assert_false(driver_negotiate(&f->dev, FEATURE_VERSION_1 | indirect) &
		     VIRTIO_CONFIG_S_FEATURES_OK);
	assert_false(driver_negotiate(&f->dev, 0) & VIRTIO_CONFIG_S_FEATURES_OK);
	/* Frozen once they are accepted. */
	assert_true(driver_negotiate(&f->dev, FEATURE_VERSION_1) & VIRTIO_CONFIG_S_FEATURES_OK);
	reg_write(&f->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(&f->dev, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	assert_true(f->dev.driver_features == FEATURE_VERSION_1);
	reg_write(&f->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	reg_write(&f->dev, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	assert_true(f->dev.driver_features == FEATURE_VERSION_1);
}

static void test_driver_ok_first(void **state)
{
	struct fixture *f = *state;

	reg_write(&f->dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(needs_reset(f));
	assert_false(dev_is_live(&f->dev));
	driver_notify(&f->dev, 0);
	loop_step(0);
}

/* Bug of others, number 5: queue size writable after activation (CVE-2026-5747). */
static void test_bug05_queue_registers_frozen(void **state)
{
	struct fixture *f = *state;
	struct virtq before;

	bring_up(f);
	before = f->dev.queue[0];
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_NUM, 16);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_DESC_LOW, 0xdead0000);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0xdead);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_USED_LOW, 0xdead0000);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_memory_equal(&before, &f->dev.queue[0], sizeof(before));
}

static void test_frozen_when_ready(void **state)
{
	struct fixture *f = *state;

	driver_negotiate(&f->dev, FEATURE_VERSION_1);
	driver_queue(&f->dev, 0, &f->drv);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_NUM, 16);
	assert_int_equal(f->dev.queue[0].size, 8);
}

static void test_bad_queue_size(void **state)
{
	struct fixture *f = *state;
	static const uint32_t sizes[] = { 0, 3, 32, 0x10008, UINT32_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		driver_negotiate(&f->dev, FEATURE_VERSION_1);
		reg_write(&f->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
		reg_write(&f->dev, VIRTIO_MMIO_QUEUE_NUM, sizes[i]);
		reg_write(&f->dev, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_true(needs_reset(f));
		assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	}
}

/* Bug of others, number 10: queue select, notify and config offsets unchecked (CVE-2021-45464). */
static void test_bug10_offsets_and_selectors(void **state)
{
	struct fixture *f = *state;
	uint8_t data[8];

	bring_up(f);
	driver_notify(&f->dev, 1);
	driver_notify(&f->dev, UINT32_MAX);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_SEL, DEV_QUEUES_MAX);
	reg_write(&f->dev, VIRTIO_MMIO_QUEUE_NUM, 8);
	for (uint64_t off = VIRTIO_MMIO_CONFIG - 8; off < MMIO_WINDOW; off++) {
		memset(data, 0xff, sizeof(data));
		mmio_read(&f->dev, off, data, 8);
		mmio_write(&f->dev, off, data, 8);
		assert_int_equal(data[7], 0); /* rng has no configuration */
	}
	/* Narrow and unaligned accesses of registers do nothing. */
	mmio_read(&f->dev, VIRTIO_MMIO_MAGIC_VALUE, data, 1);
	assert_int_equal(data[0], 0);
	mmio_write(&f->dev, VIRTIO_MMIO_STATUS, data, 1);
	assert_true(dev_is_live(&f->dev));
}

static void test_reset_clears(void **state)
{
	struct fixture *f = *state;
	uint32_t generation;

	bring_up(f);
	generation = f->dev.generation;
	reg_write(&f->dev, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(reg_read(&f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(f->dev.generation, generation + 1);
	driver_notify(&f->dev, 0);
	loop_step(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_rng_fills),
		TEST(test_bug06_rng_length_is_bounded),
		TEST(test_bad_chain_needs_reset),
		TEST(test_features_not_offered),
		TEST(test_driver_ok_first),
		TEST(test_bug05_queue_registers_frozen),
		TEST(test_frozen_when_ready),
		TEST(test_bad_queue_size),
		TEST(test_bug10_offsets_and_selectors),
		TEST(test_reset_clears),
	};

	if (loop_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
