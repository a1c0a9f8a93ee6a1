#!/bin/sh
# Commits the reports of the last week to a branch that contains only reports. Run it nightly from a clean checkout of the
# branch with the project file. `halo report pull` skips existing reports and never overwrites, so the next run completes
# a run that was missed or interrupted.
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

# If a report could not be read (exit code 1), the others are still committed.
code=0
halo report pull --dir "$tree" --since "$since" || code=$?

git -C "$tree" add --all
if ! git -C "$tree" diff --cached --quiet; then
    git -C "$tree" commit --quiet --message "Reports of $(date -u +%Y-%m-%d)"
    git -C "$tree" push --quiet origin "HEAD:refs/heads/$branch"
fi
exit "$code"
