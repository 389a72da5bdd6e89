// Package yamlfmt writes CloudFormation templates as YAML for people: order
// kept, short forms of the common functions, strings quoted wherever some YAML
// reader would see another type.
//
// FromJSON converts a template that is JSON. Parse and Format are for programs
// that change a template: Parse returns nodes in which every function has its
// long form, Format writes nodes in one style.
//
// The package is separate so that the Lambda functions need not link a YAML
// library.
package yamlfmt
