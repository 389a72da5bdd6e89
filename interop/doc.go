// Package interop tests permstack with programs by others, such as cfn-lint, the AWS CLI, boto3, the SAM CLI and the
// AWS CDK. It contains tests only. ./build.sh test installs the tools and passes their paths in environment variables;
// a test whose tool is not installed is skipped.
package interop
