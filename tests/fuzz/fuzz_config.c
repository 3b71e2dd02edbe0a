/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json, as an engine or an attacker writes it: read, checked, compiled into a plan; and what
 * `nacre` compiles, the guest's decoder must accept.
 */
/* SOURCES: runtime/config_io.c runtime/cpuset.c */
/* SOURCES: runtime/config.c runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c */
/* SOURCES: runtime/config_mounts.c runtime/config_hooks.c runtime/mount_data.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c runtime/config_defaults.c */
/* SOURCES: runtime/caps.c runtime/config_seccomp.c runtime/seccomp_default.c */
/* SOURCES: runtime/seccomp_builtin.c runtime/seccomp_compile.c runtime/device_filter.c */
/* SOURCES: runtime/json_reader.c runtime/mount_options.c runtime/arena.c runtime/failure.c */
/* SOURCES: runtime/plan_buffer.c runtime/plan_compile.c runtime/vm_size.c runtime/preserved_plan.c runtime/net_plan.c runtime/blocks_plan.c runtime/hooks_plan.c runtime/devices.c */
/* SOURCES: guest-init/plan_read.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include <stdarg.h>

#include "fuzz.h"
#include "guest-init/plan_read.h"
#include "runtime/config.h"
#include "runtime/plan_compile.h"
#include "runtime/report.h"

void report_warning(const char *format, ...)
{
	(void)format;
}

void report_error(const char *format, ...)
{
	(void)format;
}

void report_debug(const char *format, ...)
{
	(void)format;
}

static void compile(struct container_config *config, struct failure *failure)
{
	struct plan_buffer plan = { 0 };
	struct plan decoded;
	const char *why = NULL;

	if (plan_compile(config, &plan, failure) == 0) {
		int r = plan_decode(&decoded, PLAN_OF_CONTAINER, plan.bytes, plan.len, &why);

		CLAIM(r == 0);
	} else {
		CLAIM(failure->text[0]);
	}
	plan_buffer_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container_config config;
	struct failure failure = { .text = "" };
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	config_init(&config);
	config.id = "fuzz";
	if (config_read_text(&config, text, size, "/bundle", &failure) == 0)
		compile(&config, &failure);
	else
		CLAIM(failure.text[0] && !strchr(failure.text, '\n'));
	config_free(&config);
	free(text);
	return 0;
}
