/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template's hot pages: those that hardly a container leaves as they are, counters and lists of the guest's kernel.
 *
 * A guest reads such a page before it writes to it, and each copy has three faults of it: one maps the file's
 * page, one makes a page of the copy's own, and as that one takes the mapping away (KVM's MMU notifier), a third
 * maps what was made. Where the page is the copy's own before the guest runs, there is one.
 *
 * Which pages those are is found out by a trial: `nacre template` has a copy run a program of the built-in root file
 * system, and that copy notes in the template what it wrote to. No other VMM has the template for writing.
 */
#ifndef NACRE_VMM_TEMPLATE_HOT_H
#define NACRE_VMM_TEMPLATE_HOT_H

#include <stdint.h>

#include "gmem.h"
#include "template_file.h"

/*
 * Reads which pages of the template `fd` are hot. What the file says is checked: a list that does not fit
 * the memory counts as none, as that of a template without a trial. Main thread, before confinement.
 */
void template_hot_read(const struct gmem *mem, int fd);

/*
 * Makes those pages, which the template is mapped to, the machine's own. Advice: may have no effect. Any thread,
 * before the guest runs and before confinement.
 */
void template_hot_make(const struct gmem *mem);

/*
 * This machine is the trial: keeps `note_fd`, the template open for writing, to note in, and maps it to compare
 * with. `run`: what the template has of the memory, at most TEMPLATE_RUNS_MAX; copied. Without effect if it is no
 * file that this process may write to. Main thread, before confinement; errors end in setup_fail().
 */
void template_hot_begin(const struct gmem *mem, int note_fd, const struct template_run *run,
			uint32_t n_runs);

/* Notes the pages that the guest wrote to, if this is the trial. Device thread, confined, as the VM ends. */
void template_hot_note(void);

#endif
