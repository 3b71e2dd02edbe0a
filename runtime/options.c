/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as tables; see options.h. */
#include <errno.h>
#include <string.h>

#include "options.h"
#include "size.h"

/*
 * The row that a word names, and the value after "=", if any. A letter takes one in that way too, as
 * it does for runc.
 */
static const struct option_row *row_find(const struct option_table *table, const char *word,
					 const char **value)
{
	bool is_letter = word[1] != '-';
	const char *name = word + (is_letter ? 1 : 2);
	size_t len = strcspn(name, "=");

	*value = name[len] == '=' ? name + len + 1 : NULL;
	for (size_t i = 0; i < table->n; i++) {
		const struct option_row *row = &table->rows[i];

		if (is_letter ? len == 1 && row->letter == name[0]
			      : strlen(row->name) == len && strncmp(name, row->name, len) == 0)
			return row;
	}
	return NULL;
}

/* Callers of runc write --force=true as well as --force. */
static int flag_store(const struct option_row *row, const char *value, bool *to,
		      struct failure *failure)
{
	bool is_false = value && strcmp(value, "false") == 0;

	if (value && !is_false && strcmp(value, "true") != 0)
		return failure_set(failure, -EINVAL, "--%s=%s: expected true or false", row->name,
				   value);
	*to = !is_false;
	return 0;
}

static int number_store(const struct option_row *row, const char *value, uint64_t *to,
			struct failure *failure)
{
	uint64_t number = 0;
	int err = row->kind == OPTION_SIZE ? size_parse(value, &number)
					   : number_parse(value, UINT64_MAX, &number);

	if (err == 0 && (number < row->min || number > row->max))
		err = -ERANGE;
	if (err)
		return failure_set(failure, -EINVAL, "--%s %s: expected %s", row->name, value,
				   row->expected);
	*to = number;
	return 0;
}

static int value_store(const struct option_row *row, const char *value, void *into,
		       struct arena *arena, struct failure *failure)
{
	void *to = (char *)into + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		return flag_store(row, value, to, failure);
	case OPTION_STRING:
		*(const char **)to = value;
		return 0;
	case OPTION_LIST:
		string_list_add(arena, to, value);
		return 0;
	case OPTION_SIZE:
	case OPTION_NUMBER:
		return number_store(row, value, to, failure);
	}
	return -EINVAL;
}

int options_parse(const struct option_table *table, int argc, char *const argv[], void *into,
		  struct arena *arena, struct failure *failure)
{
	int at = 0;

	while (at < argc) {
		const char *word = argv[at];
		const struct option_row *row;
		const char *value;

		if (strcmp(word, "--") == 0)
			return at + 1;
		if (word[0] != '-' || word[1] == '\0')
			return at;
		row = row_find(table, word, &value);
		if (!row)
			return failure_set(failure, -EINVAL, "%s: unknown option", word);
		at++;
		if (row->kind != OPTION_FLAG && !value) {
			if (at == argc)
				return failure_set(failure, -EINVAL, "--%s: expected %s behind it",
						   row->name, row->argument);
			value = argv[at++];
		}
		int err = value_store(row, value, into, arena, failure);
		if (err)
			return err;
	}
	return at;
}

/* Moves argv[from, from + n) to `to`, which lies before it, and what was there behind it. */
static void move_back(char *argv[], int to, int from, int n)
{
	for (int i = 0; i < n; i++) {
		char *moved = argv[from + i];

		memmove(&argv[to + i + 1], &argv[to + i], (size_t)(from - to) * sizeof(argv[0]));
		argv[to + i] = moved;
	}
}

int options_parse_all(const struct option_table *table, int argc, char *argv[], void *into,
		      struct arena *arena, struct failure *failure)
{
	int n_options = 0, at = 0;

	while (at < argc) {
		int used = options_parse(table, argc - at, argv + at, into, arena, failure);

		if (used < 0)
			return used;
		move_back(argv, n_options, at, used);
		n_options += used;
		at += used;
		if (used > 0 && strcmp(argv[n_options - 1], "--") == 0)
			break;
		at++; /* a word */
	}
	return n_options;
}

void options_print(FILE *out, const struct option_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct option_row *row = &table->rows[i];
		char left[64];

		if (row->letter)
			snprintf(left, sizeof(left), "-%c, --%s %s", row->letter, row->name,
				 row->argument ? row->argument : "");
		else
			snprintf(left, sizeof(left), "--%s %s", row->name,
				 row->argument ? row->argument : "");
		fprintf(out, "  %-32s %s\n", left, row->help);
	}
}
