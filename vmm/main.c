/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-vmm: one virtual machine.
 *
 * Started by `nacre` with every descriptor that it will ever need (docs/architecture.md). It builds
 * the machine, confines itself, starts its threads and serves devices until the VM ends.
 *
 * Threads: the main thread becomes the device thread (loop.h); one thread per vCPU (vcpu.h); a few
 * that read and write files for virtio-fs (virtio_fs.h); one per network device
 * (virtio_net.h) and per queue of a block device (virtio_blk.h).
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "confine.h"
#include "control.h"
#include "end.h"
#include "filter.h"
#include "kvm.h"
#include "log.h"
#include "machine.h"
#include "mmio.h"
#include "options.h"
#include "template.h"
#include "template_hot.h"
#include "times.h"
#include "vcpu.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_fs.h"
#include "virtio_net.h"
#include "virtio_rng.h"
#include "virtio_vsock.h"

/* How long the guest may take to power off once its last monitor has gone. */
#define RELEASE_GRACE_MS 500
/* How long a copy's memory waits, until KVM is asked for the VM, and then: all is done by then but the wait for RCU. */
#define ASKING_NS 500000000L
#define ASKED_NS  2000000L

static struct machine machine;
static struct options options;
static bool is_copy; /* begins as a template's copy */

/* The loop has one timer: the boot timeout, until the guest connects or its last client goes. */
static struct {
	bool booted;	/* the guest has connected */
	bool releasing; /* the timer is that of the release */
} life;

void setup_fail(int err, const char *format, ...)
{
	char text[400];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (err && n >= 0 && n < (int)sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(err));
	end_write_text(VM_END_SETUP, text);
	/* With a status file its reader tells the user, once. */
	if (options.status_fd <= STDERR_FILENO)
		log_line("%s", text);
	_exit(1);
}

static void check(int r, const char *what)
{
	if (r)
		setup_fail(-r, "%s", what);
}

static void on_boot_timeout(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	end_now(VM_END_BOOT_TIMEOUT, (uint64_t)options.boot_timeout);
}

static void on_released(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	if (virtio_vsock_clients() == 0)
		end_now(VM_END_RELEASED, 0);
	/* Another client came in time; a guest that still boots is given the boot timeout anew. */
	life.releasing = false;
	if (!life.booted)
		loop_set_timer(options.boot_timeout, on_boot_timeout, NULL);
}

/* Nobody may be left by then, and nobody else would end the VM: a release that is due stays due. */
static void on_guest_connected(void)
{
	times_connected();
	life.booted = true;
	if (!life.releasing)
		loop_set_timer(-1, NULL, NULL);
}

/* The last monitor is gone: the guest has a moment to end by itself, then it is ended. */
static void on_clients_gone(void)
{
	life.releasing = true;
	loop_set_timer(RELEASE_GRACE_MS, on_released, NULL);
}

static void on_fsd_lost(uint32_t container)
{
	end_now(virtio_vsock_clients() ? VM_END_FSD_LOST : VM_END_RELEASED, container);
}

static void confine_files_thread(void)
{
	filter_apply(FILTER_FILES);
}

static void confine_net_thread(int err)
{
	check(err, options.net[0].n_vhosts ? "vhost-net" : "a network device's thread");
	filter_apply(options.net[0].n_vhosts ? FILTER_NET_VHOST : FILTER_NET);
}

static void confine_blk_thread(int err)
{
	check(err, "a block device's thread");
	filter_apply(FILTER_BLK);
}

static struct virtio_dev *next_device(void)
{
	return &machine.dev[machine.n_devs++];
}

