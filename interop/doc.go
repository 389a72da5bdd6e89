// Package judges holds permstack against tools that others wrote: cfn-lint, the
// AWS CLI and boto3. It has tests only. ./build.sh test installs the tools and
// names them in the environment; a test whose tool is not there is skipped.
package interop
