/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what a guest answers: its words as a user sees them. */
/* SOURCES: runtime/query.c runtime/failure.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/child.h"
#include "runtime/listener.h"
#include "runtime/query.h"

/* Nothing is waited for, and the connection is there. */
int64_t child_now_ms(void)
{
	return 0;
}

int listener_connect(int dir_fd, const char *name, int type)
{
	(void)dir_fd;
	(void)name;
	(void)type;
	return -ENOENT;
}

static int fds[2];

static int pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}

static int unpair(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

/* The guest says FAILED; text_len is what it claims. */
static int receive_failed(const char *text, size_t len, uint16_t text_len, struct failure *failure)
{
	static struct query query;
	struct {
		struct msg_header header;
		struct msg_failed failed;
		char text[256];
	} message = { .failed = { .text_len = le16_of(text_len) } };

	message.header = (struct msg_header){
		.len = le32_of((uint32_t)(offsetof(__typeof__(message), text) + len)),
		.type = le16_of(MSG_FAILED), .container = le32_of(3),
	};
	memcpy(message.text, text, len);
	query = (struct query){ .fd = fds[0], .id = "c1", .container = 3 };
	*failure = (struct failure){ .text = "" };
	assert_int_equal(write(fds[1], &message, le32_get(message.header.len)),
			 le32_get(message.header.len));
	return query_receive(&query, 1000, failure);
}

static void test_words_of_a_guest(void **state)
{
	static const char text[] = "no \xc2\x9b" "31m \x9b" "2J \033]0;x\007 \xe2\x80\xaegnp \xc3\xa9 %s~";
	struct failure failure;

	(void)state;
	assert_int_equal(receive_failed(text, strlen(text), (uint16_t)strlen(text), &failure), -EIO);
	assert_string_equal(failure.text, "c1: no ??31m ?2J ?]0;x? ???gnp ?? %s~");
	assert_int_equal(receive_failed("", 0, 0, &failure), -EIO);
	assert_string_equal(failure.text, "c1: ");
	assert_int_equal(receive_failed("abc", 3, 4, &failure), -EPROTO);
	assert_non_null(strstr(failure.text, "broke the control protocol"));
}

/* The guest answers with so many bytes of figures, each its own number. */
static int ask_figure(size_t len, uint64_t *value, struct failure *failure)
{
	static struct query query;
	struct {
		struct msg_header header;
		struct le64 figures[FIGURE_COUNT + 1];
	} message;

	for (size_t i = 0; i < sizeof(message.figures) / sizeof(message.figures[0]); i++)
		message.figures[i] = le64_of(1000 + i);
	message.header = (struct msg_header){
		.len = le32_of((uint32_t)(sizeof(message.header) + len)),
		.type = le16_of(MSG_FIGURES), .container = le32_of(3),
	};
	query = (struct query){ .fd = fds[0], .id = "c1", .container = 3 };
	*failure = (struct failure){ .text = "" };
	assert_int_equal(write(fds[1], &message, le32_get(message.header.len)),
			 le32_get(message.header.len));
	return query_figure(&query, FIGURE_MEMORY, value, failure);
}

static void test_a_figure(void **state)
{
	const size_t len = FIGURE_COUNT * sizeof(struct le64);
	struct failure failure;
	uint64_t value = 7;

	(void)state;
	assert_int_equal(ask_figure(len, &value, &failure), 0);
	assert_int_equal(value, 1000 + FIGURE_MEMORY);
	value = 7;
	assert_int_equal(ask_figure(len - 1, &value, &failure), -EPROTO);
	assert_int_equal(ask_figure(0, &value, &failure), -EPROTO);
	assert_int_equal(ask_figure(len + sizeof(struct le64), &value, &failure), -EPROTO);
	assert_non_null(strstr(failure.text, "broke the control protocol"));
	assert_int_equal(value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words_of_a_guest, pair, unpair),
		cmocka_unit_test_setup_teardown(test_a_figure, pair, unpair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
