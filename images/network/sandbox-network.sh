#!/bin/sh
# Says where sandboxes on one bridge may connect to: the internet, name servers, and what the operator allows. All
# private destinations, the host itself and other sandboxes are refused. Run in the host's network namespace:
#
#   apply BRIDGE [CIDR | CIDR PORT]...   the rules, whatever was there before; each destination one argument
#   check BRIDGE                         0 when they are in place
#   tidy                                 removes the rules of bridges that are gone
#
# Everything is in two chains of our own a bridge, replaced in one transaction; nothing of anybody else is touched.
set -eu

REFUSED="0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16
  198.18.0.0/15 224.0.0.0/4 240.0.0.0/4"
ESTABLISHED="-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
# Refusals are told, so that a function hears at once what it may not have.
REFUSE="-j REJECT --reject-with icmp-admin-prohibited"

fail() { echo "$1" >&2; exit 1; }

# Debian has two kinds of iptables that do not see each other: the one that the engine uses is the right one.
find_kind() {
  for kind in nft legacy; do
    if "iptables-$kind" -w 5 -C FORWARD -j DOCKER-USER 2>/dev/null; then return; fi
  done
  for kind in nft legacy; do
    if "iptables-$kind" -w 5 -S FORWARD >/dev/null 2>&1; then return; fi
  done
  fail "this machine gives no access to iptables (a rootless engine, or a kernel without it)"
}

v4() { "iptables-$kind" -w 5 "$@"; }
v6() { "ip6tables-$kind" -w 5 "$@"; }

# Where forwarded packets are seen before the engine's own rules.
parent() { if v4 -S DOCKER-USER >/dev/null 2>&1; then echo DOCKER-USER; else echo FORWARD; fi; }

# To the front, in the same transaction as the rest: others may have come before it since.
jump() {
  command=$1 chain=$2; shift 2
  if "$command" -C "$chain" "$@" 2>/dev/null; then echo "-D $chain $*"; fi
  echo "-I $chain 1 $*"
}

# By the destination that the sandbox asked for: a published port of the host leads elsewhere.
allowed() {
  chain=$1; shift
  for destination in "$@"; do
    cidr=${destination%% *}
    if [ "$cidr" = "$destination" ]; then
      echo "-A $chain -m conntrack --ctorigdst $cidr -j ACCEPT"
      continue
    fi
    for protocol in tcp udp; do
      echo "-A $chain -p $protocol -m conntrack --ctorigdst $cidr --ctorigdstport ${destination#* } -j ACCEPT"
    done
  done
  for server in $(sed -n 's/^nameserver *\([0-9.]*\) *$/\1/p' /etc/resolv.conf); do
    for protocol in tcp udp; do
      echo "-A $chain -d $server -p $protocol -m $protocol --dport 53 -j ACCEPT"
    done
  done
}

rules() {
  echo '*filter'
  echo ":$forward - [0:0]"
  echo "-A $forward $ESTABLISHED"
  echo "-A $forward -o $bridge -j DROP"
  allowed "$forward" "$@"
  for cidr in $REFUSED; do echo "-A $forward -d $cidr $REFUSE"; done
  echo ":$input - [0:0]"
  echo "-A $input $ESTABLISHED"
  allowed "$input" "$@"
  echo "-A $input $REFUSE"
  jump v4 "$(parent)" -i "$bridge" -j "$forward"
  jump v4 "$(parent)" -o "$bridge" -j "$forward"
  jump v4 INPUT -i "$bridge" -j "$input"
  echo COMMIT
}

# Sandboxes have no IPv6; what they send all the same goes nowhere.
rules6() {
  echo '*filter'
  printf '%s\n' ":$forward - [0:0]" "-A $forward -j DROP" ":$input - [0:0]" "-A $input -j DROP"
  jump v6 FORWARD -i "$bridge" -j "$forward"
  jump v6 FORWARD -o "$bridge" -j "$forward"
  jump v6 INPUT -i "$bridge" -j "$input"
  echo COMMIT
}

# Every jump to a chain, then the chain.
remove() {
  command=$1 chain=$2
  "$command" -S | grep -E -- "-j $chain\$" | while read -r _ rule; do
    # shellcheck disable=SC2086 # the rule is words
    "$command" -D $rule
  done
  "$command" -F "$chain"
  "$command" -X "$chain"
}

tidy() {
  for command in v4 v6; do
    "$command" -S 2>/dev/null | sed -n 's/^-N \(HEARTH-[A-Z]*-\)\(.*\)$/\1\2 \2/p' | while read -r chain of; do
      if [ ! -e "/sys/class/net/$of" ]; then remove "$command" "$chain"; fi
    done
  done
}

check() {
  v4 -C "$(parent)" -i "$bridge" -j "$forward" 2>/dev/null \
    && v4 -C INPUT -i "$bridge" -j "$input" 2>/dev/null \
    || fail "the rules of $bridge are not in place"
  # Without this the kernel does not show us what goes from one sandbox to another.
  [ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null)" = 1 ] \
    || fail "sandboxes can reach one another: load the kernel's br_netfilter and set net.bridge.bridge-nf-call-iptables=1"
}

verb=$1; shift
find_kind
if [ "$verb" = tidy ]; then tidy; exit; fi
bridge=$1; shift
forward=HEARTH-FW-$bridge
input=HEARTH-IN-$bridge
if [ "$verb" = apply ]; then
  tidy
  rules "$@" | "iptables-$kind-restore" -w 5 --noflush || fail "the kernel refused the rules"
  if v6 -S INPUT >/dev/null 2>&1; then
    rules6 | "ip6tables-$kind-restore" -w 5 --noflush || fail "the kernel refused the rules for IPv6"
  fi
fi
check
