/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of ps(1) behind `nacre ps ID`, as runc hands them to the host's ps. The processes are always the
 * container's, all of them: options that choose processes (-e, -A, a, x) say nothing more.
 */
#ifndef NACRE_RUNTIME_PS_OPTIONS_H
#define NACRE_RUNTIME_PS_OPTIONS_H

#include "arena.h"
#include "ps_columns.h"

/*
 * Fills the table's columns from the words; without any they are those of -ef. What is understood: -e -A -a
 * -x -d -w -f, a x w u f h, -o LIST (also o, --format and =HEADING), --no-headers. 0, or -EINVAL with a
 * failure that names the word.
 */
int ps_options_read(struct ps_table *table, int argc, char *const argv[], struct arena *arena,
		    struct failure *failure);

#endif
