/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/dev_state.c: a device goes on as its template's, with virtio-rng for an example. */
/* SOURCES: vmm/dev_state.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c vmm/log.c vmm/virtio_rng.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_driver.h"
#include "vmm/dev_state.h"
#include "vmm/virtio_rng.h"

#define RING FAKE_BASE
#define DATA (FAKE_BASE + 0x10000)

struct fixture {
	struct gmem mem;
	struct fake_driver drv;
	struct virtio_dev dev, copy;
	struct dev_state state;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = fake_memory();
	f->drv = fake_driver_at(&f->mem, RING, 8);
	virtio_rng_init(&f->dev);
	virtio_rng_init(&f->copy);
	*state = f;
	return mmio_attach(&f->dev, &f->mem) || mmio_attach(&f->copy, &f->mem);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_remove(&f->dev.kick[0].src);
	loop_remove(&f->copy.kick[0].src);
	fake_memory_free(&f->mem);
	free(f);
	return 0;
}

static void bring_up(struct fixture *f)
{
	assert_true(driver_negotiate(&f->dev, FEATURE_VERSION_1) & VIRTIO_CONFIG_S_FEATURES_OK);
	driver_queue(&f->dev, 0, &f->drv);
	driver_ok(&f->dev);
	loop_step(100); /* it was reset */
}

static void offer(struct fixture *f, uint16_t i)
{
	fake_desc(&f->drv, i, DATA + 0x100u * i, 16, FAKE_WRITE, 0);
	fake_offer(&f->drv, i);
}

static void expect_used(struct fixture *f, uint32_t expected)
{
	uint32_t id, len;

	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(id, expected);
	assert_int_equal(len, 16);
	assert_false(fake_used(&f->drv, &id, &len));
}

/* Indices go on where they were, and what was offered without a notification since is seen. */
static void test_goes_on(void **state)
{
	struct fixture *f = *state;

	bring_up(f);
	offer(f, 0);
	driver_notify(&f->dev, 0);
	loop_step(1000);
	expect_used(f, 0);
	offer(f, 1);
	assert_int_equal(dev_state_save(&f->dev, &f->state), 0);
	assert_int_equal(dev_state_restore(&f->copy, &f->state), 0);
	assert_int_equal(reg_read(&f->copy, VIRTIO_MMIO_STATUS), reg_read(&f->dev, VIRTIO_MMIO_STATUS));
	assert_int_equal(reg_read(&f->copy, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(reg_read(&f->copy, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	loop_step(1000);
	expect_used(f, 1);
	offer(f, 2);
	driver_notify(&f->copy, 0);
	loop_step(1000);
	expect_used(f, 2);
}

static void test_registers_stay_frozen(void **state)
{
	struct fixture *f = *state;

	bring_up(f);
	assert_int_equal(dev_state_save(&f->dev, &f->state), 0);
	assert_int_equal(dev_state_restore(&f->copy, &f->state), 0);
	reg_write(&f->copy, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	assert_int_equal(f->copy.queue[0].desc.v, f->dev.queue[0].desc.v);
}

static void test_busy_is_not_saved(void **state)
{
	struct fixture *f = *state;
	static struct chain c;

	assert_true(driver_negotiate(&f->dev, FEATURE_VERSION_1) & VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(dev_state_save(&f->dev, &f->state), -EBUSY); /* its reset is not carried out */
	bring_up(f);
	offer(f, 0);
	assert_int_equal(virtq_pop(&f->dev.queue[0], &c), 1);
	assert_int_equal(dev_state_save(&f->dev, &f->state), -EBUSY); /* a request is in flight */
	virtq_unpop(&f->dev.queue[0], &c);
	assert_int_equal(dev_state_save(&f->dev, &f->state), 0);
	dev_needs_reset(&f->dev, 0, "test");
	assert_int_equal(dev_state_save(&f->dev, &f->state), -EBUSY);
}

static void expect_refused(struct fixture *f, const struct dev_state *bad)
{
	assert_int_equal(dev_state_restore(&f->copy, bad), -EINVAL);
}

/* A file that lies: nothing but an error. */
static void test_lies(void **state)
{
	struct fixture *f = *state;
	struct dev_state bad;

	bring_up(f);
	assert_int_equal(dev_state_save(&f->dev, &f->state), 0);
	bad = f->state;
	bad.device_id++;
	expect_refused(f, &bad);
	bad = f->state;
	bad.driver_features |= UINT64_C(1) << 40; /* never offered */
	expect_refused(f, &bad);
	bad = f->state;
	bad.n_queues = DEV_QUEUES_MAX + 1;
	expect_refused(f, &bad);
	bad = f->state;
	bad.queue[0].size = 32; /* more than the device takes */
	expect_refused(f, &bad);
	bad.queue[0].size = 0;
	expect_refused(f, &bad);
	bad.queue[0].size = 7;
	expect_refused(f, &bad);
	bad = f->state;
	bad.queue[0].used = FAKE_BASE + FAKE_SIZE - 4;
	expect_refused(f, &bad);
	bad.queue[0].used = UINT64_MAX - 3;
	expect_refused(f, &bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registers_stay_frozen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_is_not_saved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
	};

	if (loop_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
