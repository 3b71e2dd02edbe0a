/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock: the guest asks the host for it in the session of a container, every minute and
 * when the host says that its own was set. Half of what question and answer took, by the guest's own time, is what
 * an answer may be wrong by: one that did not come quickly corrects the clock only as far as it is certain.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "machine.h"
#include "session_impl.h"

#define ASK_EVERY_MS 60000
/* The clock is to be right within 100 ms. */
#define ROUND_TRIP_NS UINT64_C(100000000)
/* Questions in a row whose answers came too late. */
#define TRIES	      5
#define TRY_AGAIN_MS  500

/* Of the guest's own, which a clock that is set does not change. */
static uint64_t stamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clock_ask(void *owner)
{
	struct session *s = owner;
	struct msg_clock_ask ask = { .stamp = le64_of(stamp_now()) };

	if (s->state < SESSION_HELD || s->state > SESSION_RUNNING)
		return;
	loop_timeout(&s->clock, ASK_EVERY_MS);
	session_send(s, MSG_CLOCK_ASK, &ask, sizeof(ask));
}

int clock_told(struct session *s)
{
	const struct msg_clock_tell *m = wire_in_body(&s->in);
	uint64_t sent = le64_get(m->stamp), now = stamp_now(), wrong_by;
	bool is_late;
	int r;

	if (sent > now)
		return -EPROTO;
	wrong_by = (now - sent) / 2;
	is_late = now - sent > ROUND_TRIP_NS;
	/* What came late still corrects a clock that is wrong by more than the answer: a clone's (vmm/template.h). */
	r = machine_adjust_clock(le64_get(m->realtime_ns) + wrong_by, is_late ? wrong_by : 0);
	if (r < 0)
		machine_log("clock: %s", strerror(-r));
	if (!is_late)
		s->clock_tries = 0;
	else if (++s->clock_tries < TRIES && s->state <= SESSION_RUNNING)
		/* The machine was paused, or is slow just now. */
		loop_timeout(&s->clock, TRY_AGAIN_MS);
	return 0;
}
