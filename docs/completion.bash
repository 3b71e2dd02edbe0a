# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion of nacre's command line for bash. Verbs and options are what `nacre --help` and
# `nacre VERB --help` print, containers what `nacre list` knows.

_nacre_verbs()
{
	nacre --help 2> /dev/null | sed -nE '/^Verbs:/,$s/^  ([a-z]+) .*/\1/p'
}

_nacre_options()	# [VERB]
{
	nacre "$@" --help 2> /dev/null | sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p'
}

# Those that take a value, a line each, and their letters. The text of a flag stands further to the right.
_nacre_options_with_value()	# [VERB]
{
	nacre "$@" --help 2> /dev/null | sed -nE 's/^  ((-[a-z]), )?(--[a-z-]+) [^ ].*/\2\n\3/p'
}

# Names with SIG, or without, as the word begins.
_nacre_signals()	# WORD
{
	local prefix='s/^SIG//'

	[[ $1 != SIG* ]] || prefix=''
	compgen -A signal SIG | sed "/JUNK/d; $prefix"
}

# The words that an option's value may be; nothing if it may be others.
_nacre_values()	# OPTION VERB
{
	case $2:$1 in
	*:--log-format) echo text json ;;
	*:--cgroup-manager) echo cgroupfs systemd disabled ;;
	*:--rootless) echo auto true false ;;
	*:--net) echo none passt ;;
	*:--cpu-idle) echo 0 1 ;;
	*:--format | ps:-f | list:-f) echo table json ;;
	esac
}

# Reads the line up to the cursor: not COMP_WORDS, which are cut at "=" and ":", too. Sets what _nacre() says.
_nacre_read_line()
{
	local words with_value i

	read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]] || words+=('')
	with_value=$(_nacre_options_with_value)
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]}
		if [ -z "$ended" ] && [[ -z $option && $word = --*=* ]]; then
			option=${word%%=*} word=${word#*=}
		fi
		[ $((i + 1)) -lt ${#words[@]} ] || return
		if [ -n "$option" ]; then
			# shellcheck disable=SC2088  # it is what was typed
			[ "$option" != --root ] || root=${word/#'~/'/$HOME/}
			option=''
		elif [ -z "$ended" ] && [ "$word" = -- ]; then
			ended=1
		elif [ -z "$ended" ] && [[ $word = -?* ]]; then
			! grep -qx -e "$word" <<< "$with_value" || option=$word
		elif [ -z "$verb" ]; then
			verb=$word
			with_value=$(_nacre_options_with_value "$verb")
		else
			n_words=$((n_words + 1))
			# what follows is another program's
			case $verb in run | exec | ps) ended=1 ;; esac
		fi
	done
}

_nacre_reply()	# WORDS
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_nacre()
{
	# the word at the cursor; the option whose value it is; the verb, and how many words stand behind it
	# already; whether options are over; what --root says
	local word='' option='' verb='' n_words=0 ended='' root=''

	_nacre_read_line
	COMPREPLY=()
	case $verb:$option in
	*:) ;;
	*:--root | *:--bundle | *:--rootfs | *:-b)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return ;;
	*:--log | *:--config | create:-f | run:-f | *:--pid-file | *:--console-socket | *:--kernel | \
	*:--console-log | *:--timing | *:--process | exec:-p | *:--resources | update:-r | \
	*:--volume | *:-v | *:--block)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	*)
		_nacre_reply "$(_nacre_values "$option" "$verb")"
		return ;;
	esac
	case $verb:$n_words:$ended:$word in
	*:*::-*) _nacre_reply "$(_nacre_options ${verb:+"$verb"})" ;;
	:*) _nacre_reply "$(_nacre_verbs)" ;;
	state:0:* | start:0:* | exec:0:* | ps:0:* | pause:0:* | resume:0:* | events:0:* | update:0:* | \
	kill:0:* | delete:0:* | layers:0:*)
		_nacre_reply "$(nacre ${root:+--root "$root"} list --quiet 2> /dev/null)" ;;
	kill:1:*) _nacre_reply "$(_nacre_signals "$word")" ;;
	*:0::*) _nacre_reply "$(_nacre_options "$verb")" ;;
	esac
}

complete -F _nacre nacre
