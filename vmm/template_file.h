/* SPDX-License-Identifier: Apache-2.0 */
/* What a template holds behind its key, for the two halves of template.h. */
#ifndef NACRE_VMM_TEMPLATE_FILE_H
#define NACRE_VMM_TEMPLATE_FILE_H

#include <assert.h>
#include <stdint.h>

#include "dev_state.h"
#include "machine.h"
#include "vmtemplate.h"

#define TEMPLATE_PAGE	  4096u
#define TEMPLATE_RUNS_MAX 16384u
/* Where its hot pages are listed (template_hot.h): a struct template_hot_head, then runs. */
#define TEMPLATE_HOT	 (UINT64_C(2) << 20)
#define TEMPLATE_HOT_MAX 4096u
/*
 * Where guest memory begins: the page of address A lies at TEMPLATE_MEMORY + A, and zeros are holes. A
 * file system that keeps files in huge pages (tmpfs, huge=) so gives the guest huge pages.
 */
#define TEMPLATE_MEMORY (UINT64_C(4) << 20)

/* Pages that are not zero, one behind the other. */
struct template_run {
	uint64_t gpa, len; /* bytes, whole pages */
};

/* At TEMPLATE_STATE. Behind it the processors' state (arch_state_size() bytes), then the runs. */
struct template_head {
	uint64_t memory, arch_size, cpu_digest;
	uint32_t n_cpus, n_devs, n_runs, zero;
	struct dev_state dev[MACHINE_MAX_DEVS];
};

/* Zeros in a template that has had no trial. */
struct template_hot_head {
	uint32_t n_runs, zero;
};
static_assert(TEMPLATE_HOT + sizeof(struct template_hot_head) +
			      TEMPLATE_HOT_MAX * sizeof(struct template_run) <= TEMPLATE_MEMORY,
	      "room for all");

#endif
