/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of virtio-net's queues that the host's kernel serves: a fake kernel in the place of
 * vhost_call(), the device's thread as in the VMM, the test as vCPU.
 */
/* SOURCES: vmm/virtio_net.c vmm/virtio_net_rx.c vmm/virtio_net_tx.c vmm/virtio_net_tap.c */
/* SOURCES: vmm/virtio_net_stream.c vmm/virtio_net_limit.c vmm/virtio_net_vhost.c vmm/thread.c vmm/mmio.c */
/* SOURCES: vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c vmm/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_driver.h"
#include "vmm/vhost_call.h"
#include "vmm/virtio_net.h"

#define N_PAIRS	  2u
#define RING	  0x4000u
#define DATA	  (FAKE_BASE + 0x40000u)
#define HIGH_BASE (UINT64_C(1) << 32)
#define BIT(f)	  (UINT64_C(1) << (f))

/* What drivers/vhost keeps of a descriptor, as far as it matters here. */
struct fake_vhost {
	int fd, tap;
	bool owned, attached;
	uint64_t features;
	struct vhost_memory_region memory[GMEM_REGIONS_MAX];
	uint32_t n_memory;
	struct {
		int kick, call, backend;
		uint32_t size;
		struct vhost_vring_addr addr;
	} ring[2];
};

static struct {
	pthread_mutex_t lock;
	struct fake_vhost v[N_PAIRS];
	bool refuses; /* VHOST_NET_SET_BACKEND */
	unsigned int n_starts;
} kernel = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct {
	struct gmem mem;
	struct virtio_dev dev;
	struct fake_driver q[5];
	sem_t ready;
	int err;
} t;

/* ---- the kernel ---- */

static int set_memory(struct fake_vhost *v, const void *arg)
{
	struct vhost_memory head;

	memcpy(&head, arg, sizeof(head));
	if (head.nregions > GMEM_REGIONS_MAX)
		return -E2BIG;
	v->n_memory = head.nregions;
	memcpy(v->memory, (const uint8_t *)arg + sizeof(head), head.nregions * sizeof(v->memory[0]));
	return 0;
}

static int set_backend(struct fake_vhost *v, const struct vhost_vring_file *f)
{
	if (f->fd >= 0 && kernel.refuses)
		return -EFAULT;
	kernel.n_starts += f->fd >= 0;
	v->ring[f->index].backend = f->fd;
	return 0;
}

static int set_ring(struct fake_vhost *v, unsigned long request, const void *arg)
{
	const struct vhost_vring_state *s = arg;
	const struct vhost_vring_addr *a = arg;

	if (s->index > 1)
		return -ENOBUFS;
	/* drivers/vhost/vhost.c: size and base change only without a backend */
	if (v->ring[s->index].backend >= 0)
		return -EBUSY;
	if (request == VHOST_SET_VRING_NUM)
		v->ring[s->index].size = s->num;
	else if (request == VHOST_SET_VRING_BASE)
		return s->num ? -EINVAL : 0; /* no ring here begins elsewhere */
	else
		v->ring[a->index].addr = *a;
	return 0;
}

static int obey(struct fake_vhost *v, unsigned long request, void *arg)
{
	const struct vhost_vring_file *f = arg;

	switch (request) {
	case VHOST_SET_OWNER:
		v->owned = true;
		return 0;
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = UINT64_MAX;
		return 0;
	case VHOST_SET_FEATURES:
		v->features = *(const uint64_t *)arg;
		return 0;
	case VHOST_SET_MEM_TABLE:
		return v->owned ? set_memory(v, arg) : -EPERM;
	case VHOST_SET_VRING_KICK:
		v->ring[f->index].kick = f->fd;
		return 0;
	case VHOST_SET_VRING_CALL:
		v->ring[f->index].call = f->fd;
		return 0;
	case VHOST_NET_SET_BACKEND:
		return set_backend(v, f);
	default:
		return set_ring(v, request, arg);
	}
}

