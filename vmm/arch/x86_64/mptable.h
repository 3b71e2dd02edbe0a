/* SPDX-License-Identifier: Apache-2.0 */
/* The Intel MultiProcessor Specification 1.4 table: how a guest without ACPI finds its CPUs. */
#ifndef NACRE_VMM_X86_64_MPTABLE_H
#define NACRE_VMM_X86_64_MPTABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes floating pointer and table for n_cpus (APIC ids 0 to n - 1), as they shall lie at
 * guest-physical address gpa. Returns their length, 0 when they do not fit into `size`.
 */
size_t mptable_write(uint8_t *buf, size_t size, uint32_t gpa, unsigned int n_cpus);

#endif
