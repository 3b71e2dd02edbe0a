/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit test of a session's end: the guest resets itself only once the monitor has closed its control
 * connection, so the monitor has to close it before it waits for the VMM to end.
 *
 * The monitor's session runs in a child; the test is its guest and its nacre; another child stands for
 * the VMM.
 */
/* SOURCES: monitor/session.c monitor/relay.c monitor/resolver.c monitor/streams.c monitor/protocol.c monitor/protocol_out.c monitor/notify.c monitor/nacre_link.c */
/* SOURCES: monitor/end_text.c monitor/sanitize.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/session.h"
#include "monitorwire.h"
#include "monitor/witness.h"
#include "proto.h"

#define CONTAINER 7u
#define WAIT_MS	  20000
#define ENDING_MS 300 /* for a process that ends; less than what the monitor waits */

/* There is no witness here: nobody runs out of memory. */
void witness_ask(int fd)
{
	fail_msg("asked for a witness, descriptor %d", fd);
}

enum { CONTROL, IN, OUT, ERR, SYNC, N_PAIRS };

static int ours[N_PAIRS], theirs[N_PAIRS];

static void run_monitor(int vmm_pidfd)
{
	struct options options = {
		.container = CONTAINER, .control_fd = theirs[CONTROL], .stdin_fd = theirs[IN],
		.stdout_fd = theirs[OUT], .stderr_fd = theirs[ERR], .sync_fd = theirs[SYNC],
		.tty_fd = -1, .lifeline_fd = -1, .mount_ns_fd = -1, .net_ns_fd = -1, .log_fd = -1,
		.confined_fd = -1, .listener_fd = -1, .started_fd = -1, .fsd_alive_fd = -1,
		.vmm_pidfd = vmm_pidfd,
		.plan_fd = memfd_create("plan", MFD_CLOEXEC),
		.status_fd = memfd_create("status", MFD_CLOEXEC),
	};
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < N_PAIRS; i++)
		close(ours[i]);
	for (int i = 0; i < 3; i++)
		dup2(null_fd, i);
	if (write(options.plan_fd, "plan", 4) != 4 || session_prepare(&options, -1) != 0)
		_exit(99);
	session_begin();
	session_run();
}

static void guest_send(uint16_t type, const void *body, size_t len)
{
	struct msg_header header = {
		.len = le32_of((uint32_t)(sizeof(header) + len)), .type = le16_of(type),
		.container = le32_of(CONTAINER),
	};

	assert_int_equal(write(ours[CONTROL], &header, sizeof(header)), sizeof(header));
	if (len > 0)
		assert_int_equal(write(ours[CONTROL], body, len), len);
}

/* Reads messages of the monitor's until one of `type` was there. */
static void guest_await(uint16_t type)
{
	struct msg_header header;
	uint8_t body[256];

	do {
		size_t len;

		assert_int_equal(recv(ours[CONTROL], &header, sizeof(header), MSG_WAITALL),
				 sizeof(header));
		len = le32_get(header.len) - sizeof(header);
		assert_true(len <= sizeof(body));
		if (len > 0)
			assert_int_equal(recv(ours[CONTROL], body, len, MSG_WAITALL), len);
	} while (le16_get(header.type) != type);
}

static void nacre_await(uint32_t type)
{
	struct monitor_packet packet;

	assert_true(recv(ours[SYNC], &packet, sizeof(packet), 0) >=
		    (ssize_t)offsetof(struct monitor_packet, text));
	assert_int_equal(le32_get(packet.type), type);
}

/* The process runs and ends with status 3. */
static void play_container(void)
{
	struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };
	struct msg_exited exited = { .how = le16_of(EXITED_CODE), .value = le16_of(3) };
	struct monitor_packet start = { .type = le32_of(MONITOR_START) };
	size_t head = offsetof(struct monitor_packet, text);

	guest_await(MSG_PLAN);
	guest_send(MSG_HELLO_ACK, &ack, sizeof(ack));
	guest_send(MSG_CREATED, NULL, 0);
	nacre_await(MONITOR_READY);
	assert_int_equal(send(ours[SYNC], &start, head, 0), head);
	guest_await(MSG_START);
	guest_send(MSG_STARTED, NULL, 0);
	nacre_await(MONITOR_STARTED);
	for (int i = IN; i <= ERR; i++)
		close(ours[i]);
	guest_send(MSG_EXITED, &exited, sizeof(exited));
}

static void test_closes_before_it_waits(void **state)
{
	struct pollfd control = { .events = POLLIN }, monitor_end = { .events = POLLIN };
	pid_t vmm = fork(), monitor;
	int vmm_pidfd, status = 0;
	char byte;

	(void)state;
	assert_true(vmm >= 0);
	if (vmm == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	vmm_pidfd = (int)syscall(SYS_pidfd_open, vmm, 0);
	assert_true(vmm_pidfd >= 0);
	for (int i = 0; i < N_PAIRS; i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, i == SYNC ? SOCK_SEQPACKET : SOCK_STREAM, 0,
					    fds), 0);
		ours[i] = fds[0];
		theirs[i] = fds[1];
	}
	monitor = fork();
	assert_true(monitor >= 0);
	if (monitor == 0)
		run_monitor(vmm_pidfd);
	for (int i = 0; i < N_PAIRS; i++)
		close(theirs[i]);
	monitor_end.fd = (int)syscall(SYS_pidfd_open, monitor, 0);
	assert_true(monitor_end.fd >= 0);
	play_container();

	/*
	 * The end of the connection comes while the monitor still waits for the VMM, and not because
	 * it has given up and is ending.
	 */
	control.fd = ours[CONTROL];
	assert_int_equal(poll(&control, 1, WAIT_MS), 1);
	assert_int_equal(read(ours[CONTROL], &byte, 1), 0);
	assert_int_equal(poll(&monitor_end, 1, ENDING_MS), 0);
	kill(vmm, SIGKILL);
	assert_int_equal(waitpid(vmm, &status, 0), vmm);
	assert_int_equal(waitpid(monitor, &status, 0), monitor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_closes_before_it_waits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