int vhost_call(int fd, unsigned long request, void *arg)
{
	int r = -EBADF;

	pthread_mutex_lock(&kernel.lock);
	for (unsigned int i = 0; i < N_PAIRS; i++) {
		struct fake_vhost *v = &kernel.v[i];

		if (fd == v->fd)
			r = obey(v, request, arg);
		if (fd == v->tap && request == TUNSETQUEUE) {
			v->attached = ((const struct ifreq *)arg)->ifr_flags & IFF_ATTACH_QUEUE;
			r = 0;
		}
	}
	pthread_mutex_unlock(&kernel.lock);
	return r;
}

static bool backends_are(unsigned int pair, int fd)
{
	const struct fake_vhost *v = &kernel.v[pair];
	bool yes;

	pthread_mutex_lock(&kernel.lock);
	yes = v->ring[0].backend == fd && v->ring[1].backend == fd;
	pthread_mutex_unlock(&kernel.lock);
	return yes;
}

/* Whether the kernel has both rings of a pair, or none. */
static bool serves(unsigned int pair)
{
	return backends_are(pair, kernel.v[pair].tap);
}

static bool lets_go(unsigned int pair)
{
	return backends_are(pair, -1);
}

/* ---- the machine ---- */

static void on_ready(int err)
{
	t.err = err;
	sem_post(&t.ready);
}

static int some_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static int group_setup(void **state)
{
	struct net_options o = { .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .n_taps = N_PAIRS,
				 .n_vhosts = N_PAIRS, .stream = -1, .watch = -1 };

	(void)state;
	t.mem = fake_memory();
	t.mem.region[1] = t.mem.region[0];
	t.mem.region[1].base = HIGH_BASE;
	t.mem.region[1].hva = calloc(1, FAKE_SIZE);
	t.mem.n_regions = 2;
	for (unsigned int i = 0; i < N_PAIRS; i++) {
		struct fake_vhost *v = &kernel.v[i];

		v->fd = o.vhost[i] = some_fd();
		v->tap = o.tap[i] = some_fd();
		v->attached = true;
		v->ring[0].backend = v->ring[1].backend = -1;
	}
	assert_int_equal(virtio_net_init(&t.dev, &o), 0);
	assert_int_equal(mmio_attach(&t.dev, &t.mem), 0);
	sem_init(&t.ready, 0, 0);
	assert_int_equal(virtio_net_start_threads(on_ready), 0);
	sem_wait(&t.ready);
	return t.err;
}

/* True when it comes true within some seconds. */
static bool soon(bool (*is)(unsigned int), unsigned int pair)
{
	for (int i = 0; i < 5000 && !is(pair); i++)
		usleep(1000);
	return is(pair);
}

static void bring_up(uint64_t base)
{
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	for (unsigned int i = 0; i < 2; i++)
		memset(t.mem.region[i].hva, 0, FAKE_SIZE);
	driver_negotiate(&t.dev, t.dev.ops->features | FEATURE_VERSION_1 |
			 BIT(VIRTIO_RING_F_EVENT_IDX));
	for (uint32_t i = 0; i < t.dev.ops->n_queues; i++) {
		t.q[i] = fake_driver_at(&t.mem, base + i * RING, 256);
		driver_queue(&t.dev, i, &t.q[i]);
	}
	driver_ok(&t.dev);
}

static int setup(void **state)
{
	(void)state;
	kernel.refuses = false;
	bring_up(FAKE_BASE);
	return soon(serves, 0) ? 0 : -1;
}

