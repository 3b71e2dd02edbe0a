/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of `nacre`; see control.h. What comes in was written by the host's owner of the VM; it is
 * checked all the same, and a client that says anything else is closed. Device thread.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_accept.h"
#include "loop.h"
#include "vcpu.h"
#include "vmcontrol.h"

static struct {
	struct loop_source listener, client, parked;
	bool pausing; /* an answer to PAUSE is owed */
} control;

static void client_close(void)
{
	int fd = control.client.fd;

	loop_remove(&control.client);
	close(fd);
	control.pausing = false;
	loop_arm(&control.listener, EPOLLIN);
}

static void answer(int error)
{
	struct vm_answer a = { .error = le32_of((uint32_t)error) };

	if (write(control.client.fd, &a, sizeof(a)) < 0)
		client_close();
}

/* Every vCPU has stopped. */
static void on_parked(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	if (vcpu_note_parked() && control.pausing) {
		control.pausing = false;
		answer(0);
	}
}

static void obey(uint32_t type)
{
	if (type == VM_ORDER_PAUSE && !control.pausing) {
		control.pausing = true;
		/* Answered at once if they stand already. */
		vcpu_pause();
		on_parked(NULL, 0);
	} else if (type == VM_ORDER_RESUME && !control.pausing) {
		vcpu_resume();
		answer(0);
	} else {
		answer(EINVAL);
	}
}

static void on_client(void *ctx, uint32_t events)
{
	struct vm_order order;

	(void)ctx;
	(void)events;
	if (read(control.client.fd, &order, sizeof(order)) == (ssize_t)sizeof(order))
		obey(le32_get(order.type));
	else
		client_close();
}

static void on_listener(void *ctx, uint32_t events)
{
	int fd = client_accept(control.listener.fd);

	(void)ctx;
	(void)events;
	if (fd < 0)
		return;
	if (loop_add(&control.client, fd, EPOLLIN, on_client, NULL)) {
		close(fd);
		control.client.fd = -1;
		return;
	}
	loop_arm(&control.listener, 0); /* client_close() arms it again */
}

int control_init(int listener_fd)
{
	int parked_fd = vcpu_parked_fd(), r;

	if (parked_fd < 0)
		return parked_fd;
	/* A client that gave up between epoll_wait and accept must not block the device thread. */
	if (fcntl(listener_fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	control.client.fd = -1;
	r = client_accept_init();
	if (r)
		return r;
	r = loop_add(&control.parked, parked_fd, EPOLLIN, on_parked, NULL);
	return r ? r : loop_add(&control.listener, listener_fd, EPOLLIN, on_listener, NULL);
}
