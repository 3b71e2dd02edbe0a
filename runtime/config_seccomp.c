/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json "linux.seccomp" (OCI runtime-spec 1.2 config-linux.md "Seccomp"): all of it but
 * notifications, whose descriptor a process outside the VM could not use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "known_words.h"
#include "config_parts.h"
#include "report.h"
#include "seccomp_profile.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* errnoRet is data of 16 bits; the kernel knows errors up to MAX_ERRNO. */
#define ERRNO_MAX 4095
#define TRACE_MAX 65535

/* Names that were skipped, for one warning. */
struct skipped {
	char text[512];
	size_t len;
	unsigned int n;
};

struct profile_json {
	struct seccomp_profile *profile;
	const char *default_action;
	int64_t default_errno_ret; /* -1: not given */
	struct string_list architectures, flags;
	struct skipped skipped;
};

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
};

static const struct word operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE }, { "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE }, { "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE }, { "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

static const struct word flag_words[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
};

static const struct word *word_find(const struct word *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

/* An action and its errnoRet, -1 if not given. */
static int read_action(struct json_reader *reader, const char *field, const char *name,
		       int64_t errno_ret, uint32_t *action)
{
	const struct word *word = word_find(actions, N(actions), name);

	if (!word && strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return json_refuse(reader, "%s: SCMP_ACT_NOTIFY is not supported: a listener "
				   "outside the VM cannot answer for it", field);
	if (!word)
		return json_refuse(reader, "%s: \"%s\": unknown action, expected SCMP_ACT_ALLOW, "
				   "SCMP_ACT_ERRNO, SCMP_ACT_KILL_PROCESS...", field, name);
	*action = word->value;
	if (word->value == SCMP_ACT_ERRNO(0)) {
		if (errno_ret > ERRNO_MAX)
			return json_refuse(reader, "errnoRet: %lld: expected 0 to %d",
					   (long long)errno_ret, ERRNO_MAX);
		*action = SCMP_ACT_ERRNO(errno_ret < 0 ? EPERM : (uint32_t)errno_ret);
	} else if (word->value == SCMP_ACT_TRACE(0)) {
		*action = SCMP_ACT_TRACE(errno_ret < 0 ? EPERM : (uint32_t)errno_ret);
	} else if (errno_ret >= 0) {
		/* "the runtime MUST print and error and fail" */
		return json_refuse(reader, "errnoRet: %s takes none", name);
	}
	return 0;
}

static void skip(struct skipped *skipped, const char *name)
{
	size_t room = sizeof(skipped->text) - skipped->len;
	int n = snprintf(skipped->text + skipped->len, room, "%s%s", skipped->n ? ", " : "", name);

	skipped->n++;
	if (n > 0 && (size_t)n < room)
		skipped->len += (size_t)n;
	else
		skipped->text[skipped->len] = '\0';
}

static int read_arg(struct json_reader *reader, json_t *value, void *to)
{
	struct arg_json {
		uint32_t index;
		uint64_t value, value_two;
		const char *op;
	} read = { .index = 0 };
	static const struct json_member table[] = {
		{ .name = "index", .kind = JSON_KIND_UINT32, .required = true,
		  .max = SECCOMP_ARGS_MAX - 1, .offset = offsetof(struct arg_json, index) },
		{ .name = "value", .kind = JSON_KIND_UINT64, .required = true,
		  .offset = offsetof(struct arg_json, value) },
		{ .name = "valueTwo", .kind = JSON_KIND_UINT64,
		  .offset = offsetof(struct arg_json, value_two) },
		{ .name = "op", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct arg_json, op) },
	};
	struct seccomp_rule *rule = to;
	int err = json_read_object(reader, value, table, N(table), &read);
	const struct word *op;

	if (err)
		return err;
	op = word_find(operators, N(operators), read.op);
	if (!op)
		return json_refuse(reader, "op: \"%s\": unknown comparison, expected SCMP_CMP_EQ, "
				   "SCMP_CMP_MASKED_EQ...", read.op);
	*seccomp_add_arg(reader->arena, &rule->args) = (struct seccomp_arg){
		.index = read.index, .op = op->value, .value = read.value,
		.value_two = read.value_two,
	};
	return 0;
}

struct rule_json {
	struct seccomp_rule rule; /* first: read_arg() fills it in */
	struct string_list names;
	const char *action;
	int64_t errno_ret;
};

static int read_rule(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "names", .kind = JSON_KIND_STRINGS, .required = true,
		  .offset = offsetof(struct rule_json, names) },
		{ .name = "action", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct rule_json, action) },
		{ .name = "errnoRet", .kind = JSON_KIND_INT64, .min = 0, .max = TRACE_MAX,
		  .offset = offsetof(struct rule_json, errno_ret) },
		{ .name = "args", .kind = JSON_KIND_ARRAY, .read = read_arg },
	};
	struct profile_json *json = to;
	struct rule_json read = { .errno_ret = -1 };
	int err = json_read_object(reader, value, table, N(table), &read);

	if (!err)
		err = read_action(reader, "action", read.action, read.errno_ret,
				  &read.rule.action);
	if (err)
		return err;
	if (read.names.n == 0)
		return json_refuse(reader, "names: expected at least one system call");
	for (size_t i = 0; i < read.names.n; i++) {
		if (seccomp_syscall_resolve_name(read.names.v[i]) == __NR_SCMP_ERROR)
			skip(&json->skipped, read.names.v[i]);
		else
			string_list_add(reader->arena, &read.rule.names, read.names.v[i]);
	}
	*seccomp_add_rule(reader->arena, &json->profile->rules) = read.rule;
	return 0;
}

