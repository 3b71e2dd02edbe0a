/* SPDX-License-Identifier: Apache-2.0 */
/* One line that says why a VM ended, from the record that nacre-vmm left (include/vmstatus.h). */
#ifndef NACRE_MONITOR_END_TEXT_H
#define NACRE_MONITOR_END_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vmstatus.h"

/* Reads the record. False while the file holds none. */
bool end_text_read(int status_fd, struct vm_status *status);

/*
 * Composes the line. `status` may be NULL: no record was written, so nacre-vmm was killed or is
 * still there, without the guest's side of the connection. The guest's log is quoted through the
 * sanitizer, as what the guest said.
 */
void end_text_compose(char *out, size_t room, const struct vm_status *status);

#endif
