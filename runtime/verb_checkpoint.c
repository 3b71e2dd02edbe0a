/* SPDX-License-Identifier: Apache-2.0 */
/* nacre checkpoint, nacre restore: snapshots of VMs are to come; callers get a clear answer. */
#include "report.h"
#include "verbs.h"

int verb_checkpoint(const struct global_options *global, int argc, char *argv[])
{
	(void)global;
	(void)argc;
	report_error("%s: not supported yet: snapshots of VMs are to come", argv[0]);
	return 1;
}
