#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# podman drives nacre as it drives crun. NACRE_TEST_RUNTIME=crun runs the same tests against crun, which
# shows that they ask for nothing but what an OCI runtime does.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/podman.sh
. "$E2E_DIR/lib/podman.sh"

# A podman command takes a second in an emulated host, before the runtime is called.
LIMITS[test_options_of_run]=150
LIMITS[test_a_life]=300
LIMITS[test_more_of_a_life]=400
LIMITS[test_restarts]=300

test_options_of_run()
{
	podman_is_ready
	mkdir volume below
	echo inside > volume/file
	echo one > single
	echo as it was > below/file
	chmod 777 below below/file
	podman_does run --rm --user 1000:1001 --workdir /tmp --env A=b --read-only --tmpfs /t \
		--memory 64m --pids-limit 50 -v "$PWD/volume:/v:ro" -v "$PWD/single:/run/single:ro" -v "$PWD/below:/o:O" "$IMAGE" sh -c '
		id -u; id -g; pwd; echo $A; cat /v/file /run/single
		touch /x 2> /dev/null || echo read-only root
		touch /v/x 2> /dev/null || echo read-only volume
		touch /t/y && echo writable tmpfs
		echo changed > /o/file && cat /o/file
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
		exit 3'
	expect_equal "status" 3 "$STATUS" || show "$ERR"
	expect_out $'1000\n1001\n/tmp\nb\ninside\none\nread-only root\nread-only volume\nwritable tmpfs\nchanged\n67108864\n50'
	expect_equal "what is below an overlay" "as it was" "$(cat below/file)"
}

test_a_life()
{
	local runs

	podman_is_ready
	mkdir volume
	podman_does run -d --name nacre-e2e-life -v "$PWD/volume:/v" "$IMAGE" \
		sh -c 'trap "echo term; exit 5" TERM; echo up; while :; do sleep 0.2; done'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	runs=(wait_until $((5 * E2E_SLOW)) log_has up)
	"${runs[@]}" || failed "logs do not say up"
	podman_says running inspect --format '{{.State.Status}}' nacre-e2e-life

	# into the container and out of it
	echo from the host > file
	podman_says "" cp file nacre-e2e-life:/file
	podman_does exec --env B=c --user 1000 nacre-e2e-life sh -c 'cat /file; id -u; echo $B; echo back > /tmp/back; exit 4'
	expect_equal "status of exec" 4 "$STATUS" || show "$ERR"
	expect_out $'from the host\n1000\nc'
	in_a_terminal exec -it nacre-e2e-life sh -c '[ -t 0 ] && [ -t 1 ] && echo terminal
		for i in 1 2 3 4 5 6 7 8 9; do [ "$(stty size)" != "33 77" ] || exit 6; sleep 0.5; done'
	expect_equal "status of exec -it" 6 "$STATUS" || show "$OUT"
	expect_match "its output" $'terminal\r' "$OUT"
	podman_says "" cp nacre-e2e-life:/tmp/back back
	expect_equal "the file that came out" back "$(cat back)"

	podman_says nacre-e2e-life stop nacre-e2e-life
	podman_says $'up\nterm' logs nacre-e2e-life
	podman_says "exited 5 false" inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' nacre-e2e-life

	# once more, with what was written still there
	podman_says nacre-e2e-life start nacre-e2e-life
	podman_says "from the host" exec nacre-e2e-life cat /file
	podman_does kill nacre-e2e-life
	expect_equal "status of kill" 0 "$STATUS" || show "$ERR"
	podman_says 137 wait nacre-e2e-life
	podman_does rm nacre-e2e-life
	expect_equal "status of rm" 0 "$STATUS" || show "$ERR"
	expect_equal "state of the runtime" "" "$(ls "$STORE/state")"
}

# Runs podman in a terminal of 33 by 77. Sets STATUS, OUT.
in_a_terminal()	# ARGUMENT…
{
	local command

	need_command script
	export STORE RUNTIME
	export -f in_podman
	printf -v command '%q ' in_podman "$@"
	SHELL=$BASH script -eqc "stty rows 33 cols 77; $command" /dev/null < /dev/null > out 2> err
	STATUS=$?
	take_output
}

log_has()	# LINE
{
	in_podman logs nacre-e2e-life > logs 2>&1
	has_line logs "$1"
}

test_more_of_a_life()
{
	podman_is_ready
	podman_lives_more
}

# The guest's kernel kills for want of memory, and conmon hears of it. That of Debian 12 (2.1.6) leaves its note, a file
# "oom", where podman was called, and podman 4.3 looks for it elsewhere: with crun, too, it says "false" then.
test_out_of_memory()
{
	local killed

	podman_is_ready
	podman_does run --name nacre-e2e-oom --memory 48m "$IMAGE" sh -c 'a=x; while :; do a=$a$a; done'
	expect_equal "status" 137 "$STATUS" || show "$ERR"
	podman_does inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' nacre-e2e-oom
	killed=$OUT
	[ ! -e oom ] || killed="${killed/false/true}"
	expect_equal "what is known of its end" "137 true" "$killed"
	podman_does rm nacre-e2e-oom
	expect_equal "status of rm" 0 "$STATUS" || show "$ERR"
}

test_restarts()
{
	podman_is_ready
	mkdir volume
	podman_does run -d --name nacre-e2e-again --restart on-failure:1 -v "$PWD/volume:/v" "$IMAGE" \
		sh -c 'echo start >> /v/starts; exit 3'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((10 * E2E_SLOW)) has_starts 2 || failed "it was not started again"
	podman_does rm --force --time 0 nacre-e2e-again
	expect_equal "status of rm --force" 0 "$STATUS" || show "$ERR"
}

test_a_program_that_is_not_there()
{
	podman_is_ready
	podman_does run --rm "$IMAGE" no-such-program
	expect_equal "status of a program that is not there" 127 "$STATUS"
	expect_match "why" 'executable file .*not found' "$ERR"
	podman_does run --rm "$IMAGE" ''
	expect_equal "status of no program at all" 127 "$STATUS" || show "$ERR"
}

test_a_terminal_and_init()
{
	podman_is_ready
	need_command catatonit
	podman_does run --rm --tty --init "$IMAGE" sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal; read -r name < /proc/1/comm; echo $name; exit 6'
	expect_equal "status" 6 "$STATUS" || show "$ERR"
	expect_match "output" $'^terminal\r\n(catatonit|podman-init)\r$' "$OUT"
}

run_subject "$@"
podman_is_done
