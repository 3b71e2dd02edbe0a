/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of `nacre ps`, with the names, headings and widths that ps(1) of procps has for them. What the
 * guest wrote is hostile: texts are shown with '?' for all but printable ASCII, numbers as numbers.
 */
#ifndef NACRE_RUNTIME_PS_COLUMNS_H
#define NACRE_RUNTIME_PS_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "failure.h"
#include "proto.h"

/* Most columns of a table. */
#define PS_COLUMNS_MAX 32u

struct ps_column;

struct ps_table {
	struct {
		const struct ps_column *column;
		const char *heading;
	} v[PS_COLUMNS_MAX];
	size_t n;
	bool no_heading;
	uint64_t memory; /* of the VM, bytes: what %MEM is a part of */
	time_t now;
};

/*
 * Adds a column by its name, with a heading of the caller's or, NULL, its own. `len` is the length of the
 * name. 0, or -EINVAL or -E2BIG with the failure set.
 */
int ps_table_add(struct ps_table *table, const char *name, size_t len, const char *heading,
		 struct failure *failure);

/* Prints the line of headings, unless all are empty or none is wanted. */
void ps_table_print_head(const struct ps_table *table, FILE *out);

/* Prints a process' line. */
void ps_table_print(const struct ps_table *table, const struct msg_process *process, FILE *out);

#endif
