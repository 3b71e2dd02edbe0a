/* SPDX-License-Identifier: Apache-2.0 */
/* A thread in another namespace; see visit.h. */
#include "visit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

struct visit {
	int ns_fd, type;
	visit_fn *work;
	void *ctx;
	int result, enter_err;
};

/* The thread: what it enters ends with it. */
static void *visit_main(void *arg)
{
	struct visit *visit = arg;

	if ((visit->ns_fd < 0 ? unshare(visit->type) : setns(visit->ns_fd, visit->type)) < 0)
		visit->enter_err = -errno;
	else
		visit->result = visit->work(visit->ctx);
	return NULL;
}

int visit_namespace(int ns_fd, int type, visit_fn *work, void *ctx, int *result)
{
	struct visit visit = { .ns_fd = ns_fd, .type = type, .work = work, .ctx = ctx };
	pthread_t thread;
	int err = pthread_create(&thread, NULL, visit_main, &visit);

	if (!err)
		err = pthread_join(thread, NULL);
	*result = visit.result;
	return err ? -err : visit.enter_err;
}
