#!/usr/bin/env bash
# Builds, tests and judges permstack. Without a command it explains itself.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
usage: ./build.sh COMMAND

  build    make dist/FUNCTION-arm64.zip and -amd64.zip for every function in functions/
  test     check format and vet, then run every test, judges included
  judges   install the outside tools that judge permstack, into .judges/
  clean    delete dist/, .judges/ and .aws-sam/

Needed: Go. Where Python 3 is there too, the judges (cfn-lint, moto, the AWS CLI,
boto3) are installed into .judges/ and take part in the tests; where it is not,
they are skipped and the tests say so.
HELP
}

say() { printf '== %s\n' "$*"; }

# build makes the zips that Lambda takes. Two builds of one commit are equal.
build() {
  mkdir -p dist
  go build -o dist/.lambdazip ./internal/tools/lambdazip
  local main function arch
  for main in functions/*/main.go; do
    if [[ ! -e $main ]]; then
      echo "build: no functions/*/main.go" >&2
      return 1
    fi
    function=$(basename "$(dirname "$main")")
    for arch in arm64 amd64; do
      say "build $function for $arch"
      CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false \
        -tags lambda.norpc -ldflags "-s -w -buildid=" \
        -o "dist/$function-$arch/bootstrap" "./functions/$function"
      dist/.lambdazip "dist/$function-$arch/bootstrap" "dist/$function-$arch.zip"
    done
  done
  rm dist/.lambdazip
  (cd dist && sha256 ./*.zip | sed 's|\./||' | tee SHA256SUMS)
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# judges installs the outside tools once for every state of their list. It
# never fails: what is not there is skipped by the tests that want it.
judges() {
  local list=judges/requirements.txt stamp=.judges/requirements.txt
  if cmp -s "$list" "$stamp"; then
    say "judges: in place"
    return 0
  fi
  if ! command -v python3 >/dev/null; then
    say "judges: skipped: there is no python3"
    return 0
  fi
  say "judges: installing (a minute or two, once)"
  rm -rf .judges
  mkdir .judges
  if python3 -m venv .judges/venv >.judges/log 2>&1 &&
    .judges/venv/bin/python -m pip install --quiet --disable-pip-version-check \
      --requirement "$list" >>.judges/log 2>&1; then
    cp "$list" "$stamp"
    say "judges: installed"
  else
    say "judges: skipped: they cannot be installed; the last lines of .judges/log:"
    tail -n 5 .judges/log
    rm -rf .judges/venv
  fi
}

# point_to_judges tells the tests where the tools are. What is set stays.
point_to_judges() {
  local bin=$PWD/.judges/venv/bin
  [[ -e .judges/requirements.txt ]] || return 0
  export PERMSTACK_PYTHON=${PERMSTACK_PYTHON-$bin/python}
  export PERMSTACK_CFN_LINT=${PERMSTACK_CFN_LINT-$bin/cfn-lint}
  export PERMSTACK_MOTO=${PERMSTACK_MOTO-$bin/moto_server}
  export PERMSTACK_AWS_CLI=${PERMSTACK_AWS_CLI-$bin/aws}
}

run_tests() {
  say "format"
  local unformatted
  unformatted=$(gofmt -l .)
  if [[ -n $unformatted ]]; then
    printf 'not formatted with gofmt:\n%s\n' "$unformatted" >&2
    return 1
  fi
  judges
  point_to_judges
  say "vet"
  go vet ./...
  local race=-race
  if ! command -v "$(go env CC)" >/dev/null; then
    say "no C compiler: the tests run without the race detector"
    race=
  fi
  say "tests"
  local report
  report=$(mktemp)
  go build -o "$report" ./internal/tools/testreport
  # testreport decides: it knows of failures to build, too.
  local status=0
  go test ${race:+"$race"} -timeout 9m -json ./... | "$report" || status=1
  rm -f "$report"
  return $status
}

case ${1-} in
  build) build ;;
  test) run_tests ;;
  judges) judges ;;
  clean) rm -rf dist .judges .aws-sam ;;
  '' | help | -h | --help) usage ;;
  *)
    printf 'build.sh: unknown command "%s"\n\n' "$1" >&2
    usage >&2
    exit 2
    ;;
esac
