# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Asking podman, whoever drives it: in_podman is podman.sh's or podman-user.sh's.

accept_any_image()
{
	mkdir -p /etc/containers
	[ -e /etc/containers/policy.json ] ||
		echo '{"default":[{"type":"insecureAcceptAnything"}]}' > /etc/containers/policy.json
}

# Runs podman to its end. Sets STATUS, OUT, ERR.
podman_does()	# ARGUMENT…
{
	in_podman "$@" < /dev/null > out 2> err
	STATUS=$?
	take_output
}

# Runs podman, which must succeed with that output.
podman_says()	# OUT ARGUMENT…
{
	local wanted=$1

	shift
	podman_does "$@"
	expect_equal "status of: podman $*" 0 "$STATUS" || show "$ERR"
	expect_equal "output of: podman $*" "$wanted" "$OUT"
}

# A pod with one container, from its making to its end. A second container is refused.
podman_pod_lives()	# [OPTION…] : of the container
{
	podman_does pod create --name nacre-e2e-pod --hostname nacre-pod --network none
	expect_equal "status of pod create" 0 "$STATUS" || show "$ERR"
	podman_does run -d --pod nacre-e2e-pod --name nacre-e2e-member "$@" localhost/busybox \
		sh -c 'trap "exit 5" TERM; hostname; while :; do sleep 0.2; done'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	podman_says nacre-pod exec nacre-e2e-member hostname
	podman_does run --rm --pod nacre-e2e-pod localhost/busybox true
	expect_match "a second container" "pod [0-9a-f]+ has the container [0-9a-f]+ already" "$ERR"
	podman_does pod stop nacre-e2e-pod
	expect_equal "status of pod stop" 0 "$STATUS" || show "$ERR"
	podman_says 5 inspect --format '{{.State.ExitCode}}' nacre-e2e-member
	podman_says nacre-pod logs nacre-e2e-member
	podman_does pod rm nacre-e2e-pod
	expect_equal "status of pod rm" 0 "$STATUS" || show "$ERR"
}

# What an option of run asks for, and commands on a container that runs: one start, and one more.
podman_lives_more()	# [OPTION…] : of the container
{
	mkdir -p volume
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' > profile.json
	podman_does run -d --name nacre-e2e-life "$@" --ulimit nofile=77:99 --sysctl net.ipv4.ip_default_ttl=33 \
		--cap-add NET_ADMIN --cap-drop CHOWN --security-opt seccomp="$PWD/profile.json" --cpus 1 \
		--security-opt label=disable --hostname here -v "$PWD/volume:/v:Z" \
		--health-cmd 'test -e /v/healthy' --health-interval disable localhost/busybox \
		sh -c 'echo up; echo start >> /v/starts; trap "exit 5" TERM; while :; do sleep 0.2; done'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((5 * E2E_SLOW)) says_up || failed "logs do not say up"
	podman_does exec nacre-e2e-life sh -c 'ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl; hostname
		while read -r name value; do [ "$name" != CapEff: ] || caps=$value; done < /proc/self/status
		echo $((0x$caps & 0x1001)); mkdir /tmp/x 2> /dev/null || echo no mkdir; echo kept > /kept'
	expect_out $'77\n33\nhere\n4096\nno mkdir'

	podman_does pause nacre-e2e-life
	expect_equal "status of pause" 0 "$STATUS" || show "$ERR"
	podman_says paused inspect --format '{{.State.Status}}' nacre-e2e-life
	podman_does unpause nacre-e2e-life
	expect_equal "status of unpause" 0 "$STATUS" || show "$ERR"
	podman_says running inspect --format '{{.State.Status}}' nacre-e2e-life
	podman_does top nacre-e2e-life -o pid,comm
	expect_match "top" $'^PID +COMMAND\n +1 sh\n' "$OUT" || show "$ERR"
	podman_does stats --no-stream --format '{{.Name}} {{.PIDs}}' nacre-e2e-life
	expect_match "stats" '^nacre-e2e-life [1-9][0-9]*$' "$OUT" || show "$ERR"
	podman_does healthcheck run nacre-e2e-life
	expect_equal "status of a health check that fails" 1 "$STATUS"
	: > volume/healthy
	podman_does healthcheck run nacre-e2e-life
	expect_equal "status of a health check" 0 "$STATUS" || show "$ERR"

	podman_does commit --quiet nacre-e2e-life localhost/nacre-e2e-committed
	expect_equal "status of commit" 0 "$STATUS" || show "$ERR"
	podman_says running inspect --format '{{.State.Status}}' nacre-e2e-life
	podman_does restart --time 5 nacre-e2e-life
	expect_equal "status of restart" 0 "$STATUS" || show "$ERR"
	wait_until $((5 * E2E_SLOW)) has_starts 2 || failed "it did not start again"
	podman_does rm --force --time 0 nacre-e2e-life
	expect_equal "status of rm --force" 0 "$STATUS" || show "$ERR"
	podman_says kept run --rm "$@" localhost/nacre-e2e-committed cat /kept
}

says_up()
{
	in_podman logs nacre-e2e-life > logs 2>&1
	has_line logs up
}

has_starts()	# N
{
	[ "$(grep -c start volume/starts)" = "$1" ]
}
