/* SPDX-License-Identifier: Apache-2.0 */
/* Why a VM ended, in one line; see end_text.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "end_text.h"
#include "sanitize.h"

/* How much of the guest's log a line quotes. */
#define QUOTED_LINES 4
#define QUOTED_MAX   1024

enum arg_use { ARG_NONE, ARG_SECONDS, ARG_KVM, ARG_NUMBER };
enum log_use { LOG_NONE, LOG_GUEST, LOG_VMM };

static const struct end_row {
	const char *text;
	enum arg_use arg;
	const char *tail; /* behind the argument */
	enum log_use log;
} rows[] = {
	[VM_END_NONE] = { "nacre-vmm ended without saying why", ARG_NONE, "", LOG_NONE },
	[VM_END_RELEASED] = { "the VM ended before the container's process did", ARG_NONE, "",
			      LOG_NONE },
	[VM_END_GUEST_RESET] = { "the guest stopped by itself: a kernel panic, reboot or power off",
				 ARG_NONE, "", LOG_GUEST },
	[VM_END_BOOT_TIMEOUT] = { "the guest kernel did not start within ", ARG_SECONDS,
				  " s; is /dev/kvm emulated?", LOG_GUEST },
	[VM_END_KVM] = { "KVM could not run the guest (exit reason ", ARG_KVM, ")", LOG_GUEST },
	[VM_END_FSD_LOST] = { "nacre-fsd ended: the container has lost its files", ARG_NONE, "",
			      LOG_NONE },
	[VM_END_SETUP] = { "the VM could not be made", ARG_NONE, "", LOG_VMM },
	[VM_END_TEMPLATE] = { "the VM became a template", ARG_NONE, "", LOG_NONE },
	[VM_END_DEVICE] = { "the guest broke its virtio device ", ARG_NUMBER, "", LOG_GUEST },
};
static_assert(sizeof(rows) / sizeof(rows[0]) == VM_END_COUNT, "a row for each end");

bool end_text_read(int status_fd, struct vm_status *status)
{
	return pread(status_fd, status, sizeof(*status), 0) == (ssize_t)sizeof(*status) &&
	       le32_get(status->magic) == VM_STATUS_MAGIC;
}

/*
 * A guest without a way to switch the machine off halts its processors, which nobody sees but by its
 * log: what the boot timeout ended then was no slow start.
 */
static bool has_halted(const struct vm_status *status, uint32_t log_len)
{
	static const char halted[] = "reboot: System halted";

	return memmem(status->log, log_len, halted, sizeof(halted) - 1) != NULL;
}

static int row_print(char *out, size_t room, const struct end_row *row, uint64_t arg)
{
	char number[64] = "";

	switch (row->arg) {
	case ARG_SECONDS:
		snprintf(number, sizeof(number), "%" PRIu64, arg / 1000);
		break;
	case ARG_KVM:
		snprintf(number, sizeof(number), "%" PRIu64 ", suberror %" PRIu64, arg >> 32,
			 arg & UINT32_MAX);
		break;
	case ARG_NUMBER:
		snprintf(number, sizeof(number), "%" PRIu64, arg);
		break;
	case ARG_NONE:
		break;
	}
	return snprintf(out, room, "%s%s%s", row->text, number, row->tail);
}

void end_text_compose(char *out, size_t room, const struct vm_status *status)
{
	char quoted[QUOTED_MAX];
	const struct end_row *row;
	uint32_t end, log_len;
	size_t n;

	if (!status) {
		snprintf(out, room, "nacre-vmm was killed, or the guest closed its connection");
		return;
	}
	end = le32_get(status->end);
	log_len = le32_get(status->log_len);
	if (log_len > VM_STATUS_LOG_MAX)
		log_len = VM_STATUS_LOG_MAX;
	if (end == VM_END_BOOT_TIMEOUT && has_halted(status, log_len))
		end = VM_END_GUEST_RESET;
	row = &rows[end < VM_END_COUNT ? end : VM_END_NONE];
	if (row->log == LOG_VMM && log_len > 0) { /* the whole line is the VMM's own */
		sanitize_text(out, room, status->log, log_len);
		return;
	}
	n = (size_t)row_print(out, room, row, le64_get(status->arg));
	if (row->log != LOG_GUEST || n >= room)
		return;
	if (sanitize_log_tail(quoted, sizeof(quoted), status->log, log_len, QUOTED_LINES) > 0)
		snprintf(out + n, room - n, "; the guest's kernel said: %s", quoted);
}
