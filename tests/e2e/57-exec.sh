#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# exec: processes that join a running container.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

LIMITS[test_what_the_process_is]=120

# What --env names is added to the container's environment; with crun it takes its place.
WITH_PATH=()
is_nacre || WITH_PATH=(--env PATH=/bin)

# A container that waits, named c.
start_waiting()
{
	"$NACRE_BIN" "${E2E_ROOT[@]}" run -d --name c "${SMALL[@]}" -- \
		sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done' > output 2>&1 < /dev/null
	expect_equal "status of run" 0 $? || show "$(< output)"
}

end_waiting()
{
	nacre delete --force c
	expect_status 0
	expect_silent
}

# exec's end, without a word of nacre's.
expect_exec()	# STATUS OUT ARGUMENT…
{
	local status=$1 out=$2

	shift 2
	nacre exec "$@"
	expect_equal "status of: exec $*" "$status" "$STATUS"
	expect_equal "output of: exec $*" "$out" "$OUT"
	expect_silent
}

expect_no()	# STATUS REGULAR-EXPRESSION ARGUMENT…
{
	local status=$1 wanted=$2

	shift 2
	nacre exec "$@"
	expect_failure "$status" "$wanted" "exec $*"
}

test_status_and_streams()
{
	start_waiting
	expect_exec 0 'hello' c echo hello
	expect_exec 7 '' c sh -c 'exit 7'
	expect_exec 143 '' c sh -c 'kill -TERM $$'
	printf 'through\n' > input
	INPUT=input expect_exec 0 'through' c cat
	nacre exec c sh -c 'echo out; echo err >&2'
	expect_equal "standard output" out "$OUT"
	expect_equal "standard error" err "$ERR"
	head -c 3000000 /dev/zero > zeros
	INPUT=zeros expect_exec 0 3000000 c wc -c
	# at once, and with the texts that engines look for
	expect_no 127 'exec: "none": executable file not found in \$PATH$' c none
	expect_engine_reads "$NOT_FOUND"
	expect_no 127 'exec: "": executable file not found in \$PATH$' c ''
	expect_no 127 'no such file or directory$' c /bin/none
	expect_engine_reads "$NOT_FOUND"
	expect_no 126 'permission denied$' c /etc/passwd
	expect_engine_reads "$NOT_PERMITTED"
	expect_no 1 'chdir to cwd \("/none"\).*no such file or directory$' --cwd /none c true
	expect_no 1 'none: container does not exist$' none true
	end_waiting
	expect_no 1 'container does not exist$' c true
}

test_what_the_process_is()
{
	start_waiting
	nacre exec c sh -c "readlink /proc/1/ns/pid /proc/1/ns/mnt /proc/1/ns/user /proc/1/ns/net |
		sort > /tmp/a; readlink /proc/\$\$/ns/pid /proc/\$\$/ns/mnt /proc/\$\$/ns/user \
		/proc/\$\$/ns/net | sort > /tmp/b; cmp /tmp/a /tmp/b && cat /proc/self/cgroup"
	expect_out '0::/'
	expect_exec 0 $'1000 1001\n/tmp\nb /home' -u 1000:1001 --cwd /tmp -e A=b -e HOME=/home \
		"${WITH_PATH[@]}" c \
		sh -c 'echo $(id -u) $(id -g); pwd; echo $A $HOME'
	nacre exec c grep -E 'Cap(Bnd|Eff)|Seccomp:' /proc/self/status
	expect_out $'CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2'
	nacre exec --cap CAP_NET_ADMIN --no-new-privs c grep -E 'Cap(Bnd|Eff)|NoNew' /proc/self/status
	of_nacre "with crun it replaces what the container has" \
		expect_out $'CapEff:\t00000000a80435fb\nCapBnd:\t00000000a80435fb\nNoNewPrivs:\t1'
	expect_match "the capability, no new privileges" $'^CapEff:\t0000.*[13579bdf][0-9a-f]{3}\n.*\nNoNewPrivs:\t1$' "$OUT"
	printf '{"args": ["sh", "-c", "id -u; pwd; echo $V; ulimit -n"], "cwd": "/etc",
		"user": {"uid": 7, "gid": 8}, "env": ["V=1", "PATH=/bin"],
		"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}]}' > process.json
	expect_exec 0 $'7\n/etc\n1\n77' --process process.json c
	INPUT=process.json expect_exec 0 $'7\n/etc\n1\n77' --process - c
	expect_no 1 '"cwd" is missing' --process <(echo '{"args": ["x"], "user": {"uid": 0, "gid": 0}}') c
	expect_no 1 'expected JSON' --process <(echo '{') c
	nacre exec --cap CAP_NONE c true
	expect_status 0
	of_nacre "a warning" expect_one_line '--cap CAP_NONE: unknown capability, skipped'
	expect_no 1 'expected UID' --user name c true
	expect_no 1 'expected NAME=VALUE' --env X c true
	expect_no 1 'expected a command' c
	expect_no 1 'nothing: unknown option' --nothing c true
	of_nacre "only it has to pass what is in a descriptor" \
		expect_no 1 'preserve-fds: descriptor 3 is a regular file: expected a pipe' --preserve-fds 1 c true 3< process.json
	end_waiting
}

