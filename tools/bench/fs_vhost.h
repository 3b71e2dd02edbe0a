/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front-end of vhost-user for fs.c: gives a virtiofsd guest memory of its own and two rings, as a
 * VMM does. Protocol: QEMU's docs/interop/vhost-user.rst. The server is trusted.
 */
#ifndef NACRE_BENCH_FS_VHOST_H
#define NACRE_BENCH_FS_VHOST_H

#include <linux/vhost_types.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fs_driver.h"

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_SET_VRING_ENABLE = 18,
};

#define VHOST_VERSION             1u
#define VHOST_F_PROTOCOL_FEATURES (UINT64_C(1) << 30)

struct vhost_head {
	uint32_t request, flags, size;
};

struct vhost_memory_one {
	uint32_t n_regions, padding;
	uint64_t gpa, size, hva, offset;
};

static int vhost_socket, vhost_kick[FS_QUEUES];

static void vhost_send(enum vhost_request request, const void *body, size_t len, int fd)
{
	struct vhost_head head = {.request = request, .flags = VHOST_VERSION, .size = (uint32_t)len};
	struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)(uintptr_t)body, len}};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	MUST(sendmsg(vhost_socket, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof(head) + len));
}

static uint64_t vhost_get(enum vhost_request request)
{
	struct __attribute__((packed)) {
		struct vhost_head head;
		uint64_t value;
	} reply;

	vhost_send(request, NULL, 0, -1);
	MUST(recv(vhost_socket, &reply, sizeof(reply), MSG_WAITALL) == sizeof(reply) &&
	     reply.head.request == request);
	return reply.value;
}

static void vhost_start_ring(uint32_t q, const struct fake_driver *d)
{
	const uint8_t *base = mem.region[0].hva;
	struct vhost_vring_state state = {.index = q, .num = d->size};
	struct vhost_vring_addr addr = {
		.index = q,
		.desc_user_addr = (uint64_t)(uintptr_t)(base + (d->desc - FAKE_BASE)),
		.avail_user_addr = (uint64_t)(uintptr_t)(base + (d->avail - FAKE_BASE)),
		.used_user_addr = (uint64_t)(uintptr_t)(base + (d->used - FAKE_BASE)),
	};
	uint64_t index = q;

	vhost_kick[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(vhost_kick[q] >= 0);
	vhost_send(VHOST_SET_VRING_NUM, &state, sizeof(state), -1);
	state.num = 0;
	vhost_send(VHOST_SET_VRING_BASE, &state, sizeof(state), -1);
	vhost_send(VHOST_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	vhost_send(VHOST_SET_VRING_CALL, &index, sizeof(index), device.irq_fd);
	vhost_send(VHOST_SET_VRING_KICK, &index, sizeof(index), vhost_kick[q]);
	state.num = 1;
	vhost_send(VHOST_SET_VRING_ENABLE, &state, sizeof(state), -1);
}

static void vhost_notify(uint32_t q)
{
	uint64_t one = 1;

	MUST(write(vhost_kick[q], &one, sizeof(one)) == sizeof(one));
}

/* Starts "COMMAND --fd=N --shared-dir=DIR"; it ends when its connection does. */
static void vhost_start_server(const char *command, const char *dir)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	/* an abstract name: nothing is left of it */
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "nacre-bench-%d", (int)getpid());
	MUST(listener >= 0 && bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     listen(listener, 1) == 0);
	if (fork() == 0) {
		char *line;

		if (asprintf(&line, "exec %s --fd=%d --shared-dir='%s'", command, listener, dir) > 0)
			execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(127);
	}
	close(listener);
	vhost_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(vhost_socket >= 0 &&
	     connect(vhost_socket, (struct sockaddr *)&name, sizeof(name)) == 0);
}

/* From now on the driver's requests go to a virtiofsd, by memory that it shares. */
static void vhost_start(const char *command, const char *dir)
{
	struct vhost_memory_one table = {.n_regions = 1, .gpa = FAKE_BASE, .size = MEMORY};
	int memory_fd = memfd_create("guest memory", MFD_CLOEXEC);
	uint64_t features = FEATURES | VHOST_F_PROTOCOL_FEATURES, none = 0;

	MUST(memory_fd >= 0 && ftruncate(memory_fd, MEMORY) == 0);
	mem.region[0].hva = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				 memory_fd, 0);
	MUST(mem.region[0].hva != MAP_FAILED);
	table.hva = (uint64_t)(uintptr_t)mem.region[0].hva;
	vhost_start_server(command, dir);
	features &= vhost_get(VHOST_GET_FEATURES);
	MUST(features & FEATURE_VERSION_1);
	vhost_send(VHOST_SET_FEATURES, &features, sizeof(features), -1);
	(void)vhost_get(VHOST_GET_PROTOCOL_FEATURES);
	vhost_send(VHOST_SET_PROTOCOL_FEATURES, &none, sizeof(none), -1);
	vhost_send(VHOST_SET_OWNER, NULL, 0, -1);
	vhost_send(VHOST_SET_MEM_TABLE, &table, sizeof(table), memory_fd);
	close(memory_fd);
	make_rings();
	device.irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	device.notify = vhost_notify;
	device.id = 0;
	device.event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	for (uint32_t q = 0; q < FS_QUEUES; q++)
		vhost_start_ring(q, &drv[q]);
	/* an answer means that the rings are served: it would lose a notification before */
	(void)vhost_get(VHOST_GET_FEATURES);
}

#endif
