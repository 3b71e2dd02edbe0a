/* SPDX-License-Identifier: Apache-2.0 */
/* SELinux labels of the companions: how they are put together. The kernel's word is e2e, selinux. */
/* SOURCES: runtime/selinux.c runtime/mcs.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -lselinux -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <selinux/selinux.h>

#include "runtime/selinux.h"

static void test_parts(void **state)
{
	struct arena arena = { .blocks = NULL };

	(void)state;
	assert_string_equal(selinux_label_with("u:r:container_t:s0:c1,c2", "nacre_vmm_t", NULL, &arena),
			    "u:r:nacre_vmm_t:s0:c1,c2");
	assert_string_equal(selinux_label_with("u:r:t:s0-s0:c0.c1023", "x_t", "s0:c5,c6", &arena),
			    "u:r:x_t:s0:c5,c6");
	assert_string_equal(selinux_label_with("u:r:t", "x_t", NULL, &arena), "u:r:x_t");
	arena_free(&arena);
}

static void test_no_labels(void **state)
{
	static const char *const wrong[] = { "", "u", "u:r", "u:r:", ":r:t", "u::t:s0", "::", ":::" };
	struct arena arena = { .blocks = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(selinux_label_with(wrong[i], "x_t", NULL, &arena));
	arena_free(&arena);
}

/* config.json's label is of no effect where there is no SELinux, as engines expect. */
static void test_a_host_without(void **state)
{
	struct selinux_labels labels = { .vmm = "old" };
	struct container_config config = { .process = { .selinux_label = "not a label" } };
	const struct companions companions = { .vmm = "/a", .fsd = "/b", .monitor = "/c" };
	const struct conf conf = { .selinux_vmm_type = SELINUX_VMM_TYPE };
	struct arena arena = { .blocks = NULL };
	struct failure failure = { .text = "" };

	(void)state;
	if (is_selinux_enabled() > 0)
		skip();
	assert_int_equal(selinux_labels_make(&labels, &config, &conf, &companions, &arena, &failure),
			 0);
	assert_null(labels.vmm);
	assert_false(selinux_type_is_known(SELINUX_VMM_TYPE));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_labels),
		cmocka_unit_test(test_a_host_without),
	};

	return cmocka_run_group_tests_name("SELinux labels", tests, NULL, NULL);
}
