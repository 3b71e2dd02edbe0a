#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# create, start, state, kill, delete, list, run --detach: a container whose nacre has gone.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"


# Runs nacre, which must succeed without a word.
verb()	# ARGUMENT…
{
	nacre "$@"
	expect_status 0
	expect_silent
}

# With status 1 and one line.
expect_error()	# REGULAR-EXPRESSION ARGUMENT…
{
	local wanted=$1

	shift
	nacre "$@"
	expect_failure 1 "$wanted" "nacre $*"
}

# Creates and goes on, with the container's output in the file output.
create()	# ID
{
	"$NACRE_BIN" "${E2E_ROOT[@]}" create --bundle bundle --pid-file "$PWD/pid" "$1" > output 2>&1 < /dev/null
	expect_equal "status of create" 0 $?
	PID=$(< pid)
}

expect_state()	# ID STATUS
{
	nacre state "$1"
	expect_match "state of $1" "\"status\": \"$2\"" "$OUT"
}

is_in_state()	# ID STATUS
{
	nacre state "$1"
	[[ $OUT == *"\"status\": \"$2\""* ]]
}

expect_comes_to()	# ID STATUS
{
	wait_until $((5 * E2E_SLOW)) is_in_state "$1" "$2" || failed "$1 did not come to be $2"
}

expect_nothing_left()
{
	expect_equal "nothing left" "" "$(left_behind)"
}

# What state says of a container that was created; the order is nobody's.
expect_created_state()
{
	local member

	for member in 'ociVersion": "1\.' 'id": "nacre-e2e-life"' "pid\": $PID," 'status": "created"' \
		"bundle\": \"$PWD/bundle\"" "rootfs\": \"$ROOTFS\"" 'created": "20[0-9-]+T[0-9:]+(\.[0-9]+)?Z"' \
		'annotations": \{.*"org.example.key": "value"' "owner\": \"${E2E_USER:-root}\""; do
		expect_match "state of a created container" "\"$member" "$OUT"
	done
}

# Nobody writes into the log that a create was given which is refused.
expect_no_word_in_the_log()
{
	echo of another > log
	expect_error 'nacre-e2e-life: a container with this name exists' create --console-log log --bundle bundle nacre-e2e-life
	expect_equal "the log that a refused create was given" "of another" "$(cat log)"
}

