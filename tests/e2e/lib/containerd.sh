# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A containerd with everything of its own below ./c; in_ctr is the subject's.

# With ./c/config.toml. Sets DAEMON.
run_containerd()
{
	containerd --config c/config.toml --root "$PWD/c/root" --state "$PWD/c/state" \
		--address "$PWD/c/sock" > c/log 2>&1 &
	DAEMON=$!
	trap 'kill "$DAEMON"' EXIT
	wait_until $((10 * E2E_SLOW)) in_ctr version > /dev/null 2>&1 ||
		give_up "containerd does not start: $(tail -n 1 c/log)"
}
