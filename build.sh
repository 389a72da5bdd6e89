#!/usr/bin/env bash
# Builds, tests and judges permstack. Without a command it explains itself.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
usage: ./build.sh COMMAND

  build    make dist/FUNCTION-arm64.zip and -amd64.zip for every function in functions/
  package  build, make templates/ from template.yaml, and put a release into
           dist/release: zips, templates, checksums
  publish  package, and upload it to the bucket of every Region; never overwrites
  site     make the review page, dist/site/index.html
  test     check format and vet, then run every test, judges included
  fuzz     run every fuzz target for a while: ./build.sh fuzz [10m]; 30s each by default
  faults   break every call of every life, then two in a life, then live a thousand in
           a row; docs/reliability.md
  scan     staticcheck, gosec and govulncheck over the code
  bench    cold start, synthesis, calls, sizes beside what people would use instead
  judges   install the outside tools that judge permstack, into .judges/
  clean    delete dist/, .judges/ and .aws-sam/

  ./build.sh package [--version V] [--bucket-prefix P]
  ./build.sh site [--out DIR] [--template-url URL-OF-LAUNCH-STACK.YAML]
  ./build.sh publish --bucket-prefix P --regions R,R… [--version V] [--dry-run]

The bucket of a Region is named P-REGION. The version is what git describe says.

Needed: Go. Where Python 3 and npm are there too, the judges (cfn-lint, moto, the
AWS CLI, boto3, the SAM CLI; iam-simulate, axe-core, a Chromium) are installed into
.judges/ and take part in the tests; where they are not, they are skipped and the tests say so.
HELP
}

say() { printf '== %s\n' "$*"; }

# pin_toolchain makes everything after it use the Go of go.mod, for what is shipped
# and what is said of it: its standard library is in every function.
pin_toolchain() {
  local pinned
  pinned=$(sed -n 's/^toolchain //p' go.mod)
  if GOTOOLCHAIN=$pinned go version >/dev/null 2>&1; then
    export GOTOOLCHAIN=$pinned
  else
    say "$pinned cannot be had: $(go env GOVERSION) takes its place, and the zips differ from a release's"
  fi
}