/* VQ_PAIRS_SET; false when there is no answer, or a bad one. */
static bool use_pairs(uint8_t n)
{
	const uint8_t command[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, n, 0 };
	uint8_t ack = 0x55;
	uint32_t id, used;

	fake_put(&t.mem, DATA, command, sizeof(command));
	fake_put(&t.mem, DATA + 64, &ack, 1);
	fake_desc(&t.q[4], 0, DATA, sizeof(command), FAKE_NEXT, 1);
	fake_desc(&t.q[4], 1, DATA + 64, 1, FAKE_WRITE, 0);
	fake_offer(&t.q[4], 0);
	driver_notify(&t.dev, 4);
	for (int i = 0; i < 5000; i++) {
		usleep(1000);
		pthread_mutex_lock(&t.dev.lock); /* the device's thread is through with it */
		if (fake_used(&t.q[4], &id, &used)) {
			pthread_mutex_unlock(&t.dev.lock);
			gmem_read(&t.mem, GPA(DATA + 64), &ack, 1);
			return ack == VIRTIO_NET_OK;
		}
		pthread_mutex_unlock(&t.dev.lock);
	}
	return false;
}

/* ---- tests ---- */

/* Memory is the guest's, all of it and nothing else; eventfds are those that KVM has. */
static void test_what_the_kernel_is_told(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_PAIRS; i++) {
		const struct fake_vhost *v = &kernel.v[i];

		assert_true(v->owned);
		assert_int_equal(v->n_memory, 2);
		for (unsigned int k = 0; k < 2; k++) {
			assert_int_equal(v->memory[k].guest_phys_addr, t.mem.region[k].base);
			assert_int_equal(v->memory[k].memory_size, FAKE_SIZE);
			assert_ptr_equal((void *)(uintptr_t)v->memory[k].userspace_addr,
					 t.mem.region[k].hva);
			assert_int_equal(v->ring[k].kick, t.dev.kick[2 * i + k].fd);
			assert_int_equal(v->ring[k].call, t.dev.irq_fd);
		}
	}
}

static void expect_ring(unsigned int i, const struct gmem_region *r)
{
	const struct vhost_vring_addr *a = &kernel.v[0].ring[i].addr;
	uintptr_t hva = (uintptr_t)r->hva - r->base;

	assert_int_equal(kernel.v[0].ring[i].size, 256);
	assert_int_equal(a->desc_user_addr, hva + t.q[i].desc);
	assert_int_equal(a->avail_user_addr, hva + t.q[i].avail);
	assert_int_equal(a->used_user_addr, hva + t.q[i].used);
	assert_int_equal(a->flags, 0);
}

static void test_rings(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		expect_ring(i, &t.mem.region[0]);
	/* not those of the tap: vhost would put a header of its own before frames */
	assert_int_equal(kernel.v[0].features, BIT(VIRTIO_F_VERSION_1) |
			 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_NET_F_MRG_RXBUF));
	bring_up(HIGH_BASE);
	assert_true(soon(serves, 0));
	for (unsigned int i = 0; i < 2; i++)
		expect_ring(i, &t.mem.region[1]);
}

/* A reset is over when the kernel has let go: the driver uses the memory for something else at once. */
static void test_reset_waits_for_the_kernel(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
		assert_true(lets_go(0));
		bring_up(FAKE_BASE);
		assert_true(soon(serves, 0));
	}
}

static void test_pairs_in_use(void **state)
{
	(void)state;
	assert_true(lets_go(1));
	assert_true(kernel.v[0].attached);
	assert_false(kernel.v[1].attached);
	assert_true(use_pairs(2));
	assert_true(serves(0) && serves(1));
	assert_true(kernel.v[1].attached);
	assert_true(use_pairs(1));
	assert_true(serves(0) && serves(1)); /* its rings go on where they are, if it comes back */
	assert_false(kernel.v[1].attached);
	assert_true(use_pairs(2));
	assert_true(serves(0) && serves(1) && kernel.v[1].attached);
	assert_true(use_pairs(1));
	assert_false(use_pairs(3));
}

