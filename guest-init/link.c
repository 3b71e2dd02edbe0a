/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps LINK_IDLE connections waiting for a hello; see link.h. connect(2) runs in the background; a
 * connection that was refused or closed is opened again, after a pause that doubles.
 */
#include "link.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "hello.h"
#include "loop.h"
#include "machine.h"
#include "proto.h"

#define LINK_IDLE        4u
#define LINK_PAUSE_FIRST 10   /* ms */
#define LINK_PAUSE_MAX   1000 /* ms */
/* Guest ports go down from the highest privileged one and start again: none is reused soon. */
#define LINK_PORT_FIRST 1023u
#define LINK_PORT_LAST  512u

static void refill(void *unused);

static uint32_t next_port = LINK_PORT_FIRST;
static int pause_ms = LINK_PAUSE_FIRST;
static struct timeout retry = { .expired = refill };
static bool complained;

static int bind_privileged(int fd)
{
	for (uint32_t i = 0; i <= LINK_PORT_FIRST - LINK_PORT_LAST; i++) {
		struct sockaddr_vm addr = {
			.svm_family = AF_VSOCK,
			.svm_cid = VMADDR_CID_ANY,
			.svm_port = next_port,
		};

		next_port = next_port > LINK_PORT_LAST ? next_port - 1 : LINK_PORT_FIRST;
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

/* One more connection in the background. 0 or -errno. */
static int open_one(void)
{
	struct sockaddr_vm host = {
		.svm_family = AF_VSOCK,
		.svm_cid = PROTO_HOST_CID,
		.svm_port = PROTO_VSOCK_PORT,
	};
	/* The host may take a connection only when somebody wants it: don't give up after 2 s. */
	struct timeval patience = { .tv_sec = 3600 };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
	r = bind_privileged(fd);
	if (r == 0 && connect(fd, (struct sockaddr *)&host, sizeof(host)) < 0 &&
	    errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		r = hello_adopt(fd);
	if (r < 0)
		close(fd);
	return r;
}

static void pause_then_refill(void)
{
	loop_timeout(&retry, pause_ms);
	pause_ms = pause_ms < LINK_PAUSE_MAX / 2 ? pause_ms * 2 : LINK_PAUSE_MAX;
}

static void refill(void *unused)
{
	int r = 0;

	(void)unused;
	while (r == 0 && hello_idle() < LINK_IDLE)
		r = open_one();
	if (r == 0)
		return;
	if (!complained)
		machine_log("connection to the host: %s", strerror(-r));
	complained = true;
	pause_then_refill();
}

/* A connection was used, or broke: see hello.h. */
static void one_gone(bool broken)
{
	if (broken) {
		if (!retry.set)
			pause_then_refill();
		return;
	}
	pause_ms = LINK_PAUSE_FIRST;
	refill(NULL);
}

void link_start(void)
{
	hello_on_change(one_gone);
	refill(NULL);
}
