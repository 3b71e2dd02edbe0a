/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest answers to nacre's questions: any bytes, in any pieces. Nothing is believed but what
 * was checked; figures become JSON or are refused.
 */
/* SOURCES: runtime/query.c runtime/stats_json.c runtime/failure.c */
/* LIBS: -ljansson */
#include <sys/socket.h>

#include <jansson.h>

#include "fuzz.h"
#include "runtime/child.h"
#include "runtime/listener.h"
#include "runtime/query.h"
#include "runtime/stats_json.h"

static int peer = -1;

int64_t child_now_ms(void)
{
	static int64_t now;

	return ++now;
}

int listener_connect(int dir_fd, const char *name, int type)
{
	(void)dir_fd;
	(void)name;
	(void)type;
	return peer;
}

static void take_all(struct query *query)
{
	struct failure failure = { .text = "" };

	while (query_receive(query, 5, &failure) == 0) {
		json_t *json;

		CLAIM(query->body_len <= sizeof(query->body));
		json = stats_as_json("c", query->body, query->body_len);
		CLAIM((json != NULL) == (query->body_len == FIGURE_COUNT * sizeof(struct le64)));
		json_decref(json);
	}
	CLAIM(failure.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state state = { .id = "c", .number = size ? data[0] & 3 : 0, .vmm = { .pid = 1 } };
	struct failure failure = { .text = "" };
	static struct query query;
	int pair[2];

	CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	peer = pair[0];
	if (size > 1)
		(void)send(pair[1], data + 1, size - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(pair[1], SHUT_WR);
	if (query_open(&query, &state, &failure) == 0) {
		take_all(&query);
		/* A refusal ends take_all(), not the stream, and behind it may stand what looks like an answer. */
		while (recv(query.fd, query.body, sizeof(query.body), MSG_DONTWAIT) > 0)
			;
		CLAIM(query_order(&query, MSG_SYNC, NULL, 0, 5, &failure) != 0);
	}
	CLAIM(failure.text[0]);
	query_close(&query);
	close(pair[1]);
	return 0;
}