# Pipes, and a socket that both sides use; nothing of them is left open.
test_descriptors()
{
	need_command python3
	start_waiting
	expect_exec 0 $'three\n2' --preserve-fds 2 --env LISTEN_FDS=2 "${WITH_PATH[@]}" c \
		sh -c 'cat <&3; echo four >&4; echo $LISTEN_FDS' 3< <(echo three) 4> >(cat > four)
	wait_until $((5 * E2E_SLOW)) has_line four four || failed "nothing came out of descriptor 4"
	python3 - "$NACRE_BIN" "${E2E_ROOT[@]}" exec --preserve-fds 1 c sh -c \
		'read x <&3; echo got $x >&3; cat <&3 >&3; exec 3>&-; sleep 3; exit 9' > out <<- 'EOF'
		import os, socket, subprocess, sys
		os.dup2(0, 3) # so that nothing else gets this number
		ours, theirs = socket.socketpair()
		os.dup2(theirs.fileno(), 3)
		theirs.close()
		process = subprocess.Popen(sys.argv[1:], pass_fds=[3], stdin=subprocess.DEVNULL)
		os.close(3)
		ours.sendall(b"a line\n")
		stream = ours.makefile()
		print(stream.readline(), end="")
		ours.sendall(b"another\n")
		print(stream.readline(), end="")
		ours.shutdown(socket.SHUT_WR)
		print(stream.read() + "end,", process.poll(), process.wait())
	EOF
	of_nacre "crun's exec holds the socket as long as it waits" \
		expect_equal "what passed through a socket" $'got a line\nanother\nend, None 9' "$(< out)"
	expect_match "what passed through a socket" $'^got a line\nanother\nend, .* 9$' "$(< out)"
	end_waiting
}

test_many_at_once_and_the_end_of_all()
{
	local i status pids=()

	start_waiting
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		"$NACRE_BIN" "${E2E_ROOT[@]}" exec c sh -c "echo $i; exit $i" < /dev/null > "out$i" 2>&1 &
		pids+=($!)
	done
	i=0
	for status in "${pids[@]}"; do
		i=$((i + 1))
		wait "$status"
		expect_equal "status of process $i" $i $?
		expect_equal "output of process $i" $i "$(< "out$i")"
	done
	start_ready exec c sh -c 'echo ready; sleep 1000'
	nacre kill c TERM
	expect_status 0
	finish 10
	expect_equal "the end of the container ends it" 137 "$STATUS"
	expect_no 1 'container not running$' c true
	end_waiting
}

# The detached one is who engines know it by: its pid stands for the process.
test_detached()
{
	local pid

	start_waiting
	nacre exec -d --pid-file "$PWD/pid" c sleep 1000
	expect_status 0
	pid=$(< pid)
	of_nacre "another's is the process" expect_equal "who stands for it" nacre-monitor "$(< "/proc/$pid/comm")"
	# a subject beside this one may have a c, too
	of_nacre "where it puts them" expect_match "its cgroup" "^0::$(cgroup_of c)(\.[0-9]+)?$" "$(< "/proc/$pid/cgroup")"
	expect_equal "its cgroup" "$(< "/proc/$(pid_of c)/cgroup")" "$(< "/proc/$pid/cgroup")"
	expect_equal "its network" "$(readlink "/proc/$(pid_of c)/ns/net")" "$(readlink "/proc/$pid/ns/net")"
	of_nacre "as runc's, not crun's" expect_ps_of_sleeper
	has_sleepers 1 || failed "the process is not there: $OUT"
	# killed, it takes its process along and nothing else
	kill -KILL "$pid"
	wait_until $((2 * E2E_SLOW)) has_sleepers 0 || failed "the process outlives who stood for it"
	nacre state c
	expect_match "the container runs" '"status": "running"' "$OUT"
	# a signal reaches the process
	nacre exec -d --pid-file "$PWD/pid" c sh -c 'trap "echo caught > /tmp/caught; exit" USR1
		while :; do sleep 0.1; done'
	pid=$(< pid)
	pause 1
	kill -USR1 "$pid"
	wait_until "$E2E_SLOW" is_gone "$pid" || failed "the monitor does not end"
	expect_exec 0 caught c cat /tmp/caught
	end_waiting
}

has_sleepers()	# NUMBER
{
	nacre exec c sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
	[ "$(grep -o 'sleep 1000 ' <<< "$OUT" | wc -l)" = "$1" ]
}

# ps of a container in which sleep 1000 runs, with arguments of ps(1).
expect_ps_of_sleeper()
{
	nacre ps c
	expect_match "the process is there" $' sleep 1000(\n|$)' "$OUT"
	nacre ps c -eo ppid,stat,comm
	expect_match "with columns that were asked for" $'^   PPID STAT COMMAND\n(.*\n)? +0 S[^ ]* +sleep(\n|$)' "$OUT"
	nacre ps c -eo pid,frob
	expect_status 1
	expect_one_line 'column "frob": expected one of pid, '
}

run_subject "$@"
