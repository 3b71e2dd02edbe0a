/* SPDX-License-Identifier: Apache-2.0 */
/* Options of ps(1); see ps_options.h. */
#include "ps_options.h"

#include <errno.h>
#include <string.h>

#define FULL_COLUMNS "uid_full,pid,ppid,c,stime,tname,time,cmd"
#define USER_COLUMNS "user,pid,%cpu,%mem,vsz,rss,tname,stat,start_time,bsdtime,command"
#define BARE_COLUMNS "pid,tname,time,ucmd"
#define BSD_COLUMNS  "pid,tname,stat,bsdtime,command"

struct reading {
	struct ps_table *table;
	struct arena *arena;
	struct failure *failure;
	const char *columns; /* of the last option that names a format; NULL */
};

/*
 * "pid,user=WHO": names with commas or blanks between them; behind "=" the rest is a heading, as ps has it.
 */
static int add_list(struct reading *reading, const char *list)
{
	int err = 0;

	while (!err && *list) {
		size_t len = strcspn(list, ", =");

		if (list[len] == '=')
			return ps_table_add(reading->table, list, len,
					    arena_printf(reading->arena, "%s", list + len + 1),
					    reading->failure);
		if (len > 0)
			err = ps_table_add(reading->table, list, len, NULL, reading->failure);
		list += len + (list[len] != '\0');
	}
	return err;
}

/* A letter behind a dash or without one. 0; 1 when it takes the list that follows; -EINVAL. */
static int read_letter(struct reading *reading, char letter, bool dash)
{
	if (letter == 'o')
		return 1;
	if (strchr(dash ? "eAaxdw" : "axw", letter)) {
		if ((letter == 'x' || !dash) && letter != 'w' && !reading->columns)
			reading->columns = BSD_COLUMNS;
		return 0;
	}
	if (letter == (dash ? 'f' : 'u')) {
		reading->columns = dash ? FULL_COLUMNS : USER_COLUMNS;
		return 0;
	}
	if (!dash && letter == 'h') {
		reading->table->no_heading = true;
		return 0;
	}
	return -EINVAL;
}

/* A word of letters. The number of words used, 1 or 2, or -EINVAL. */
static int read_letters(struct reading *reading, const char *word, const char *next)
{
	bool dash = *word == '-';

	for (const char *at = word + dash; *at; at++) {
		int r = read_letter(reading, *at, dash);

		if (r < 0)
			return failure_set(reading->failure, r, "ps: %s: option \"%c\" is not "
					   "known: expected -e, -f, u, a, x, -o COLUMNS", word, *at);
		if (r == 0)
			continue;
		if (at[1])
			return add_list(reading, at + 1) ? -EINVAL : 1;
		if (!next)
			return failure_set(reading->failure, -EINVAL,
					   "ps: %s: expected a list of columns", word);
		return add_list(reading, next) ? -EINVAL : 2;
	}
	return 1;
}

/* As read_letters(), of any word. */
static int read_word(struct reading *reading, const char *word, const char *next)
{
	static const char format[] = "--format";
	size_t len = strlen(format);

	if (strcmp(word, "--no-headers") == 0 || strcmp(word, "--no-heading") == 0) {
		reading->table->no_heading = true;
		return 1;
	}
	if (strncmp(word, format, len) == 0 && word[len] == '=')
		return add_list(reading, word + len + 1) ? -EINVAL : 1;
	if (strcmp(word, format) == 0 && next)
		return add_list(reading, next) ? -EINVAL : 2;
	if (strncmp(word, "--", 2) == 0 || strcmp(word, "-") == 0 || !*word)
		return failure_set(reading->failure, -EINVAL, "ps: option \"%s\" is not known: "
				   "expected -e, -f, u, a, x, -o COLUMNS", word);
	return read_letters(reading, word, next);
}

int ps_options_read(struct ps_table *table, int argc, char *const argv[], struct arena *arena,
		    struct failure *failure)
{
	struct reading reading = { .table = table, .arena = arena, .failure = failure };
	int used;

	for (int i = 0; i < argc; i += used) {
		used = read_word(&reading, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
		if (used < 0)
			return used;
	}
	if (table->n > 0)
		return 0;
	if (!reading.columns)
		reading.columns = argc > 0 ? BARE_COLUMNS : FULL_COLUMNS;
	return add_list(&reading, reading.columns);
}
