/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: vmm/control.c vmm/client_accept.c vmm/vcpu.c vmm/times.c vmm/loop.c vmm/log.c */
/*
 * Pausing a VM: orders over a socket, and vCPU threads that leave KVM_RUN and come back, with a
 * KVM_RUN of our own that ends as the kernel's does: by a signal, or at once by immediate_exit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "arch/arch.h"
#include "control.h"
#include "end.h"
#include "filter.h"
#include "mmio.h"
#include "loop.h"
#include "vcpu.h"
#include "vmcontrol.h"

#define N_CPUS 4

static struct machine machine;
static atomic_int running, runs, clock_told;
static int listener, client = -1;

/* ---- what vcpu.c is linked with ---- */

void filter_apply(enum filter_kind kind)
{
	assert_int_equal(kind, FILTER_VCPU);
}

void end_request(enum vm_end end, uint64_t arg)
{
	(void)arg;
	fail_msg("the VM ended: %d", end);
}

void setup_fail(int err, const char *format, ...)
{
	fail_msg("%s: %d", format, err);
	abort();
}

bool arch_handle_exit(struct kvm_run *run)
{
	(void)run;
	return false;
}

uint64_t arch_mmio_base(unsigned int i)
{
	return 0x1000 * ((uint64_t)i + 1);
}

void mmio_read(struct virtio_dev *dev, uint64_t off, void *data, uint32_t len)
{
	(void)dev;
	(void)off;
	(void)data;
	(void)len;
}

void mmio_write(struct virtio_dev *dev, uint64_t off, const void *data, uint32_t len)
{
	(void)dev;
	(void)off;
	(void)data;
	(void)len;
}

/*
 * Runs until a signal comes. immediate_exit is looked at once, on the way in, and no signal that
 * comes behind that is missed, as in the kernel.
 */
static int fake_run(int fd)
{
	struct kvm_run *run = mmap(NULL, sizeof(*run), PROT_READ, MAP_SHARED, fd, 0);
	const struct timespec long_time = { .tv_sec = 5 };
	sigset_t kick, none;
	int r = -1;

	sigemptyset(&none);
	sigemptyset(&kick);
	sigaddset(&kick, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &kick, NULL);
	atomic_fetch_add(&runs, 1);
	atomic_fetch_add(&running, 1);
	if (!__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST))
		r = ppoll(NULL, 0, &long_time, &none);
	atomic_fetch_sub(&running, 1);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	munmap(run, sizeof(*run));
	errno = EINTR;
	return r < 0 ? -1 : 0;
}

/* In place of the C library's. */
int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
	switch (request) {
	case KVM_GET_VCPU_MMAP_SIZE:
		return 4096;
	case KVM_RUN:
		return fake_run(fd);
	case KVM_KVMCLOCK_CTRL:
		atomic_fetch_add(&clock_told, 1);
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

/* ---- the test as nacre ---- */

static void connect_client(void)
{
	struct sockaddr_un address;
	socklen_t len = sizeof(address);

	if (client >= 0)
		close(client);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
}

static void say(const void *bytes, size_t len)
{
	assert_int_equal(send(client, bytes, len, MSG_NOSIGNAL), len);
}

/* The answer's errno value; -1 when the VMM closed. */
static int answer(void)
{
	struct vm_answer a;

	for (int i = 0; i < 2000; i++) {
		ssize_t n = recv(client, &a, sizeof(a), MSG_DONTWAIT);

		if (n >= 0)
			return n == sizeof(a) ? (int)le32_get(a.error) : -1;
		loop_step(5);
	}
	fail_msg("no answer");
	return -2;
}

static int order(uint32_t type)
{
	struct vm_order o = { .type = le32_of(type) };

	say(&o, sizeof(o));
	return answer();
}

static void wait_running(int n)
{
	for (int i = 0; i < 2000 && atomic_load(&running) != n; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&running), n);
}

static int set_up(void **state)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	(void)state;
	machine.n_cpus = N_CPUS;
	for (int i = 0; i < N_CPUS; i++) {
		machine.vcpu_fd[i] = memfd_create("vcpu", 0);
		assert_int_equal(ftruncate(machine.vcpu_fd[i], 4096), 0);
	}
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* An address of the kernel's choice: unix(7) "autobind". */
	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any.sun_family)), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(loop_init(), 0);
	assert_int_equal(control_init(listener), 0);
	vcpu_map(&machine, machine.vcpu_fd[0]);
	vcpu_start_all();
	return 0;
}

static void test_pause_and_resume(void **state)
{
	(void)state;
	connect_client();
	for (int i = 0; i < 300; i++) {
		int before, told;

		if (i % 3 == 0) /* else this pause comes while they leave the last one */
			wait_running(N_CPUS);
		told = atomic_load(&clock_told);
		assert_int_equal(order(VM_ORDER_PAUSE), 0);
		assert_int_equal(atomic_load(&running), 0);
		before = atomic_load(&runs);
		if (i % 50 == 0) {
			assert_int_equal(order(VM_ORDER_PAUSE), 0); /* paused already */
			usleep(20000);
		}
		assert_int_equal(atomic_load(&running), 0);
		assert_int_equal(atomic_load(&runs), before);
		assert_int_equal(order(VM_ORDER_RESUME), 0);
		if (i % 3)
			continue;
		wait_running(N_CPUS);
		assert_int_equal(atomic_load(&clock_told), told + N_CPUS);
	}
	wait_running(N_CPUS);
	assert_int_equal(order(VM_ORDER_RESUME), 0); /* not paused */
	wait_running(N_CPUS);
}

static void test_misuse(void **state)
{
	struct vm_order two[2] = { { le32_of(VM_ORDER_PAUSE) }, { le32_of(VM_ORDER_PAUSE) } };

	(void)state;
	connect_client();
	assert_int_equal(order(0), EINVAL);
	assert_int_equal(order(77), EINVAL);
	say(two, 3);
	assert_int_equal(answer(), -1);
	connect_client();
	say("", 0);
	assert_int_equal(answer(), -1);
	/* Longer than an order: cut, and taken as one, as a packet is. */
	connect_client();
	say(two, sizeof(two));
	assert_int_equal(answer(), 0);
	assert_int_equal(order(VM_ORDER_RESUME), 0);
	wait_running(N_CPUS);
}

/* Whoever asked may go away; the VM does what it was asked, and the next one is served. */
static void test_client_gone(void **state)
{
	struct vm_order o = { .type = le32_of(VM_ORDER_PAUSE) };

	(void)state;
	for (int i = 0; i < 50; i++) {
		connect_client();
		say(&o, sizeof(o));
		for (int step = 0; step < 1 + i % 8; step++)
			loop_step(1);
	}
	connect_client();
	assert_int_equal(order(VM_ORDER_PAUSE), 0);
	assert_int_equal(atomic_load(&running), 0);
	assert_int_equal(order(VM_ORDER_RESUME), 0);
	wait_running(N_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_client_gone),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