/* The set of devices is fixed here; its order is that of addresses and interrupt lines. */
static void make_devices(void)
{
	const struct virtio_vsock_callbacks callbacks = {
		.guest_connected = on_guest_connected,
		.clients_gone = on_clients_gone,
		.guest_calls = options.save_template_fd >= 0 ? template_save_begin : NULL,
	};

	check(virtio_vsock_init(next_device(), (int)options.listener_fd, &callbacks), "virtio-vsock");
	check(virtio_fs_init(next_device(), BROKER_CLASS_ROOT), "virtio-fs");
	if (options.volumes)
		check(virtio_fs_init(next_device(), BROKER_CLASS_VOLUME), "virtio-fs for volumes");
	virtio_rng_init(next_device());
	if (options.console_fd >= 0)
		virtio_console_init(next_device(), (int)options.console_fd);
	for (unsigned int i = 0; i < options.n_nets; i++)
		check(virtio_net_init(next_device(), &options.net[i]), "virtio-net");
	if (options.control_fd >= 0)
		check(control_init((int)options.control_fd), "socket for orders");
	for (unsigned int i = 0; i < options.n_blocks; i++)
		check(virtio_blk_init(next_device(), &options.block[i]), "virtio-blk");
	check(virtio_fs_add_broker(0, (int)options.fs_fd, on_fsd_lost), "nacre-fsd's socket");
	for (unsigned int i = 0; i < machine.n_devs; i++)
		check(mmio_attach(&machine.dev[i], &machine.mem), machine.dev[i].ops->name);
}

/* Of the VM, for the thread that loads. */
static struct {
	sem_t asked, done;
} creation;

/* The VM has ended, and the process is about to. */
static void finish(void)
{
	template_hot_note();
	kvm_release_interrupts(&machine);
}

/* For so long at most: who posts may be killed half way. */
static void wait_for(sem_t *sem, long ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ns;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	sem_timedwait(sem, &until);
}

/* Until the VM is there, or is still not there a moment after KVM was asked for it. */
static void wait_for_vm(void)
{
	wait_for(&creation.asked, ASKING_NS);
	wait_for(&creation.done, ASKED_NS);
}

/*
 * A copy has less to load than KVM waits: where there is one processor that wait is to begin first, and with it that of
 * others is used who start meanwhile.
 */
static void *load_images(void *images)
{
	if (is_copy) {
		wait_for_vm();
		template_map(&machine);
	} else {
		arch_load(&machine, (int)options.kernel_fd, (int)options.init_fd, images);
	}
	return NULL;
}

/* The machine as it is to begin: its template's, or one that boots. */
static void set_beginning(const struct arch_images *images)
{
	if (is_copy)
		template_restore(&machine);
	else
		arch_set_boot(&machine, images, options.console_fd >= 0 ? "console=hvc0" : "");
}

/* How many make_devices() makes. */
static unsigned int count_devices(void)
{
	return 3u + (options.volumes ? 1u : 0u) + (options.console_fd >= 0 ? 1u : 0u) + options.n_nets +
	       options.n_blocks;
}

/* Devices that a template has: no port, no disk, and no interface but one that a tap serves. */
static bool may_be_copy(void)
{
	const struct net_options *net = &options.net[0];

	return options.template_fd >= 0 && options.console_fd < 0 && options.n_blocks == 0 &&
	       (options.n_nets == 0 || (options.n_nets == 1 && net->n_taps > 0 && net->n_vhosts == 0));
}

/*
 * The images are loaded by a thread of their own: KVM_CREATE_VM moves a worker of KVM's into a cgroup,
 * for which the host's kernel waits for a grace period of RCU, longer than anything else here takes.
 */
