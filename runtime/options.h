/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines as tables: one row per option says its name, what it takes, and where the value
 * goes in a structure of the verb's. Help texts are printed from the same rows.
 */
#ifndef NACRE_RUNTIME_OPTIONS_H
#define NACRE_RUNTIME_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "failure.h"

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_STRING, /* const char * */
	OPTION_SIZE,   /* uint64_t, bytes; min and max hold */
	OPTION_NUMBER, /* uint64_t; min and max hold */
	OPTION_LIST,   /* struct string_list; may be given again */
};

struct option_row {
	const char *name;     /* without the dashes */
	char letter;	      /* of the short form, or 0 */
	enum option_kind kind;
	const char *argument; /* as the help shows it; NULL for a flag */
	const char *help;
	size_t offset;	      /* of the field in the verb's structure */
	uint64_t min, max;
	const char *expected; /* what min and max mean, in words */
};

struct option_table {
	const struct option_row *rows;
	size_t n;
};

/*
 * Reads options from argv[0] on into the structure at `into`, up to the first word that is none or
 * behind "--". Both "--name VALUE" and "--name=VALUE" are understood. Returns how many words were
 * read, or -EINVAL with the failure set.
 */
int options_parse(const struct option_table *table, int argc, char *const argv[], void *into,
		  struct arena *arena, struct failure *failure);

/*
 * The same, but also of what stands behind words, as runc takes it, up to a "--"; argv is put in order, so that
 * the words come last.
 */
int options_parse_all(const struct option_table *table, int argc, char *argv[], void *into,
		      struct arena *arena, struct failure *failure);

/* Prints one line per option. */
void options_print(FILE *out, const struct option_table *table);

#endif
