#!/usr/bin/env bash
# Compares the access of two versions for action.yml. It writes the comment, the SARIF file, the job summary and the
# outputs, and ends with status 1 if access grows, 2 if the comparison failed or is incomplete.
#
# Variables: PERMSTACK, INPUT_FILE with BASE_SHA, or INPUT_FROM and INPUT_TO; INPUT_SARIF, INPUT_FAIL, COMMENT_FILE;
# GITHUB_OUTPUT and GITHUB_STEP_SUMMARY, which may be missing.
set -euo pipefail

fail() {
  printf '::error title=permstack::%s\n' "$1"
  exit 2
}

if [[ -n ${INPUT_FILE-} && -n ${INPUT_FROM-}${INPUT_TO-} ]]; then
  fail "give file, or from and to"
elif [[ -n ${INPUT_FILE-} ]]; then
  [[ -n ${BASE_SHA-} ]] || fail "file needs the event pull_request, which has a base; give from and to for other events"
  [[ -e $INPUT_FILE ]] || fail "$INPUT_FILE does not exist"
  base=$(mktemp -d)
  trap 'rm -rf "$base"' EXIT
  if [[ -z $(git ls-tree --name-only "$BASE_SHA" -- "${INPUT_FILE%/}") ]]; then
    # A file that is new: everything in it is new. A policy must have a statement; this call needs no permission, and a
    # Deny of it has no effect (IAM User Guide, "Policy evaluation logic"; STS API Reference, GetCallerIdentity).
    from=$base/nothing.json
    printf '{"Version": "2012-10-17", "Statement": %s}\n' \
      '{"Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*"}' >"$from"
  else
    git archive "$BASE_SHA" -- "${INPUT_FILE%/}" | tar -x -C "$base"
    from=$base/${INPUT_FILE%/}
  fi
  to=$INPUT_FILE
elif [[ -n ${INPUT_FROM-} && -n ${INPUT_TO-} ]]; then
  from=$INPUT_FROM to=$INPUT_TO
else
  fail "give file, or from and to"
fi

sarif=${INPUT_SARIF:-permstack.sarif}
status=0
"${PERMSTACK:-permstack}" diff --output markdown -- "$from" "$to" >"$COMMENT_FILE" || status=$?
if [[ ! -s $COMMENT_FILE ]]; then
  fail "the comparison could not run: see the message above"
fi
"${PERMSTACK:-permstack}" diff --output sarif -- "$from" "$to" >"$sarif" || true
if [[ -n ${base-} ]]; then # the path of the copy means nothing to a reader
  sed -i.old "s|$base/||g" "$COMMENT_FILE" "$sarif"
  rm -f "$COMMENT_FILE.old" "$sarif.old"
fi

grows=false
[[ $status -ne 1 ]] || grows=true
{
  echo "compared=true"
  echo "grows=$grows"
  echo "sarif=$sarif"
} >>"${GITHUB_OUTPUT:-/dev/null}"
cat "$COMMENT_FILE" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
if [[ $status -eq 1 && ${INPUT_FAIL-true} != true ]]; then
  status=0
fi
exit "$status"