static void test_ring_outside_of_memory(void **state)
{
	unsigned int before;

	(void)state;
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	before = kernel.n_starts;
	driver_negotiate(&t.dev, t.dev.ops->features | FEATURE_VERSION_1);
	t.q[0] = fake_driver_at(&t.mem, FAKE_BASE + FAKE_SIZE - 16ul * 256, 256);
	driver_queue(&t.dev, 0, &t.q[0]);
	t.q[1] = fake_driver_at(&t.mem, FAKE_BASE, 256);
	driver_queue(&t.dev, 1, &t.q[1]);
	driver_ok(&t.dev);
	usleep(20000);
	assert_int_equal(kernel.n_starts, before);
	assert_true(reg_read(&t.dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* One ring alone is no pair. */
static void test_half_a_pair(void **state)
{
	(void)state;
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	driver_negotiate(&t.dev, t.dev.ops->features | FEATURE_VERSION_1);
	t.q[0] = fake_driver_at(&t.mem, FAKE_BASE, 256);
	driver_queue(&t.dev, 0, &t.q[0]);
	driver_ok(&t.dev);
	usleep(20000);
	assert_true(lets_go(0));
}

static bool needs_reset(unsigned int unused)
{
	(void)unused;
	return reg_read(&t.dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void test_kernel_that_refuses(void **state)
{
	(void)state;
	kernel.refuses = true;
	bring_up(FAKE_BASE);
	assert_true(soon(needs_reset, 0));
	assert_true(lets_go(0));
	kernel.refuses = false;
	bring_up(FAKE_BASE);
	assert_true(soon(serves, 0));
}

/* A device that needs a reset touches no queue, the kernel no more than we. */
static void test_violation_stops_the_kernel(void **state)
{
	(void)state;
	fake_desc(&t.q[4], 0, DATA, 4, 0, 0); /* no room for an answer */
	fake_offer(&t.q[4], 0);
	driver_notify(&t.dev, 4);
	assert_true(soon(needs_reset, 0));
	assert_true(soon(lets_go, 0));
}

static void test_interrupt_status(void **state)
{
	(void)state;
	reg_write(&t.dev, VIRTIO_MMIO_INTERRUPT_ACK, ~0u);
	assert_int_equal(reg_read(&t.dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
}

static void *reset_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 300; i++)
		reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	return NULL;
}

/* Two vCPUs at once: nobody waits for ever, and in the end the kernel has what the device has. */
static void test_two_vcpus(void **state)
{
	pthread_t other;

	(void)state;
	alarm(60);
	assert_int_equal(pthread_create(&other, NULL, reset_often, NULL), 0);
	for (int i = 0; i < 100; i++)
		bring_up(i % 2 ? FAKE_BASE : HIGH_BASE);
	pthread_join(other, NULL);
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	assert_true(lets_go(0));
	bring_up(FAKE_BASE);
	assert_true(soon(serves, 0));
	expect_ring(0, &t.mem.region[0]);
	alarm(0);
}

static void test_a_vhost_for_each_queue(void **state)
{
	struct net_options o = { .mtu = 1500, .n_taps = 2, .n_vhosts = 1, .stream = -1, .watch = -1 };
	struct virtio_dev dev;

	(void)state;
	assert_int_equal(virtio_net_init(&dev, &o), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_the_kernel_is_told, setup),
		cmocka_unit_test_setup(test_rings, setup),
		cmocka_unit_test_setup(test_reset_waits_for_the_kernel, setup),
		cmocka_unit_test_setup(test_pairs_in_use, setup),
		cmocka_unit_test_setup(test_ring_outside_of_memory, setup),
		cmocka_unit_test_setup(test_half_a_pair, setup),
		cmocka_unit_test_setup(test_kernel_that_refuses, setup),
		cmocka_unit_test_setup(test_violation_stops_the_kernel, setup),
		cmocka_unit_test_setup(test_interrupt_status, setup),
		cmocka_unit_test_setup(test_two_vcpus, setup),
		cmocka_unit_test_setup(test_a_vhost_for_each_queue, setup),
	};

	return cmocka_run_group_tests_name("virtio_net_vhost", tests, group_setup, NULL);
}