# build makes the zips that Lambda takes. Two builds of one commit are equal.
build() {
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

# release packs what was built, or publishes it. --version among the arguments
# comes last and wins over what git says.
release() {
  local what=$1 version
  shift
  version=$(git describe --tags --always --dirty 2>/dev/null || echo unreleased)
  build
  say "$what"
  go run ./tools/release templates
  go run ./tools/release "$what" --version "$version" "$@"
}

# judges installs the outside tools of interop/tools.txt, once for every state of
# that list. It never fails: what is not there is skipped by the tests that want it.
judges() {
  local list=interop/tools.txt stamp=.judges/tools.txt
  if cmp -s "$list" "$stamp"; then
    say "judges: in place"
    return 0
  fi
  say "judges: installing (a minute or two, once)"
  rm -rf .judges
  mkdir .judges
  local complete=yes
  install_judges pip python3 || complete=
  install_judges sam python3 || complete=
  install_judges npm npm || complete=
  # An incomplete set is tried again next time.
  [[ -z $complete ]] || cp "$list" "$stamp"
}

# install_judges installs the tools of one kind and says what became of it.
install_judges() {
  local kind=$1 program=$2 tools
  mapfile -t tools < <(sed -n "s/^$kind //p" interop/tools.txt)
  if ! command -v "$program" >/dev/null; then
    say "judges from $kind: skipped: there is no $program"
  elif "install_$kind" "${tools[@]}" >".judges/$kind.log" 2>&1; then
    say "judges from $kind: installed"
    return 0
  else
    say "judges from $kind: skipped: they cannot be installed; the last lines of .judges/$kind.log:"
    tail -n 5 ".judges/$kind.log"
    rm -rf ".judges/$kind"
  fi
  return 1
}

install_pip() {
  python3 -m venv .judges/pip &&
    .judges/pip/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

# The SAM CLI wants other versions of boto3 and cfn-lint than the rest.
install_sam() {
  python3 -m venv .judges/sam &&
    .judges/sam/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

install_npm() {
  mkdir -p .judges/npm && (cd .judges/npm && npm init -y && npm install --no-audit --no-fund "$@") || return
  # The browser is for one kind of machine; elsewhere the tests look for another.
  rm -rf .judges/chromium
  if ! { node interop/chromium.mjs .judges/npm .judges/chromium && .judges/chromium/chromium --version; }; then
    rm -rf .judges/chromium
  fi
}

# point_to_judges tells the tests where the tools are. What is set stays.
point_to_judges() {
  local pip=$PWD/.judges/pip/bin npm=$PWD/.judges/npm
  if [[ -e $pip ]]; then
    export PERMSTACK_PYTHON=${PERMSTACK_PYTHON-$pip/python}
    export PERMSTACK_CFN_LINT=${PERMSTACK_CFN_LINT-$pip/cfn-lint}
    export PERMSTACK_MOTO=${PERMSTACK_MOTO-$pip/moto_server}
    export PERMSTACK_AWS_CLI=${PERMSTACK_AWS_CLI-$pip/aws}
  fi
  if [[ -e .judges/sam ]]; then
    export PERMSTACK_SAM=${PERMSTACK_SAM-$PWD/.judges/sam/bin/sam}
  fi
  if [[ -e .judges/chromium ]]; then
    export PERMSTACK_CHROMIUM=${PERMSTACK_CHROMIUM-$PWD/.judges/chromium/chromium}
  fi
  if [[ -e $npm ]]; then
    export PERMSTACK_IAM_SIMULATE=${PERMSTACK_IAM_SIMULATE-$npm}
    export PERMSTACK_AXE=${PERMSTACK_AXE-$npm/node_modules/axe-core/axe.min.js}
  fi
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
  say "tests"
  local report status=0
  report=$(mktemp)
  go build -o "$report" ./tools/testreport
  # testreport decides: it knows of failures to build, too.
  go test -timeout 9m -json ./... | "$report" || status=1
  if command -v "$(go env CC)" >/dev/null; then
    say "tests of what runs side by side, under the race detector"
    # The rest is pure: values in, values out. Its long tables would take most of
    # an hour here and find nothing.
    go test -race -short -timeout 9m -json ./functions/... ./internal/notify ./internal/cfn/customresource \
      ./internal/drift/detect ./internal/fakeaws/lambdaruntime ./internal/fakeaws/standalone ./internal/fakeaws/... \
      ./internal/provisioner/... ./internal/drift/monitor/... | "$report" || status=1
  else
    say "race detector: skipped: there is no C compiler"
  fi
  rm -f "$report"
  return $status
}

# fuzz runs every target for the time given; what it finds stays in testdata/fuzz.
fuzz() {
  local time=${1:-30s} status=0 file name
  while IFS=: read -r file name; do
    say "$name of $(dirname "$file") for $time"
    go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5s || status=1
  done < <(git ls-files '*_test.go' | xargs grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //')
  return $status
}

# scan runs the tools of interop/tools.txt that read the code. What cannot be had is
# skipped with its reason. Why rules of gosec are left out: CONTRIBUTING.md.
scan() {
  local bin=$PWD/.judges/go tool status=0
  pin_toolchain
  mkdir -p "$bin"
  while read -r tool; do
    GOBIN=$bin go install "$tool" 2>"$bin/log" || say "scan: skipped: $tool cannot be had: $(tail -n 1 "$bin/log")"
  done < <(sed -n 's/^go //p' interop/tools.txt)
  if [[ -x $bin/staticcheck ]]; then
    say "staticcheck"
    "$bin/staticcheck" ./... || status=1
  fi
  if [[ -x $bin/gosec ]]; then
    say "gosec: what runs in customers' accounts"
    go list -deps ./functions/... | sed -n 's#^permstack/#./#p' |
      xargs "$bin/gosec" -quiet -color=false -exclude=G115,G118,G404 || status=1
  fi
  if [[ -x $bin/govulncheck ]]; then
    local said
    say "govulncheck"
    said=$("$bin/govulncheck" ./... 2>&1) || status=1
    if [[ $said == *"fetching vulnerabilities"* ]]; then # its database cannot be reached
      status=0
      if vulnerabilities "$bin"; then
        said=$("$bin/govulncheck" -db "file://$PWD/.judges/vulndb" ./... 2>&1) || status=1
      else
        said="skipped: its database cannot be reached, and that of interop/tools.txt not be made"
      fi
    fi
    echo "$said"
  fi
  return $status
}

# vulnerabilities makes govulncheck's database from the Go module that it is kept in,
# in the version of interop/tools.txt.
vulnerabilities() {
  local version folder
  version=$(sed -n 's/^go golang.org\/x\/vulndb\/cmd\/indexdb@//p' interop/tools.txt)
  folder=$(go mod download -json "golang.org/x/vulndb@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') &&
    "$1/indexdb" -vulns "$folder/data/osv" -out .judges/vulndb &&
    say "govulncheck: with the database of golang.org/x/vulndb $version"
}

case ${1-} in
  build) build ;;
  fuzz) fuzz "${@:2}" ;;
  faults) go run ./tools/faults "${@:2}" ;;
  scan) scan ;;
  bench) go run ./tools/bench "${@:2}" ;;
  package | publish) release "$@" ;;
  site) go run ./tools/site "${@:2}" ;;
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