test_a_life()
{
	make_bundle sh -c 'trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
	edit '"ociVersion"' '"annotations": {"org.example.key": "value"}, "ociVersion"'
	create nacre-e2e-life
	expect_match "digits in the pid file" '^[0-9]+$' "$(od -An -c pid | tr -d ' \n')"
	nacre state nacre-e2e-life
	expect_status 0
	expect_created_state
	of_nacre "who stands for the process" expect_equal "the pid's name" nacre-monitor "$(< "/proc/$PID/comm")"
	[ "/proc/$PID/root/bin" -ef "$ROOTFS/bin" ] || failed "the pid's / is not the container's"
	expect_equal "the pid's cgroup" "0::$(cgroup_of nacre-e2e-life)" "$(< "/proc/$PID/cgroup")"
	[ "$(readlink "/proc/$PID/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
		failed "the pid is in the host's network namespace"
	expect_equal "output before start" "" "$(< output)"
	expect_equal "nacre after create" "" "$(process_named nacre)"

	of_nacre "runc and crun delete it, against the specification" \
		expect_error 'nacre-e2e-life.*created: expected stopped' delete nacre-e2e-life
	expect_error 'nacre-e2e-life: a container with this name exists' create --bundle bundle nacre-e2e-life
	of_nacre "its own option" expect_no_word_in_the_log
	verb start nacre-e2e-life
	wait_until $((5 * E2E_SLOW)) has_line output ready || failed "it does not run"
	expect_state nacre-e2e-life running
	expect_error 'cannot start a container that is running' start nacre-e2e-life
	expect_error 'cannot delete a container that is running' delete nacre-e2e-life
	nacre list
	expect_match "list" $'\n'"nacre-e2e-life +$PID +running +$PWD/bundle +20.*${E2E_USER:-root} *$" "$OUT"
	of_nacre "runc's heading, crun's is another" expect_match "list" '^ID ' "$OUT"
	nacre list -q
	expect_success nacre-e2e-life
	nacre list --format json
	if is_nacre; then
		expect_match "list as JSON" '^\[\{"ociVersion".*"id":"nacre-e2e-life".*\}\]$' "$OUT"
	else
		expect_equal "list as JSON" "nacre-e2e-life $PID" "$(member "$OUT" 0 id) $(member "$OUT" 0 pid)"
	fi

	verb kill nacre-e2e-life TERM
	expect_comes_to nacre-e2e-life stopped
	expect_equal "output" $'ready\nterm' "$(< output)"
	expect_match "no pid when stopped" '"pid": 0,' "$OUT"
	expect_error 'container not running' kill nacre-e2e-life 9
	expect_engine_reads "$NOT_RUNNING"
	expect_error 'cannot start a container that is stopped' start nacre-e2e-life
	verb delete nacre-e2e-life
	expect_error 'nacre-e2e-life: container does not exist' delete nacre-e2e-life
	verb delete --force nacre-e2e-life
	expect_nothing_left
}

test_an_engine_learns_how_it_ended()
{
	local engine=$E2E_DIR/lib/engine.py

	need_command python3
	make_bundle sh -c 'echo a line; read x || echo end of input; exit 9'
	"$engine" "$NACRE_BIN" "${E2E_ROOT[@]}" nacre-e2e-engine > out 2>&1
	expect_equal "what the engine saw" $'created digits\noutput a line\noutput end of input\nexit 9' "$(< out)"
	expect_nothing_left
}

test_an_engine_kills_by_pid()
{
	need_command python3
	make_bundle sh -c 'echo a line; sleep 1000'
	"$E2E_DIR/lib/engine.py" --signal KILL "$NACRE_BIN" "${E2E_ROOT[@]}" nacre-e2e-engine > out 2>&1
	expect_equal "what the engine saw" $'created digits\noutput a line\nsignal 9' "$(< out)"
	expect_nothing_left
}

test_a_terminal_by_console_socket()
{
	need_command python3
	make_bundle sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal
		trap "stty size; exit 4" WINCH; stty size | grep -q "33 77" && exit 5
		for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; stty size | grep "33 77" && exit 5; done'
	edit '"terminal": false' '"terminal": true'
	"$E2E_DIR/lib/engine.py" --tty "$NACRE_BIN" "${E2E_ROOT[@]}" nacre-e2e-tty > out 2>&1
	of_nacre "crun gives no name" expect_match "what came with the terminal" '^terminal named 1' "$(< out)"
	expect_match "what the engine saw" $'^terminal [^\n]+ 1\ncreated digits\noutput terminal\n(output 33 77\n)?exit [45]$' "$(< out)"
	expect_nothing_left
}

test_terminals_and_sockets_that_do_not_fit()
{
	make_bundle true
	expect_error '^nacre: --console-socket: expected a container with process.terminal' create --bundle bundle --console-socket x nacre-e2e-fit
	of_nacre "only it has to pass what is in a descriptor" \
		expect_error '--preserve-fds: descriptor 3 is a directory' create --bundle bundle --preserve-fds 1 nacre-e2e-fit 3< .
	of_nacre "crun leaves a process" \
		expect_error '--pid-file no/such/pid: cannot write: No such file' create --bundle bundle --pid-file no/such/pid nacre-e2e-fit
	expect_error '--pid-file no/such/pid: cannot write: No such file' exec --pid-file no/such/pid nacre-e2e-fit true
	edit '"terminal": false' '"terminal": true'
	expect_error 'process.terminal: expected --console-socket' create --bundle bundle nacre-e2e-fit
	expect_error '--console-socket no/such: expected a socket' create --bundle bundle --console-socket no/such nacre-e2e-fit
	expect_error '^nacre: create: expected one ID' create --bundle bundle
	expect_error '"a/b": invalid container ID: expected 1 to 200' create --bundle bundle a/b
	expect_nothing_left
}

test_words_that_callers_look_for()
{
	local verb

	for verb in state start kill delete; do
		expect_error 'nacre-e2e-none: container does not exist' "$verb" nacre-e2e-none
		expect_error 'expected 1 to 200 of letters' "$verb" ../x
	done
	expect_error 'unknown signal' kill nacre-e2e-none NOSUCH
	expect_error '^nacre: nacre-e2e-none: container does not exist$' --log "$PWD/log" --log-format json state nacre-e2e-none
	if is_nacre; then
		expect_match "one JSON object in the log" \
			'^\{"level":"error","msg":"nacre-e2e-none: container does not exist","time":"[^"]*"\}$' "$(< log)"
	else
		expect_equal "level in the log" error "$(member "$(< log)" level)"
		expect_match "the reason in the log" . "$(member "$(< log)" msg)"
	fi
	verb list
	of_nacre "runc's heading, crun's is another" expect_out "ID  PID       STATUS    BUNDLE  CREATED               OWNER"
	expect_equal "lines of an empty list" 1 "$(wc -l < out)"
	verb list --format json
	expect_equal "an empty list" "[]" "${OUT//[[:space:]]/}"
	of_nacre "without spaces, as runc's" expect_out "[]"
	of_nacre "others make it" expect_error '^nacre: --root .*/none: No such file or directory$' --root "$PWD/none" list
}

test_detached()
{
	make_bundle sh -c 'echo ready; sleep 1000'
	"$NACRE_BIN" "${E2E_ROOT[@]}" run --detach --pid-file "$PWD/pid" --bundle bundle nacre-e2e-detached > output 2>&1 < /dev/null
	expect_equal "status of run --detach" 0 $?
	wait_until $((5 * E2E_SLOW)) has_line output ready || failed "it does not run"
	expect_state nacre-e2e-detached running
	# only the guest can stop the process
	verb kill nacre-e2e-detached STOP
	nacre exec nacre-e2e-detached sed -n 's/^State:.//p' /proc/1/status
	expect_success 'T (stopped)'
	verb kill nacre-e2e-detached CONT
	nacre exec nacre-e2e-detached sed -n 's/^State:.\(.\).*/\1/p' /proc/1/status
	expect_success S
	verb delete --force nacre-e2e-detached
	expect_equal "the monitor" "" "$(process_named nacre-monitor)"
	expect_nothing_left
}

# Who reads to the end of a pipe waits no longer than the process has it open.
test_detached_without_output()
{
	make_bundle sh -c 'exec > /dev/null 2>&1; sleep 1000'
	"$NACRE_BIN" "${E2E_ROOT[@]}" run --detach --bundle bundle nacre-e2e-detached 2>&1 < /dev/null | cat > output
	expect_equal "output" "" "$(< output)"
	expect_state nacre-e2e-detached running
	verb delete --force nacre-e2e-detached
	expect_nothing_left
}

test_kept()
{
	only_nacre "run --keep"
	make_bundle sh -c 'exit 3'
	nacre run --keep --bundle bundle nacre-e2e-kept
	expect_status 3
	expect_state nacre-e2e-kept stopped
	nacre run --bundle bundle nacre-e2e-kept
	expect_status 125
	expect_one_line 'a container with this name exists'
	expect_equal "processes" "" "$(process_named nacre-monitor)$(process_named nacre-vmm)"
	[ -d "$OWN_CGROUPS/nacre/nacre-e2e-kept" ] || failed "its cgroup is not there"
	verb delete nacre-e2e-kept
	expect_nothing_left
	nacre run --keep --bundle bundle --kernel /dev/null nacre-e2e-kept
	expect_status 125
	expect_nothing_left
}

test_a_process_that_cannot_start()
{
	make_bundle /no/such/program
	nacre create --bundle bundle nacre-e2e-missing
	if [ "$STATUS" = 0 ]; then
		expect_error 'no such file|not found' start nacre-e2e-missing
		expect_engine_reads "$NOT_FOUND"
		expect_comes_to nacre-e2e-missing stopped
		verb delete nacre-e2e-missing
	else
		expect_failure "$STATUS" 'no such file|not found' create
		expect_engine_reads "$NOT_FOUND"
	fi
	expect_nothing_left
}

test_companions_killed()
{
	only_nacre "another has no companions"
	make_bundle sh -c 'echo ready; sleep 1000'
	create nacre-e2e-killed
	verb start nacre-e2e-killed
	wait_until $((5 * E2E_SLOW)) has_line output ready || failed "it does not run"
	kill -KILL "$(process_named nacre-vmm)"
	expect_comes_to nacre-e2e-killed stopped
	expect_match "why, where the container's output goes" $'^ready\nnacre: .*nacre-vmm was killed' "$(< output)"
	verb delete nacre-e2e-killed
	expect_nothing_left
}

test_hooks()
{
	local kind hooks='' pid

	make_bundle sh -c 'echo ready; sleep 1000'
	# each notes its kind, what it is told, and whether it sees the container's network
	cat > hook <<- 'EOF'
		#!/bin/sh
		read -r state
		[ -f config.json ] || exit 9 # it is in the bundle
		echo "$1 $(readlink /proc/self/ns/net) $state" >> "$2"
		[ "$1" = createContainer ] || exit 0
		mount -t tmpfs hook "$3/mnt" && echo there > "$3/mnt/hooked"
	EOF
	chmod +x hook
	for kind in prestart createRuntime createContainer poststart poststop; do
		hooks+="${hooks:+, }\"$kind\": [{\"path\": \"$PWD/hook\", \"env\": [\"PATH=$PATH\"], \"args\": [\"hook\", \"$kind\", \"$PWD/notes\", \"$ROOTFS\"]}]"
	done
	edit '"ociVersion"' "\"hooks\": {$hooks}, \"ociVersion\""
	: > notes
	create nacre-e2e-hooks
	pid=$PID
	expect_equal "hooks of create" $'prestart\ncreateRuntime\ncreateContainer' "$(cut -d' ' -f1 notes)"
	verb start nacre-e2e-hooks
	expect_equal "the last hook of start" poststart "$(tail -n 1 notes | cut -d' ' -f1)"
	expect_equal "networks" "$(printf '%s\n' "$(readlink /proc/self/ns/net)"{,} "$(readlink "/proc/$pid/ns/net")" "$(readlink /proc/self/ns/net)")" "$(cut -d' ' -f2 notes)"
	expect_match "what prestart is told" "\"pid\":$pid,.*\"status\":\"created\"" "$(head -n 1 notes)"
	expect_match "what poststart is told" "\"pid\":$pid,.*\"status\":\"running\"" "$(tail -n 1 notes)"
	expect_equal "what createContainer mounted, as the pid sees it" there "$(cat "/proc/$pid/root/mnt/hooked")"
	[ ! -e "$ROOTFS/mnt/hooked" ] || failed "the hook's mount is on the host"
	verb delete --force nacre-e2e-hooks
	expect_match "what poststop is told" '^poststop .*"pid":0,.*"status":"stopped"' "$(tail -n 1 notes)"

	edit "\"path\": \"$PWD/hook\"" '"path": "/bin/false"'
	expect_error 'prestart hook /bin/false failed with status 1' create --bundle bundle nacre-e2e-hooks
	expect_nothing_left

	is_nacre || return 0 # crun warns of a poststart hook that fails, as older versions of the specification have it
	# a container whose hook fails at the start is destroyed
	make_bundle sh -c 'sleep 1000'
	edit '"ociVersion"' '"hooks": {"poststart": [{"path": "/bin/false"}], "poststop": [{"path": "/bin/touch", "args": ["touch", "stopped"]}]}, "ociVersion"'
	create nacre-e2e-hooks
	expect_error 'poststart hook /bin/false failed with status 1' start nacre-e2e-hooks
	expect_error 'nacre-e2e-hooks: container does not exist' state nacre-e2e-hooks
	[ -f bundle/stopped ] || failed "its poststop hook did not run"
	expect_nothing_left
}

# startContainer: in the container, between start and its process.
test_hooks_in_the_container()
{
	local hook='{"path": "/bin/sh", "env": ["A=b"], "args": ["sh", "-c", "SCRIPT"]}'
	local first='cat > /dev/shm/told; echo >> /dev/shm/told; echo $A $(uname -r) $(readlink /proc/self/ns/pid) >> /dev/shm/told'
	local last='echo bad luck; exit 5'

	make_bundle sh -c 'cat /dev/shm/told; readlink /proc/self/ns/pid; uname -r'
	edit '"ociVersion"' "\"hooks\": {\"startContainer\": [${hook/SCRIPT/$first}]}, \"annotations\": {\"org.example.key\": \"value\"}, \"ociVersion\""
	create nacre-e2e-inside
	expect_equal "output before start" "" "$(< output)"
	verb start nacre-e2e-inside
	expect_comes_to nacre-e2e-inside stopped
	of_nacre "crun tells of pid 0, which is starting" expect_match "what it is told" \
		'^\{"pid":1,"ociVersion":"1[^}]*"id":"nacre-e2e-inside","status":"created","bundle":"/[^}]*"annotations":' "$(< output)"
	expect_match "what it is told, and where it is" '^\{[^}]*"id":"nacre-e2e-inside",[^}]*"bundle":"/[^}]*"annotations":\{"org.example.key":"value"\}\}
b ([^ ]+) (pid:\[[0-9]+\])
pid:\[[0-9]+\]
[^ ]+$' "$(< output)"
	expect_equal "its kernel and pid namespace are the container's" \
		"$(sed -n '2s/^b //p' output)" "$(sed -n 4p output) $(sed -n 3p output)"
	verb delete nacre-e2e-inside
	expect_nothing_left

	is_nacre || return 0 # crun's start does not wait for the hook
	edit "${first}" "$last"
	create nacre-e2e-inside
	expect_error 'startContainer hook /bin/sh failed with status 5: bad luck' start nacre-e2e-inside
	expect_error 'nacre-e2e-inside: container does not exist' state nacre-e2e-inside
	expect_equal "output" "" "$(grep -v '^nacre: ' output)"
	nacre run --bundle bundle nacre-e2e-inside
	expect_status 125
	expect_one_line 'startContainer hook /bin/sh failed with status 5: bad luck'
	expect_nothing_left
}

# nacre passes all messages on, others but that it is ready.
expect_heard_of_run()
{
	if is_nacre; then
		expect_out /dev/notify
		wait_until $((5 * E2E_SLOW)) has_line heard STOPPING=1, || failed "the last message did not come"
		expect_equal "what was heard" $'listening\nREADY=1,STATUS=all is well,\nSTOPPING=1,' "$(< heard)"
	fi
	expect_match "what was heard" $'^listening\nREADY=1' "$(< heard)"
}

# sd_notify(3): through nacre's own environment, and through the container's, by a bind mount.
test_readiness()
{
	need_command python3
	cat > listener.py <<- 'EOF'
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		print("listening", flush=True)
		while True:
		    print(s.recv(4096).decode().replace("\n", ","), flush=True)
	EOF
	mkdir told
	python3 listener.py told/socket > heard 2>&1 &
	trap "kill $!" EXIT
	wait_until $((5 * E2E_SLOW)) has_line heard listening || failed "the listener does not run"
	cp "$E2E_BUILD/e2e/guest/notify" told/
	make_bundle sh -c 'echo $NOTIFY_SOCKET; /told/notify "READY=1
STATUS=all is well
MAINPID=7"; /told/notify STOPPING=1; exit 3'
	add_mount "{\"destination\": \"/told\", \"type\": \"bind\", \"source\": \"$PWD/told\", \"options\": [\"rbind\"]}"
	NOTIFY_SOCKET=$PWD/told/socket nacre run --bundle bundle nacre-e2e-ready
	expect_equal "status" 3 "$STATUS"
	expect_heard_of_run

	edit '"env": [' '"env": ["NOTIFY_SOCKET=/told/socket", '
	create nacre-e2e-ready
	verb start nacre-e2e-ready
	expect_comes_to nacre-e2e-ready stopped
	expect_equal "output" /told/socket "$(grep -v '^nacre: ' output)"
	of_nacre "it alone stands between" expect_equal "what was heard" \
		$'listening\nREADY=1,STATUS=all is well,\nSTOPPING=1,\nREADY=1,STATUS=all is well,\nSTOPPING=1,' "$(< heard)"
	expect_match "what was heard" $'\nREADY=1,STATUS=all is well,(MAINPID=7)?\nSTOPPING=1,?$' "$(< heard)"
	verb delete nacre-e2e-ready
	is_nacre || return 0 # that nobody listens is no news to others
	NOTIFY_SOCKET=$PWD/nowhere nacre run "${SMALL[@]}" -- true
	expect_status 0
	expect_one_line 'NOTIFY_SOCKET=.*/nowhere: cannot connect: No such file'
}

has_state()	# ID
{
	"$NACRE_BIN" "${E2E_ROOT[@]}" state "$1" > /dev/null 2>&1
}

test_deleted_in_the_middle_of_create()
{
	local after

	make_bundle sleep 1000
	for after in 0 0.3 1; do
		"$NACRE_BIN" "${E2E_ROOT[@]}" create --bundle bundle nacre-e2e-early > output 2>&1 < /dev/null &
		PID=$!
		wait_until $((5 * E2E_SLOW)) has_state nacre-e2e-early || failed "there is no state"
		pause "$after"
		verb delete --force nacre-e2e-early
		wait "$PID"
		expect_nothing_left
	done
}

test_killed_in_the_middle_of_create()
{
	local after

	make_bundle sleep 1000
	for after in 0.1 0.6 2; do
		start create --bundle bundle --pid-file "$PWD/pid" nacre-e2e-middle
		pause "$after"
		kill -KILL "$PID"
		wait "$PID"
		nacre state nacre-e2e-middle
		case $STATUS:$OUT in
		0:*'"status": "running"'*) failed "state says running" ;;
		esac
		verb delete --force nacre-e2e-middle
		expect_nothing_left
	done
}

run_subject "$@"