static void build_machine(void)
{
	struct arch_images images;
	pthread_t loader;

	machine.memory = (uint64_t)options.memory;
	machine.n_cpus = (unsigned int)options.cpus;
	kvm_map_memory(&machine);
	is_copy = may_be_copy() &&
		  template_open(&machine, count_devices(), (int)options.kvm_fd,
				(int)options.template_fd, (int)options.note_fd);
	if (!is_copy && options.template_fd >= 0)
		close((int)options.template_fd);
	sem_init(&creation.asked, 0, 0);
	sem_init(&creation.done, 0, 0);
	check(-pthread_create(&loader, NULL, load_images, &images), "starting threads");
	kvm_create(&machine, (int)options.kvm_fd, (int)options.caller_cgroup_fd,
		   (int)options.end_place_fd, &creation.asked);
	sem_post(&creation.done);
	if (options.caller_cgroup_fd >= 0)
		close((int)options.caller_cgroup_fd);
	if (options.end_place_fd >= 0)
		close((int)options.end_place_fd);
	kvm_create_vcpus(&machine);
	arch_setup_vcpus(&machine, (int)options.kvm_fd);
	times_stamp(VM_STAMP_CREATED);
	check(loop_init(), "epoll");
	check(end_init(&machine.mem, finish), "eventfd");
	make_devices();
	kvm_bind_devices(&machine);
	if (options.save_template_fd >= 0)
		template_save_init(&machine, (int)options.kvm_fd, (int)options.save_template_fd);
	times_stamp(VM_STAMP_DEVICES);
	pthread_join(loader, NULL);
	close((int)options.kernel_fd);
	close((int)options.init_fd);
	set_beginning(&images);
	times_stamp(VM_STAMP_LOADED);
}

static_assert(16 + NET_MAX * (2 * NET_PAIRS_MAX + 2) + BLK_MAX <= CONFINE_KEEP_MAX, "room for all");

/* What argv names, and nothing else. */
static void keep_descriptors(void)
{
	int keep[CONFINE_KEEP_MAX] = { (int)options.kvm_fd,	(int)options.kernel_fd,
				       (int)options.init_fd,	(int)options.listener_fd,
				       (int)options.status_fd,	(int)options.fs_fd,
				       (int)options.user_ns_fd, (int)options.console_fd,
				       (int)options.confined_fd, (int)options.control_fd,
				       (int)options.net_ns_fd,	(int)options.template_fd,
				       (int)options.save_template_fd, (int)options.note_fd,
				       (int)options.caller_cgroup_fd, (int)options.end_place_fd };
	unsigned int n = 16;

	for (unsigned int i = 0; i < options.n_nets; i++) {
		const struct net_options *net = &options.net[i];

		for (unsigned int k = 0; k < net->n_taps; k++)
			keep[n++] = net->tap[k];
		for (unsigned int k = 0; k < net->n_vhosts; k++)
			keep[n++] = net->vhost[k];
		keep[n++] = net->stream;
		keep[n++] = net->watch;
	}
	for (unsigned int i = 0; i < options.n_blocks; i++)
		keep[n++] = options.block[i].fd;
	confine_descriptors(keep, n);
}

/* Tables for the most that a VM can have are nearly empty: where huge pages are for everybody, they are not to cost 2 MiB. */
static void keep_tables_small(void)
{
	extern char __bss_start[], _end[];
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t from = ((uintptr_t)__bss_start + page - 1) & -page;

	(void)madvise((void *)from, ((uintptr_t)_end & -page) - from, MADV_NOHUGEPAGE);
}

int main(int argc, char **argv)
{
	/* A monitor that went away is an error of writev(), not a signal. */
	signal(SIGPIPE, SIG_IGN);
	times_stamp(VM_STAMP_START);
	keep_tables_small();
	options_parse(&options, argc, argv);
	end_set_status_fd((int)options.status_fd);
	keep_descriptors();
	build_machine();

	confine_namespaces((int)options.user_ns_fd, (int)options.net_ns_fd);
	confine_privileges();
	confine_files((int)options.confined_fd, is_copy);
	times_stamp(VM_STAMP_CONFINED);
	/* Below this line the process opens nothing and holds no privilege. */

	loop_set_timer(options.boot_timeout, on_boot_timeout, NULL);
	vcpu_map(&machine, (int)options.kvm_fd);
	close((int)options.kvm_fd);
	check(virtio_fs_start_workers(confine_files_thread), "starting threads");
	check(virtio_blk_start_threads(confine_blk_thread), "starting threads");
	check(virtio_net_start_threads(confine_net_thread), "starting threads");
	vcpu_start_all();
	filter_apply(options.save_template_fd >= 0 ? FILTER_TEMPLATE : FILTER_DEVICE);
	/* Below this line each thread has the system calls of its policy, and no other. */

	loop_run();
}
