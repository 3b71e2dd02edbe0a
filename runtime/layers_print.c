/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layers for people and for programs; see layers.h. */
#include <string.h>

#include <jansson.h>

#include "layers.h"

static const char *const layer_names[] = {
	[LAYER_KVM] = "KVM",
	[LAYER_NAMESPACES] = "namespaces",
	[LAYER_CGROUPS] = "cgroups",
	[LAYER_FILES] = "read-only and masked files",
	[LAYER_CAPABILITIES] = "capabilities",
	[LAYER_SECCOMP] = "seccomp",
	[LAYER_NO_NEW_PRIVS] = "no_new_privs",
	[LAYER_SELINUX] = "SELinux",
	[LAYER_USER_NAMESPACE] = "user namespace",
	[LAYER_NO_ROOT] = "no host root",
	[LAYER_LIMITS] = "Landlock and limits",
};
static_assert(sizeof(layer_names) / sizeof(layer_names[0]) == LAYER_COUNT, "a name for each layer");

static const struct {
	const char *word, *colour;
} verdicts[] = {
	[LAYER_ON] = { "on", "\033[32m" },
	[LAYER_OFF] = { "off as asked", "\033[33m" },
	[LAYER_UNAVAILABLE] = { "unavailable", "\033[33m" },
	[LAYER_MISSING] = { "MISSING", "\033[1;31m" },
	[LAYER_NONE] = { "-", "" },
};
static_assert(sizeof(verdicts) / sizeof(verdicts[0]) == LAYER_VERDICT_COUNT, "a word for each");

/* Of both sides, what the row comes to: the worst that is no "-". */
static enum layer_verdict row_verdict(const struct layers *layers, int i)
{
	enum layer_verdict guest = layers->guest[i].verdict, host = layers->host[i].verdict;

	if (guest == LAYER_NONE)
		return host;
	if (host == LAYER_NONE)
		return guest;
	/* where one side has what the other cannot have, the layer is there */
	if (guest != LAYER_MISSING && host != LAYER_MISSING &&
	    (guest == LAYER_ON || host == LAYER_ON))
		return LAYER_ON;
	return guest > host ? guest : host;
}

bool layers_any_missing(const struct layers *layers)
{
	for (int i = 0; i < LAYER_COUNT; i++) {
		if (row_verdict(layers, i) == LAYER_MISSING)
			return true;
	}
	return false;
}

static void print_side(FILE *to, const char *where, const struct layer_side *side)
{
	if (side->verdict == LAYER_NONE)
		return;
	fprintf(to, "  %s %s%s%s;", where,
		side->verdict == LAYER_ON ? "" : verdicts[side->verdict].word,
		side->verdict == LAYER_ON ? "" : ": ", side->text);
}

void layers_print(FILE *to, const struct layers *layers, const char *id, bool colour)
{
	int n_on = 0;

	for (int i = 0; i < LAYER_COUNT; i++) {
		enum layer_verdict verdict = row_verdict(layers, i);

		n_on += verdict == LAYER_ON;
		fprintf(to, "%2d %-26s %s%-12s%s", i + 1, layer_names[i],
			colour ? verdicts[verdict].colour : "", verdicts[verdict].word,
			colour ? "\033[0m" : "");
		print_side(to, "host:", &layers->host[i]);
		print_side(to, "guest says:", &layers->guest[i]);
		fputc('\n', to);
	}
	fprintf(to, "%s: %d of %d layers on\n", id, n_on, LAYER_COUNT);
}

static json_t *side_json(const struct layer_side *side)
{
	return side->verdict == LAYER_NONE ? json_null() :
		json_pack("{s:s, s:s}", "verdict", verdicts[side->verdict].word, "evidence",
			  side->text);
}

void layers_print_json(FILE *to, const struct layers *layers, const char *id)
{
	json_t *rows = json_array();
	json_t *json = json_pack("{s:s, s:b, s:o}", "id", id, "missing",
				 layers_any_missing(layers), "layers", rows);

	for (int i = 0; i < LAYER_COUNT; i++)
		json_array_append_new(rows, json_pack("{s:i, s:s, s:s, s:o, s:o}", "number", i + 1,
						      "layer", layer_names[i], "verdict",
						      verdicts[row_verdict(layers, i)].word,
						      "host", side_json(&layers->host[i]),
						      "guest", side_json(&layers->guest[i])));
	json_dumpf(json, to, JSON_INDENT(1));
	fputc('\n', to);
	json_decref(json);
}
