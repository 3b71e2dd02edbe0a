/* SPDX-License-Identifier: Apache-2.0 */
/* What a template holds behind its key, for the two halves of template.h. */
#ifndef NACRE_VMM_TEMPLATE_FILE_H
#define NACRE_VMM_TEMPLATE_FILE_H

#include <assert.h>
#include <stdbool.h>
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

/* Whether it is whole pages of guest memory. */
static inline bool template_run_is_sound(const struct gmem *mem, const struct template_run *run)
{
	return run->len > 0 && run->gpa % TEMPLATE_PAGE == 0 && run->len % TEMPLATE_PAGE == 0 &&
	       gmem_slice(mem, GPA(run->gpa), run->len);
}

/*
 * Adds a page behind all others: to the last run, if no more than `gap` bytes lie between, or as the first of
 * another. False: there are `max` runs.
 */
static inline bool template_runs_add(struct template_run *run, uint32_t *n, uint32_t max, uint64_t gpa,
				     uint64_t gap)
{
	struct template_run *last = *n ? &run[*n - 1] : NULL;

	if (last && gpa >= last->gpa && gpa - (last->gpa + last->len) <= gap) {
		last->len = gpa + TEMPLATE_PAGE - last->gpa;
		return true;
	}
	if (*n == max)
		return false;
	run[(*n)++] = (struct template_run){ .gpa = gpa, .len = TEMPLATE_PAGE };
	return true;
}

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
