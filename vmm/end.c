/* SPDX-License-Identifier: Apache-2.0 */
/* How a VM ends. See end.h. */
#include "end.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "klog.h"
#include "loop.h"
#include "times.h"

static struct {
	int status_fd;
	int event_fd;
	const struct gmem *mem;
	void (*release)(void);
	struct loop_source source;
	atomic_flag taken;
	/* Written before the eventfd is, read after it was: the eventfd orders them. */
	enum vm_end end;
	uint64_t arg;
} state = { .status_fd = -1, .event_fd = -1, .taken = ATOMIC_FLAG_INIT };

void end_set_status_fd(int fd)
{
	state.status_fd = fd;
}

static void write_record(const struct vm_status *s)
{
	struct vm_times times;

	times_stamp(VM_STAMP_END);
	times_record(&times);
	/* Nobody to tell when it fails: the reader finds an empty file, as after SIGKILL. */
	if (state.status_fd < 0 || pwrite(state.status_fd, &times, sizeof(times), sizeof(*s)) < 0 ||
	    pwrite(state.status_fd, s, sizeof(*s), 0) < 0)
		return;
}

void end_write_text(enum vm_end end, const char *text)
{
	struct vm_status s = { .magic = le32_of(VM_STATUS_MAGIC), .end = le32_of(end) };
	size_t len = strnlen(text, sizeof(s.log));

	memcpy(s.log, text, len);
	s.log_len = le32_of((uint32_t)len);
	write_record(&s);
}

void end_now(enum vm_end end, uint64_t arg)
{
	struct vm_status s = {
		.magic = le32_of(VM_STATUS_MAGIC),
		.end = le32_of(end),
		.arg = le64_of(arg),
	};

	s.log_len = le32_of(klog_read(state.mem, s.log, sizeof(s.log)));
	write_record(&s);
	if (state.release)
		state.release();
	_exit(0);
}

static void on_request(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	end_now(state.end, state.arg);
}

int end_init(const struct gmem *mem, void (*release)(void))
{
	state.mem = mem;
	state.release = release;
	state.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (state.event_fd < 0)
		return -errno;
	return loop_add(&state.source, state.event_fd, EPOLLIN, on_request, NULL);
}

void end_request(enum vm_end end, uint64_t arg)
{
	uint64_t one = 1;

	if (atomic_flag_test_and_set(&state.taken))
		return;
	state.end = end;
	state.arg = arg;
	if (write(state.event_fd, &one, sizeof(one)) < 0)
		return;
}
