#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# podman of an ordinary user drives nacre: the runtime is root of podman's user namespace, and nobody on the
# host. NACRE_TEST_RUNTIME=crun runs the same tests against crun.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/podman-user.sh
. "$E2E_DIR/lib/podman-user.sh"

LIMITS[test_options_of_run]=150
LIMITS[test_a_life]=300
LIMITS[test_slirp4netns]=150
LIMITS[test_limits_in_a_delegated_cgroup]=150
LIMITS[test_more_of_a_life]=400

expect_no_state()
{
	[ "$RUNTIME" != "$NACRE" ] || expect_equal "state of nacre" "" "$(ls $JOE_RUN/nacre)"
}

test_options_of_run()
{
	user_is_ready
	mkdir volume
	echo inside > volume/file
	chown -R nacre-joe: volume
	podman_does run --rm --user 1000:1001 --workdir /tmp --env A=b --read-only --tmpfs /t --memory 64m \
		-v "$PWD/volume:/v" localhost/busybox sh -c '
		id -u; id -g; pwd; echo $A; cat /v/file
		touch /x 2> /dev/null || echo read-only root
		touch /v/x 2> /dev/null || echo a volume of another
		touch /t/y && echo writable tmpfs
		exit 3'
	expect_equal "status" 3 "$STATUS" || show "$ERR"
	expect_out $'1000\n1001\n/tmp\nb\ninside\nread-only root\na volume of another\nwritable tmpfs'
	podman_does run --rm -v "$PWD/volume:/v" localhost/busybox sh -c 'touch /v/mine /v/other; chown 33:44 /v/other'
	expect_equal "status" 0 "$STATUS" || show "$ERR"
	expect_equal "root of the container is the user" 3000:3000 "$(stat -c %u:%g volume/mine)"
	expect_match "others are subordinate" '^[0-9]{6,}:[0-9]{6,}$' "$(stat -c %u:%g volume/other)"
	expect_no_state
}

log_has()	# LINE
{
	in_podman logs nacre-e2e-user > logs 2>&1
	has_line logs "$1"
}

test_a_life()
{
	user_is_ready
	podman_does run -d --name nacre-e2e-user localhost/busybox \
		sh -c 'trap "echo term; exit 5" TERM; echo up; while :; do sleep 0.2; done'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((5 * E2E_SLOW)) log_has up || failed "logs do not say up"
	echo from the host > file
	podman_says "" cp "$PWD/file" nacre-e2e-user:/file
	podman_does exec --env B=c --user 1000 nacre-e2e-user sh -c 'cat /file; id -u; echo $B; exit 4'
	expect_equal "status of exec" 4 "$STATUS" || show "$ERR"
	expect_out $'from the host\n1000\nc'
	if [ "$RUNTIME" = "$NACRE" ]; then	# crun: "cannot pause the container without a cgroup"
		podman_does pause nacre-e2e-user
		expect_equal "status of pause" 0 "$STATUS" || show "$ERR"
		podman_does unpause nacre-e2e-user
		expect_equal "status of unpause" 0 "$STATUS" || show "$ERR"
	fi
	podman_says nacre-e2e-user stop nacre-e2e-user
	podman_says $'up\nterm' logs nacre-e2e-user
	podman_says "exited 5" inspect --format '{{.State.Status}} {{.State.ExitCode}}' nacre-e2e-user
	podman_says nacre-e2e-user start nacre-e2e-user
	podman_does kill nacre-e2e-user
	expect_equal "status of kill" 0 "$STATUS" || show "$ERR"
	podman_says 137 wait nacre-e2e-user
	podman_does rm nacre-e2e-user
	expect_equal "status of rm" 0 "$STATUS" || show "$ERR"
	expect_no_state
}

LIMITS[test_a_pod]=300
test_a_pod()
{
	[ "$RUNTIME" = "$NACRE" ] || skip "what a second container is told is nacre's"
	user_is_ready
	need_command catatonit
	podman_pod_lives
	expect_no_state
}

# slirp4netns brings the network, whose other end is the user's own: it reaches what the host's user reaches.
test_slirp4netns()
{
	local server=198.51.100.1

	user_is_ready
	need_command slirp4netns busybox
	chmod 666 /dev/net/tun
	mkdir served
	echo "hello from the host" > served/file
	ip link set lo up
	ip addr add $server/32 dev lo
	busybox httpd -f -p $server:8080 -h served > /dev/null 2>&1 &
	podman_does run --rm --network slirp4netns localhost/busybox sh -c "
		ip -o -4 addr show tap0 | grep -c 10.0.2.100/24; cat /sys/class/net/tap0/mtu
		timeout 20 wget -qO - http://$server:8080/file"
	ip addr del $server/32 dev lo
	expect_status 0
	expect_out $'1\n65520\nhello from the host'
	expect_no_state
}

no_cgroups()	# CGROUP
{
	rmdir "$1"/sub/shell "$1/sub" "$1" 2> /dev/null
	[ ! -d "$1" ]
}

# A cgroup of the user's at $1, in which this shell is: podman asks for limits only of one that it may change.
enter_cgroup()
{
	mkdir "$1"
	echo +memory +pids +cpu > "$CGROUPS/cgroup.subtree_control"
	echo +memory +pids +cpu > "$1/cgroup.subtree_control"
	delegate_cgroup "$1/sub"
	echo "$BASHPID" > "$1/sub/shell/cgroup.procs"
}

leave_cgroup()
{
	echo "$BASHPID" > "$CGROUPS/cgroup.procs"
	wait_until $((5 * E2E_SLOW)) no_cgroups "$1" || failed "cgroups are left: $(echo "$1"/sub/*/)"
}

test_limits_in_a_delegated_cgroup()
{
	local leaf=$CGROUPS/nacre-e2e-joe

	user_is_ready
	enter_cgroup "$leaf"
	podman_does run -d --name nacre-e2e-user --cgroup-parent /nacre-e2e-joe/sub --memory 64m --pids-limit 50 \
		localhost/busybox sleep 1000
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	podman_says $'67108864\n50' exec nacre-e2e-user cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
	expect_match "the limit on the host" '^[0-9]+$' "$(cat "$leaf"/sub/libpod-*/memory.max)"
	podman_does rm --force --time 0 nacre-e2e-user
	expect_equal "status of rm --force" 0 "$STATUS" || show "$ERR"
	leave_cgroup "$leaf"
	expect_no_state
}

test_more_of_a_life()
{
	local leaf=$CGROUPS/nacre-e2e-joe

	user_is_ready
	enter_cgroup "$leaf"
	mkdir volume
	chown nacre-joe: . volume
	podman_lives_more --cgroup-parent /nacre-e2e-joe/sub
	leave_cgroup "$leaf"
	expect_no_state
}

run_subject "$@"
user_is_done
