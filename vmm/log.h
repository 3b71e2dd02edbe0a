/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line to standard error, "nacre-vmm: " before it. Formatted on the stack, one write(), no heap.
 * log_guest() is for what a guest's behaviour causes: at most LOG_GUEST_MAX lines in the life of a
 * VM, so that a guest cannot fill the host's logs. Any thread, any stage.
 */
#ifndef NACRE_VMM_LOG_H
#define NACRE_VMM_LOG_H

#define LOG_GUEST_MAX 16

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_guest(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
