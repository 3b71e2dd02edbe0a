/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Swaps a directory and a link that leads out, while another process looks a file up below it: a
 * check that comes before its use would lose.
 */
/* EXPECT: default=contained wide=contained */
#include "attack.h"

int main(void)
{
	pid_t swapper;
	int found = 0;

	/* of an earlier run, perhaps swapped */
	unlink("/v/dir");
	unlink("/v/link");
	rmdir("/v/link");
	mkdir("/v/dir", 0755);
	NEED(symlink("..", "/v/link"));
	swapper = fork();
	NEED(swapper);
	if (swapper == 0) {
		for (;;)
			syscall(SYS_renameat2, AT_FDCWD, "/v/dir", AT_FDCWD, "/v/link",
				2 /* RENAME_EXCHANGE */);
	}
	for (int i = 0; i < 300 && !found; i++)
		found = read_from("/v/dir/canary") == SUCCEEDED;
	kill(swapper, SIGKILL);
	NEED(waitpid(swapper, NULL, 0));
	return found ? SUCCEEDED : CONTAINED;
}
