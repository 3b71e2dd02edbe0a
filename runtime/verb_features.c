/* SPDX-License-Identifier: Apache-2.0 */
/* nacre features (OCI runtime-spec 1.2 features.md, features-linux.md). */
#include <stdio.h>

#include <jansson.h>

#include "existing.h"
#include "known_words.h"
#include "report.h"

struct features_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct features_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre features: what nacre carries out of a configuration, as JSON",
	.usage = "nacre features",
	.table = &table,
	.help_offset = offsetof(struct features_options, help),
};

static json_t *words(known_words_fn *word)
{
	json_t *array = json_array();
	const char *text;

	for (size_t i = 0; (text = word(i)) != NULL; i++)
		json_array_append_new(array, json_string(text));
	return array;
}

static json_t *seccomp_features(void)
{
#if defined(__x86_64__)
	const char *arch = "SCMP_ARCH_X86_64";
#else
	const char *arch = "SCMP_ARCH_AARCH64";
#endif

	return json_pack("{s:b, s:o, s:o, s:[s], s:o, s:o}", "enabled", true, "actions",
			 words(known_seccomp_action), "operators", words(known_seccomp_operator),
			 "archs", arch, "knownFlags", words(known_seccomp_flag), "supportedFlags",
			 words(known_seccomp_flag));
}

static json_t *linux_features(void)
{
	return json_pack("{s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}, s:o, s:{s:b}, s:{s:b}, s:{s:b},"
			 " s:{s:{s:b}}}", "namespaces", words(known_namespace), "capabilities",
			 words(known_capability), "cgroup", "v1", false, "v2", true, "systemd",
			 true, "systemdUser", true, "rdma", false, "seccomp", seccomp_features(),
			 "apparmor", "enabled", true, "selinux", "enabled", true, "intelRdt",
			 "enabled", false, "mountExtensions", "idmap", "enabled", true);
}

int verb_features(const struct global_options *global, int argc, char *argv[])
{
	struct features_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	if (at > 0) {
		json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:s, s:s}, s:o}",
					 "ociVersionMin", "1.0.0", "ociVersionMax", "1.2.0",
					 "hooks", words(known_hook), "mountOptions",
					 words(known_mount_option), "linux", linux_features(),
					 "annotations", "org.nacre.version", NACRE_VERSION,
					 "org.nacre.commit", NACRE_COMMIT,
					 "potentiallyUnsafeConfigAnnotations",
					 words(known_annotation));

		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(json);
	}
	return existing_end(&state, &failure);
}
