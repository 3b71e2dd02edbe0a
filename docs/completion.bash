# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion of nacre's command line for bash. Verbs and options are what `nacre --help` and
# `nacre VERB --help` print, containers what `nacre list` knows.

_nacre_words()	# ARGUMENT… of a help : options and verbs of its lines
{
	nacre "$@" --help 2> /dev/null |
		sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p; s/^  ([a-z]+) .*/\1/p'
}

_nacre()
{
	local word=${COMP_WORDS[COMP_CWORD]} verb='' i choices=''

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root | --log | --log-format | --cgroup-manager | --rootless) i=$((i + 1)) ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]} && break ;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--root | --bundle | --rootfs | -b)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return ;;
	--log | --config | --pid-file | --console-socket | --kernel | --console-log | --process | -p)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	--log-format) choices='text json' ;;
	--cgroup-manager) choices='cgroupfs systemd disabled' ;;
	--format) choices='table json' ;;
	esac
	if [ -z "$choices" ]; then
		choices=$(_nacre_words ${verb:+"$verb"})
		case $verb:$word in
		:* | *:-* | run:* | create:* | list:* | spec:* | features:* | doctor:* | template:*) ;;
		*) choices+=" $(nacre list --quiet 2> /dev/null)" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -F _nacre nacre
