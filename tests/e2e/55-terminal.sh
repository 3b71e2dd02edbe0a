#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A terminal session: nacre in a pane of tmux, which is the user's terminal here.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

SOCKET=$E2E_WORK/tmux

in_tmux()	# TMUX COMMAND…
{
	tmux -S "$SOCKET" -f /dev/null "$@"
}

# Runs nacre in a pane of 90 by 30. In the test's directory: pid, status, the terminal's settings
# before and after, and shared/ as /v of the container. Sets TTY.
start_in_terminal()	# ARGUMENT… of nacre run
{
	need_command tmux
	mkdir -p shared
	{
		printf 'cd %q\n' "$PWD"
		printf 'stty -g > before\n'
		# exec keeps the pid, which the parent shell knows
		printf "sh -c 'echo \$\$ > pid; exec \"\$@\"' -"
		printf ' %q' "$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" --volume "$PWD/shared:/v" "$@"
		printf '\necho $? > status.new\nstty -g > after\nmv status.new status\nsleep 1000\n'
	} > session
	trap 'in_tmux kill-server 2> /dev/null' EXIT
	in_tmux new-session -d -x 90 -y 30 "exec bash $PWD/session" || failed "tmux does not start"
	TTY=$(in_tmux display-message -p '#{pane_tty}')
}

wait_for_file()	# NAME
{
	wait_until $((10 * E2E_SLOW)) test -s "$1" && return
	failed "$1 did not come"
	show "$(in_tmux capture-pane -p)"
	exit 1
}

file_says()	# NAME TEXT
{
	[ "$(cat "$1" 2> /dev/null)" = "$2" ]
}

expect_file()	# WHAT NAME TEXT
{
	wait_until $((5 * E2E_SLOW)) file_says "$2" "$3" && return
	failed "$1"
	printf '  expected: %s, seen: %s\n' "$3" "$(cat "$2" 2>&1)"
	show "$(in_tmux capture-pane -p)"
}

screen_says()	# TEXT
{
	in_tmux capture-pane -p | grep -qF -- "$1"
}

expect_screen()	# TEXT
{
	wait_until $((5 * E2E_SLOW)) screen_says "$1" && return
	failed "on the screen: $1"
	show "$(in_tmux capture-pane -p)"
}

is_raw()
{
	stty -a -F "$TTY" | grep -q -- '-icanon'
}

is_restored()
{
	[ "$(stty -g -F "$TTY")" = "$(cat before)" ]
}

expect_restored()
{
	of_nacre "crun forgets IUTF8, and more" expect_equal "stty -g after and before" "$(cat before)" "$(cat after)"
}

test_size_resize_and_settings()
{
	start_in_terminal -- sh -c 'trap "stty size > /v/size" WINCH; tty > /v/tty; stty size > /v/size
		[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo yes > /v/all
		echo ready > /v/ready; until [ -e /v/end ]; do sleep 0.2; done; exit 4'
	wait_for_file shared/ready
	of_nacre "with others engines set it" expect_file "size at start" shared/size "30 90"
	expect_file "all three are the terminal" shared/all yes
	expect_match "name of the terminal" '^/dev/(pts/[0-9]+|console)$' "$(cat shared/tty)"
	is_raw || failed "the outer terminal is not raw while the container runs"
	in_tmux resize-window -x 101 -y 41
	of_nacre "with others engines set it" expect_file "size after a resize" shared/size "41 101"
	touch shared/end
	wait_for_file status
	expect_file "status" status 4
	expect_restored
}

test_a_shell_and_Ctrl_C()
{
	start_in_terminal -- sh -i
	expect_screen '/ #'
	in_tmux send-keys 'echo $((6 * 7))x' Enter
	expect_screen '42x'
	in_tmux send-keys 'sleep 1000; echo status $?' Enter
	pause 1
	in_tmux send-keys C-c
	pause 0.5
	in_tmux send-keys 'echo status $?' Enter
	expect_screen 'status 130'
	is_gone "$(cat pid)" && failed "Ctrl-C ended nacre itself"
	in_tmux send-keys 'exit 3' Enter
	wait_for_file status
	expect_file "status" status 3
	expect_restored
}

test_Ctrl_C_reaches_process_1_with_a_handler()
{
	start_in_terminal -- sh -c 'trap "echo got > /v/int; exit 5" INT; echo ready > /v/ready; while :; do sleep 0.1; done'
	wait_for_file shared/ready
	in_tmux send-keys C-c
	expect_file "the trap" shared/int got
	wait_for_file status
	expect_file "status" status 5
}

test_Ctrl_C_with_init()
{
	only_nacre "a first process of its own, --init"
	start_in_terminal --init -- sh -c 'echo ready > /v/ready; exec sleep 1000'
	wait_for_file shared/ready
	in_tmux send-keys C-c
	wait_for_file status
	expect_file "status" status 130
}

test_the_terminal_is_restored_when_nacre_is_killed()
{
	only_nacre "its monitor does it"
	start_in_terminal -- sh -c 'echo ready > /v/ready; exec sleep 1000'
	wait_for_file shared/ready
	is_raw || failed "the outer terminal is not raw while the container runs"
	kill -KILL "$(cat pid)"
	wait_for_file status
	expect_file "status" status 137
	wait_until "$E2E_SLOW" is_restored || expect_equal "stty -g after and before" "$(cat before)" "$(stty -g -F "$TTY")"
	wait_until $((2 * E2E_SLOW)) no_processes || failed "left: $(processes)"
	run -- true	# takes away the state of the killed one
}

test_the_terminal_is_restored_when_a_companion_is_killed()
{
	only_nacre "another has no companions"
	local name

	for name in nacre-vmm nacre-monitor nacre-fsd; do
		rm -f status shared/ready
		start_in_terminal -- sh -c 'echo ready > /v/ready; exec sleep 1000'
		wait_for_file shared/ready
		kill -KILL "$(process_named "$name")"
		wait_for_file status
		expect_equal "stty -g after and before the end of $name" "$(cat before)" "$(cat after)"
		in_tmux kill-server
	done
}

test_input_from_a_terminal_output_to_a_file()
{
	only_nacre "a terminal without the word of a config.json"
	# half a terminal is none: the output has no carriage returns
	need_command tmux
	printf 'cd %q\n%q %s run %s -- sh -c "tty; echo line" > out\necho $? > status\nsleep 1000\n' \
		"$PWD" "$NACRE_BIN" "${E2E_ROOT[*]}" "${SMALL[*]}" > session
	trap 'in_tmux kill-server 2> /dev/null' EXIT
	in_tmux new-session -d -x 90 -y 30 "exec bash $PWD/session"
	wait_for_file status
	expect_equal "output" $'not a tty\nline' "$(cat out)"
}

run_subject "$@"
