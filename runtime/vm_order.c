/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to the VMM; see vm_order.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "listener.h"
#include "state_files.h"
#include "vm_order.h"

#define ANSWER_WAIT_MS 10000

int vm_order(const struct state *state, enum vm_order_type type, struct failure *failure)
{
	struct vm_order order = { .type = le32_of((uint32_t)type) };
	struct vm_answer answer = { .error = le32_of(0) };
	autoclose int fd = listener_connect(state->dir_fd, CONTROL_SOCKET_FILE, SOCK_SEQPACKET);
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return listener_refused(failure, fd, state->id);
	if (send(fd, &order, sizeof(order), MSG_NOSIGNAL) < 0)
		return failure_set(failure, -errno, "%s: nacre-vmm: %s", state->id,
				   strerror(errno));
	if (poll(&wait, 1, ANSWER_WAIT_MS) == 0)
		return listener_refused(failure, -ETIMEDOUT, state->id);
	if (recv(fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
		return failure_set(failure, -ECONNRESET, "%s: nacre-vmm has ended", state->id);
	if (le32_get(answer.error) != 0)
		return failure_set(failure, -EIO, "%s: nacre-vmm: %s", state->id,
				   strerror((int)le32_get(answer.error)));
	return 0;
}
