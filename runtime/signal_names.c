/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name; see signal_names.h. */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "signal_names.h"
#include "size.h"

#define SIGNAL_MAX 64

/* "RTMIN", "RTMIN+N", "RTMAX", "RTMAX-N". */
static int real_time_number(const char *name)
{
	int base = strncasecmp(name, "RTMIN", 5) == 0 ? SIGRTMIN
		   : strncasecmp(name, "RTMAX", 5) == 0 ? SIGRTMAX : -1;
	char sign = base == SIGRTMIN ? '+' : '-';
	uint64_t offset = 0;
	int number;

	if (base < 0)
		return -1;
	if (name[5] != '\0' &&
	    (name[5] != sign || number_parse(name + 6, SIGNAL_MAX, &offset) != 0))
		return -1;
	number = base + (sign == '+' ? (int)offset : -(int)offset);
	return number >= SIGRTMIN && number <= SIGRTMAX ? number : -1;
}

/* signal(7): other names of the C library's; sigabbrev_np() has one of each number. */
static const struct {
	const char *name;
	int number;
} aliases[] = {
	{ "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "IO", SIGIO }, { "POLL", SIGPOLL },
};

int signal_number(const char *name)
{
	uint64_t number;

	if (number_parse(name, SIGNAL_MAX, &number) == 0)
		return (int)number;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int signo = 1; signo < SIGNAL_MAX; signo++) {
		const char *abbreviation = sigabbrev_np(signo);

		if (abbreviation && strcasecmp(abbreviation, name) == 0)
			return signo;
	}
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcasecmp(aliases[i].name, name) == 0)
			return aliases[i].number;
	}
	return real_time_number(name);
}
