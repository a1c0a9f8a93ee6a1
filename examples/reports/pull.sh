#!/bin/sh
# The reports of the last week, committed to a branch that holds nothing else; run it nightly from a clean checkout of the
# branch that has the project file. `halo report pull` skips what is there and never overwrites, so a run that was missed
# or interrupted is made up for by the next one.
set -eu

branch=${REPORTS_BRANCH:-reports}
since=${REPORTS_SINCE:-7d}
tree=$(mktemp -d)
trap 'git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"' EXIT

if git fetch --quiet origin "$branch" 2>/dev/null; then
    git worktree add --quiet --detach "$tree" FETCH_HEAD
else
    git worktree add --quiet --detach "$tree"
    git -C "$tree" switch --quiet --orphan "$branch-first"
fi

# A report that could not be read (exit code 1) does not keep the others from being committed.
code=0
halo report pull --dir "$tree" --since "$since" || code=$?

git -C "$tree" add --all
if ! git -C "$tree" diff --cached --quiet; then
    git -C "$tree" commit --quiet --message "Reports of $(date -u +%Y-%m-%d)"
    git -C "$tree" push --quiet origin "HEAD:refs/heads/$branch"
fi
exit "$code"