static int read_flags(struct json_reader *reader, const struct string_list *names, uint32_t *flags)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct word *word = word_find(flag_words, N(flag_words), names->v[i]);

		if (!word)
			return json_refuse(reader, "flags[%zu]: \"%s\": expected "
					   "SECCOMP_FILTER_FLAG_TSYNC, _LOG or _SPEC_ALLOW", i,
					   names->v[i]);
		*flags |= word->value;
	}
	return 0;
}

/* Other architectures than the guest's own are dropped; see seccomp_compile.c. */
static void check_architectures(struct json_reader *reader, const struct string_list *names)
{
	static const char prefix[] = "SCMP_ARCH_";

	for (size_t i = 0; i < names->n; i++) {
		char lower[32] = "";

		for (size_t j = 0; j + 1 < sizeof(lower) && strlen(names->v[i]) > j + N(prefix) - 1;
		     j++) {
			char c = names->v[i][j + N(prefix) - 1];

			lower[j] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
		}
		if (strncmp(names->v[i], prefix, N(prefix) - 1) != 0 ||
		    seccomp_arch_resolve_name(lower) == 0)
			json_warn(reader, "architectures[%zu]: %s: unknown, skipped", i, names->v[i]);
	}
}

int config_read_seccomp(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "defaultAction", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct profile_json, default_action) },
		{ .name = "defaultErrnoRet", .kind = JSON_KIND_INT64, .min = 0, .max = TRACE_MAX,
		  .offset = offsetof(struct profile_json, default_errno_ret) },
		{ .name = "architectures", .kind = JSON_KIND_STRINGS,
		  .offset = offsetof(struct profile_json, architectures) },
		{ .name = "flags", .kind = JSON_KIND_STRINGS,
		  .offset = offsetof(struct profile_json, flags) },
		{ .name = "listenerPath", .kind = JSON_KIND_REFUSED,
		  .why = "a listener outside the VM cannot answer for a system call" },
		{ .name = "listenerMetadata", .kind = JSON_KIND_REFUSED,
		  .why = "a listener outside the VM cannot answer for a system call" },
		{ .name = "syscalls", .kind = JSON_KIND_ARRAY, .read = read_rule },
	};
	struct container_config *config = to;
	struct profile_json read = {
		.profile = arena_take(reader->arena, sizeof(*read.profile)),
		.default_errno_ret = -1,
	};
	int err = json_read_object(reader, value, table, N(table), &read);

	if (!err)
		err = read_action(reader, "defaultAction", read.default_action,
				  read.default_errno_ret,
				  &read.profile->default_action);
	if (!err)
		err = read_flags(reader, &read.flags, &read.profile->flags);
	if (err)
		return err;
	check_architectures(reader, &read.architectures);
	if (read.skipped.n)
		json_warn(reader, "%u unknown system calls, skipped: %s", read.skipped.n, read.skipped.text);
	config->seccomp = read.profile;
	return 0;
}

const char *known_seccomp_action(size_t i)
{
	return i < N(actions) ? actions[i].name : NULL;
}

const char *known_seccomp_operator(size_t i)
{
	return i < N(operators) ? operators[i].name : NULL;
}

const char *known_seccomp_flag(size_t i)
{
	return i < N(flag_words) ? flag_words[i].name : NULL;
}
