#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# containerd's shim drives nacre as it drives runc: ctr run, task exec, pause, resume,
# metrics, kill, rm.
# NACRE_TEST_RUNTIME=crun (or runc) runs the same tests against another runtime.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containerd.sh
. "$E2E_DIR/lib/containerd.sh"

LIMITS[test_containerd]=240


# Starts containerd with everything of its own below ./c. Sets DAEMON.
start_containerd()
{
	need_command containerd ctr containerd-shim-runc-v2
	[ "$E2E_PLACE" = emulated ] || skip "containerd is started in an emulated host only"
	mkdir c
	printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' > c/config.toml
	run_containerd
}

in_ctr()	# ARGUMENT…
{
	ctr --address "$PWD/c/sock" "$@"
}

# Sets STATUS, OUT, ERR.
ctr_does()	# ARGUMENT…
{
	in_ctr "$@" < /dev/null > out 2> err
	STATUS=$?
	take_output
}

ctr_runs()	# OPTION… ID COMMAND…
{
	local options=(--env PATH=/bin)	# without an image there is none

	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	ctr_does run --runtime io.containerd.runc.v2 --runc-binary "$(command -v "$RUNTIME")" "${options[@]}" \
		--rootfs "$PWD/rootfs" "$@"
}

task_is()	# ID STATUS
{
	[[ $(in_ctr task ls) =~ $1\ +[0-9]+\ +$2 ]]
}

test_containerd()
{
	start_containerd
	cp -a "$ROOTFS" rootfs
	ctr_runs --rm nacre-e2e-hi sh -c 'echo hi; id -u; exit 3'
	expect_equal "status" 3 "$STATUS" || show "$ERR"
	expect_out $'hi\n0'

	ctr_runs --detach nacre-e2e-task sh -c 'trap "exit 5" TERM; while :; do sleep 0.2; done'
	expect_equal "status of a detached run" 0 "$STATUS" || show "$ERR"
	task_is nacre-e2e-task RUNNING || failed "the task does not run"
	ctr_does task exec --exec-id one nacre-e2e-task sh -c 'echo in; exit 4'
	expect_equal "status of task exec" 4 "$STATUS" || show "$ERR"
	expect_out in
	ctr_does task pause nacre-e2e-task
	expect_equal "status of task pause" 0 "$STATUS" || show "$ERR"
	task_is nacre-e2e-task PAUSED || failed "the task is not paused"
	ctr_does task resume nacre-e2e-task
	expect_equal "status of task resume" 0 "$STATUS" || show "$ERR"
	task_is nacre-e2e-task RUNNING || failed "the task does not run again"
	ctr_does task metrics nacre-e2e-task
	expect_match "metrics" 'memory.usage +[1-9][0-9]*' "$OUT" || show "$ERR"
	ctr_does task ps nacre-e2e-task
	expect_match "processes" $'^PID +INFO\n[0-9]+' "$OUT" || show "$ERR"
	ctr_does task kill nacre-e2e-task
	expect_equal "status of task kill" 0 "$STATUS" || show "$ERR"
	wait_until $((5 * E2E_SLOW)) task_is nacre-e2e-task STOPPED || failed "the task did not end"
	ctr_does task rm nacre-e2e-task
	expect_equal "status of task rm" 0 "$STATUS" || show "$ERR"
	expect_match "how the task ended" 'non-zero exit code 5' "$ERR"
	ctr_does container rm nacre-e2e-task
	expect_equal "status of container rm" 0 "$STATUS" || show "$ERR"

	ctr_runs --rm nacre-e2e-none no-such-program
	expect_match "status of a program that is not there" '^(1|127)$' "$STATUS"
	expect_match "why" 'executable file not found in .PATH' "$ERR"
}

# ctr run --cni: the network comes into the namespace of the task's pid between create and start.
LIMITS[test_network_of_cni]=240
test_network_of_cni()
{
	start_containerd
	need_command busybox ip
	[ -x /usr/lib/cni/bridge ] || skip "no CNI plug-ins in /usr/lib/cni"
	mkdir -p /etc/cni/net.d /opt/cni served
	[ -e /opt/cni/bin ] || ln -s /usr/lib/cni /opt/cni/bin	# where containerd looks by itself
	cat > /etc/cni/net.d/10-nacre-e2e.conflist <<- EOF
		{"cniVersion": "0.4.0", "name": "nacre-e2e", "plugins": [{"type": "bridge", "bridge": "nacre-e2e",
			"isGateway": true, "ipam": {"type": "host-local", "subnet": "10.95.0.0/24",
			"routes": [{"dst": "0.0.0.0/0"}]}}]}
	EOF
	echo "hello from the host" > served/file
	busybox httpd -f -p 8095 -h served > /dev/null 2>&1 &
	cp -a "$ROOTFS" rootfs
	ctr_runs --cni --detach nacre-e2e-web \
		sh -c 'mkdir -p /w; echo hello from web > /w/file; exec httpd -f -p 80 -h /w'
	expect_equal "status of a detached run" 0 "$STATUS" || show "$ERR"
	ctr_runs --cni --rm nacre-e2e-client sh -c '
		ip -o -4 addr show eth0 | grep -c " 10.95.0.3/24 "
		timeout 20 wget -qO - http://10.95.0.2/file
		timeout 20 wget -qO - http://10.95.0.1:8095/file'
	expect_equal "status of the client" 0 "$STATUS" || show "$ERR"
	expect_out "1
hello from web
hello from the host"
	expect_equal "the host asks" "hello from web" "$(timeout 20 busybox wget -qO - http://10.95.0.2/file)"
	ctr_does task kill --signal KILL nacre-e2e-web
	wait_until $((5 * E2E_SLOW)) task_is nacre-e2e-web STOPPED || failed "the task did not end"
	ctr_does task rm nacre-e2e-web
	ctr_does container rm nacre-e2e-web
	expect_equal "status of container rm" 0 "$STATUS" || show "$ERR"
	ip link del nacre-e2e
	rm -f /etc/cni/net.d/10-nacre-e2e.conflist
}

run_subject "$@"
