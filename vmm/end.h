/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ends. Any thread may ask for it; the device thread alone writes the status record
 * (include/vmstatus.h) and ends the process, so that a vCPU thread needs no system call for it but
 * a write to an eventfd.
 */
#ifndef NACRE_VMM_END_H
#define NACRE_VMM_END_H

#include <stdint.h>

#include "gmem.h"
#include "vmstatus.h"

/* Where the record goes. Called first of all; until then, and with fd -1, no record is written. */
void end_set_status_fd(int fd);

/*
 * Makes the eventfd and adds it to the loop. mem is read for the guest's log; `release` is called when
 * the record is written, on the device thread, just before the process ends. 0 or -errno.
 */
int end_init(const struct gmem *mem, void (*release)(void));

/* Asks the device thread to end the VM. The first request counts. Any thread. */
void end_request(enum vm_end end, uint64_t arg);

/* Ends the VM now: writes the record, ends the process with status 0. Device thread. */
void end_now(enum vm_end end, uint64_t arg) __attribute__((noreturn));

/* Writes a record with a text in place of the guest's log, for set-up errors. */
void end_write_text(enum vm_end end, const char *text);

#endif
