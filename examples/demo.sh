#!/bin/sh
# The main job, end to end, on the sandbox: plan, apply, a second plan without a change, an edit and its plan, a report.
# Works on a copy in a temporary folder, with no key and no network; `make demo` runs it with halo on the PATH.
set -eu

for name in $(env | sed -n 's/^\(INF_[A-Za-z0-9_]*\)=.*/\1/p; s/^\(HALO_[A-Za-z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done

here=$(cd "$(dirname "$0")/.." && pwd)
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cp "$here/halo.yaml" "$there/halo.yaml"
cd "$there"

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

step() {
    printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
}

step "halo plan --sandbox"
halo plan --sandbox

step "halo apply --sandbox --yes"
halo apply --sandbox --yes

step "halo plan --sandbox --detailed-exitcode    # again: nothing left to do"
halo plan --sandbox --detailed-exitcode

step "sed -i 's/\"09:00\"/\"08:30\"/' halo.yaml && halo plan --sandbox"
sed 's/"09:00"/"08:30"/' halo.yaml > edited.yaml
mv edited.yaml halo.yaml
halo plan --sandbox

step "halo report run --schedule checkout-daily --sandbox --interval 1"
halo report run --schedule checkout-daily --sandbox --interval 1
